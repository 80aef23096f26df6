//! Who uses a pool of the router, and so hands out its addresses.
//!
//! Our own rows in `/ip/pool` are there to be seen, and for nobody's use. A person who picks one in Winbox for a DHCP
//! server or a VPN gives the Services' addresses to clients: as long as that is so nothing in there is proven free.

use super::marker::Marker;
use super::observed::{PoolRow, Reading, ServerRow};

/// Everybody who takes addresses of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumers<'a> {
    /// DHCP servers. One that is switched off counts: its pool is still its.
    pub servers: Vec<&'a ServerRow>,
    /// Other pools that go on with it (`next-pool`), in words.
    pub chained: Vec<String>,
    /// Whoever else, in words.
    pub takers: Vec<String>,
}

impl<'a> Consumers<'a> {
    /// Those of the pool of this name.
    pub fn of(reading: &'a Reading, pool: &str) -> Self {
        let servers = reading.servers.iter();
        let chained = reading.pools.iter();
        let chained = chained.filter(|row| row.next_pool.as_deref() == Some(pool));
        let takers = reading.uses.takers.iter().filter(|taker| taker.pool == pool);
        Self {
            servers: servers
                .filter(|server| server.pool.as_deref() == Some(pool))
                .collect(),
            chained: chained
                .map(|row| format!("pool {}, as its next-pool", row.name))
                .collect(),
            takers: takers.map(|taker| taker.who.to_string()).collect(),
        }
    }

    fn words(self) -> Vec<String> {
        let servers = self.servers.into_iter();
        let servers = servers.map(|server| format!("DHCP server {}", server.name));
        servers.chain(self.chained).chain(self.takers).collect()
    }
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
        let consumers = Consumers::of(reading, &row.name).words();
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
