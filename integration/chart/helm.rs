//! Helm, built from its Go module and run without a person's own settings.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use super::{RELEASE, folder, text};
use crate::cluster::Program;
use crate::cluster::build::Workshop;
use crate::home::NAMESPACE;

/// Linting and rendering take a tenth of a second, an installation as long as its Pods.
const PATIENCE: Duration = Duration::from_mins(10);

/// The Kubernetes that is rendered for. Helm's own idea of it is set when Helm is released, and is v1.20 in a plain build.
const KUBERNETES: &str = "1.36.3";

/// The program, with a home of its own.
#[derive(Debug)]
pub struct Helm {
    program: PathBuf,
    home: TempDir,
}

impl Helm {
    /// Builds it, if it does not stand ready. `progress` hears of everything that takes more than two seconds.
    ///
    /// # Errors
    /// No Go, or one that is too old; a failed build.
    pub async fn build(progress: &mut (dyn Write + Send)) -> Result<Self> {
        let workshop = Workshop::of_helm()?;
        workshop.make(progress).await?;
        Self::at(workshop.place(Program::Helm))
    }

    /// The one that was built before; `None` where it was not.
    ///
    /// # Errors
    /// The module cannot be read, or no temporary folder can be made.
    pub fn found() -> Result<Option<Self>> {
        let program = Workshop::of_helm()?.place(Program::Helm);
        program.is_file().then(|| Self::at(program)).transpose()
    }

    fn at(program: PathBuf) -> Result<Self> {
        let home = TempDir::new().context("making a home for helm")?;
        Ok(Self { program, home })
    }

    /// Where it is, for whoever runs it elsewhere.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The command with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let doing = || format!("running helm {}", arguments.join(" "));
        let output = timeout(PATIENCE, self.command(arguments).output()).await;
        output.with_context(doing)?.with_context(doing)
    }

    /// What it prints, where it ends well.
    ///
    /// # Errors
    /// It does not: what it says.
    pub async fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments).await?;
        if !output.status.success() {
            bail!(
                "helm {} ended with {}:\n{}{}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        String::from_utf8(output.stdout).context("what helm printed is no UTF-8")
    }

    pub(super) async fn lint(&self, values: &[&str]) -> Result<()> {
        let chart = folder();
        let arguments = [
            "lint",
            text(&chart)?,
            "--strict",
            "--namespace",
            NAMESPACE,
            "--kube-version",
            KUBERNETES,
        ];
        let said = self.ask(&[&arguments[..], values].concat()).await?;
        ensure!(said.contains("1 chart(s) linted, 0 chart(s) failed"), "{said}");
        Ok(())
    }

    /// What is rendered, with these arguments besides.
    ///
    /// # Errors
    /// What Helm says of the chart, or of the arguments.
    pub async fn template(&self, more: &[&str]) -> Result<String> {
        let chart = folder();
        let arguments = rendering(text(&chart)?);
        self.ask(&[&arguments[..], more].concat()).await
    }

    /// Why nothing is rendered.
    pub(super) async fn refusal(&self, more: &[&str]) -> Result<String> {
        let chart = folder();
        let arguments = rendering(text(&chart)?);
        let output = self.run(&[&arguments[..], more].concat()).await?;
        ensure!(
            !output.status.success(),
            "helm template {} was not refused",
            more.join(" ")
        );
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn rendering(chart: &str) -> [&str; 7] {
    [
        "template",
        RELEASE,
        chart,
        "--namespace",
        NAMESPACE,
        "--kube-version",
        KUBERNETES,
    ]
}
