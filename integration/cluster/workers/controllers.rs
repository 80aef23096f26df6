//! kube-scheduler and kube-controller-manager on the control host.

use std::path::Path;

use anyhow::Result;

use super::Ground;
use crate::lan::{Host, Process};

/// The controllers that a chart, its removal and a node that dies need. The others would only ask the API server.
const CONTROLLERS: [&str; 13] = [
    "daemonset-controller",
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "disruption-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "taint-eviction-controller",
    "pod-garbage-collector-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
];

/// What the controllers sign and publish.
#[derive(Debug, Clone, Copy)]
pub(in crate::cluster) struct Keys<'a> {
    /// The certificate that Pods trust.
    pub root_ca: &'a Path,
}

/// Both of them ask the API again and again until it answers; whether they work is seen at the nodes.
pub(super) async fn start(ground: Ground<'_>, control: &Host, keys: Keys<'_>) -> Result<Vec<Process>> {
    let binaries = &ground.options.binaries;
    let kubeconfig = format!("--kubeconfig={}", ground.kubeconfig.display());
    // One of each: no election. Nobody but the host itself asks them anything.
    let common = [
        kubeconfig.as_str(),
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    ];
    let scheduler = ground
        .options
        .command(control, &binaries.kube_scheduler)
        .args(common)
        .spawn()
        .await?;
    let manager = ground
        .options
        .command(control, &binaries.kube_controller_manager)
        .args(common)
        .arg(format!("--controllers={}", CONTROLLERS.join(",")))
        .arg(format!("--root-ca-file={}", keys.root_ca.display()))
        .spawn()
        .await?;
    Ok(vec![scheduler, manager])
}
