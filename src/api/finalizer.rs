//! Names of finalizers.

/// On a MikrotikRouter: the object stays until the router has been given back what was taken from it.
pub const RELEASE: &str = "tiklb.io/release";
