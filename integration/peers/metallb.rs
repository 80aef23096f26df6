//! `MetalLB`, of the version that `go/metallb/go.mod` names: its controller, and the kinds that it reads.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::cluster::Program;
use crate::cluster::build::Workshop;

/// The module, whose folder in the go command's cache also holds the definitions of its kinds.
const MODULE: &str = "go.universe.tf/metallb";

/// Where they are in it.
const DEFINITIONS: &str = "config/crd/bases";

/// The module was fetched for the build, or its folder is looked up.
const LOOKED_UP: Duration = Duration::from_mins(5);

/// What is needed to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metallb {
    /// The program that assigns addresses.
    pub controller: PathBuf,
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
    let program = Program::MetallbController;
    let (version, folder) = module(&workshop.module_of(program)).await?;
    Ok(Metallb {
        controller: workshop.place(program),
        definitions: definitions(&folder.join(DEFINITIONS))?,
        version,
    })
}

/// The module's version and its folder, as the go command tells them.
async fn module(named_in: &Path) -> Result<(String, PathBuf)> {
    let doing = || format!("asking the go command for the folder of {MODULE}");
    let mut command = Command::new("go");
    command
        .args(["list", "-m", "-f", "{{.Version}} {{.Dir}}", MODULE])
        .current_dir(named_in)
        .env("GOWORK", "off")
        .kill_on_drop(true);
    let output = timeout(LOOKED_UP, command.output()).await;
    let output = output.with_context(doing)?.with_context(doing)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", doing());
    read(&String::from_utf8_lossy(&output.stdout)).with_context(doing)
}

/// Version and folder, as they stand in the answer.
fn read(answer: &str) -> Result<(String, PathBuf)> {
    match answer.trim().split_once(' ') {
        Some((version, folder)) if !folder.is_empty() => Ok((version.to_owned(), folder.into())),
        _ => bail!("it is not in the go command's cache: go mod download {MODULE}"),
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
