//! Brings `lo` up in the calling thread's network namespace.

use std::time::Duration;

use nix::errno::Errno;
use rtnetlink::LinkUnspec;

/// `lo` has this index in every network namespace (`LOOPBACK_IFINDEX` in the kernel).
const LOOPBACK: u32 = 1;

/// The kernel answers within microseconds; the bound is for a machine that has come to a halt.
const BOUND: Duration = Duration::from_secs(10);

pub(super) fn raise() -> std::io::Result<()> {
    // A current-thread runtime starts no threads, which `init` relies on.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        let request = handle
            .link()
            .change(LinkUnspec::new_with_index(LOOPBACK).up().build())
            .execute();
        match tokio::time::timeout(BOUND, request).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(rtnetlink::Error::NetlinkError(message))) => Err(message.to_io()),
            Ok(Err(error)) => Err(std::io::Error::other(error)),
            Err(_) => Err(Errno::ETIMEDOUT.into()),
        }
    })
}
