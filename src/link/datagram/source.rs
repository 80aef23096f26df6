//! From which of a node's IPv6 addresses its heartbeats come: one that stays, like the one at which its Pod is known, and
//! none that privacy extensions made for an hour.

use nix::libc;
use nix::sys::socket::sockopt::SetStruct;

/// `IPV6_ADDR_PREFERENCES` (RFC 5014).
#[derive(Debug, Clone, Copy)]
pub(super) struct Lasting;

/// The value for [`Lasting`]: public addresses before temporary ones.
pub(super) const PUBLIC: libc::c_int = libc::IPV6_PREFER_SRC_PUBLIC;

nix::setsockopt_impl!(
    Lasting,
    libc::IPPROTO_IPV6,
    libc::IPV6_ADDR_PREFERENCES,
    libc::c_int,
    SetStruct<'_, libc::c_int>
);
