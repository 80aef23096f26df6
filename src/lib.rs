//! tiklb: a layer-2 load balancer for bare-metal Kubernetes that makes the MikroTik router agree.
//!
//! One binary, two daemons. The *allocator* assigns addresses and writes the router; of its replicas one leads. A *speaker*
//! on each node elects who announces an address, and answers ARP for it. They meet in the Kubernetes API alone.
//! `ARCHITECTURE.md` has decisions with their reasons, and the tests that hold each invariant.
//!
//! # Codemap
//!
//! Every decision is made in the crate [`tiklb_core`], which does no I/O. This package brings events to it and carries
//! its effects out:
//!
//! | module | holds |
//! |---|---|
//! | [`api`] | what users write and read: custom resources, annotations, conditions, event reasons |
//! | [`cluster`] | the Kubernetes side: watches, objects as core's values and back, one writer, the Lease |
//! | [`link`] | the network side: packet sockets and their filter, interfaces, the heartbeats' socket |
//! | [`allocator`] | the allocator's tasks; [`allocator::router`] joins core's wishes and the RouterOS client |
//! | [`speaker`] | the speaker's tasks; [`speaker::wire`] is the thread that answers |
//! | [`observe`] | log, metrics, probes, the admin server |
//! | [`cli`] | arguments, and the person's verbs |
//! | [`clock`], [`tasks`] | both clocks as core takes them; named tasks, none of which may end |
//!
//! Arrows: `cli` → `allocator`, `speaker` → `cluster`, `link`, `routeros`, `api` → core. `observe` is named by the
//! processes and the command line only. The lab, which judges all of this from outside, is named by tests alone.
//!
//! A Service's way: [`cluster::source`] → [`tiklb_core::allocator`] → its status, by [`cluster::service`] → every
//! speaker's [`speaker::desired`] → [`tiklb_core::speaker`] → frames → [`speaker::record`] → its `ServiceL2Status`. The
//! router: [`tiklb_core::reservation`] → [`allocator::router::sessions`] → one write, read back.
//!
//! # Invariants
//!
//! 1. Core does no I/O and takes `now` and randomness as arguments.
//! 2. Kubernetes writes and announcing wait for the first full lists; router writes besides for two equal readings.
//! 3. The same objects give the same decision in any order. Validity is per object. An assigned address stays until its
//!    pool is deleted or validly excludes it.
//! 4. Every effect is idempotent, bounded in time, names its precondition, and is skipped when wanted = observed.
//! 5. Two Services never hold one address unless they share it by the rules; a restart keeps every address.
//! 6. A router's row without exactly our marker is never changed, except `ranges` of a DHCP pool, by what we took, and a
//!    client's dynamic lease that `dhcp.evict` lets go. Nothing is given back that a status names or a speaker announces.
//! 7. Of nodes that hear each other at most one answers for an address.
//! 8. A dead API server, router or allocator leaves announced addresses answering, and failover working.
//! 9. Nothing is unbounded: channels, retries, labels, event rates, statuses.
//! 10. A secret never reaches a log, an event, a metric, a `Debug` or an error.

pub mod allocator;
pub mod api;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod link;
pub mod observe;
pub mod speaker;
pub mod tasks;
