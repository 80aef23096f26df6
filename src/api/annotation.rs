//! Annotations that tiklb writes. Those that people write on Services are read by core
//! ([`ipam::request`](tiklb_core::ipam::request)).

/// Written by the allocator on a Service that has an address: the pool that it came from.
pub const IP_ALLOCATED_FROM_POOL: &str = "metallb.io/ip-allocated-from-pool";

/// The same as MetalLB wrote it under its former group; taken away where ours is written.
pub const DEPRECATED_IP_ALLOCATED_FROM_POOL: &str = "metallb.universe.tf/ip-allocated-from-pool";

/// On the Lease of a survey: the addresses that were asked for in the last complete round (`a-b,c`).
pub const COVERED: &str = "tiklb.io/covered";
/// On the Lease of a survey: those of them that somebody answered for.
pub const OCCUPIED: &str = "tiklb.io/occupied";

/// On the Lease of a survey: its subnet, `192.168.1.0/24`.
pub const SUBNET: &str = "tiklb.io/subnet";
/// On the Lease of a survey: the next hops of the node's default routes that lie in the subnet (`192.168.1.1,192.168.1.2`).
pub const GATEWAYS: &str = "tiklb.io/gateways";
/// On the Lease of a survey: when a speaker last had an interface in the subnet (RFC 3339).
pub const SEEN: &str = "tiklb.io/seen";

/// On a MikrotikRouter: the hash of the removals that a person agrees to, as the condition `ReservationsInSync` tells
/// it.
pub const CONFIRM: &str = "tiklb.io/confirm";
