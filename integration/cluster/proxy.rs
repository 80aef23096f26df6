//! kube-proxy in a node's namespace: its nftables rules carry the traffic of Services.

use std::path::Path;

use anyhow::{Result, bail};

use crate::installed;

/// Where kube-proxy says whether it is healthy, on every address of the node; load balancers ask there.
const HEALTH_PORT: u16 = 10256;

/// Asked from within the node.
pub(super) fn health_url() -> String {
    format!("http://127.0.0.1:{HEALTH_PORT}/healthz")
}

/// Errs where kube-proxy could not write a rule, because the program `nft` is not installed.
///
/// # Errors
/// Names the package.
pub fn check_nft() -> Result<()> {
    if installed::find("nft").is_some() {
        return Ok(());
    }
    bail!(
        "kube-proxy writes its rules with the program `nft`, which is neither on PATH nor in /usr/sbin: install nftables \
         (Debian, Ubuntu: apt-get install nftables; Fedora: dnf install nftables; Alpine: apk add nftables)"
    )
}

/// kube-proxy's arguments on one node.
pub(super) fn arguments(kubeconfig: &Path, node: &str) -> Vec<String> {
    vec![
        "--proxy-mode=nftables".to_owned(),
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--hostname-override={node}"),
        format!("--healthz-bind-address=0.0.0.0:{HEALTH_PORT}"),
        // The connection table's size and timeouts belong to the machine, not to a namespace: left as they are.
        "--conntrack-max-per-core=0".to_owned(),
        "--conntrack-tcp-timeout-established=0s".to_owned(),
        "--conntrack-tcp-timeout-close-wait=0s".to_owned(),
    ]
}
