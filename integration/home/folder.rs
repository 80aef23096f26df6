//! Where a home's files lie: kubeconfigs and the router's CA.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::Plan;
use crate::cluster::{kubeconfig, write_secret};
use crate::kube::Access;
use crate::sandbox;

/// The folder, and whether it goes with the home.
#[derive(Debug)]
pub(super) enum Folder {
    Own(TempDir),
    Given(PathBuf),
}

impl Folder {
    /// The one that the plan opens to a person, or one of the home's own in the sandbox.
    pub(super) fn of(plan: &Plan) -> Result<Self> {
        if let Some(folder) = &plan.folder {
            return Ok(Self::Given(folder.clone()));
        }
        let sandbox =
            sandbox::dir().context("a home stands in the lab's sandbox: call sandbox::enter first")?;
        let own = tempfile::Builder::new().prefix("home-").tempdir_in(&sandbox);
        own.map(Self::Own)
            .with_context(|| format!("making a folder for the home in {}", sandbox.display()))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }

    /// Writes a file that only its owner reads.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.path().join(name);
        write_secret(&file, text)?;
        Ok(file)
    }

    /// Writes the file by which a program becomes `user`.
    pub(super) fn kubeconfig(&self, name: &str, user: &str, access: &Access) -> Result<PathBuf> {
        self.write(name, &kubeconfig(access, user).to_string())
    }
}
