//! A person's desk: a folder with the files that the pages have made by then, and the programs that they name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use routeros_sim::PASSWORD;
use tempfile::TempDir;

use super::Outcome;
use super::scene::{SOON, Scene};
use crate::chart::Helm;
use crate::home::{Home, Shown};
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

/// A person who has the router's password and its CA in files, and tiklb; on a real cluster kubectl and helm as well.
pub(super) struct Desk {
    folder: TempDir,
    tools: TempDir,
}

impl Desk {
    pub(super) fn open(home: &Home) -> Result<Self> {
        let inside = sandbox::dir().context("stories are played in the lab's sandbox")?;
        let desk = Self {
            folder: TempDir::new_in(&inside)?,
            tools: TempDir::new_in(&inside)?,
        };
        symlink(home.program()?, desk.tools.path().join("tiklb"))?;
        if let Some(cluster) = home.control_plane().real() {
            symlink(&cluster.binaries().kubectl, desk.tools.path().join("kubectl"))?;
            let helm =
                Helm::found()?.context("helm is not built: cargo run --release -p lab -- cluster build")?;
            symlink(helm.program(), desk.tools.path().join("helm"))?;
        }
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
            let shown: Shown = scene.home.type_in(folder, self.tools.path(), line).await?;
            ensure!(shown.code == Some(code), "{shown:?}");
            for wanted in words {
                ensure!(shown.text.contains(wanted), "no {wanted} in {}", shown.text);
            }
            Ok(())
        };
        if changes(line) {
            return once().await.with_context(|| format!("typing `{line}`"));
        }
        until(&format!("`{line}` to show it"), SOON, once).await
    }
}
