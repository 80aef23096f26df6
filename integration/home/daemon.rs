//! tiklb's processes: the allocator on `control`, a speaker on each node.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::{select_all, try_join_all};

use super::control_plane::{ControlPlane, NAMESPACE};
use super::folder::Folder;
use super::{Home, inventory};
use crate::lan::{Host, HostCommand, Process};
use crate::readiness::Readiness;

/// A process that has its lists is ready, which takes tens of milliseconds; beside builds it takes seconds.
pub(super) const READY: Duration = Duration::from_secs(30);

/// Where both processes say whether they are ready, asked from within their host.
const READYZ: &str = "http://127.0.0.1:7472/readyz";

/// How many of a process's last lines are told of a failure.
const LAST: usize = 15;

/// Longer than any lab stands.
const FOR_EVER: Duration = Duration::from_hours(1_000);

/// The host that the allocator runs on.
pub(super) const CONTROL_HOST: &str = "control";

/// The second replica of the allocator: its Pod, and where it is asked, beside the first one's 7472.
const STANDBY_POD: &str = "tiklb-allocator-standby";
const STANDBY_LISTEN: &str = "127.0.0.1:7475";

/// Which of tiklb's processes is meant.
#[derive(Debug, Clone, Copy)]
enum Role<'a> {
    Allocator,
    /// On this node.
    Speaker(&'a str),
}

impl<'a> Role<'a> {
    /// The subcommand, and the service account's name after `tiklb-`.
    fn name(self) -> &'static str {
        match self {
            Self::Allocator => "allocator",
            Self::Speaker(_) => "speaker",
        }
    }

    fn host(self) -> &'a str {
        match self {
            Self::Allocator => CONTROL_HOST,
            Self::Speaker(node) => node,
        }
    }

    fn pod(self) -> String {
        match self {
            Self::Allocator => inventory::ALLOCATOR_POD.to_owned(),
            Self::Speaker(node) => inventory::speaker_pod(node),
        }
    }
}

/// Speakers that are started at once: fifty on two processors are not ready in time, each of them waiting for all.
const TOGETHER: usize = 5;

impl Home {
    /// Starts the allocator (again) and waits until it is ready.
    ///
    /// # Errors
    /// When the plan names no program, it ends, or is not ready within half a minute: the error has its last lines.
    pub async fn start_allocator(&mut self) -> Result<()> {
        self.launch_allocator().await?;
        ready(self.lan.host(CONTROL_HOST)?, "tiklb allocator", self.allocator()?).await
    }

    /// Starts the allocator (again). It need not become ready: the API server may be away.
    ///
    /// # Errors
    /// When the plan names no program, or it cannot be started.
    pub async fn launch_allocator(&mut self) -> Result<()> {
        // First the old one: two would meet at the same port.
        self.allocator = None;
        self.allocator = Some(self.spawn(Role::Allocator).await?);
        Ok(())
    }

    /// Starts a second replica of the allocator beside the first one, and waits until it is ready to take over. It ends
    /// when it is dropped.
    ///
    /// # Errors
    /// As for [`start_allocator`](Self::start_allocator).
    pub async fn start_standby(&self) -> Result<Process> {
        let kubeconfig = self.folder.path().join(account_file(Role::Allocator.name()));
        let process = self
            .command(Role::Allocator, &kubeconfig)?
            .env("TIKLB_POD_NAME", STANDBY_POD)
            .env("TIKLB_ADMIN_LISTEN", STANDBY_LISTEN)
            .spawn()
            .await?;
        let readyz = format!("http://{STANDBY_LISTEN}/readyz");
        Readiness::plain(&readyz)?
            .wait(self.lan.host(CONTROL_HOST)?, "the standby", &process, READY)
            .await?;
        Ok(process)
    }

    /// Starts the speaker of a node (again) and waits until it is ready.
    ///
    /// # Errors
    /// As for [`start_allocator`](Self::start_allocator), and when there is no such node.
    pub async fn start_speaker(&mut self, node: &str) -> Result<()> {
        self.launch_speaker(node).await?;
        ready(self.lan.host(node)?, "tiklb speaker", self.speaker(node)?).await
    }

    /// Starts the speaker of a node (again). It need not become ready.
    ///
    /// # Errors
    /// When there is no such node, the plan names no program, or it cannot be started.
    pub async fn launch_speaker(&mut self, node: &str) -> Result<()> {
        self.speakers.remove(node);
        let speaker = self.spawn(Role::Speaker(node)).await?;
        self.speakers.insert(node.to_owned(), speaker);
        Ok(())
    }

    /// Starts the speakers of all nodes, `TOGETHER` at once, and waits until they are ready.
    ///
    /// # Errors
    /// As for [`start_speaker`](Self::start_speaker).
    pub async fn start_speakers(&mut self) -> Result<()> {
        let nodes: Vec<String> = self.node_names().map(str::to_owned).collect();
        for nodes in nodes.chunks(TOGETHER) {
            for node in nodes {
                self.launch_speaker(node).await?;
            }
            let waits = nodes
                .iter()
                .map(async |node| ready(self.lan.host(node)?, "tiklb speaker", self.speaker(node)?).await);
            try_join_all(waits).await?;
        }
        Ok(())
    }

