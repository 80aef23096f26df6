//! The one removal of a row that is not ours.

use std::fmt;
use std::net::Ipv4Addr;

use crate::menu::{Lease, LeaseAddress};
use crate::value::{MacAddr, RowId};

/// A client's lease as it was when its removal was decided. Nothing but a dynamic lease of this very client for this very
/// address can be meant by it: neither a static one, nor one that went to another client meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DynamicLease {
    /// The id, as last read.
    pub id: RowId,
    /// The address that the client has.
    pub address: Ipv4Addr,
    /// The client.
    pub mac_address: MacAddr,
}

impl DynamicLease {
    /// Whether `row` is it.
    pub fn is(&self, row: &Lease) -> bool {
        row.id == self.id
            && row.dynamic
            && row.address == LeaseAddress::Ip(self.address)
            && row.mac_address.or(row.active_mac_address) == Some(self.mac_address)
    }
}

impl fmt::Display for DynamicLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dynamic lease of {} for {}", self.address, self.mac_address)
    }
}
