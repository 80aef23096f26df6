//! Who uses a pool of the router, and so hands out its addresses.
//!
//! Our own rows in `/ip/pool` are there to be seen, and for nobody's use. A person who picks one in Winbox for a DHCP
//! server or a VPN gives the Services' addresses to clients: as long as that is so nothing in there is proven free.

use super::marker::Marker;
use super::observed::{PoolRow, Reading};

/// Everybody who takes addresses of the pool, in words. A server that is switched off counts: its pool is still its.
fn consumers(reading: &Reading, pool: &str) -> Vec<String> {
    let servers = reading
        .servers
        .iter()
        .filter(|server| server.pool.as_deref() == Some(pool));
    let servers = servers.map(|server| format!("DHCP server {}", server.name));
    let chained = reading
        .pools
        .iter()
        .filter(|row| row.next_pool.as_deref() == Some(pool));
    let chained = chained.map(|row| format!("pool {}, as its next-pool", row.name));
    let takers = reading.uses.takers.iter().filter(|taker| taker.pool == pool);
    let takers = takers.map(|taker| taker.who.to_string());
    servers.chain(chained).chain(takers).collect()
}

/// A row with a mark of tiklb's that somebody uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used<'a> {
    /// The row.
    pub row: &'a PoolRow,
    /// What is the case and what to do about it.
    pub words: String,
}

/// All rows with a mark of tiklb's that somebody uses.
pub fn used(reading: &Reading) -> impl Iterator<Item = Used<'_>> {
    let marked = reading
        .pools
        .iter()
        .filter(|row| Marker::parse(&row.comment).is_some());
    marked.filter_map(|row| {
        let consumers = consumers(reading, &row.name);
        let first = consumers.first()?;
        let more = match consumers.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        let words = format!(
            "our row {} in the router's /ip/pool is used by {first}{more}, so that the addresses of Services are handed out: choose another pool there",
            row.name
        );
        Some(Used { row, words })
    })
}