    /// The allocator, to be stopped, resumed, killed or read.
    ///
    /// # Errors
    /// When it was not started.
    pub fn allocator(&self) -> Result<&Process> {
        self.allocator.as_ref().context("the allocator was not started")
    }

    /// The speaker of a node, likewise.
    ///
    /// # Errors
    /// When it was not started.
    pub fn speaker(&self, node: &str) -> Result<&Process> {
        self.speakers
            .get(node)
            .with_context(|| format!("no speaker was started on {node}"))
    }

    /// Waits for `future`, but not longer than all of tiklb's processes run: whoever waits for what a dead process was to
    /// do waits in vain.
    ///
    /// # Errors
    /// What `future` says; which process has ended.
    pub async fn while_running<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let processes = self.allocator.iter().chain(self.speakers.values());
        let ends = processes.map(|process| {
            Box::pin(async move {
                let status = process.wait(FOR_EVER).await?;
                bail!("tiklb on {} has ended ({status})", process.host())
            })
        });
        let ends: Vec<_> = ends.collect();
        if ends.is_empty() {
            return future.await;
        }
        tokio::select! {
            biased;
            outcome = future => outcome,
            (ended, ..) = select_all(ends) => ended,
        }
    }

    /// The last lines of every process of tiklb, for whoever has to find out what went wrong. Empty if none was started.
    pub fn last_words(&self) -> String {
        let mut text = String::new();
        for process in self.allocator.iter().chain(self.speakers.values()) {
            let state = match process.ended() {
                Some(status) => format!("has ended ({status})"),
                None => "runs".to_owned(),
            };
            // Writing to a text does not fail.
            let _ = writeln!(text, "tiklb on {} {state}; its last lines:", process.host());
            let lines = process.logs();
            for line in &lines[lines.len().saturating_sub(LAST)..] {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    async fn spawn(&self, role: Role<'_>) -> Result<Process> {
        let kubeconfig = self.folder.path().join(account_file(role.name()));
        Ok(self.command(role, &kubeconfig)?.spawn().await?)
    }

    fn command(&self, role: Role<'_>, kubeconfig: &Path) -> Result<HostCommand> {
        let program = self.program()?;
        let arguments = match role {
            Role::Allocator => &self.plan.allocator_arguments,
            Role::Speaker(_) => &self.plan.speaker_arguments,
        };
        let command = self
            .lan
            .host(role.host())?
            .command(program)
            .arg(role.name())
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("TIKLB_NAMESPACE", NAMESPACE)
            .env("TIKLB_POD_NAME", role.pod())
            .env("TIKLB_LOG_LEVEL", &self.plan.log_level)
            // A proxy of the person's environment cannot reach into a namespace.
            .env("NO_PROXY", "*");
        Ok(match role {
            Role::Speaker(node) => command.env("TIKLB_NODE_NAME", node),
            Role::Allocator => command,
        })
    }

    /// Somebody else's program on a host, as a service account of tiklb's namespace, to be started.
    ///
    /// # Errors
    /// There is no such host or account.
    pub async fn program_as(&self, account: &str, host: &str, program: &Path) -> Result<HostCommand> {
        let access = self.control_plane.account(account).await?;
        let kubeconfig = self
            .folder
            .kubeconfig(&format!("{account}.kubeconfig"), account, &access)?;
        let command = self.lan.host(host)?.command(program);
        Ok(command.env("KUBECONFIG", kubeconfig).env("NO_PROXY", "*"))
    }

    /// The program of tiklb.
    ///
    /// # Errors
    /// The plan names none.
    pub fn program(&self) -> Result<&Path> {
        let program = self.plan.tiklb.as_deref();
        program.context("this home's plan names no tiklb program: call Plan::tiklb")
    }
}

/// An allocator with this kubeconfig, to be started.
pub(super) fn allocator_command(home: &Home, kubeconfig: &Path) -> Result<HostCommand> {
    home.command(Role::Allocator, kubeconfig)
}

/// A speaker of a node, likewise.
pub(super) fn speaker_command(home: &Home, node: &str, kubeconfig: &Path) -> Result<HostCommand> {
    home.command(Role::Speaker(node), kubeconfig)
}

/// The kubeconfig of a service account of tiklb.
pub(super) fn account_file(role: &str) -> String {
    format!("tiklb-{role}.kubeconfig")
}

/// Kubeconfigs for tiklb's service accounts.
pub(super) async fn write_kubeconfigs(folder: &Folder, control_plane: &ControlPlane) -> Result<()> {
    for role in ["allocator", "speaker"] {
        let name = format!("tiklb-{role}");
        let access = control_plane.account(&name).await?;
        folder.kubeconfig(&account_file(role), &name, &access)?;
    }
    Ok(())
}

async fn ready(host: &Host, program: &str, process: &Process) -> Result<()> {
    Readiness::plain(READYZ)?
        .wait(host, program, process, READY)
        .await
}
