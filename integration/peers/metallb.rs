//! `MetalLB`, of the version that `go/metallb/go.mod` names: its programs, the kinds that it reads, and how it is installed.

mod running;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::cluster::Program;
use crate::cluster::build::Workshop;
pub use running::{Accounts, GRACE, Running};

/// The module, whose folder in the go command's cache also holds the definitions of its kinds.
const MODULE: &str = "go.universe.tf/metallb";

/// Where they are in it.
const DEFINITIONS: &str = "config/crd/bases";
/// Its Helm chart, with the charts that it depends on.
const CHART: &str = "charts/metallb";
/// What a person without Helm applies.
const MANIFEST: &str = "config/manifests/metallb-native.yaml";

/// The module was fetched for the build, or its folder is looked up.
const LOOKED_UP: Duration = Duration::from_mins(5);

/// What is needed to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metallb {
    /// The program that assigns addresses.
    pub controller: PathBuf,
    /// The program that answers ARP.
    pub speaker: PathBuf,
    /// Its Helm chart.
    pub chart: PathBuf,
    /// The same as one manifest, without Helm.
    pub manifest: PathBuf,
    /// The definitions of its kinds, one file each.
    pub definitions: Vec<PathBuf>,
    /// For example `v0.15.2`.
    pub version: String,
}

/// Builds it, if it does not stand ready. `progress` hears of everything that takes more than two seconds.
///
/// # Errors
/// No Go, or one that is too old; a failed build; a module without definitions.
pub async fn build(progress: &mut (dyn Write + Send)) -> Result<Metallb> {
    let workshop = Workshop::of_metallb()?;
    workshop.make(progress).await?;
    let go_mod = workshop.module_of(Program::MetallbController);
    // The programs may have outlived the go command's cache, which the chart lies in.
    go(&go_mod, &["mod", "download", MODULE]).await?;
    Metallb::of(&workshop).await
}

/// What its manifest installs.
#[derive(Debug, Clone, PartialEq)]
pub struct Objects {
    /// By which the API server asks the controller about what is written.
    pub webhooks: Vec<Value>,
    /// Everything else, in the manifest's order.
    pub others: Vec<Value>,
}

impl Metallb {
    /// What a person without Helm applies.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub fn objects(&self) -> Result<Objects> {
        let doing = || format!("reading {}", self.manifest.display());
        let text = std::fs::read_to_string(&self.manifest).with_context(doing)?;
        let all: Vec<Value> = serde_saphyr::from_multiple(&text).with_context(doing)?;
        let (webhooks, others) = all
            .into_iter()
            .filter(|object| !object.is_null())
            .partition(|object| object["kind"] == "ValidatingWebhookConfiguration");
        Ok(Objects { webhooks, others })
    }

    /// The one that was built before.
    ///
    /// # Errors
    /// It was not, or the go command's cache has lost its module.
    pub async fn found() -> Result<Self> {
        let workshop = Workshop::of_metallb()?;
        ensure!(
            workshop.is_done(),
            "MetalLB is not built: cargo run --release -p lab -- cluster build"
        );
        Self::of(&workshop).await
    }

    async fn of(workshop: &Workshop) -> Result<Self> {
        let (version, folder) = module(&workshop.module_of(Program::MetallbController)).await?;
        Ok(Self {
            controller: workshop.place(Program::MetallbController),
            speaker: workshop.place(Program::MetallbSpeaker),
            chart: folder.join(CHART),
            manifest: folder.join(MANIFEST),
            definitions: definitions(&folder.join(DEFINITIONS))?,
            version,
        })
    }
}

/// The module's version and its folder, as the go command tells them.
async fn module(named_in: &Path) -> Result<(String, PathBuf)> {
    let answer = go(named_in, &["list", "-m", "-f", "{{.Version}} {{.Dir}}", MODULE]).await?;
    read(&answer).with_context(|| format!("asking the go command for the folder of {MODULE}"))
}

/// What the go command prints, run where a go.mod is.
async fn go(named_in: &Path, arguments: &[&str]) -> Result<String> {
    let doing = || format!("running go {} in {}", arguments.join(" "), named_in.display());
    let mut command = Command::new("go");
    command
        .args(arguments)
        .current_dir(named_in)
        .env("GOWORK", "off")
        .kill_on_drop(true);
    let output = timeout(LOOKED_UP, command.output()).await;
    let output = output.with_context(doing)?.with_context(doing)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", doing());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Version and folder, as they stand in the answer.
fn read(answer: &str) -> Result<(String, PathBuf)> {
    match answer.trim().split_once(' ') {
        Some((version, folder)) if !folder.is_empty() => Ok((version.to_owned(), folder.into())),
        _ => bail!("it is not in the go command's cache: cargo run --release -p lab -- cluster build"),
    }
}

fn definitions(folder: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("listing {MODULE}'s definitions in {}", folder.display());
    let files = std::fs::read_dir(folder).with_context(doing)?;
    let files = files.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<PathBuf> = files.collect::<Result<_, _>>().with_context(doing)?;
    files.retain(|file| file.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    ensure!(!files.is_empty(), "{}: there are none", doing());
    Ok(files)
}

#[cfg(test)]
mod tests;
