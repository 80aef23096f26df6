//! Other load balancers, which benches run beside tiklb: built from Go modules in `go/` as the
//! [cluster's programs](crate::cluster) are, or as the machine has them installed.

pub mod keepalived;
pub mod metallb;
