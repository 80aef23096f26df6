//! What the speaker's process may do: open packet sockets, and nothing else.
//!
//! It runs on the host's network and reads frames from anyone on the LAN. Whatever it was given beyond `CAP_NET_RAW` is
//! given up before the first thread starts and before anything is read.

use caps::{CapSet, Capability, CapsHashSet};

/// Why a privilege could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused.
    #[error(
        "could not give up capabilities of the {set:?} set; nothing was announced with more than is needed"
    )]
    Capabilities {
        /// Which set.
        set: CapSet,
        /// What the kernel answered.
        #[source]
        source: caps::errors::CapsError,
    },
    /// `PR_SET_NO_NEW_PRIVS`.
    #[error("could not forbid new privileges (PR_SET_NO_NEW_PRIVS)")]
    NoNewPrivileges(#[source] nix::errno::Errno),
}

/// Gives up everything but `CAP_NET_RAW`, for good: no set has more afterwards, and no program that this one would
/// execute could get more. To be called while there is one thread: each has capabilities of its own.
///
/// # Errors
/// What the kernel refused. A process that never had `CAP_NET_RAW` finds out when it opens a packet socket.
pub fn narrow() -> Result<(), Error> {
    nix::sys::prctl::set_no_new_privs().map_err(Error::NoNewPrivileges)?;
    let failed = |set| move |source| Error::Capabilities { set, source };
    let needed: CapsHashSet = [Capability::CAP_NET_RAW].into();
    let permitted = caps::read(None, CapSet::Permitted).map_err(failed(CapSet::Permitted))?;
    let kept: CapsHashSet = permitted.intersection(&needed).copied().collect();
    if permitted.contains(&Capability::CAP_SETPCAP) {
        let bounding = caps::read(None, CapSet::Bounding).map_err(failed(CapSet::Bounding))?;
        for capability in bounding.difference(&needed) {
            caps::drop(None, CapSet::Bounding, *capability).map_err(failed(CapSet::Bounding))?;
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(failed(CapSet::Ambient))?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new()).map_err(failed(CapSet::Inheritable))?;
    caps::set(None, CapSet::Effective, &kept).map_err(failed(CapSet::Effective))?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed(CapSet::Permitted))
}
