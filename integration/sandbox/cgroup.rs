//! The one thing of a sandbox that no namespace ends: folders of cgroups, which its containers were in.
//!
//! They lie below one folder that is named after the outer process. That process removes them once everything inside is dead;
//! where it was killed itself, the next sandbox does. The folder of a sandbox in a sandbox lies in that of the one around it:
//! its outer process has a number there alone, which somebody else may have outside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::CGROUP;

/// Where cgroups are mounted, on every distribution.
const ROOT: &str = "/sys/fs/cgroup";
/// Every cgroup has this file, and no other folder has.
pub(crate) const PROCESSES: &str = "cgroup.procs";
/// Before the outer process's number.
const NAME: &str = "tiklb-lab-";
/// A process that was killed counts until the kernel has run it once more.
const PATIENCE: Duration = Duration::from_secs(3);
const BETWEEN: Duration = Duration::from_millis(20);

/// The folder for the outer process of this number, as seen from the top of each hierarchy.
pub(super) fn name(outer: u32) -> String {
    let own = format!("{NAME}{outer}");
    around().map_or_else(|| own.clone(), |folder| format!("{folder}/{own}"))
}

/// The folder of the sandbox that this process is in, if it is in one: the environment of PID 1 tells. (Its own does not: a shell
/// that has joined a sandbox brought its environment along.)
fn around() -> Option<String> {
    let environment = fs::read("/proc/1/environ").ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let told = variables.find_map(|variable| variable.strip_prefix(format!("{CGROUP}=").as_bytes()))?;
    Some(String::from_utf8_lossy(told).into_owned())
}

/// The top folder of each hierarchy: one with cgroups of version 2, several with those of version 1.
///
/// # Errors
/// Cgroups are not mounted where they usually are.
pub fn cgroup_hierarchies() -> Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    if root.join(PROCESSES).is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let mut found: Vec<PathBuf> = fs::read_dir(root)
        .with_context(|| format!("listing {ROOT}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| folder.join(PROCESSES).is_file())
        .collect();
    found.sort();
    Ok(found)
}

/// Removes what a sandbox left in this folder, whose processes are dead by now.
#[expect(
    clippy::disallowed_methods,
    reason = "the outer process has no runtime, and the kernel tells nobody when a folder can be removed"
)]
pub(super) fn remove(folder: &str) {
    let deadline = Instant::now() + PATIENCE;
    for hierarchy in cgroup_hierarchies().unwrap_or_default() {
        let folder = hierarchy.join(folder);
        while folder.is_dir() && remove_below(&folder).is_err() && Instant::now() < deadline {
            sleep(BETWEEN);
        }
    }
}

/// Removes what sandboxes left whose outer process was killed.
pub(super) fn remove_abandoned() {
    let around = around().unwrap_or_default();
    for hierarchy in cgroup_hierarchies().unwrap_or_default() {
        for entry in fs::read_dir(hierarchy.join(&around))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let outer = name.to_str().and_then(|name| name.strip_prefix(NAME));
            if let Some(outer) = outer.and_then(|outer| outer.parse::<u32>().ok())
                && !Path::new(&format!("/proc/{outer}")).exists()
            {
                // In use after all: the kernel keeps it.
                let _ = remove_below(&entry.path());
            }
        }
    }
}

/// Only folders can be removed there, the innermost first.
fn remove_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_below(&path)?;
        }
    }
    fs::remove_dir(folder)
}
