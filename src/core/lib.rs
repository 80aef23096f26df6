//! Every decision tiklb makes, without I/O: who gets which address, what the router should hold, which node
//! announces an address and what it puts on the wire.
//!
//! The rooms, from the values they share to the two state machines that compose them:
//!
//! | module | decides |
//! |---|---|
//! | [`model`] | nothing: ranges, selectors, keys, times that several rooms share |
//! | [`config`] | which pools, advertisements and routers are valid, and what is wrong with the others |
//! | [`ipam`] | which Service gets which address, and why |
//! | [`reservation`] | what the router should hold against what it holds: an ordered plan of single-row writes |
//! | [`election`] | who is alive, who claims what; the heartbeat's wire format |
//! | [`neighbor`] | which ARP frame is answered, and when an address is announced |
//! | [`allocator`] | `step(event, now) -> effects` over config, ipam and reservation |
//! | [`speaker`] | `step(event, now) -> effects` over election and neighbor |
//!
//! **Invariant:** nothing here reads a clock, draws a random number, opens a socket or knows Kubernetes' or
//! RouterOS's client types. `now` and randomness are arguments; the crate's dependency list and its
//! `clippy.toml` hold it to that.
//!
//! **Invariant:** iteration order never reaches a decision: ordered maps only.

pub mod allocator;
pub mod config;
pub mod election;
pub mod ipam;
pub mod model;
pub mod neighbor;
pub mod reservation;
pub mod speaker;
