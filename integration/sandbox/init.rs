//! PID 1 of the sandbox: makes the place, starts the work, reaps, ends with the work's exit code.
//!
//! It stays a single-threaded process that does nothing else, so that its `wait` for any child takes no child from
//! anyone (an async runtime that waits for children of its own must not share a process with it).

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::signals::Signals;
use super::{DIR, PIPES, STAGE, loopback, pipe};

/// The name of our tmpfs in the mount table, by which a joining process finds it.
pub(super) const TMPFS: &str = "tiklb-lab";

/// Where the tmpfs may be put: the first of these that exists and is empty. Not every machine has each of them, and
/// on some the checkout itself lies below one (/mnt under WSL).
const PLACES: [&str; 4] = ["/mnt", "/media", "/srv", "/dev/shm"];

/// What the work's files may take from memory: logs and certificates, a few MiB.
const TMPFS_SIZE: &str = "size=256m,mode=0755";

/// A step that failed, told to `outer` in one line.
struct Failure {
    doing: String,
    errno: Errno,
}

impl Failure {
    fn new(doing: impl Into<String>, error: impl Into<std::io::Error>) -> Self {
        let errno = error.into().raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        Self {
            doing: doing.into(),
            errno,
        }
    }
}

/// Runs PID 1; gives its exit code.
pub(super) fn run() -> i32 {
    let (gate, mut report) = match inherited() {
        Ok(pipes) => pipes,
        Err(failure) => {
            eprintln!("the lab's sandbox: cannot {} ({})", failure.doing, failure.errno);
            return 1;
        }
    };
    if abandoned(&gate) {
        return 1;
    }
    match prepare() {
        Ok(dir) => {
            if report.write_all(b"ready\n").is_err() {
                return 1;
            }
            drop(report);
            work(&dir)
        }
        Err(Failure { doing, errno }) => {
            // Nobody is left to be told if this fails: the reader is the outer process.
            let _ = writeln!(report, "{} {doing}", errno as i32);
            1
        }
    }
}

fn inherited() -> Result<(File, File), Failure> {
    // First of all: from here on the sandbox does not outlive the outer process.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|errno| Failure::new("tie PID 1 to its parent", errno))?;
    let numbers = std::env::var(PIPES).unwrap_or_default();
    let (gate, report) = numbers
        .split_once(',')
        .and_then(|(gate, report)| Some((gate.parse().ok()?, report.parse().ok()?)))
        .ok_or_else(|| Failure::new(format!("read {PIPES}"), Errno::EINVAL))?;
    let gate = pipe::reader(gate).map_err(|error| Failure::new("open the gate", error))?;
    let report = pipe::writer(report).map_err(|error| Failure::new("open the report", error))?;
    Ok((gate, report))
}

/// Whether the outer process died before our life was tied to its own, which the kernel does not tell otherwise. A
/// dying process closes its files before its children are signalled: as long as its end of the gate is open now, after
/// the tie, its death will reach us.
fn abandoned(gate: &File) -> bool {
    let mut fds = [PollFd::new(gate.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO) != Ok(0)
}

fn prepare() -> Result<PathBuf, Failure> {
    let nothing = None::<&str>;
    mount(
        nothing,
        "/",
        nothing,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        nothing,
    )
    .map_err(|errno| Failure::new("make the mounts private", errno))?;
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        quiet | MsFlags::MS_NOEXEC,
        nothing,
    )
    .map_err(|errno| Failure::new("mount /proc", errno))?;
    let dir = place().ok_or_else(|| {
        Failure::new(
            format!(
                "find an empty directory among {} to mount a tmpfs on",
                PLACES.join(", ")
            ),
            Errno::ENOENT,
        )
    })?;
    mount(Some(TMPFS), &dir, Some("tmpfs"), quiet, Some(TMPFS_SIZE))
        .map_err(|errno| Failure::new(format!("mount a tmpfs on {}", dir.display()), errno))?;
    loopback::raise().map_err(|error| Failure::new("bring `lo` up", error))?;
    Ok(dir)
}

fn place() -> Option<PathBuf> {
    PLACES.iter().map(PathBuf::from).find(|dir| {
        let entries = std::fs::read_dir(dir);
        entries.is_ok_and(|mut entries| entries.next().is_none())
    })
}

/// Starts the work and waits for its end, reaping whatever is left to us meanwhile.
fn work(dir: &Path) -> i32 {
    if std::env::var(STAGE).is_ok_and(|stage| stage == "init-probe") {
        return 0;
    }
    let started = Signals::block().and_then(|signals| Ok((signals, start(dir)?)));
    match started {
        Ok((signals, work)) => supervise(&signals, work).unwrap_or_else(|errno| {
            eprintln!("the lab's sandbox: cannot wait for the work ({errno})");
            1
        }),
        Err(errno) => {
            eprintln!("the lab's sandbox: cannot start the work ({errno})");
            1
        }
    }
}

fn start(dir: &Path) -> Result<Pid, Errno> {
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command
        .args(arguments)
        .env(STAGE, "work")
        .env(DIR, dir)
        .env_remove(PIPES);
    let child = command
        .spawn()
        .map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}

fn supervise(signals: &Signals, work: Pid) -> Result<i32, Errno> {
    loop {
        let Some(received) = signals.next(None)? else {
            continue;
        };
        if received.signal == Signal::SIGCHLD {
            if let Some(code) = reap(work)? {
                return Ok(code);
            }
        } else if !received.by_terminal {
            // ESRCH: it ended meanwhile, and the SIGCHLD that says so is on its way.
            let _ = kill(work, received.signal);
        }
    }
}

/// Reaps all children that ended; gives the exit code once the work is among them.
fn reap(work: Pid) -> Result<Option<i32>, Errno> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == work => return Ok(Some(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == work => return Ok(Some(128 + signal as i32)),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(None),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
