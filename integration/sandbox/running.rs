//! Sandboxes that run: found by what their PID 1 carries, and entered.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};

use super::{Error, STAGE, TAG, init};

/// A sandbox of this user that runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its PID 1, as this process sees it.
    pub pid: i32,
    /// Where its files are, once joined.
    pub dir: PathBuf,
}

impl Running {
    /// The network namespaces that its LAN has named, in alphabetical order: what [`join`] takes as `host`.
    pub fn hosts(&self) -> Vec<String> {
        let names = std::fs::read_dir(format!("/proc/{}/root{}/netns", self.pid, self.dir.display()));
        let mut names: Vec<String> = names
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
}

/// The sandbox called `tag`, the youngest one if there are several; nothing if none runs.
///
/// # Errors
/// When /proc cannot be read at all. Processes of others, and processes that end meanwhile, are passed over.
pub fn find_running(tag: &str) -> io::Result<Option<Running>> {
    let mut found: Vec<Running> = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if is_init_of(pid, tag).unwrap_or(false)
            && let Ok(Some(dir)) = tmpfs(pid)
        {
            found.push(Running { pid, dir });
        }
    }
    Ok(found.into_iter().max_by_key(|running| running.pid))
}

fn is_init_of(pid: i32, tag: &str) -> io::Result<bool> {
    let environment = std::fs::read(format!("/proc/{pid}/environ"))?;
    let has = |wanted: &str| {
        environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == wanted.as_bytes())
    };
    if !has(&format!("{STAGE}=init")) || !has(&format!("{TAG}={tag}")) {
        return Ok(false);
    }
    // What the sandbox started inherits the environment; only its PID 1 is PID 1 in the innermost namespace.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    Ok(pids.and_then(|pids| pids.split_whitespace().last()) == Some("1"))
}

/// Where the sandbox has mounted its tmpfs (proc(5), mountinfo: the fifth field is the place, and after the dash come
/// type and source). The last one: a sandbox in a sandbox has those around it in its table too.
fn tmpfs(pid: i32) -> io::Result<Option<PathBuf>> {
    let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
    Ok(mounts.lines().rev().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        (source.split(' ').nth(1)? == init::TMPFS).then(|| mount.split(' ').nth(4).map(PathBuf::from))?
    }))
}

/// Moves this process into a running sandbox, and into the network namespace of one of its hosts if one is named.
/// Processes that it starts from now on live and die in the sandbox; it does not itself (a PID namespace only takes
/// children). It must have one thread.
///
/// ```no_run
/// # fn shell() -> anyhow::Result<()> {
/// use lab::sandbox;
/// if let Some(running) = sandbox::find_running("demo")? {
///     sandbox::join(&running, Some("client"))?;
///     std::process::Command::new("sh").status()?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the sandbox has ended, or there is no such host.
pub fn join(running: &Running, host: Option<&str>) -> Result<(), Error> {
    let namespaces = [
        ("user", CloneFlags::CLONE_NEWUSER),
        ("pid", CloneFlags::CLONE_NEWPID),
        ("net", CloneFlags::CLONE_NEWNET),
        // Last: behind it lies another /proc.
        ("mnt", CloneFlags::CLONE_NEWNS),
    ];
    let mut opened = Vec::new();
    for (name, kind) in namespaces {
        let (ours, theirs) = (
            format!("/proc/self/ns/{name}"),
            format!("/proc/{}/ns/{name}", running.pid),
        );
        let open = || -> io::Result<Option<File>> {
            let same = std::fs::metadata(&ours)?.ino() == std::fs::metadata(&theirs)?.ino();
            // The kernel refuses to enter the user namespace that one is in already.
            Ok(if same { None } else { Some(File::open(&theirs)?) })
        };
        let file = open().map_err(|error| Error::failed(format!("open {theirs}"), error))?;
        opened.extend(file.map(|file| (name, kind, file)));
    }
    for (name, kind, file) in opened {
        setns(file, kind)
            .map_err(|errno| Error::failed(format!("enter the sandbox's {name} namespace"), errno))?;
    }
    host.map_or(Ok(()), |host| enter_host(&running.dir, host))
}

fn enter_host(dir: &Path, host: &str) -> Result<(), Error> {
    let path = dir.join("netns").join(host);
    let file = File::open(&path).map_err(|error| Error::failed(format!("open {}", path.display()), error))?;
    setns(file, CloneFlags::CLONE_NEWNET)
        .map_err(|errno: Errno| Error::failed(format!("enter the network of {host}"), errno))
}
