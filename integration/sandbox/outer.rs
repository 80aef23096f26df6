//! The process that the person started: makes the namespaces, waits, passes signals in and the exit code out.

use std::io::{PipeReader, PipeWriter, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use caps::{CapSet, Capability};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getgid, getuid};

use super::signals::Signals;
use super::{CGROUP, Error, IMPOSSIBLE, NEIGHBORS, Obstacle, PIPES, STAGE, TAG, cgroup, pipe};

/// How long the work may take to end after it was asked to; then it is killed. Long enough to print a last line.
const GRACE: Duration = Duration::from_secs(3);

/// A second request this long after the first means "now": `timeout` and some shells send the first one twice.
const IMPATIENCE: Duration = Duration::from_millis(500);

/// Making the place takes milliseconds; a mount that hangs must not hang the person.
const SETUP: Duration = Duration::from_secs(20);

/// What the lab does inside, and so what a plain root needs to have; a root without them (in a container) still may
/// have them all in a user namespace of its own.
const NEEDED: [Capability; 6] = [
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_NET_ADMIN,
    Capability::CAP_NET_RAW,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_KILL,
];

/// What the sandbox is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Work,
    /// Only to see whether it can be made.
    Probe,
}

/// What the sandbox cannot see from inside.
struct Place {
    /// The name of its cgroups' folder.
    cgroup: String,
    /// How many entries the machine's neighbour table may have; empty where that is not told.
    neighbors: String,
}

/// Makes the sandbox and waits for its end; gives the exit code.
pub(super) fn run(tag: &str, purpose: Purpose) -> Result<i32, Error> {
    alone()?;
    cgroup::remove_abandoned();
    // What PID 1 mounts is mounted for this process, too: afterwards /proc is another one.
    let cgroup = cgroup::name(std::process::id());
    let neighbors = neighbors();
    let signals = Signals::block().map_err(|errno| Error::failed("block signals", errno))?;
    separate()?;
    let (gate_end, gate) = pair()?;
    let (report, report_end) = pair()?;
    let place = Place { cgroup, neighbors };
    let init = start(tag, purpose, &place, &gate_end, &report_end)?;
    drop((gate_end, report_end));
    let init = Pid::from_raw(init.id().cast_signed());
    settled(report, init)?;
    drop(gate);
    let ended = supervise(&signals, init);
    // The kernel kills all that is inside before it tells that PID 1 has ended.
    cgroup::remove(&place.cgroup);
    ended.map_err(|errno| Error::failed("wait for the sandbox", errno))
}

/// A process with threads can neither make a user namespace nor move as a whole into any other.
fn alone() -> Result<(), Error> {
    let threads =
        std::fs::read_dir("/proc/self/task").map_err(|error| Error::failed("count the threads", error))?;
    match threads.count() {
        1 => Ok(()),
        _ => Err(Error::failed(
            "enter: threads run already, and main must enter before any is started",
            Errno::EDEADLK,
        )),
    }
}

fn pair() -> Result<(PipeReader, PipeWriter), Error> {
    std::io::pipe().map_err(|error| Error::failed("make a pipe", error))
}

/// Leaves the machine's namespaces; as an ordinary user by way of a user namespace where we are root.
fn separate() -> Result<(), Error> {
    let own = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
    let privileged = NEEDED
        .iter()
        .all(|needed| caps::has_cap(None, CapSet::Effective, *needed).unwrap_or(false));
    if privileged {
        return unshare(own).map_err(|errno| obstacle("make PID, mount and network namespaces", errno));
    }
    let (uid, gid) = (getuid(), getgid());
    unshare(own | CloneFlags::CLONE_NEWUSER)
        .map_err(|errno| obstacle("make user, PID, mount and network namespaces", errno))?;
    // The order is the kernel's: an ordinary user may map its group only after giving up setgroups (user_namespaces(7)).
    let maps = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {uid} 1\n")),
        ("gid_map", format!("0 {gid} 1\n")),
    ];
    for (file, line) in maps {
        let path = format!("/proc/self/{file}");
        std::fs::write(&path, line).map_err(|error| refused(&format!("write {path}"), error))?;
    }
    Ok(())
}

fn start(
    tag: &str,
    purpose: Purpose,
    place: &Place,
    gate: &PipeReader,
    report: &PipeWriter,
) -> Result<Child, Error> {
    let inherit =
        |result: std::io::Result<i32>| result.map_err(|error| Error::failed("hand a pipe over", error));
    let pipes = format!(
        "{},{}",
        inherit(pipe::inherit(gate))?,
        inherit(pipe::inherit(report))?
    );
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let stage = match purpose {
        Purpose::Work => "init",
        Purpose::Probe => "init-probe",
    };
    command
        .args(arguments)
        .env(STAGE, stage)
        .env(TAG, tag)
        .env(CGROUP, &place.cgroup)
        .env(NEIGHBORS, &place.neighbors)
        .env(PIPES, pipes);
    command
        .spawn()
        .map_err(|error| refused("start PID 1 of the sandbox", error))
}

