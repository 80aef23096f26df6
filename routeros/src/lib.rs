//! RouterOS v7 over its REST API: values and menus as plain data, and a careful client.
//!
//! - [`value`]: the texts that properties are, parsed and printed in RouterOS's own form;
//! - [`answer`]: an answer's bytes as JSON, whatever stands in other people's comments;
//! - [`menu`]: rows as they are read, and the only ones that may be written;
//! - [`Reading`]: one look at a router; [`OtherUses`]: who else has addresses there;
//! - `client` (feature `client`, on by default): HTTP, TLS, retries, and writes that look first and look again.
//!
//! What this crate rests on is that it edits somebody's production router. RouterOS has no transactions, no
//! conditional requests, no rights below "may write everything", and answers that do not prove what happened. So:
//! - nothing but address pools, DHCP leases and ARP rows can be written, and of those only the listed properties;
//! - a row is named by its id for one read-modify-write alone, and must then still be what was expected;
//! - what a write did is what reading says afterwards, compared as values;
//! - one request is in flight, and none is abandoned.

pub mod answer;
#[cfg(feature = "client")]
pub mod client;
pub mod menu;
mod reading;
pub mod value;

pub use reading::{BadMenuRow, OtherUses, Reading, UnreadMenu};
