//! A person at a shell on `control`, who asks tiklb.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::daemon::CONTROL_HOST;
use super::{Home, KUBECONFIG};
use crate::lan::Process;

/// What a person waits for an answer, with a router that is away and an API server that is away.
const PATIENCE: Duration = Duration::from_mins(1);

/// Helm's installation of a chart takes seconds, beside builds more.
const TYPED: Duration = Duration::from_mins(3);

/// What was printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What stands on the screen: stdout and stderr.
    pub text: String,
}

impl Shown {
    /// It ended so and shows all of this.
    pub(crate) fn shows(&self, code: i32, words: &[&str]) -> Result<()> {
        ensure!(self.code == Some(code), "{self:?}");
        for wanted in words {
            ensure!(self.text.contains(wanted), "no {wanted} in {}", self.text);
        }
        Ok(())
    }
}

impl Home {
    /// Runs a verb of tiklb with the administrator's kubeconfig, and waits for its end.
    ///
    /// # Errors
    /// When the plan names no program, or it does not end within a minute.
    pub async fn ask_tiklb(&self, arguments: &[&str]) -> Result<Shown> {
        self.ask(&self.folder.path().join(KUBECONFIG), arguments).await
    }

    /// The same as a service account of tiklb's, with what its roles allow.
    ///
    /// # Errors
    /// As for [`ask_tiklb`](Self::ask_tiklb), and when there is no such account.
    pub async fn ask_tiklb_as(&self, account: &str, arguments: &[&str]) -> Result<Shown> {
        let access = self.control_plane.account(account).await?;
        let file = format!("{account}.kubeconfig");
        self.folder.kubeconfig(&file, account, &access)?;
        self.ask(&self.folder.path().join(file), arguments).await
    }

    /// What a person types at a shell with the administrator's kubeconfig, in `folder`, with the programs in `tools` before
    /// all others.
    ///
    /// # Errors
    /// When it does not end within three minutes.
    pub async fn type_in(&self, folder: &Path, tools: &Path, line: &str) -> Result<Shown> {
        let system = std::env::var("PATH").unwrap_or_default();
        let process = self
            .lan
            .host(CONTROL_HOST)?
            .command("/bin/sh")
            .args(["-ec", line])
            .current_dir(folder)
            .env("KUBECONFIG", self.kubeconfig())
            .env("PATH", format!("{}:{system}", tools.display()))
            .env("HOME", tools)
            .env("NO_PROXY", "*")
            .spawn()
            .await?;
        shown(&process, TYPED).await.with_context(|| line.to_owned())
    }

    async fn ask(&self, kubeconfig: &Path, arguments: &[&str]) -> Result<Shown> {
        let process = self
            .lan
            .host(CONTROL_HOST)?
            .command(self.program()?)
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("NO_PROXY", "*")
            .spawn()
            .await?;
        let asked = || format!("tiklb {}", arguments.join(" "));
        shown(&process, PATIENCE).await.with_context(asked)
    }
}

/// What a program printed that runs no longer than this.
pub(crate) async fn shown(process: &Process, patience: Duration) -> Result<Shown> {
    let status = process.wait(patience).await?;
    let lines: Vec<String> = process.logs().into_iter().map(|line| line.text).collect();
    Ok(Shown {
        code: status.code(),
        text: lines.join("\n"),
    })
}
