//! What no crate does safely: the address of a packet socket, and handing a descriptor to the runtime.
#![expect(
    unsafe_code,
    reason = "socket2 has no safe constructor for sockaddr_ll, and tokio none for an AsyncFd"
)]

use std::io;
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd, RawFd};

use nix::libc;
use nix::sys::timerfd::TimerFd;
use socket2::SockAddr;
use tiklb_core::neighbor::InterfaceIndex;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// All of the frames of one protocol (`ETH_P_…`) on one interface, as an address to bind a packet socket to
/// (`packet(7)`).
pub(super) fn frames_on(interface: InterfaceIndex, protocol: libc::c_int) -> io::Result<SockAddr> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let family = libc::sa_family_t::try_from(libc::AF_PACKET).map_err(invalid)?;
    let protocol = u16::try_from(protocol).map_err(invalid)?;
    let index = i32::try_from(interface.0).map_err(invalid)?;
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(invalid)?;
    // SAFETY: `try_init` hands out zeroed storage that is larger than and aligned for any `sockaddr_*`; all
    // zeroes is a valid `sockaddr_ll`, and family and length are set to match it.
    let initialised = unsafe {
        SockAddr::try_init(|storage, storage_length| {
            let link = &mut *storage.cast::<libc::sockaddr_ll>();
            link.sll_family = family;
            link.sll_protocol = protocol.to_be();
            link.sll_ifindex = index;
            *storage_length = length;
            Ok(())
        })
    };
    initialised.map(|((), address)| address)
}

/// A timer, as the runtime takes descriptors.
#[derive(Debug)]
pub(super) struct Descriptor(pub(super) TimerFd);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Has the runtime watch a socket.
pub(super) fn register<S: AsRawFd + Into<OwnedFd>>(socket: S, interest: Interest) -> io::Result<AsyncFd<S>> {
    // SAFETY: what can become an `OwnedFd` owns one open descriptor; sockets (`socket2`'s and the standard library's) neither
    // change nor close it before they are dropped.
    let registered = unsafe { AsyncFd::register_with_interest(socket, interest) };
    registered.map_err(|error| error.into_parts().1)
}

/// Has the runtime watch the timer.
pub(super) fn register_timer(timer: TimerFd) -> io::Result<AsyncFd<Descriptor>> {
    // SAFETY: a `TimerFd` owns one open descriptor, which it neither changes nor closes before it is dropped.
    let registered = unsafe { AsyncFd::register_with_interest(Descriptor(timer), Interest::READABLE) };
    registered.map_err(|error| error.into_parts().1)
}
