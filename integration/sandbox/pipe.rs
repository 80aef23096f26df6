//! Pipe ends that outlive an `exec`, without the raw descriptors that would need unsafe code.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Lets the next child inherit `fd`, and tells its number.
pub(super) fn inherit(fd: &(impl AsFd + AsRawFd)) -> io::Result<RawFd> {
    fcntl(fd.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(fd.as_raw_fd())
}

/// Takes over an inherited read end.
pub(super) fn reader(number: RawFd) -> io::Result<File> {
    reopen(number, OpenOptions::new().read(true))
}

/// Takes over an inherited write end.
pub(super) fn writer(number: RawFd) -> io::Result<File> {
    reopen(number, OpenOptions::new().write(true))
}

/// The new descriptor is closed on the next `exec`; the inherited one is closed now, so that end-of-file can be seen.
fn reopen(number: RawFd, options: &OpenOptions) -> io::Result<File> {
    let file = options.open(format!("/proc/self/fd/{number}"))?;
    nix::unistd::close(number)?;
    Ok(file)
}
