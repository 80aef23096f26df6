//! Network namespaces, and the right to make them.

use std::thread;

use libtest_mimic::Failed;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid};

/// Makes sure that threads of this process may make network namespaces. Must be called before any thread starts.
pub(crate) fn enter() -> Result<(), String> {
    if thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET))
        .join()
        .is_ok_and(|made| made.is_ok())
    {
        return Ok(());
    }
    let (uid, gid) = (Uid::current(), Gid::current());
    let advice = "run the tests as root, or allow user namespaces (kernel.unprivileged_userns_clone=1)";
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| format!("no user namespace ({error}): {advice}"))?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {uid} 1")),
        ("gid_map", format!("0 {gid} 1")),
    ] {
        let path = format!("/proc/self/{file}");
        std::fs::write(&path, text).map_err(|error| format!("writing {path} ({error}): {advice}"))?;
    }
    let made = thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET))
        .join()
        .is_ok_and(|made| made.is_ok());
    made.then_some(())
        .ok_or_else(|| format!("no network namespace: {advice}"))
}

/// Runs a story on a thread with a network namespace of its own, which ends with the thread.
pub(crate) fn run(story: fn()) -> Result<(), Failed> {
    let thread = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        story();
    });
    thread.join().map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Failed::from(
            text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
                .unwrap_or_default(),
        )
    })
}
