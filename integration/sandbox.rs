//! A place of its own for the lab: new PID, mount and network namespaces, entered before any thread starts.
//!
//! ```text
//! the person's shell
//!  └─ outer    makes the namespaces, waits, passes signals and the exit code on
//!      └─ init     PID 1 inside: private mounts, fresh /proc, a tmpfs, `lo`; reaps orphans; dies with outer
//!          └─ work     the program, from `enter` on
//!              └─ …        whatever it starts
//! ```
//!
//! The kernel kills every process of a PID namespace when its PID 1 ends, and frees mounts and network namespaces
//! with their last process. `init` ends when the work ends, and it is killed when `outer` dies, however `outer` dies.
//! So nothing is left behind, and no clean-up code has to run for that.
//!
//! The three are one program: it is executed again for each stage, and [`enter`] tells them apart. Whatever `main`
//! does before [`enter`] therefore happens in all three stages; [`entered`] is false in the first one only.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     match lab::sandbox::enter("demo") {
//!         Ok(inside) => println!("files go to {}", inside.dir().display()),
//!         Err(error) => {
//!             eprintln!("{error}");
//!             return std::process::ExitCode::from(error.exit_code());
//!         }
//!     }
//!     std::process::ExitCode::SUCCESS
//! }
//! ```

mod cgroup;
mod init;
mod loopback;
mod obstacle;
mod outer;
mod pipe;
mod running;
mod signals;

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{getpid, getppid};

pub(crate) use cgroup::PROCESSES;
pub use cgroup::cgroup_hierarchies;
pub use obstacle::Obstacle;
pub use running::{Running, find_running, join};

/// Which stage a process is to be: `init`, `probe` or `work`. Believed only together with the process's place in the
/// PID namespace, because whatever the work starts inherits its environment.
const STAGE: &str = "LAB_SANDBOX_STAGE";
/// The name under which a sandbox is found again.
const TAG: &str = "LAB_SANDBOX_TAG";
/// Where the sandbox's tmpfs is mounted.
const DIR: &str = "LAB_SANDBOX_DIR";
/// The name of its cgroups' folder.
const CGROUP: &str = "LAB_SANDBOX_CGROUP";
/// How many entries the kernel's neighbour table may have.
const NEIGHBORS: &str = "LAB_SANDBOX_NEIGHBORS";
/// The numbers of the two pipe ends that `init` inherits: the gate (read) and the report (write).
const PIPES: &str = "LAB_SANDBOX_PIPES";

/// Exit code of a program whose sandbox is not possible on this machine; the tests' and the shell's way to tell it
/// from a failure.
pub const IMPOSSIBLE: u8 = 2;

/// Why the sandbox was not entered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This machine does not allow it; the text says what to allow.
    #[error(transparent)]
    Impossible(#[from] Obstacle),
    /// It should have worked.
    #[error("the lab's sandbox: cannot {doing}")]
    Failed {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// The code that the process ends with: [`IMPOSSIBLE`] where the machine forbids the sandbox, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Impossible(_) => IMPOSSIBLE,
            Self::Failed { .. } => 1,
        }
    }

    fn failed(doing: impl Into<String>, source: impl Into<std::io::Error>) -> Self {
        Self::Failed {
            doing: doing.into(),
            source: source.into(),
        }
    }
}

/// Proof that the process runs inside the sandbox.
#[derive(Debug)]
pub struct Inside {
    dir: PathBuf,
}

impl Inside {
    /// The sandbox's own tmpfs: seen by nobody outside, gone with the sandbox.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Outside,
    Probe,
    Init,
    Work,
}

fn stage() -> Stage {
    let marker = std::env::var(STAGE).unwrap_or_default();
    match marker.as_str() {
        // Both kinds of first process inside; `init` itself looks at the marker to know which one it is.
        "init" | "init-probe" if getpid().as_raw() == 1 => Stage::Init,
        "work" if getppid().as_raw() == 1 => Stage::Work,
        "probe" => Stage::Probe,
        _ => Stage::Outside,
    }
}

/// Moves the program into a sandbox called `tag`. To be called before any thread is started.
///
/// In the process that the person started it does not return when all goes well: it ends with the exit code of the
/// work, 128 + n for signal n. SIGINT, SIGTERM and SIGHUP reach the work; it has three seconds to end by itself, then
/// (or at a second signal) everything in the sandbox is killed.
///
/// # Errors
/// [`Error::Impossible`] where the machine does not allow it, with a text for the person. The process may then
/// already be in namespaces of its own: all that is left to do is to print and end.
pub fn enter(tag: &str) -> Result<Inside, Error> {
    match stage() {
        Stage::Outside => std::process::exit(outer::run(tag, outer::Purpose::Work)?),
        Stage::Probe => std::process::exit(match outer::run(tag, outer::Purpose::Probe) {
            Ok(code) => code,
            Err(error) => {
                outer::tell_prober(&error);
                i32::from(error.exit_code())
            }
        }),
        Stage::Init => std::process::exit(init::run()),
        Stage::Work => {
            signals::unblock().map_err(|errno| Error::failed("unblock signals", errno))?;
            let dir = dir().ok_or_else(|| Error::failed(format!("read {DIR}"), Errno::ENOENT))?;
            Ok(Inside { dir })
        }
    }
}

/// True in every stage but the first: what must happen once, outside (a build, a download), was already done.
pub fn entered() -> bool {
    stage() != Stage::Outside
}

/// Where the sandbox's own files go, when this process is the work or was started by it.
pub fn dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// The folder in every hierarchy of cgroups that is removed after the sandbox, for this process and whatever it started. Nobody
/// has made it yet.
pub fn cgroup() -> Option<String> {
    std::env::var(CGROUP).ok()
}

/// How many entries the kernel's neighbour table may have (arp(7), `gc_thresh3`), if it is known. All namespaces of a machine
/// share it: many hosts that each know many fill it, and then nobody finds anybody.
pub fn neighbor_room() -> Option<usize> {
    std::env::var(NEIGHBORS).ok()?.trim().parse().ok()
}

/// Tries whether a sandbox can be made here, in a process of its own: this one stays as it is.
///
/// The program's `main` must call [`enter`] before anything else, because that is what the tried process runs.
///
/// # Errors
/// As [`enter`].
pub fn possible() -> Result<(), Error> {
    match stage() {
        Stage::Outside => outer::probe(),
        Stage::Init | Stage::Work => Ok(()),
        Stage::Probe => Err(Error::failed(
            "try a sandbox: main must call sandbox::enter first",
            Errno::EDEADLK,
        )),
    }
}
