//! A person's desk: a folder with the files that the pages have made by then, and the programs that they name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use routeros_sim::PASSWORD;
use tempfile::TempDir;

use super::Outcome;
use super::scene::{SOON, Scene};
use crate::chart::Helm;
use crate::home::Home;
use crate::sandbox;
use crate::wait::until;

/// The folder that the pages call so: a person's own, with the manifests for Git.
const REPOSITORY: &str = "your-repository";

/// Verbs of kubectl, helm and tiklb that change something.
const CHANGING: [&str; 10] = [
    "annotate",
    "apply",
    "create",
    "delete",
    "install",
    "label",
    "patch",
    "release",
    "uninstall",
    "upgrade",
];

/// Whether a line changes something in the cluster or on the router.
fn changes(line: &str) -> bool {
    line.split_whitespace().any(|word| CHANGING.contains(&word))
}

fn empty() -> Result<TempDir> {
    let inside = sandbox::dir().context("stories are played in the lab's sandbox")?;
    TempDir::new_in(inside).context("making a folder for a person")
}

/// A folder with the programs by the names that a person types: kubectl and helm on the real cluster alone.
pub(super) fn tools(home: &Home) -> Result<TempDir> {
    let folder = empty()?;
    let link = |name: &str, program: &Path| {
        symlink(program, folder.path().join(name)).with_context(|| format!("linking {name}"))
    };
    link("tiklb", home.program()?)?;
    if let Some(cluster) = home.control_plane().real() {
        link("kubectl", &cluster.binaries().kubectl)?;
        let helm =
            Helm::found()?.context("helm is not built: cargo run --release -p lab -- cluster build")?;
        link("helm", helm.program())?;
    }
    Ok(folder)
}

/// A person who has the router's password and its CA in files, and tiklb; on a real cluster kubectl and helm as well.
pub(super) struct Desk {
    folder: TempDir,
    tools: TempDir,
}

impl Desk {
    pub(super) fn open(home: &Home) -> Result<Self> {
        let desk = Self {
            folder: empty()?,
            tools: tools(home)?,
        };
        fs::write(desk.file("pw"), PASSWORD)?;
        fs::copy(home.router_ca(), desk.file("tiklb-ca.crt"))?;
        fs::create_dir(desk.repository())?;
        Ok(desk)
    }

    /// Where the person is.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether there is a kubectl: on the real cluster alone.
    pub(super) fn has_kubectl(&self) -> bool {
        self.tools.path().join("kubectl").exists()
    }

    /// A file of the folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder with the manifests.
    pub(super) fn repository(&self) -> PathBuf {
        self.file(REPOSITORY)
    }

    /// Types a line in the desk's folder, which ends so and shows all of this. One that only looks is typed until it does: what
    /// allocator and speakers report follows by moments. One that changes something has to work the first time, as for a person.
    pub(super) async fn types(&self, scene: &Scene, line: &str, code: i32, words: &[&str]) -> Outcome {
        self.types_in(scene, self.folder.path(), line, code, words).await
    }

    /// The same in another folder.
    pub(super) async fn types_in(
        &self,
        scene: &Scene,
        folder: &Path,
        line: &str,
        code: i32,
        words: &[&str],
    ) -> Outcome {
        let once = async || {
            let shown = scene.home.type_in(folder, self.tools.path(), line).await?;
            shown.shows(code, words)
        };
        if changes(line) {
            return once().await.with_context(|| format!("typing `{line}`"));
        }
        until(&format!("`{line}` to show it"), SOON, once).await
    }
}
