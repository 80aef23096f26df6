//! The folder of a node's Pods in each hierarchy of cgroups.
//!
//! A kubelet wants its root to be there already. With cgroups of version 1 that is a folder in each controller's hierarchy,
//! and `cpuset` gives a new one no processors; with version 2 (written by the manual, cgroups(7), not run here) it is one
//! folder to which the parent's controllers are handed down.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::sandbox;

/// What a kubelet uses of version 2.
const HANDED_DOWN: &str = "+cpu +cpuset +memory +pids";

/// Makes the folder of a node, and says what the kubelet calls it.
pub(super) fn make(node: &str) -> Result<String> {
    let lab = sandbox::cgroup().context("a cluster lives in the lab's sandbox: call sandbox::enter first")?;
    let hierarchies = sandbox::cgroup_hierarchies()?;
    for hierarchy in &hierarchies {
        let doing = || format!("making a cgroup for {node} in {}", hierarchy.display());
        let mut parent = hierarchy.clone();
        for name in &Path::new(&lab).join(node) {
            let folder = parent.join(name);
            hand_down(&parent).with_context(doing)?;
            fs::create_dir_all(&folder).with_context(doing)?;
            copy_processors(&parent, &folder).with_context(doing)?;
            parent = folder;
        }
    }
    Ok(format!("/{lab}/{node}"))
}

/// The processes of a node's Pods, in whichever hierarchy.
pub(super) fn processes(path: &str) -> Result<Vec<i32>> {
    let mut found = Vec::new();
    // Containers are in all of them: the first one tells.
    if let Some(hierarchy) = sandbox::cgroup_hierarchies()?.first() {
        collect(&hierarchy.join(path.trim_start_matches('/')), &mut found);
    }
    Ok(found)
}

/// What goes while it is read has no processes any more.
fn collect(folder: &Path, found: &mut Vec<i32>) {
    let own = fs::read_to_string(folder.join(sandbox::PROCESSES)).unwrap_or_default();
    found.extend(own.lines().filter_map(|line| line.parse::<i32>().ok()));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), found);
        }
    }
}

/// Version 2 only: a child has the controllers that its parent hands down.
fn hand_down(parent: &Path) -> std::io::Result<()> {
    let file = parent.join("cgroup.subtree_control");
    // The unified hierarchy beside those of version 1 has no controllers to give.
    let controllers = fs::read_to_string(parent.join("cgroup.controllers")).unwrap_or_default();
    if controllers.contains("memory") {
        fs::write(file, HANDED_DOWN)?;
    }
    Ok(())
}

/// Version 1 only: a new `cpuset` is empty, and no process can enter it.
fn copy_processors(parent: &Path, folder: &Path) -> std::io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let (from, to) = (parent.join(file), folder.join(file));
        if from.is_file() && to.is_file() && fs::read_to_string(&to)?.trim().is_empty() {
            fs::write(to, fs::read_to_string(from)?.trim())?;
        }
    }
    Ok(())
}
