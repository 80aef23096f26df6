//! Signals as values: blocked, then read one by one.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// `si_code` of a signal that the kernel sent, as the terminal driver does on Ctrl-C (siginfo.h, `SI_KERNEL`).
const FROM_KERNEL: i32 = 0x80;

/// What asks the sandbox to end. SIGQUIT keeps its default: Ctrl-\ is the way out that nothing delays.
const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A signal that arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    pub(super) signal: Signal,
    /// The terminal sent it, and so to the whole foreground process group: the work has it already.
    pub(super) by_terminal: bool,
}

/// The ending signals and SIGCHLD of this process, blocked as long as the value lives.
pub(super) struct Signals {
    fd: SignalFd,
    before: SigSet,
}

/// A process keeps its parent's mask over an `exec`, so the work starts with our signals blocked; here it takes them up.
/// What came meanwhile comes now.
pub(super) fn unblock() -> Result<(), Errno> {
    ours().thread_unblock()
}

fn ours() -> SigSet {
    ENDING.into_iter().chain([Signal::SIGCHLD]).collect()
}

impl Signals {
    pub(super) fn block() -> Result<Self, Errno> {
        let mask = ours();
        let before = mask.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { fd, before })
    }

    /// The next signal; nothing when `bound` has passed, or for no reason at all (the caller knows its deadline).
    pub(super) fn next(&self, bound: Option<Duration>) -> Result<Option<Received>, Errno> {
        let timeout = bound.map_or(PollTimeout::NONE, |bound| {
            PollTimeout::try_from(bound).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(0) | Err(Errno::EINTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
        let Some(info) = self.fd.read_signal()? else {
            return Ok(None);
        };
        let number = i32::try_from(info.ssi_signo).map_err(|_| Errno::EINVAL)?;
        Ok(Some(Received {
            signal: Signal::try_from(number)?,
            by_terminal: info.ssi_code == FROM_KERNEL,
        }))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        if let Err(error) = self.before.thread_set_mask() {
            tracing::warn!(%error, "the signal mask could not be restored");
        }
    }
}
