//! The home's control plane: an API server on the control host.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Home, NAMESPACE, NODES, Plan, daemon};
use crate::apiserver::{ApiServer, Config};
use crate::cluster::{Binaries, Cluster, Options, object};
use crate::kube::{Access, NAMESPACES, NODES as NODE_KIND, PODS, SECRETS};
use crate::lan::Lan;

/// Where the API server is.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
/// Its port.
const PORT: u16 = 6443;

/// Which API server.
#[derive(Debug, Clone)]
pub enum Flavor {
    /// The lab's own: needs nothing, has no RBAC, no CEL, no kube-proxy.
    Embedded,
    /// A real one, from these programs.
    Real(Box<Binaries>),
}

/// A running control plane.
pub enum Control {
    /// The lab's own.
    Embedded {
        /// The server.
        server: ApiServer,
        /// Where kubeconfigs go.
        dir: PathBuf,
    },
    /// A real cluster.
    Real(Box<Cluster>),
}

impl Control {
    pub(super) async fn start(plan: &Plan, lan: &Lan) -> Result<Self> {
        let control = lan.host("control")?;
        match &plan.flavor {
            Flavor::Embedded => {
                let host = control.clone();
                let bind = move |address: SocketAddr| {
                    host.run(|| TcpListener::bind(address))
                        .map_err(std::io::Error::other)?
                };
                let server = ApiServer::start_with(
                    SocketAddr::from((ADDRESS, PORT)),
                    Config::default(),
                    Arc::new(bind),
                )
                .await
                .context("starting the API server")?;
                Ok(Self::Embedded {
                    server,
                    dir: plan.dir.clone(),
                })
            }
            Flavor::Real(binaries) => {
                let nodes = NODES
                    .iter()
                    .map(|node| lan.host(node))
                    .collect::<Result<Vec<_>, _>>()?;
                let cluster = Cluster::start(control, &nodes, Options::new((**binaries).clone())).await;
                Ok(Self::Real(Box::new(cluster.context("starting the cluster")?)))
            }
        }
    }

    /// Whether it is a real one.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    /// The lab's own server, where it is that.
    pub fn embedded(&self) -> Option<&ApiServer> {
        match self {
            Self::Embedded { server, .. } => Some(server),
            Self::Real(_) => None,
        }
    }

    /// Access with every right.
    pub fn admin(&self) -> Access {
        match self {
            Self::Embedded { server, .. } => server.admin(),
            Self::Real(cluster) => cluster.admin(),
        }
    }

    /// A kubeconfig for a person, with every right.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn admin_kubeconfig(&self) -> Result<PathBuf> {
        match self {
            Self::Embedded { server, dir } => written(dir, "admin", &server.kubeconfig("admin")),
            Self::Real(cluster) => cluster.kubeconfig("admin", &cluster.admin()),
        }
    }

    /// A kubeconfig as one of tiklb's service accounts has it: with the rights of `deploy/rbac`, where rights exist.
    /// `user` names the process in the embedded server's journal.
    ///
    /// # Errors
    /// There is no such account, or the file cannot be written.
    pub async fn kubeconfig(&self, account: &str, user: &str) -> Result<PathBuf> {
        match self {
            Self::Embedded { server, dir } => written(dir, user, &server.kubeconfig(user)),
            Self::Real(cluster) => {
                let access = cluster.service_account(NAMESPACE, account).await?;
                cluster.kubeconfig(user, &access)
            }
        }
    }

    /// Nobody answers for the API any more.
    ///
    /// # Errors
    /// It cannot be ended.
    pub async fn stop(&mut self) -> Result<()> {
        match self {
            Self::Embedded { server, .. } => {
                server.stop().await;
                Ok(())
            }
            Self::Real(cluster) => cluster.stop_api().await,
        }
    }

    /// It answers again, with everything that it held.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_again(&mut self) -> Result<()> {
        match self {
            Self::Embedded { server, .. } => server.start_again().await,
            Self::Real(cluster) => cluster.start_api().await,
        }
    }

    /// Requests that the embedded server could not answer as a real one: a story that made any has proved nothing.
    pub fn unsupported(&self) -> Vec<String> {
        self.embedded().map(ApiServer::unsupported).unwrap_or_default()
    }
}

