//! A person's shell on the client, with kubectl and helm.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Installation;
use crate::home::{Shown, shown};

/// What a person waits for a command that waits for Pods, or for the router.
pub const PATIENCE: Duration = Duration::from_mins(6);

impl Installation {
    /// What a line of shell prints, as on a terminal.
    ///
    /// # Errors
    /// It fails: what it printed.
    pub async fn shell(&self, line: &str) -> Result<String> {
        let shown = self.try_shell(line).await?;
        if shown.code != Some(0) {
            bail!("`{line}` ended with {:?}:\n{}", shown.code, shown.text);
        }
        Ok(shown.text)
    }

    /// The same, where it may fail.
    ///
    /// # Errors
    /// It does not end.
    pub async fn try_shell(&self, line: &str) -> Result<Shown> {
        let kubeconfig = self.home.kubeconfig();
        // Both keep notes at home.
        let home = kubeconfig.parent().unwrap_or(Path::new("/"));
        let process = self
            .home
            .client()?
            .command("/bin/sh")
            .args(["-c", line])
            .env("PATH", self.path()?)
            .env("HOME", home)
            .env("KUBECONFIG", &kubeconfig)
            .env("NO_PROXY", "*")
            .spawn()
            .await?;
        let ended = shown(&process, PATIENCE).await;
        ended.with_context(|| format!("waiting for `{line}`"))
    }

    fn path(&self) -> Result<std::ffi::OsString> {
        let own = std::env::var_os("PATH").unwrap_or_default();
        let built = [&self.parts.binaries.kubectl, &self.parts.helm];
        let built = built.into_iter().filter_map(|program| program.parent());
        let folders = built.map(Path::to_owned).chain(std::env::split_paths(&own));
        std::env::join_paths(folders).context("a folder with a colon in its name cannot stand in a PATH")
    }
}
