//! Conditions of a `MikrotikRouter`.

#![expect(
    clippy::doc_markdown,
    reason = "each sentence is also shown to a person, where backticks are for what they type"
)]

use super::{Known, Reason as _, reasons};

reasons! {
    /// Whether the router answers and can be worked with.
    Reachable of "Reachable" {
        Reading: Unknown, "The router is being read for the first time; wait a few seconds.";
        Reachable: True, "The router answers; nothing to do.";
        Unreachable: False, "No answer: check spec.url, the network, and whether `/ip/service` on the router lets this cluster's nodes in. Addresses that are in use stay in use.";
        CertificateRejected: False, "The router's certificate does not match spec.tls: correct the CA, the pin or serverName; the message shows the certificate that was offered.";
        NoRest: False, "Something answers at spec.url that is not RouterOS's REST API: enable the service www-ssl with a certificate, and in RouterOS 7.21 or later `rest-secure` under /ip/service/webserver.";
        VersionTooOld: False, "tiklb needs RouterOS 7.12 or later: upgrade the router, best to the newest long-term version.";
        Rebooting: False, "The router restarted a moment ago: tiklb waits until two readings agree.";
        InvalidSpec: Unknown, "The spec cannot be used: correct the field that the message names.";
        Paused: Unknown, "spec.mode is Paused: the router is not read; set Enforce or DryRun to go on.";
    }
}

reasons! {
    /// Whether the credentials suffice.
    Authorized of "Authorized" {
        Reading: Unknown, "The router did not answer yet: see the condition Reachable.";
        Authorized: True, "The credentials work; where the message names a menu that may not be read, who has addresses by that menu is not known.";
        WrongCredentials: False, "The router refused the user or password: correct the Secret that spec.credentialsSecretRef names, and see that /user lets this cluster's addresses in; no restart is needed.";
        PolicyMissing: False, "The user's group lacks a policy: it needs read, write, api and rest-api (`/user/group set <group> policy=read,write,api,rest-api`).";
        SecretMissing: False, "The Secret that spec.credentialsSecretRef or spec.tls.caSecretRef names does not exist or lacks a key: create it in this namespace with the keys that the message names.";
    }
}

reasons! {
    /// Whether the router's DHCP server can no longer hand out load-balancer addresses.
    PoolsExcluded of "PoolsExcluded" {
        Reading: Unknown, "The router did not answer yet: see the condition Reachable.";
        Pending: False, "The range is still in a DHCP pool: tiklb waits for two equal readings, or for its write to be read back.";
        Excluded: True, "The range was cut out of the DHCP pools that status.taken lists; nothing to do.";
        NothingToExclude: True, "No DHCP pool holds any of the addresses; nothing was taken and nothing will be given back.";
        PoolNotFound: False, "A pool named in spec.dhcp.pools does not exist on the router: correct the name or remove it.";
        RangeNotConnected: False, "The router has no interface in the range's network, or serves no DHCP there: correct the IPAddressPool, or limit spec.poolSelector.";
        TooFewAddressesLeft: False, "Cutting the range would leave fewer than spec.dhcp.minFreeAddresses: make the IPAddressPool smaller, the DHCP pool larger, or the minimum lower.";
        PoolShared: False, "Something besides a DHCP server uses the pool (PPP, a hotspot, IPsec, a matcher, another pool's next-pool), as the message says: give it a pool of its own, or name the pool in spec.dhcp.pools if that is fine. Or somebody uses our own row in /ip/pool: choose another pool there.";
        NodeAddressInRange: False, "A node of this cluster has an address inside the range: move the node or the range.";
        RangeOfAnotherCluster: False, "Another cluster's row on the router holds some of the range: give each cluster its own part of the network, or release what a cluster that is no more left there (tiklb release).";
        DryRun: False, "Nothing is written in this mode: status.pendingPlan shows what would be done; set spec.mode to Enforce to do it.";
        Paused: Unknown, "spec.mode is Paused: the router is not read; set Enforce or DryRun to go on.";
        ShrinkingOff: False, "A DHCP pool still hands out the range and spec.dhcp.shrinkPools is false: take it out of the pool's ranges by hand, or set shrinkPools to true.";
        TakenBack: False, "Someone put the range back into the DHCP pool again and again within 24 hours: tiklb leaves it; take it out by hand or set spec.mode to Paused and back, or remove the IPAddressPool.";
    }
}

reasons! {
    /// Whether every address has its rows on the router.
    ReservationsInSync of "ReservationsInSync" {
        Reading: Unknown, "The router did not answer yet: see the condition Reachable.";
        InSync: True, "Every address has its rows; nothing to do.";
        Writing: False, "Rows are being written; wait a few seconds.";
        WriteFailed: False, "The router refused a row: the message shows its words; tiklb tries again.";
        ForeignRow: False, "A row that is not tiklb's stands in the way and is left alone: remove it on the router, or give the Service another address.";
        LeftAlone: False, "Somebody changed or removed a row of tiklb's again and again, so it is left as they want it: decide who has it; to have it made again, set spec.mode to Paused and back.";
        AwaitingConfirmation: False, "Most rows or a whole range would be removed, which a slip in Git can cause as well: look at status.pendingPlan, and write the hash that the message names into the annotation tiklb.io/confirm if it is meant.";
        SameRouter: False, "An older MikrotikRouter is about the same router, by its url or its serial number: delete one of the two.";
        SafeMode: False, "Somebody holds Safe Mode on the router, and what is written meanwhile may be undone with their changes: release it there; nothing is lost by waiting.";
        SerialChanged: False, "The board's serial number (of a board without one, its name) is not the recorded one: if it was replaced, write the new one in spec.acceptSerial; if not, correct spec.url, which must be one router's own address.";
        OwnedByOtherInstance: False, "Rows of this clusterName belong to another cluster: choose another clusterName, or, if that cluster was replaced by this one, write its UID in spec.adoptFrom.";
        DryRun: False, "Nothing is written in this mode: status.pendingPlan shows what would be done; set spec.mode to Enforce to do it.";
        Paused: Unknown, "spec.mode is Paused: the router is not read; set Enforce or DryRun to go on.";
    }
}

reasons! {
    /// Whether the load-balancer addresses are free of other users.
    NoConflicts of "NoConflicts" {
        Reading: Unknown, "The router did not answer yet: see the condition Reachable.";
        NoConflicts: True, "Nobody else uses any of the addresses; nothing to do.";
        AddressesHeld: False, "Devices use the addresses in status.conflicts, which no Service gets before they are free: wait until their leases end, reconnect them, or move those with a fixed address.";
    }
}

reasons! {
    /// Whether an ARP row on the router keeps its own traffic from following a failover while the allocator is away.
    FailoverLimited of "FailoverLimited" {
        NoRows: False, "tiklb keeps no ARP rows on this router; failover is not limited.";
        Visible: False, "The ARP rows are disabled and only to be seen; failover is not limited.";
        ReplyOnly: True, "An interface has arp=reply-only, so the row is enabled: after a failover the router follows when tiklb rewrites it; set the interface to arp=enabled to be independent of that.";
        Always: True, "spec.reservations.arp is Always: after a failover the router follows when tiklb rewrites the rows; set Visible to be independent of that.";
    }
}

/// Every reason of every condition above, in this order: what documentation and checks go by.
pub fn known() -> Vec<Known> {
    let mut all = Reachable::known();
    all.extend(Authorized::known());
    all.extend(PoolsExcluded::known());
    all.extend(ReservationsInSync::known());
    all.extend(NoConflicts::known());
    all.extend(FailoverLimited::known());
    all
}