fn written(dir: &Path, user: &str, kubeconfig: &str) -> Result<PathBuf> {
    let file = dir.join(format!("{user}.kubeconfig"));
    std::fs::write(&file, kubeconfig).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

impl Home {
    /// What an installation brings: CRDs, namespace and rights, nodes, the Pods of tiklb, the router's Secrets.
    pub(super) async fn furnish(&self) -> Result<()> {
        for folder in ["crds", "rbac"] {
            let mut files: Vec<PathBuf> = std::fs::read_dir(Self::deploy(folder))
                .with_context(|| format!("reading deploy/{folder}"))?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect();
            files.sort();
            for file in files {
                // Rights and admission are a real API server's.
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                if folder == "rbac" && !self.control.is_real() && name != "00-namespace.yaml" {
                    continue;
                }
                self.kube.apply_file(&file).await?;
            }
        }
        if !self.control.is_real() {
            for (number, node) in (1..).zip(NODES) {
                let address = Ipv4Addr::new(192, 168, 1, 10 + number);
                self.kube
                    .create(NODE_KIND, &object::node(node, address, number))
                    .await?;
            }
        }
        for (number, node) in (11..).zip(NODES) {
            self.pod(&daemon::speaker_pod(node), "speaker", node, Some(number))
                .await?;
        }
        self.pod(daemon::ALLOCATOR_POD, "allocator", "control", None)
            .await?;
        self.router_secrets().await
    }

    /// A Pod that a kubelet would report as running and ready, though its process is the lab's to start.
    async fn pod(&self, name: &str, component: &str, node: &str, host: Option<u8>) -> Result<()> {
        let pods = PODS.in_namespace(NAMESPACE);
        let labels = json!({
            "app.kubernetes.io/name": "tiklb", "app.kubernetes.io/component": component, "component": component,
        });
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "nodeName": node, "hostNetwork": true, "automountServiceAccountToken": false,
                "containers": [{"name": component, "image": "tiklb"}],
            },
        });
        self.kube.create(&pods, &pod).await?;
        let address = host.map(|last| format!("192.168.1.{last}"));
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let status = json!({"status": {
            "phase": "Running", "conditions": ready, "hostIP": address,
            "hostIPs": address.iter().map(|ip| json!({"ip": ip})).collect::<Vec<Value>>(),
        }});
        self.kube.patch_status(&pods, name, &status).await?;
        Ok(())
    }

    /// Says in the API whether a speaker's Pod is ready.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn set_ready(&self, node: &str, ready: bool) -> Result<()> {
        let status = if ready { "True" } else { "False" };
        let patch = json!({"status": {"conditions": [{"type": "Ready", "status": status}]}});
        let pods = PODS.in_namespace(NAMESPACE);
        self.kube
            .patch_status(&pods, &daemon::speaker_pod(node), &patch)
            .await?;
        Ok(())
    }

    async fn router_secrets(&self) -> Result<()> {
        let ca = self.router.ca_pem().unwrap_or_default();
        self.secret(
            "mikrotik",
            &[("username", "tiklb"), ("password", routeros_sim::PASSWORD)],
        )
        .await?;
        self.secret("mikrotik-ca", &[("ca.crt", &ca)]).await
    }

    /// Makes a Secret in tiklb's namespace, or replaces its values.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn secret(&self, name: &str, values: &[(&str, &str)]) -> Result<()> {
        let values: serde_json::Map<String, Value> = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE},
            "stringData": values,
        });
        let secrets = SECRETS.in_namespace(NAMESPACE);
        match self.kube.create(&secrets, &secret).await {
            Err(error) if error.reason() == Some("AlreadyExists") => {
                self.kube.merge_patch(&secrets, name, &secret).await?;
            }
            other => drop(other?),
        }
        Ok(())
    }

    /// The UID of the namespace kube-system, as it stands in comments on the router.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn cluster_uid(&self) -> Result<String> {
        let namespace = self.kube.get(NAMESPACES, "kube-system").await?;
        let uid = namespace["metadata"]["uid"].as_str().unwrap_or_default();
        Ok(uid.chars().filter(char::is_ascii_hexdigit).take(8).collect())
    }
}
