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
    /// It would take addresses over and answer for none of them.
    #[error(
        "the speaker needs the capability NET_RAW and was not given it: write it under securityContext.capabilities.add of \
         its container, in a namespace of the Pod Security level privileged; outside of a cluster run it as root"
    )]
    NoNetRaw,
    /// `PR_SET_NO_NEW_PRIVS`.
    #[error("could not forbid new privileges (PR_SET_NO_NEW_PRIVS)")]
    NoNewPrivileges(#[source] nix::errno::Errno),
}

/// Gives up everything but `CAP_NET_RAW`, for good: no set has more afterwards, and no program that this one would
/// execute could get more. To be called while there is one thread: each has capabilities of its own.
///
/// # Errors
/// What the kernel refused, or that the process never had `CAP_NET_RAW`: a rollout that forgets it ends with the first
/// node.
pub fn narrow() -> Result<(), Error> {
    nix::sys::prctl::set_no_new_privs().map_err(Error::NoNewPrivileges)?;
    let failed = |set| move |source| Error::Capabilities { set, source };
    let needed: CapsHashSet = [Capability::CAP_NET_RAW].into();
    let permitted = caps::read(None, CapSet::Permitted).map_err(failed(CapSet::Permitted))?;
    if !permitted.is_superset(&needed) {
        return Err(Error::NoNetRaw);
    }
    if permitted.contains(&Capability::CAP_SETPCAP) {
        let bounding = caps::read(None, CapSet::Bounding).map_err(failed(CapSet::Bounding))?;
        for capability in bounding.difference(&needed) {
            caps::drop(None, CapSet::Bounding, *capability).map_err(failed(CapSet::Bounding))?;
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(failed(CapSet::Ambient))?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new()).map_err(failed(CapSet::Inheritable))?;
    caps::set(None, CapSet::Effective, &needed).map_err(failed(CapSet::Effective))?;
    caps::set(None, CapSet::Permitted, &needed).map_err(failed(CapSet::Permitted))
}
