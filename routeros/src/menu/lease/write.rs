//! What may be written to `/ip/dhcp-server/lease`.

use std::fmt;
use std::net::Ipv4Addr;

use crate::menu::write::Unmet;
use crate::menu::{Comment, Edit, NewRow, Properties, Sealed, Writable};
use crate::value::{LocalMac, Reference};

use super::{Lease, LeaseAddress, LeaseServer};

/// A static lease to add: a claim, so it is marked and its MAC address is made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLease {
    /// The address it claims.
    pub address: Ipv4Addr,
    /// An address that no device has; unique within the server.
    pub mac_address: LocalMac,
    /// The name of the server that serves the address's network.
    pub server: String,
    /// The mark.
    pub comment: Comment,
}

/// What to set of a static lease of ours. Its address is not among it: another address is another claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeaseChange {
    /// The made-up MAC address.
    pub mac_address: Option<LocalMac>,
    /// The server, by name.
    pub server: Option<String>,
    /// The mark.
    pub comment: Option<Comment>,
    /// A lease that is switched off claims nothing.
    pub disabled: Option<bool>,
}

/// A static lease as it was when a write to it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedLease {
    /// What it assigns.
    pub address: LeaseAddress,
    /// Its comment, with the mark.
    pub comment: Option<String>,
}

impl fmt::Display for ExpectedLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            LeaseAddress::Ip(address) => write!(f, "lease of {address}")?,
            LeaseAddress::Pool(pool) => write!(f, "lease from pool {pool}")?,
            LeaseAddress::ServerPool => f.write_str("lease from the server's pool")?,
        }
        self.comment
            .iter()
            .try_for_each(|comment| write!(f, " ({comment})"))
    }
}

impl Writable for Lease {
    type New = NewLease;
    type Change = LeaseChange;
    type Expected = ExpectedLease;

    const WRITABLE: &'static [&'static str] = &["address", "mac-address", "server", "comment", "disabled"];

    fn expected(&self) -> ExpectedLease {
        ExpectedLease {
            address: self.address.clone(),
            comment: self.comment.clone(),
        }
    }

    fn permits(&self, _: Edit<'_, Self>) -> Result<(), &'static str> {
        if self.dynamic {
            return Err(
                "the lease is dynamic: it belongs to a client, which would keep the address regardless",
            );
        }
        if self.comment.is_none() {
            return Err("the lease has no comment, so it is nobody's but its owner's");
        }
        Ok(())
    }
}

impl Sealed for NewLease {}

impl Properties<Lease> for NewLease {
    fn properties(&self) -> Vec<(&'static str, String)> {
        vec![
            ("address", self.address.to_string()),
            ("mac-address", self.mac_address.to_string()),
            ("server", self.server.clone()),
            ("comment", self.comment.to_string()),
        ]
    }

    fn unmet(&self, row: &Lease) -> Vec<&'static str> {
        Unmet::new()
            .check("address", Some(LeaseAddress::Ip(self.address)), &row.address)
            .check(
                "mac-address",
                Some(Some(self.mac_address.get())),
                &row.mac_address,
            )
            .check("server", Some(named(&self.server)), &row.server)
            .check(
                "comment",
                Some(Some(self.comment.as_str())),
                &row.comment.as_deref(),
            )
            .check("disabled", Some(false), &row.disabled)
            .names()
    }
}

fn named(server: &str) -> LeaseServer {
    LeaseServer::One(Reference::Name(server.to_owned()))
}

impl NewRow<Lease> for NewLease {
    /// A dynamic lease collides too: somebody has the address.
    fn collides(&self, row: &Lease) -> bool {
        row.address == LeaseAddress::Ip(self.address) || row.active_address == Some(self.address)
    }

    fn filter(&self) -> Option<(&'static str, String)> {
        Some(("address", self.address.to_string()))
    }
}

impl Sealed for LeaseChange {}

impl Properties<Lease> for LeaseChange {
    fn properties(&self) -> Vec<(&'static str, String)> {
        let mac = self
            .mac_address
            .iter()
            .map(|mac| ("mac-address", mac.to_string()));
        let server = self.server.iter().map(|server| ("server", server.clone()));
        let comment = self
            .comment
            .iter()
            .map(|comment| ("comment", comment.to_string()));
        let disabled = self
            .disabled
            .iter()
            .map(|disabled| ("disabled", disabled.to_string()));
        mac.chain(server).chain(comment).chain(disabled).collect()
    }

    fn unmet(&self, row: &Lease) -> Vec<&'static str> {
        Unmet::new()
            .check(
                "mac-address",
                self.mac_address.map(|mac| Some(mac.get())),
                &row.mac_address,
            )
            .check("server", self.server.as_deref().map(named), &row.server)
            .check(
                "comment",
                self.comment.as_ref().map(|comment| Some(comment.as_str())),
                &row.comment.as_deref(),
            )
            .check("disabled", self.disabled, &row.disabled)
            .names()
    }
}
