//! All processes of a host standing still, as on a machine whose disk hangs or that has no memory left: its kernel alone
//! goes on.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::process::{signal_if_there, state};
use super::{Error, Host};

/// Each stops at its next return from the kernel.
const BOUND: Duration = Duration::from_secs(5);

impl Host {
    /// Stops every process on the host (SIGSTOP). Returns when all stand still: how many they are.
    ///
    /// # Errors
    /// When one does not stand still within five seconds, or the kernel refuses.
    pub async fn freeze(&self) -> Result<usize, Error> {
        let all_still = async {
            loop {
                let processes = self.processes()?;
                // One that is still running may have started another one meanwhile.
                let moving = processes.iter().filter(|pid| !stands_still(**pid));
                let moving: Vec<Pid> = moving.copied().collect();
                if moving.is_empty() {
                    return Ok(processes.len());
                }
                self.signal(&moving, Signal::SIGSTOP)?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let bounded = tokio::time::timeout(BOUND, all_still).await;
        bounded.unwrap_or_else(|_| {
            Err(Error::TooLate {
                host: self.name().to_owned(),
                what: "a standstill of all processes".to_owned(),
                bound: BOUND,
                detail: String::new(),
            })
        })
    }

    /// Makes good a [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn thaw(&self) -> Result<(), Error> {
        self.signal(&self.processes()?, Signal::SIGCONT)
    }

    /// What runs in the host's network namespace. The lab's own threads there are none of its processes.
    fn processes(&self) -> Result<Vec<Pid>, Error> {
        let failed = |source| self.system("list its processes", source);
        let identity = |of: fs::Metadata| (of.dev(), of.ino());
        let own = self.namespace().metadata().map_err(failed)?;
        let own = identity(own);
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // One that has ended since has no namespace.
            let there = fs::metadata(entry.path().join("ns/net")).is_ok_and(|of| identity(of) == own);
            if there && Pid::from_raw(pid) != Pid::this() {
                found.push(Pid::from_raw(pid));
            }
        }
        Ok(found)
    }

    fn signal(&self, processes: &[Pid], signal: Signal) -> Result<(), Error> {
        for pid in processes {
            let sent = signal_if_there(*pid, signal);
            sent.map_err(|errno| self.system(&format!("send {signal} to process {pid}"), errno.into()))?;
        }
        Ok(())
    }
}

/// Stopped, ended and not yet waited for, or gone.
fn stands_still(pid: Pid) -> bool {
    state(pid).is_none_or(|state| matches!(state, 'T' | 'Z' | 'X'))
}
