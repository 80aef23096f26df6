//! What a kept demo leaves for visitors: where to find what.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::home::Home;

/// The file in the sandbox.
const FILE: &str = "papers.json";

/// Where everything is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Papers {
    /// For kubectl.
    pub kubeconfig: PathBuf,
    /// The router's URL.
    pub router: String,
    /// The CA of its certificate.
    pub router_ca: PathBuf,
    /// The binary.
    pub tiklb: PathBuf,
}

impl Papers {
    pub(super) fn write(home: &mut Home) -> Result<Self> {
        let dir = home.plan().dir.clone();
        let router_ca = dir.join("router-ca.crt");
        std::fs::write(&router_ca, home.router.ca_pem().unwrap_or_default())
            .context("writing the router's CA")?;
        let papers = Self {
            kubeconfig: home.control().admin_kubeconfig()?,
            router: home.router.url(),
            router_ca,
            tiklb: home.plan().tiklb.clone(),
        };
        let json = serde_json::to_vec_pretty(&papers)?;
        std::fs::write(dir.join(FILE), json).context("writing the papers")?;
        Ok(papers)
    }

    /// Those of a demo whose folder this is.
    ///
    /// # Errors
    /// It has none: it is not kept up, or not up yet.
    pub fn read(dir: &Path) -> Result<Self> {
        let json =
            std::fs::read(dir.join(FILE)).context("it is not up yet, or was not started with --keep")?;
        Ok(serde_json::from_slice(&json)?)
    }

    pub(super) fn directions(&self) -> String {
        let enter = "cargo run --release -p lab -- shell";
        format!(
            "   {enter} [HOST]      a shell on client, node1, router …; there:\n\
             \x20    kubectl get services -A\n\
             \x20    $TIKLB status\n\
             \x20    $TIKLB plan\n\
             \x20    curl --cacert $ROUTER_CA -u tiklb:{} $ROUTER/rest/ip/dhcp-server/lease\n\
             \x20    curl -s http://127.0.0.1:7472/readyz      (on control and on the nodes)\n",
            routeros_sim::PASSWORD
        )
    }
}
