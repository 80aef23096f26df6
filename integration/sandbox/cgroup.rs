//! The one thing of a sandbox that no namespace ends: folders of cgroups, which its containers were in.
//!
//! They lie below one folder that is named after the outer process. That process removes them once everything inside is dead;
//! where it was killed itself, the next sandbox does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Where cgroups are mounted, on every distribution.
const ROOT: &str = "/sys/fs/cgroup";
/// Every cgroup has this file, and no other folder has.
pub(crate) const PROCESSES: &str = "cgroup.procs";
/// Before the outer process's number.
const NAME: &str = "tiklb-lab-";
/// A process that was killed counts until the kernel has run it once more.
const PATIENCE: Duration = Duration::from_secs(3);
const BETWEEN: Duration = Duration::from_millis(20);

/// The folder's name for the outer process of this number.
pub(super) fn name(outer: u32) -> String {
    format!("{NAME}{outer}")
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

/// Removes what the sandbox of this outer process left, which is dead by now.
#[expect(
    clippy::disallowed_methods,
    reason = "the outer process has no runtime, and the kernel tells nobody when a folder can be removed"
)]
pub(super) fn remove(outer: u32) {
    let deadline = Instant::now() + PATIENCE;
    for hierarchy in cgroup_hierarchies().unwrap_or_default() {
        let folder = hierarchy.join(name(outer));
        while folder.is_dir() && remove_below(&folder).is_err() && Instant::now() < deadline {
            sleep(BETWEEN);
        }
    }
}

/// Removes what sandboxes left whose outer process was killed.
pub(super) fn remove_abandoned() {
    for hierarchy in cgroup_hierarchies().unwrap_or_default() {
        for entry in fs::read_dir(hierarchy).into_iter().flatten().flatten() {
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
