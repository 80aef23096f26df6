//! What may be written to `/ip/arp`.

use std::fmt;
use std::net::Ipv4Addr;

use crate::menu::write::Unmet;
use crate::menu::{Comment, Edit, NewRow, Properties, Sealed, Writable};
use crate::value::{MacAddr, Reference};

use super::Arp;

/// A static row to add, marked as ours. Switched off it informs a person and has no effect; switched on it pins the
/// router to one MAC address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArp {
    /// The address.
    pub address: Ipv4Addr,
    /// Who answers for it.
    pub mac_address: MacAddr,
    /// The name of the interface that it is on.
    pub interface: String,
    /// The mark.
    pub comment: Comment,
    /// Whether it only informs.
    pub disabled: bool,
}

/// What to set of a static row of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArpChange {
    /// Who answers for the address.
    pub mac_address: Option<MacAddr>,
    /// The mark.
    pub comment: Option<Comment>,
    /// Whether it only informs.
    pub disabled: Option<bool>,
}

/// A static row as it was when a write to it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedArp {
    /// The address.
    pub address: Ipv4Addr,
    /// Its comment, with the mark.
    pub comment: Option<String>,
}

impl fmt::Display for ExpectedArp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ARP row of {}", self.address)?;
        self.comment
            .iter()
            .try_for_each(|comment| write!(f, " ({comment})"))
    }
}

impl Writable for Arp {
    type New = NewArp;
    type Change = ArpChange;
    type Expected = ExpectedArp;

    const WRITABLE: &'static [&'static str] = &["address", "mac-address", "interface", "comment", "disabled"];

    fn expected(&self) -> ExpectedArp {
        ExpectedArp {
            address: self.address,
            comment: self.comment.clone(),
        }
    }

    fn permits(&self, _: Edit<'_, Self>) -> Result<(), &'static str> {
        if self.dynamic {
            return Err("the ARP row is dynamic: the router learnt it");
        }
        if self.comment.is_none() {
            return Err("the ARP row has no comment, so it is nobody's but its owner's");
        }
        Ok(())
    }
}

impl Sealed for NewArp {}

impl Properties<Arp> for NewArp {
    fn properties(&self) -> Vec<(&'static str, String)> {
        vec![
            ("address", self.address.to_string()),
            ("mac-address", self.mac_address.to_string()),
            ("interface", self.interface.clone()),
            ("comment", self.comment.to_string()),
            ("disabled", self.disabled.to_string()),
        ]
    }

    fn unmet(&self, row: &Arp) -> Vec<&'static str> {
        Unmet::new()
            .check("address", Some(self.address), &row.address)
            .check("mac-address", Some(Some(self.mac_address)), &row.mac_address)
            .check(
                "interface",
                Some(Reference::Name(self.interface.clone())),
                &row.interface,
            )
            .check(
                "comment",
                Some(Some(self.comment.as_str())),
                &row.comment.as_deref(),
            )
            .check("disabled", Some(self.disabled), &row.disabled)
            .names()
    }
}

impl NewRow<Arp> for NewArp {
    /// A learnt row does not collide: the router sees the address in use, by us or by whom we would rather not.
    /// Whether somebody else holds it is decided before a row is added.
    fn collides(&self, row: &Arp) -> bool {
        row.address == self.address && !row.dynamic
    }

    fn filter(&self) -> Option<(&'static str, String)> {
        Some(("address", self.address.to_string()))
    }
}

impl Sealed for ArpChange {}

impl Properties<Arp> for ArpChange {
    fn properties(&self) -> Vec<(&'static str, String)> {
        let mac = self
            .mac_address
            .iter()
            .map(|mac| ("mac-address", mac.to_string()));
        let comment = self
            .comment
            .iter()
            .map(|comment| ("comment", comment.to_string()));
        let disabled = self
            .disabled
            .iter()
            .map(|disabled| ("disabled", disabled.to_string()));
        mac.chain(comment).chain(disabled).collect()
    }

    fn unmet(&self, row: &Arp) -> Vec<&'static str> {
        Unmet::new()
            .check("mac-address", self.mac_address.map(Some), &row.mac_address)
            .check(
                "comment",
                self.comment.as_ref().map(|comment| Some(comment.as_str())),
                &row.comment.as_deref(),
            )
            .check("disabled", self.disabled, &row.disabled)
            .names()
    }
}
