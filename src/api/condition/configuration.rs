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

reasons! {
    /// Which networks this node can announce in: its message lists them, `<interface> <address>/<prefix>` with commas.
    Networks of "networksConnected" {
        Connected: True, "The node has addresses in these networks; a pool outside of all nodes' networks reaches nobody.";
        NoNetwork: False, "No interface of the node can announce: each is down, excluded by name, or has no address that stays.";
    }
}

reasons! {
    /// Whether everything that is written has an effect. What has none makes no configuration invalid.
    Effects of "everythingInEffect" {
        InEffect: True, "Everything that is written has an effect; nothing to do.";
        WithoutEffect: False, "What the message names has no effect as things are: correct it, or leave it if what it is for comes later.";
    }
}

reasons! {
    /// Whether the node answers alone for what it announces, as far as other nodes go. Strangers have an AddressConflict.
    Announced of "announcedAlone" {
        Alone: True, "No other node answers for an address that this node announces; nothing to do.";
        NodeAnswersARP: False, "Something else on another node answers ARP for addresses that this node announces: set ipvs.strictARP: true where kube-proxy runs in IPVS mode, and stop other load balancers there.";
    }
}

reasons! {
    /// Whether this speaker hears the others, which failover rests on.
    Heartbeats of "heartbeatsHeard" {
        Heard: True, "Every ready speaker is heard and hears this one; nothing to do.";
        NotHeard: False, "Ready speakers are not heard: allow the heartbeat port (UDP 7946 unless --heartbeat-port says otherwise) between the nodes.";
        OtherKey: False, "Heartbeats with another key arrive: all speakers must read the same Secret tiklb-heartbeat; delete it, and the allocator makes a new one.";
    }
}
