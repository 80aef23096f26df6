//! The memory of tiklb's processes at a moment.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::machine::kibibytes;
use crate::home::Home;
use crate::lan::Process;

/// Fields between the name and `utime` in proc(5)'s stat.
const BEFORE_TIMES: usize = 11;

/// Linux shows times to programs in hundredths of a second, whatever it counts in itself (`USER_HZ`).
const TICK_MS: u64 = 10;

/// What one process uses, in KiB (proc(5), status).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    run: u32,
    pub(super) moment: &'static str,
    pub(super) role: &'static str,
    host: String,
    resident_kib: u64,
    /// Of that, what is no file's: heap and stacks.
    anonymous_kib: u64,
    /// The most that was ever resident.
    peak_kib: u64,
}

impl Usage {
    fn read(status: &str) -> Option<Self> {
        Some(Self {
            run: 0,
            moment: "",
            role: "",
            host: String::new(),
            resident_kib: kibibytes(status, "VmRSS")?,
            anonymous_kib: kibibytes(status, "RssAnon")?,
            peak_kib: kibibytes(status, "VmHWM")?,
        })
    }

    pub(super) fn resident_mib(&self) -> f64 {
        mebibytes(self.resident_kib)
    }

    pub(super) fn anonymous_mib(&self) -> f64 {
        mebibytes(self.anonymous_kib)
    }

    pub(super) fn peak_mib(&self) -> f64 {
        mebibytes(self.peak_kib)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a process's memory is far below 2^52 KiB, where an f64 is no longer exact"
)]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// The allocator alone.
pub(super) fn allocator(home: &Home, moment: &'static str) -> Result<Usage> {
    of_one(home.allocator()?, "allocator", moment)
}

/// One process, whoever's it is.
pub(super) fn of_one(process: &Process, role: &'static str, moment: &'static str) -> Result<Usage> {
    Ok(Usage {
        moment,
        role,
        host: process.host().to_owned(),
        ..of(process).with_context(|| format!("reading the memory of the {role}"))?
    })
}

/// All of the home's processes.
pub(super) fn usage(home: &Home, run: u32, moment: &'static str) -> Result<Vec<Usage>> {
    let speakers = home.node_names().map(|node| Ok(("speaker", home.speaker(node)?)));
    let all = std::iter::once(home.allocator().map(|process| ("allocator", process))).chain(speakers);
    let usages = all.map(|process| {
        let (role, process) = process?;
        Ok(Usage {
            run,
            moment,
            role,
            host: process.host().to_owned(),
            ..of(process)
                .with_context(|| format!("reading the memory of the {role} on {}", process.host()))?
        })
    });
    usages.collect()
}

/// The processor time that a process has used so far, all of its threads together.
pub(super) fn processor(process: &Process) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid()))?;
    ticks(&stat).context("the kernel tells no times of the process: it has ended")
}

/// The same to the nanosecond, for processes that use little: what each thread that there is has run by now.
pub(super) fn precise_processor(process: &Process) -> Result<Duration> {
    let threads = format!("/proc/{}/task", process.pid());
    let doing = || format!("reading {threads}");
    let mut all = Duration::ZERO;
    for thread in std::fs::read_dir(&threads).with_context(doing)? {
        let file = thread.with_context(doing)?.path().join("schedstat");
        // A thread that has ended meanwhile took its time with it.
        if let Ok(text) = std::fs::read_to_string(&file) {
            all += ran(&text).with_context(|| format!("{} says {text:?}", file.display()))?;
        }
    }
    Ok(all)
}

/// The first number of a thread's schedstat.
fn ran(schedstat: &str) -> Option<Duration> {
    let first = schedstat.split_whitespace().next()?;
    Some(Duration::from_nanos(first.parse().ok()?))
}

/// User and system time in proc(5)'s stat. The name before them is in parentheses and may hold anything.
fn ticks(stat: &str) -> Option<Duration> {
    let (_, after) = stat.rsplit_once(") ")?;
    let mut times = after.split(' ').skip(BEFORE_TIMES).take(2).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    Some(Duration::from_millis(ticks * TICK_MS))
}

fn of(process: &Process) -> Result<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()))?;
    Usage::read(&status).context("the kernel tells no VmRSS, RssAnon and VmHWM: it has ended")
}

#[cfg(test)]
mod tests;
