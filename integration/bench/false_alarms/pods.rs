//! What Pods get of the processors: a cgroup for each, weighted by what it asks for, as a kubelet makes them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::home::deployed;
use crate::lan::Process;
use crate::sandbox::{self, PROCESSES};

/// Where the speaker's Pod stands as it is installed.
const MANIFEST: &str = "manifests/tiklb.yaml";

/// What a busy Pod asks for, in thousandths of a processor: it is somebody's application.
pub(super) const BUSY: u64 = 500;

/// Shares of a whole processor in cgroups of version 1, and the least that a kubelet gives (its `MilliCPUToShares`).
const SHARES: u64 = 1_024;
const LEAST: u64 = 2;

/// The folder that has them all, below the sandbox's own.
const ALL: &str = "pods";

/// The cgroups of a home's Pods. They go with the sandbox; that the machine's top folder hands down `cpu` (version 2) stays, as a
/// kubelet or systemd has it.
pub(super) struct Pods {
    folder: PathBuf,
    /// The file that a Pod's share is written to.
    version: Version,
    /// What a speaker asks for, in thousandths of a processor.
    pub(super) speaker: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Pods {
    /// Makes the folder that has them all.
    ///
    /// # Errors
    /// Without root, or where no hierarchy has weights: then nothing is known of Pods.
    pub(super) fn new() -> Result<Self> {
        let lab =
            sandbox::cgroup().context("cgroups are made in the lab's sandbox: call sandbox::enter first")?;
        let (hierarchy, version) = weighed()?;
        let outer = hierarchy.join(lab);
        let folder = outer.join(ALL);
        let doing = || format!("making {} for Pods (this needs root)", folder.display());
        for (parent, folder) in [(&hierarchy, &outer), (&outer, &folder)] {
            hand_down(parent, version).with_context(doing)?;
            fs::create_dir_all(folder).with_context(doing)?;
        }
        hand_down(&folder, version).with_context(doing)?;
        let processors = std::thread::available_parallelism().context("counting processors")?;
        // All Pods together weigh as much as the machine has, beside what is no Pod.
        weigh(&outer, version, 1_000 * processors.get() as u64)?;
        let manifest = deployed(MANIFEST);
        let text =
            fs::read_to_string(&manifest).with_context(|| format!("reading {}", manifest.display()))?;
        Ok(Self {
            folder,
            version,
            speaker: speakers_request(&text)?,
        })
    }

    /// Puts a process into a Pod of its own that asks for so many thousandths of a processor.
    pub(super) fn put(&self, process: &Process, request: u64) -> Result<()> {
        let pod = self.folder.join(format!("{}-{}", process.host(), process.pid()));
        let doing = || format!("putting {} into {}", process.name(), pod.display());
        fs::create_dir_all(&pod).with_context(doing)?;
        weigh(&pod, self.version, request)?;
        fs::write(pod.join(PROCESSES), process.pid().to_string()).with_context(doing)
    }
}

/// The hierarchy whose folders have weights.
fn weighed() -> Result<(PathBuf, Version)> {
    let hierarchies = sandbox::cgroup_hierarchies()?;
    let named = |file: &str| {
        hierarchies
            .iter()
            .find(|folder| folder.join(file).is_file())
            .cloned()
    };
    // The top folder of version 2 has no weight of its own, but says which controllers there are.
    if let Some(folder) = named("cpu.shares") {
        return Ok((folder, Version::One));
    }
    let unified = hierarchies.into_iter().find(|folder| {
        let controllers = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
        controllers
            .split_whitespace()
            .any(|controller| controller == "cpu")
    });
    let unified = unified.context("no hierarchy of cgroups on this machine has the controller `cpu`")?;
    Ok((unified, Version::Two))
}

fn hand_down(parent: &Path, version: Version) -> std::io::Result<()> {
    match version {
        Version::One => Ok(()),
        Version::Two => {
            let file = parent.join("cgroup.subtree_control");
            let there = fs::read_to_string(&file).unwrap_or_default();
            if there.split_whitespace().any(|controller| controller == "cpu") {
                return Ok(());
            }
            fs::write(file, "+cpu")
        }
    }
}

fn weigh(folder: &Path, version: Version, request: u64) -> Result<()> {
    let (file, weight) = weight(version, request);
    let file = folder.join(file);
    fs::write(&file, weight.to_string()).with_context(|| format!("writing {}", file.display()))
}

/// The file and the number that a kubelet writes to it.
fn weight(version: Version, request: u64) -> (&'static str, u64) {
    let shares = (request * SHARES / 1_000).max(LEAST);
    match version {
        Version::One => ("cpu.shares", shares),
        // As runc converts 2..=262,144 to 1..=10,000.
        Version::Two => ("cpu.weight", 1 + (shares - LEAST) * 9_999 / 262_142),
    }
}

/// What the speaker's container asks for in the manifest, in thousandths of a processor.
fn speakers_request(manifest: &str) -> Result<u64> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(manifest).context("reading the manifest")?;
    let speaker = objects.iter().find(|object| object["kind"] == "DaemonSet");
    let speaker = speaker.context("the manifest has no DaemonSet")?;
    let request = &speaker["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"];
    let request = request
        .as_str()
        .context("its speaker asks for no processor time")?;
    let thousandths = request.strip_suffix('m').and_then(|number| number.parse().ok());
    let thousandths =
        thousandths.with_context(|| format!("its speaker asks for {request:?}, not for thousandths"))?;
    ensure!(thousandths > 0, "its speaker asks for nothing");
    Ok(thousandths)
}

#[cfg(test)]
mod tests;
