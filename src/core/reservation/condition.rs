//! What a MikrotikRouter's status says: conditions with reasons from a closed list, and the facts beside them.

use std::collections::BTreeMap;

use crate::config::object::{Confirmed, Taken};
use crate::model::Timestamp;

/// The condition types of a MikrotikRouter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionKind {
    /// The router was read.
    Reachable,
    /// The account may do what is needed.
    Authorized,
    /// No DHCP client can be given an address of our ranges.
    PoolsExcluded,
    /// Our rows are as they should be.
    ReservationsInSync,
    /// Nobody else has an address of our ranges.
    NoConflicts,
    /// Traffic through the router would wait for the router at a failover.
    FailoverLimited,
}

impl ConditionKind {
    /// The condition's `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reachable => "Reachable",
            Self::Authorized => "Authorized",
            Self::PoolsExcluded => "PoolsExcluded",
            Self::ReservationsInSync => "ReservationsInSync",
            Self::NoConflicts => "NoConflicts",
            Self::FailoverLimited => "FailoverLimited",
        }
    }
}

/// A condition's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// `True`
    True,
    /// `False`
    False,
    /// `Unknown`
    Unknown,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its status.
    pub truth: Truth,
    /// From the closed list of the API.
    pub reason: &'static str,
    /// What is the case and what to do about it.
    pub message: String,
}

impl Condition {
    pub(super) fn yes(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            truth: Truth::True,
            reason,
            message: message.into(),
        }
    }

    pub(super) fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            truth: Truth::False,
            reason,
            message: message.into(),
        }
    }

    pub(super) fn unknown(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            truth: Truth::Unknown,
            reason,
            message: message.into(),
        }
    }
}

/// Every reason there is, with the status that goes with it: the closed list. A debug build refuses any other.
pub const REASONS: &[(ConditionKind, Truth, &str)] = {
    use ConditionKind::{
        Authorized, FailoverLimited, NoConflicts, PoolsExcluded, Reachable, ReservationsInSync,
    };
    use Truth::{False, True, Unknown};
    &[
        (Reachable, Unknown, "Reading"),
        (Reachable, True, "Reachable"),
        (Reachable, False, "Unreachable"),
        (Reachable, False, "CertificateRejected"),
        (Reachable, False, "NoRest"),
        (Reachable, False, "VersionTooOld"),
        (Reachable, False, "Rebooting"),
        (Reachable, Unknown, "InvalidSpec"),
        (Reachable, Unknown, "Paused"),
        (Authorized, Unknown, "Reading"),
        (Authorized, True, "Authorized"),
        (Authorized, False, "WrongCredentials"),
        (Authorized, False, "PolicyMissing"),
        (Authorized, False, "SecretMissing"),
        (PoolsExcluded, Unknown, "Reading"),
        (PoolsExcluded, False, "Pending"),
        (PoolsExcluded, True, "Excluded"),
        (PoolsExcluded, True, "NothingToExclude"),
        (PoolsExcluded, False, "PoolNotFound"),
        (PoolsExcluded, False, "RangeNotConnected"),
        (PoolsExcluded, False, "TooFewAddressesLeft"),
        (PoolsExcluded, False, "PoolShared"),
        (PoolsExcluded, False, "NodeAddressInRange"),
        (PoolsExcluded, False, "RangeOfAnotherCluster"),
        (PoolsExcluded, False, "ShrinkingOff"),
        (PoolsExcluded, False, "DryRun"),
        (PoolsExcluded, Unknown, "Paused"),
        (PoolsExcluded, False, "TakenBack"),
        (ReservationsInSync, Unknown, "Reading"),
        (ReservationsInSync, True, "InSync"),
        (ReservationsInSync, False, "Writing"),
        (ReservationsInSync, False, "WriteFailed"),
        (ReservationsInSync, False, "ForeignRow"),
        (ReservationsInSync, False, "LeftAlone"),
        (ReservationsInSync, False, "AwaitingConfirmation"),
        (ReservationsInSync, False, "SameRouter"),
        (ReservationsInSync, False, "SafeMode"),
        (ReservationsInSync, False, "SerialChanged"),
        (ReservationsInSync, False, "OwnedByOtherInstance"),
        (ReservationsInSync, False, "DryRun"),
        (ReservationsInSync, Unknown, "Paused"),
        (NoConflicts, Unknown, "Reading"),
        (NoConflicts, True, "NoConflicts"),
        (NoConflicts, False, "AddressesHeld"),
        (FailoverLimited, False, "NoRows"),
        (FailoverLimited, False, "Visible"),
        (FailoverLimited, True, "ReplyOnly"),
        (FailoverLimited, True, "Always"),
    ]
};

/// Whether a condition says something out of [`REASONS`].
pub(super) fn is_listed(kind: ConditionKind, condition: &Condition) -> bool {
    let said = (kind, condition.truth, condition.reason);
    REASONS.contains(&said)
}

/// All conditions of one router.
pub type Conditions = BTreeMap<ConditionKind, Condition>;

/// At most this many entries of a list stand in a status; the rest is a number.
pub const LISTED: usize = 20;

/// A list that is cut to what a person reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The first entries.
    pub entries: Vec<String>,
    /// How many more there are.
    pub truncated: usize,
}

impl FromIterator<String> for Listing {
    fn from_iter<I: IntoIterator<Item = String>>(all: I) -> Self {
        let mut listing = Self::default();
        for entry in all {
            if listing.entries.len() < LISTED {
                listing.entries.push(entry);
            } else {
                listing.truncated += 1;
            }
        }
        listing
    }
}

/// The wanted status of a MikrotikRouter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouterStatus {
    /// All conditions.
    pub conditions: Conditions,
    /// The router's name.
    pub identity: String,
    /// Its model.
    pub board: String,
    /// Its RouterOS version.
    pub version: String,
    /// Its serial number, if it has one.
    pub serial: Option<String>,
    /// The object's record could not be read: what the API has of `identity`, `serial` and `taken` stays as it is.
    pub record_unknown: bool,
    /// What we removed from its pools; recorded before it is removed.
    pub taken: Vec<Taken>,
    /// Rows of ours on it.
    pub leases: usize,
    /// ARP rows of ours on it.
    pub arps: usize,
    /// Addresses that should have a lease row.
    pub wanted: usize,
    /// Addresses of our ranges that someone else has.
    pub conflicts: Listing,
    /// Writes that are not made (dry run), or not made yet.
    pub pending: Listing,
    /// A person's last word for removals, and what of it is still to be done; stored before it is begun.
    pub confirmed: Confirmed,
    /// When the router was last found or brought to the wanted state.
    pub last_sync: Option<Timestamp>,
    /// The generation of the spec that this is about.
    pub observed_generation: i64,
}
