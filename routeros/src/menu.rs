//! RouterOS menus: one file per menu, with its row, the properties read, and, for the three that may be written,
//! what may be written.
//!
//! Rows are read leniently, because foreign rows are of every kind: unknown keys are ignored, absent flags are
//! false, informative properties that do not parse are absent. A property that says *which* address or device a row
//! is about must parse; a row whose does not is a [`BadRow`] and never costs the others.
//!
//! What may be written is in the types: only [`Pool`], [`Lease`] and [`Arp`] are [`Writable`], only through their
//! `New` and `Change` structs; and a client's lease may go, as a [`DynamicLease`]. No other call can be expressed:
//!
//! ```compile_fail
//! fn writable<M: routeros::menu::Writable>() {}
//! writable::<routeros::menu::Interface>();
//! ```
//! ```
//! fn writable<M: routeros::menu::Writable>() {}
//! writable::<routeros::menu::Lease>();
//! ```

mod address;
mod arp;
mod bridge;
mod bridge_host;
mod comment;
mod dhcp_matcher;
mod dhcp_network;
mod dhcp_server;
mod fields;
mod group;
mod hotspot;
mod identity;
mod interface;
mod lease;
mod mode_config;
mod nat;
mod pool;
mod pool_used;
mod ppp_profile;
mod ppp_secret;
mod resource;
mod routerboard;
mod safe_mode;
mod service;
mod user;
mod veth;
mod vlan;
mod write;

pub use address::Address;
pub use arp::{Arp, ArpChange, ArpStatus, ExpectedArp, NewArp};
pub use bridge::{ArpMode, Bridge};
pub use bridge_host::BridgeHost;
pub use comment::{Comment, InvalidComment, MAX_COMMENT};
pub use dhcp_matcher::DhcpMatcher;
pub use dhcp_network::DhcpNetwork;
pub use dhcp_server::{AddressPool, Authoritative, DhcpServer};
pub use fields::{BadField, Fields};
pub use group::Group;
pub use hotspot::{Hotspot, HotspotUserProfile};
pub use identity::Identity;
pub use interface::Interface;
pub use lease::{
    DynamicLease, ExpectedLease, Lease, LeaseAddress, LeaseChange, LeaseServer, LeaseStatus, NewLease,
};
pub use mode_config::ModeConfig;
pub use nat::Nat;
pub use pool::{EmptyRanges, ExpectedPool, NewPool, Pool, PoolChange, PoolRanges};
pub use pool_used::PoolUsed;
pub use ppp_profile::PppProfile;
pub use ppp_secret::{PppAddress, PppSecret};
pub use resource::Resource;
pub use routerboard::Routerboard;
pub use safe_mode::SafeMode;
pub use service::Service;
pub use user::User;
pub use veth::Veth;
pub use vlan::Vlan;
pub use write::{Edit, NewRow, Properties, Target, Writable};

use serde_json::Value;

use crate::value::RowId;

#[cfg(test)]
mod tests;

mod sealed {
    /// Implemented in this module alone, so that no other menu can be named.
    pub trait Sealed {}
}
use sealed::Sealed;

/// A menu that is read. The row type stands for its menu.
pub trait Menu: Sealed + Sized + Send + 'static {
    /// The path under `/rest/`, like `ip/dhcp-server/lease`.
    const PATH: &'static str;
    /// The properties that are read: the `.proplist` of a list read. Unknown names in it are ignored by the router,
    /// so that it may name properties which older versions lack.
    const PROPLIST: &'static [&'static str];

    /// The row that `fields` describe.
    ///
    /// # Errors
    /// Names the first property without which the row has no meaning.
    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField>;
}

/// A menu that holds one object: GET gives it bare.
pub trait Singleton: Menu {}

/// A menu that holds rows: GET gives an array.
pub trait Rows: Menu {}

/// A menu whose rows can be named one by one.
pub trait Table: Rows {
    /// The row's `.id`.
    fn id(&self) -> RowId;
}

impl<M: Menu + Table> Rows for M {}

/// A row that could not be read. The caller must not take it for absent: it may hold an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its `.id`, where at least that could be read.
    pub id: Option<RowId>,
    /// What is wrong with it.
    pub why: String,
}

/// What a list read gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<M> {
    /// The rows, in the router's order.
    pub rows: Vec<M>,
    /// Those that could not be read.
    pub bad: Vec<BadRow>,
}

impl<M: Rows> Listing<M> {
    /// Reads each element of a list answer by itself.
    pub fn read(elements: &[Value]) -> Self {
        let mut listing = Self {
            rows: Vec::with_capacity(elements.len()),
            bad: Vec::new(),
        };
        for element in elements {
            match row(element) {
                Ok(row) => listing.rows.push(row),
                Err(bad) => listing.bad.push(bad),
            }
        }
        listing
    }
}

/// Reads one row, or a singleton's object.
///
/// # Errors
/// Says what is wrong with it.
pub fn row<M: Menu>(element: &Value) -> Result<M, BadRow> {
    let Value::Object(object) = element else {
        return Err(BadRow {
            id: None,
            why: "it is not an object".to_owned(),
        });
    };
    let fields = Fields::new(object);
    M::from_fields(&fields).map_err(|why| BadRow {
        id: fields.hint(".id"),
        why: why.to_string(),
    })
}
