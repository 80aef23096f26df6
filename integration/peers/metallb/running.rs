//! `MetalLB` at work in a home on the real API server: its processes, and what its Pods' kubelets and the controllers of a
//! whole cluster would do for them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use serde_json::json;
use tempfile::TempDir;

use super::Metallb;
use crate::cluster::object;
use crate::home::{CONTROL, Home, NAMESPACE};
use crate::kube::{DAEMON_SETS, ENDPOINT_SLICES, PODS};
use crate::lan::Process;
use crate::sandbox;

/// The file that a speaker reads the members' secret from.
const SECRET_FILE: &str = "secretkey";

/// Of the labels that its Pods carry and its speakers find each other by.
const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";

/// The Service by which the API server asks the controller about pools, and its port there.
const WEBHOOK: &str = "metallb-webhook-service";
const WEBHOOK_PORT: u16 = 9_443;

/// The grace that its chart gives a speaker is 0: a kubelet then kills after a second, and so does the lab.
pub const GRACE: Duration = Duration::from_secs(1);

/// What its accounts and workloads are called, which differs by how it was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounts {
    /// The controller's service account, and its Deployment.
    pub controller: &'static str,
    /// The speakers', and their DaemonSet.
    pub speaker: &'static str,
}

impl Accounts {
    /// By the Helm chart, under the release name that its pages use.
    pub const HELM: Self = Self {
        controller: "metallb-controller",
        speaker: "metallb-speaker",
    };
    /// By the manifest.
    pub const MANIFEST: Self = Self {
        controller: "controller",
        speaker: "speaker",
    };
}

/// Its processes. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    // Dropped first: speakers, so that nobody answers without a controller for long.
    speakers: BTreeMap<String, Process>,
    controller: Process,
    metallb: Metallb,
    accounts: Accounts,
    secret: TempDir,
}

impl Running {
    /// Starts controller and speakers as the installation's accounts, and writes the Pods, the endpoint of its webhook and
    /// the DaemonSet's status. Nothing is waited for: who answers shows on the wire.
    ///
    /// The webhook itself is not served: the lab's control host has no kube-proxy by which the API server would reach it.
    ///
    /// # Errors
    /// The home has no real API server, `MetalLB` is not installed in it, or a program cannot be started.
    pub async fn start(home: &Home, metallb: &Metallb, accounts: Accounts) -> Result<Self> {
        let inside = sandbox::dir().context("MetalLB runs in the lab's sandbox")?;
        let secret = TempDir::new_in(inside).context("making a folder for the members' secret")?;
        std::fs::write(secret.path().join(SECRET_FILE), "nobody's secret")?;
        stand_in(home, accounts).await?;
        let controller = home
            .program_as(accounts.controller, "control", &metallb.controller)
            .await?
            .args(["--webhook-mode=disabled", "--disable-cert-rotation"])
            .env("METALLB_NAMESPACE", NAMESPACE)
            .spawn()
            .await?;
        let mut running = Self {
            speakers: BTreeMap::new(),
            controller,
            metallb: metallb.clone(),
            accounts,
            secret,
        };
        for node in home.node_names() {
            running.start_speaker(home, node).await?;
        }
        Ok(running)
    }

    /// Starts the speaker of a node (again). Nothing is waited for.
    ///
    /// # Errors
    /// There is no such node, or the program cannot be started.
    pub async fn start_speaker(&mut self, home: &Home, node: &str) -> Result<()> {
        // First the old one: two would meet at the same port.
        self.speakers.remove(node);
        let address = home.address_of(node)?.to_string();
        let speaker = home
            .program_as(self.accounts.speaker, node, &self.metallb.speaker)
            .await?
            .env("METALLB_NAMESPACE", NAMESPACE)
            .env("METALLB_NODE_NAME", node)
            .env("METALLB_POD_NAME", pod(node))
            .env("METALLB_HOST", &address)
            .env("METALLB_ML_BIND_ADDR", &address)
            .env("METALLB_ML_BIND_PORT", "7946")
            .env("METALLB_ML_LABELS", format!("{NAME}=metallb,{COMPONENT}=speaker"))
            .env("METALLB_ML_SECRET_KEY_PATH", self.secret.path())
            .spawn()
            .await?;
        self.speakers.insert(node.to_owned(), speaker);
        Ok(())
    }

    /// The speaker of a node, to be stopped, killed or read.
    ///
    /// # Errors
    /// None was started there.
    pub fn speaker(&self, node: &str) -> Result<&Process> {
        let speaker = self.speakers.get(node);
        speaker.with_context(|| format!("no speaker of MetalLB was started on {node}"))
    }

    /// Ends them all at once, as kubelets do when their workloads are deleted, and takes away what stood for their Pods.
    ///
    /// # Errors
    /// When a process cannot be ended, or a Pod not be deleted.
    pub async fn end(self, home: &Home) -> Result<()> {
        let all = self.speakers.values().chain([&self.controller]);
        try_join_all(all.map(|process| process.end(GRACE))).await?;
        for node in home.node_names() {
            home.kube().delete_pod(NAMESPACE, &pod(node)).await?;
        }
        let endpoints = home.kube().list(ENDPOINT_SLICES.in_namespace(NAMESPACE)).await?;
        for slice in endpoints {
            let name = slice["metadata"]["name"].as_str().unwrap_or_default();
            if name.starts_with(WEBHOOK) {
                home.kube()
                    .delete(ENDPOINT_SLICES.in_namespace(NAMESPACE), name)
                    .await?;
            }
        }
        Ok(())
    }

    /// The last lines of its processes.
    pub fn last_words(&self) -> String {
        let all = self.speakers.values().chain([&self.controller]);
        all.map(|process| {
            let lines = process.logs();
            let last = lines[lines.len().saturating_sub(15)..].iter();
            last.fold(format!("MetalLB on {}:", process.host()), |text, line| {
                format!("{text}\n  {line}")
            })
        })
        .collect::<Vec<_>>()
        .join("\n")
    }
}

fn pod(node: &str) -> String {
    format!("metallb-speaker-{node}")
}

/// Pods, endpoints and a count, which on a whole cluster kubelets and controllers write.
async fn stand_in(home: &Home, accounts: Accounts) -> Result<()> {
    let kube = home.kube();
    let labels = json!({NAME: "metallb", COMPONENT: "speaker"});
    let pods = PODS.in_namespace(NAMESPACE);
    for node in home.node_names() {
        let object = object::pod(&pod(node), &labels, node, home.address_of(node)?);
        kube.create(&pods, &object).await?;
        let status = json!({"status": object["status"]});
        kube.patch_status(&pods, &pod(node), &status).await?;
    }
    let endpoint = object::Endpoint {
        address: CONTROL,
        node: "control".to_owned(),
        ready: true,
    };
    kube.apply(object::endpoint_slice(
        NAMESPACE,
        WEBHOOK,
        WEBHOOK_PORT,
        &[endpoint],
    ))
    .await?;
    let wanted = home.node_names().count();
    let status = json!({"status": {
        "currentNumberScheduled": wanted,
        "desiredNumberScheduled": wanted,
        "numberMisscheduled": 0,
        "numberReady": wanted,
    }});
    kube.patch_status(DAEMON_SETS.in_namespace(NAMESPACE), accounts.speaker, &status)
        .await?;
    Ok(())
}
