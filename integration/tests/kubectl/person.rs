//! Someone with a shell, a kubeconfig and a cluster of their own.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use lab::apiserver::{ApiServer, Config};
use lab::kube::Kube;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Longest run of one command. kubectl takes a tenth of a second on an idle machine.
const BOUND: Duration = Duration::from_mins(1);

/// A person, and the API server that they ask.
pub(crate) struct Person {
    pub(crate) server: ApiServer,
    pub(crate) kube: Kube,
    runtime: Runtime,
    kubectl: PathBuf,
    tiklb: PathBuf,
    home: TempDir,
}

impl Person {
    /// `kubectl` and `tiklb` are the programs.
    pub(crate) fn new(kubectl: PathBuf, tiklb: PathBuf) -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("starting a runtime")?;
        let server = runtime.block_on(ApiServer::start("127.0.0.1:0".parse()?, Config::default()))?;
        let home = TempDir::new().context("making a home")?;
        std::fs::write(home.path().join("kubeconfig"), server.kubeconfig("ada"))?;
        let kube = Kube::new(server.admin())?;
        Ok(Self {
            server,
            kube,
            runtime,
            kubectl,
            tiklb,
            home,
        })
    }

    /// Waits for something on the person's runtime.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.kubectl);
        command
            .args(line.split_whitespace())
            .env("HOME", self.home.path())
            .env("KUBECONFIG", self.home.path().join("kubeconfig"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Puts a link to tiklb on the person's PATH, under the name by which kubectl finds its plugins: the link.
    pub(crate) fn install_plugin(&self) -> anyhow::Result<PathBuf> {
        let folder = self.home.path().join("bin");
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let link = folder.join("kubectl-tiklb");
        std::os::unix::fs::symlink(&self.tiklb, &link)
            .with_context(|| format!("linking {}", link.display()))?;
        Ok(link)
    }

    /// Runs kubectl with nothing on the PATH but what the person put there: its exit code, and what it prints.
    pub(crate) fn with_plugins(&self, line: &str) -> anyhow::Result<(Option<i32>, String)> {
        let mut command = self.command(line);
        command.env("PATH", self.home.path().join("bin"));
        let output = self.wait(async { timeout(BOUND, command.output()).await });
        let output = output.with_context(|| format!("kubectl {line}: not done after {BOUND:?}"))?;
        let output = output.with_context(|| format!("kubectl {line}: cannot be run"))?;
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
    }

    fn output(&self, line: &str) -> anyhow::Result<Output> {
        let run = async { timeout(BOUND, self.command(line).output()).await };
        let output = self
            .wait(run)
            .with_context(|| format!("kubectl {line}: not done after {BOUND:?}"))?;
        output.with_context(|| format!("kubectl {line}: cannot be run"))
    }

    /// Runs kubectl and returns what it prints. It must succeed, and complain of nothing.
    pub(crate) fn kubectl(&self, line: &str) -> anyhow::Result<String> {
        let output = self.output(line)?;
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        ensure!(
            output.status.success(),
            "kubectl {line}: {}\n{out}{err}",
            output.status
        );
        // `version` compares its age with the server's; that is no complaint about the server.
        ensure!(
            err.is_empty() || err.contains("version difference"),
            "kubectl {line} complains: {err}"
        );
        Ok(out.into_owned())
    }

    /// Runs kubectl, which must fail, and returns its complaint.
    pub(crate) fn kubectl_fails(&self, line: &str) -> anyhow::Result<String> {
        let output = self.output(line)?;
        ensure!(!output.status.success(), "kubectl {line} succeeded");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Runs kubectl on a file of `fixtures/kubectl`, as `-f`.
    pub(crate) fn on_file(&self, line: &str, file: &str) -> anyhow::Result<String> {
        self.kubectl(&format!("{line} -f {}", fixture(file)))
    }

    /// Runs a kubectl that goes on until it has printed a line that fits, while `meanwhile` is done after its first line.
    pub(crate) fn until(
        &self,
        line: &str,
        meanwhile: impl Future<Output = anyhow::Result<()>>,
        fits: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<String>> {
        self.wait(async {
            let mut child = self
                .command(line)
                .spawn()
                .with_context(|| format!("kubectl {line}: cannot be run"))?;
            let output = child.stdout.take().context("no output")?;
            let mut lines = BufReader::new(output).lines();
            let mut seen = vec![next(&mut lines, line).await?];
            meanwhile.await?;
            while seen.last().is_none_or(|line| !fits(line)) {
                let next = next(&mut lines, line)
                    .await
                    .with_context(|| format!("printed so far: {seen:?}"))?;
                seen.push(next);
            }
            child.kill().await.context("ending kubectl")?;
            Ok(seen)
        })
    }

    /// Nothing was asked of the server that it does not speak.
    pub(crate) fn is_understood(&self) -> anyhow::Result<()> {
        let unsupported = self.server.unsupported();
        ensure!(
            unsupported.is_empty(),
            "kubectl asked for what is not spoken here: {unsupported:?}"
        );
        Ok(())
    }
}

async fn next(
    lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    command: &str,
) -> anyhow::Result<String> {
    match timeout(BOUND, lines.next_line()).await {
        Ok(Ok(Some(line))) => Ok(line),
        Ok(Ok(None)) => bail!("kubectl {command} ended"),
        Ok(Err(why)) => bail!("kubectl {command}: {why}"),
        Err(_) => bail!("kubectl {command} printed nothing more within {BOUND:?}"),
    }
}

/// The path of a fixture.
pub(crate) fn fixture(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kubectl");
    folder.join(file).display().to_string()
}
