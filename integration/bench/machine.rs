//! Where and on what a bench ran: numbers without that say nothing.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

/// The machine, which stays the same from run to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Machine {
    /// Release and build of the kernel.
    kernel: String,
    architecture: &'static str,
    processor: String,
    cores: usize,
    memory_kib: u64,
}

impl Machine {
    pub(super) fn here() -> Self {
        let kernel = ["osrelease", "version"]
            .map(|file| read(&format!("/proc/sys/kernel/{file}")).trim().to_owned())
            .join(" ");
        Self {
            kernel,
            architecture: std::env::consts::ARCH,
            processor: after(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_kib: kibibytes(&read("/proc/meminfo"), "MemTotal").unwrap_or(0),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kernel = self.kernel.split(' ').next().unwrap_or_default();
        write!(
            f,
            "{} cores ({}), {} MiB, Linux {kernel}",
            self.cores,
            self.processor,
            self.memory_kib / 1024
        )
    }
}

/// What else the machine had to do at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Load {
    /// Tasks that ran or wanted to, over the last minute and the last five and fifteen (proc(5), loadavg).
    average: [f64; 3],
    /// Clock ticks since boot that the processors spent, with what, summed up.
    #[serde(skip)]
    ticks: Ticks,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Ticks {
    idle: u64,
    all: u64,
}

impl Load {
    pub(super) fn now() -> Self {
        Self {
            average: averages(&read("/proc/loadavg")),
            ticks: ticks(&read("/proc/stat")),
        }
    }

    /// The share of all processors' time since `earlier` in which they did something, from 0 to 1.
    pub(super) fn busy_since(&self, earlier: &Self) -> f64 {
        let all = self.ticks.all.saturating_sub(earlier.ticks.all);
        let idle = self.ticks.idle.saturating_sub(earlier.ticks.idle);
        if all == 0 {
            return 0.0;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "ticks of a bench: hundredths of seconds, minutes of them"
        )]
        let share = 1.0 - idle.min(all) as f64 / all as f64;
        share
    }
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [one, five, fifteen] = self.average;
        write!(f, "{one:.2} {five:.2} {fifteen:.2}")
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Build {
    /// What `tiklb --version` says.
    version: String,
    /// `git describe` of the checkout that it was built from; `-dirty` with changes that are not committed.
    commit: Option<String>,
    /// How cargo built it, or that a person named the program: then nobody here knows its commit either.
    profile: &'static str,
}

/// Cargo's folders, and the profiles of what lies in them.
const PROFILES: [(&str, &str); 3] = [("debug", "dev"), ("release", "release"), ("dist", "dist")];

impl Build {
    /// Of the program at `tiklb`, which cargo has made if it lies in the folder `target`.
    pub(super) fn of(tiklb: &Path, target: Option<&Path>) -> Self {
        let version = line_of(Command::new(tiklb).arg("--version"));
        let folder = tiklb.parent().and_then(Path::file_name);
        let profile = PROFILES
            .into_iter()
            .find(|(name, _)| folder == Some(OsStr::new(name)));
        let profile = profile.filter(|_| target.is_some_and(|target| tiklb.starts_with(target)));
        let describe = ["describe", "--always", "--dirty", "--abbrev=12"];
        let mut git = Command::new("git");
        git.args(["-C", env!("CARGO_MANIFEST_DIR")]).args(describe);
        Self {
            version: version.unwrap_or_else(|| "unknown".to_owned()),
            commit: profile.and_then(|_| line_of(&mut git)),
            profile: profile.map_or("given", |(_, profile)| profile),
        }
    }

    /// Whether its numbers are not those that a person gets.
    pub(super) fn is_for_development(&self) -> bool {
        self.profile == "dev"
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let commit = self.commit.as_deref().unwrap_or("commit unknown");
        write!(f, "{}, {commit}, profile: {}", self.version, self.profile)
    }
}

/// What a program prints, if it ends well.
fn line_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// An empty text where the kernel has no such file: a bench does not fail for want of a footnote.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value behind `key` and a colon.
fn after(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines();
    lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim().to_owned())
    })
}

/// A value such as `MemTotal:  24683656 kB`.
pub(super) fn kibibytes(text: &str, key: &str) -> Option<u64> {
    after(text, key)?.strip_suffix(" kB")?.parse().ok()
}

fn averages(loadavg: &str) -> [f64; 3] {
    let mut fields = loadavg
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0));
    [(); 3].map(|()| fields.next().unwrap_or(0.0))
}

/// The first line of /proc/stat: user, nice, system, idle, iowait and so on. Guests' time is in the user's already.
fn ticks(stat: &str) -> Ticks {
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .take(8)
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    Ticks {
        idle: fields.iter().skip(3).take(2).sum(),
        all: fields.iter().sum(),
    }
}

#[cfg(test)]
mod tests;