/// What the machine says of its neighbour table; namespaces of their own do not show it.
fn neighbors() -> String {
    std::fs::read_to_string("/proc/sys/net/ipv4/neigh/default/gc_thresh3").unwrap_or_default()
}

/// Waits until PID 1 says that the place is made.
fn settled(mut report: PipeReader, init: Pid) -> Result<(), Error> {
    let mut text = String::new();
    let answered = readable(&report, SETUP).map_err(|errno| Error::failed("wait for PID 1", errno))?;
    if answered {
        report
            .read_to_string(&mut text)
            .map_err(|error| Error::failed("read what PID 1 says", error))?;
    }
    if text == "ready\n" {
        return Ok(());
    }
    // It may have ended by itself; what matters is that it is gone before we return.
    let _ = kill(init, Signal::SIGKILL);
    let _ = waitpid(init, None);
    Err(
        match text
            .trim_end()
            .split_once(' ')
            .map(|(number, doing)| (number.parse().map(Errno::from_raw), doing))
        {
            Some((Ok(errno), doing)) => obstacle(doing, errno),
            _ if answered => Error::failed("prepare the sandbox: its PID 1 ended early", Errno::EPIPE),
            _ => Error::failed("prepare the sandbox", Errno::ETIMEDOUT),
        },
    )
}

fn readable(pipe: &PipeReader, bound: Duration) -> Result<bool, Errno> {
    let deadline = Instant::now() + bound;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Err(Errno::EINTR) => {}
            other => return other.map(|ready| ready > 0),
        }
    }
}

/// A request to end that was received.
struct Ending {
    signal: Signal,
    since: Instant,
}

fn supervise(signals: &Signals, init: Pid) -> Result<i32, Errno> {
    let mut ending: Option<Ending> = None;
    loop {
        let bound = ending
            .as_ref()
            .map(|ending| GRACE.saturating_sub(ending.since.elapsed()));
        let received = signals.next(bound)?;
        if ending
            .as_ref()
            .is_some_and(|ending| ending.since.elapsed() >= GRACE)
        {
            let _ = kill(init, Signal::SIGKILL);
        }
        let Some(received) = received else { continue };
        if received.signal == Signal::SIGCHLD {
            match ended(init)? {
                // Killed by us, after the grace: what the person asked for is what the shell is told.
                Some(WaitStatus::Signaled(_, signal, _)) => {
                    return Ok(128 + ending.map_or(signal, |ending| ending.signal) as i32);
                }
                Some(WaitStatus::Exited(_, code)) => return Ok(code),
                _ => {}
            }
        } else if ending
            .as_ref()
            .is_some_and(|ending| ending.since.elapsed() >= IMPATIENCE)
        {
            let _ = kill(init, Signal::SIGKILL);
        } else {
            ending.get_or_insert(Ending {
                signal: received.signal,
                since: Instant::now(),
            });
            if !received.by_terminal {
                let _ = kill(init, received.signal);
            }
        }
    }
}

fn ended(init: Pid) -> Result<Option<WaitStatus>, Errno> {
    match waitpid(init, Some(WaitPidFlag::WNOHANG))? {
        WaitStatus::StillAlive => Ok(None),
        status => Ok(Some(status)),
    }
}

fn obstacle(doing: &str, errno: Errno) -> Error {
    Obstacle::of(doing, errno).map_or_else(|| Error::failed(doing, errno), Error::Impossible)
}

fn refused(doing: &str, error: std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(number) => obstacle(doing, Errno::from_raw(number)),
        None => Error::failed(doing, error),
    }
}

/// Tries a sandbox in a process of its own. See [`super::possible`].
pub(super) fn probe() -> Result<(), Error> {
    let failed = |error| Error::failed("try a sandbox", error);
    let mut child = Command::new("/proc/self/exe")
        .env(STAGE, "probe")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut told = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        // Bounded by the child's own bound on the set-up.
        stdout.read_to_string(&mut told).map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(
        match told
            .split_once(' ')
            .map(|(number, doing)| (number.parse().map(Errno::from_raw), doing))
        {
            Some((Ok(errno), doing)) if status.code() == Some(i32::from(IMPOSSIBLE)) => {
                obstacle(doing.trim_end(), errno)
            }
            _ => Error::failed(
                format!("try a sandbox ({status}): {}", told.trim_end()),
                Errno::EIO,
            ),
        },
    )
}

/// The other end of [`probe`].
pub(super) fn tell_prober(error: &Error) {
    match error {
        Error::Impossible(obstacle) => println!("{} {}", obstacle.errno as i32, obstacle.doing),
        Error::Failed { .. } => println!("{error}"),
    }
}
