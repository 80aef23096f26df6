//! Conditions of a ConfigurationState, in MetalLB's words.

use super::reasons;

reasons! {
    /// What the allocator makes of pools, advertisements and routers.
    PoolReconciler of "poolReconcilerValid" {
        Reconciled: True, "Everything could be read; nothing to do.";
        ConfigurationError: False, "An object is wrong: status.errorSummary names it and the fix; everything else works.";
        UnknownError: Unknown, "The configuration could not be looked at: see the allocator's log.";
    }
}

reasons! {
    /// What the speaker of one node makes of the configuration.
    ConfigReconciler of "configReconcilerValid" {
        Reconciled: True, "Everything could be read; nothing to do.";
        ConfigurationError: False, "An object is wrong: status.errorSummary names it and the fix; everything else works.";
        UnknownError: Unknown, "The configuration could not be looked at: see this speaker's log.";
    }
}
