//! Which Service gets which address, and why.
//!
//! The [`Ledger`] is the authority on who holds what. A Service's status is the persistent store it is rebuilt from,
//! so a restart keeps every address that is already in one; after that a stale copy of a Service without its
//! status never frees or swaps an address.
//!
//! What is assigned moves by nothing but the user: a request that cannot be met, a garbled annotation or a pool
//! that became unreadable leaves a Service where it is and says so.
//!
//! **Invariant:** two Services never hold one address unless they share it by the sharing rules ([`sharing`]).

pub mod decision;
pub mod ground;
pub mod ledger;
pub mod request;
mod runs;
mod search;
pub mod sharing;
mod standing;

pub use decision::{Because, Decision, Lost, Outcome};
pub use ground::Ground;
pub use ledger::{Assignment, Ledger};
pub use request::{Families, Request, RequestError, Wanted};

use std::fmt;
use std::net::IpAddr;

use crate::model::MacAddr;

/// What the network says of an address that nobody holds in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It may be used.
    Free,
    /// Someone else has it.
    Held(Holder),
    /// A static lease that somebody else wrote reserves it, and nothing else speaks against it: for a Service that says
    /// it is meant for it ([`request::USE_EXISTING_LEASE`]) it is free.
    Reserved(Holder),
    /// Nobody has it, and the router points others to it (as DNS server, by a port forward): a Service that names it is
    /// meant, one that asks for any address is not. The holder says as what.
    OnRequest(Holder),
    /// Nobody is known to have it, but that is not proof enough yet.
    Unproven(String),
}

impl Availability {
    /// Who has it, or is meant to.
    pub fn holder(&self) -> Option<&Holder> {
        match self {
            Self::Held(holder) | Self::Reserved(holder) | Self::OnRequest(holder) => Some(holder),
            Self::Free | Self::Unproven(_) => None,
        }
    }
}

/// Who else has an address, as well as it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Whose it is, in the words of whoever knows: a host name, a comment, "the router itself".
    pub name: Option<String>,
    /// Its MAC address.
    pub mac: Option<MacAddr>,
    /// What says so: "DHCP lease on MikroTik", "answers ARP on node-a".
    pub evidence: String,
}

impl Holder {
    /// What is known of whoever was seen with an address, if another witness knows the same device by its name.
    #[must_use]
    pub fn or_known_as(self, other: Option<&Self>) -> Self {
        let same = other.filter(|other| self.name.is_none() && other.name.is_some() && other.mac == self.mac);
        same.cloned().unwrap_or(self)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.mac) {
            (Some(name), Some(mac)) => write!(f, "{name} ({mac}, {})", self.evidence),
            (Some(name), None) => write!(f, "{name} ({})", self.evidence),
            (None, Some(mac)) => write!(f, "{mac} ({})", self.evidence),
            (None, None) => f.write_str(&self.evidence),
        }
    }
}

/// What the network knows. Asked for addresses that nobody holds in the ledger.
pub trait Occupancy {
    /// Whether a Service may be given this address now.
    fn of(&self, address: IpAddr) -> Availability;
}

#[cfg(test)]
pub(crate) mod tests;
