//! The Kubernetes API of a home: embedded or real, with one face.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::plan::Api;
use crate::apiserver::{self, ApiServer};
use crate::cluster::Cluster;
use crate::kube::Access;
use crate::lan::Host;

/// The port of every API server.
const PORT: u16 = 6443;

/// The namespace that tiklb lives in.
pub const NAMESPACE: &str = "metallb-system";

/// Groups that the embedded server does not speak: its tokens may do everything, and it admits everything.
const RULES: [&str; 2] = ["rbac.authorization.k8s.io/", "admissionregistration.k8s.io/"];

/// A running Kubernetes API.
#[derive(Debug)]
pub enum ControlPlane {
    /// The embedded one, on the host `control`.
    Embedded(ApiServer, Host),
    /// The real one.
    Real(Box<Cluster>),
}

impl ControlPlane {
    /// `at`: the address of `control` that the embedded one listens on.
    pub(super) async fn start(api: Api, control: &Host, at: IpAddr, nodes: &[&Host]) -> Result<Self> {
        match api {
            Api::Embedded => Self::embed(control, at, PORT).await,
            Api::Real(options) => {
                let cluster = Cluster::start(control, nodes, options).await?;
                Ok(Self::Real(Box::new(cluster)))
            }
        }
    }

    /// An embedded one on an address and port of `control`.
    pub(super) async fn embed(control: &Host, at: IpAddr, port: u16) -> Result<Self> {
        let host = control.clone();
        let bind = move |address: SocketAddr| {
            host.run(|| std::net::TcpListener::bind(address))
                .map_err(std::io::Error::other)?
        };
        let config = apiserver::Config::default();
        let address = SocketAddr::new(at, port);
        let started = ApiServer::start_with(address, config, Arc::new(bind));
        Ok(Self::Embedded(control.call(started).await??, control.clone()))
    }

    /// Access with every right.
    pub fn admin(&self) -> Access {
        match self {
            Self::Embedded(api, _) => api.admin(),
            Self::Real(cluster) => cluster.admin(),
        }
    }

    /// Access as a service account of tiklb's namespace. On the real one it may do what its roles say.
    ///
    /// # Errors
    /// When there is no such account, or the API does not answer.
    pub async fn account(&self, name: &str) -> Result<Access> {
        match self {
            Self::Embedded(api, _) => Ok(Access {
                token: api.token(&format!("system:serviceaccount:{NAMESPACE}:{name}")),
                ..api.admin()
            }),
            Self::Real(cluster) => cluster.service_account(NAMESPACE, name).await,
        }
    }

    /// Ends the API server. Objects, keys and tokens stay.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub async fn stop(&mut self) -> Result<()> {
        match self {
            Self::Embedded(api, _) => {
                api.stop().await;
                Ok(())
            }
            Self::Real(cluster) => cluster.stop_api().await,
        }
    }

    /// Makes good a [`stop`](Self::stop).
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn start_again(&mut self) -> Result<()> {
        match self {
            Self::Embedded(api, control) => {
                let api = api.clone();
                control.call(async move { api.start_again().await }).await?
            }
            Self::Real(cluster) => cluster.start_api().await,
        }
        .context("starting the API server again")
    }

    /// The embedded server, for its journal and its faults.
    pub fn embedded(&self) -> Option<&ApiServer> {
        match self {
            Self::Embedded(api, _) => Some(api),
            Self::Real(_) => None,
        }
    }

    /// The real cluster, for its programs and its audit log.
    pub fn real(&self) -> Option<&Cluster> {
        match self {
            Self::Embedded(..) => None,
            Self::Real(cluster) => Some(cluster),
        }
    }

    /// The real cluster, to have its nodes stopped and started.
    pub fn real_mut(&mut self) -> Option<&mut Cluster> {
        match self {
            Self::Embedded(..) => None,
            Self::Real(cluster) => Some(cluster),
        }
    }

    /// Whether its nodes run Pods.
    pub fn has_workers(&self) -> bool {
        self.real().is_some_and(Cluster::has_workers)
    }

    /// Whether kube-proxy carries the traffic of Services.
    pub fn has_proxies(&self) -> bool {
        self.real().is_some_and(|cluster| !cluster.proxies().is_empty())
    }

    /// Whether an object of a manifest means anything to it.
    pub(crate) fn speaks(&self, object: &Value) -> bool {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        self.real().is_some() || !RULES.iter().any(|group| version.starts_with(group))
    }
}
