//! The network side: sockets and what the kernel says about interfaces. Nothing is decided here.
//!
//! | module | does |
//! |---|---|
//! | [`filter`] | the kernel filter of a packet socket, as a value |
//! | [`packet`] | packet sockets, one for each interface and protocol: ARP and NDP frames in and out |
//! | [`group`] | the multicast groups in which questions for IPv6 addresses arrive |
//! | [`watch`] | interfaces and their addresses, a new snapshot on every change |
//! | [`packet::echo`] | the same for pings to other nodes' kernels and their answers |
//! | [`datagram`] | the heartbeats' UDP socket |
//! | [`timer`] | when there is something to do, to a fraction of a millisecond |
//! | [`privilege`] | gives up what sockets do not need |
//!
//! Each socket has the same shape: `readable().await`, then `drain(…)`, which reads a bounded number and returns,
//! so that whoever owns several of them serves each in turn; sending never waits. An error is a value for the
//! owner to judge and never ends a loop in here.
//!
//! **Invariant:** `raw.rs` is the only file of the project with `unsafe`.

pub mod datagram;
pub mod filter;
pub mod group;
pub mod packet;
pub mod privilege;
mod raw;
pub mod timer;
pub mod watch;
