//! kubectl as a client of the cluster that shares no code with the lab.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use lab::cluster::Cluster;
use lab::kube::Access;
use lab::lan::{Host, Lan};
use serde_json::Value;

use crate::ground::BOUND;

/// Runs a client of the API on a host; its whole output if it succeeds, an error with that output if not.
pub(crate) async fn printed(
    host: &Host,
    program: &Path,
    arguments: impl IntoIterator<Item = String>,
) -> anyhow::Result<String> {
    // The streams of a process that has ended may still be read; the last line says that all were.
    let script = r#""$@" 2>&1; echo "exit code $?""#;
    let arguments: Vec<String> = arguments.into_iter().collect();
    let process = host
        .command("/bin/sh")
        .env("NO_PROXY", "*")
        .args(["-c", script, "sh"])
        .arg(program)
        .args(&arguments)
        .spawn()
        .await?;
    let last = process
        .wait_for_log(|line| line.starts_with("exit code "), BOUND)
        .await?;
    let lines: Vec<String> = process.logs().into_iter().map(|line| line.text).collect();
    let output = lines[..lines.len() - 1].join("\n");
    ensure!(
        last.text == "exit code 0",
        "{} {}: {}: {output}",
        program.display(),
        arguments.join(" "),
        last.text
    );
    Ok(output)
}

/// kubectl on the client host, as one user.
pub(crate) struct Kubectl {
    host: Host,
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    pub(crate) fn new(lan: &Lan, cluster: &Cluster, user: &str, access: &Access) -> anyhow::Result<Self> {
        let kubeconfig = cluster.kubeconfig(user, access)?;
        Ok(Self {
            host: lan.host("client")?.clone(),
            program: cluster.binaries().kubectl.clone(),
            kubeconfig,
        })
    }

    pub(crate) fn admin(lan: &Lan, cluster: &Cluster) -> anyhow::Result<Self> {
        Self::new(lan, cluster, "admin", &cluster.admin())
    }

    /// Runs it, with its arguments split at spaces; its whole output if it succeeds, an error with that output if not.
    pub(crate) async fn run(&self, arguments: &str) -> anyhow::Result<String> {
        let cache = self.kubeconfig.with_extension("cache");
        let flags = [
            format!("--kubeconfig={}", self.kubeconfig.display()),
            format!("--cache-dir={}", cache.display()),
            "--request-timeout=30s".to_owned(),
        ];
        let words = arguments.split_whitespace().map(str::to_owned);
        printed(&self.host, &self.program, flags.into_iter().chain(words)).await
    }

    /// The output must be an error that says `wanted`.
    pub(crate) async fn fails(&self, arguments: &str, wanted: &str) -> anyhow::Result<()> {
        match self.run(arguments).await {
            Ok(output) => bail!("kubectl {arguments} should have failed: {output}"),
            Err(error) => {
                ensure!(
                    error.to_string().contains(wanted),
                    "{error:#} does not say {wanted:?}"
                );
                Ok(())
            }
        }
    }

    /// Creates or changes one object.
    pub(crate) async fn apply(&self, object: &Value) -> anyhow::Result<String> {
        self.on("apply", object).await
    }

    /// Runs a command on the file of an object, or of a list of them.
    pub(crate) async fn on(&self, command: &str, object: &Value) -> anyhow::Result<String> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), object.to_string())?;
        let path = file.path().to_str().context("a path that is no text")?;
        self.run(&format!("{command} -f {path}")).await
    }

    /// Reads one object.
    pub(crate) async fn get(&self, arguments: &str) -> anyhow::Result<Value> {
        let output = self.run(&format!("get -o json {arguments}")).await?;
        serde_json::from_str(&output).with_context(|| format!("reading the output of kubectl get: {output}"))
    }
}
