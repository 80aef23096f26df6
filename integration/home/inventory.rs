//! What stands in the Kubernetes API before tiklb starts: what `kubectl apply -f deploy/` brings, what kubelets report,
//! and the Secrets that a person makes.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::control_plane::{ControlPlane, NAMESPACE};
use super::plan::CONTROL;
use crate::cluster::object;
use crate::kube::{Kube, NODES, PODS};

/// The allocator's Pod.
pub(super) const ALLOCATOR_POD: &str = "tiklb-allocator-lab";

/// A speaker's Pod.
pub(super) fn speaker_pod(node: &str) -> String {
    format!("tiklb-speaker-{node}")
}

/// A file or folder of `deploy/`.
pub fn deployed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

/// The folder of manifests in the guide's repository, `deploy/examples/homelab`.
pub fn guide() -> PathBuf {
    deployed("examples/homelab/config/tiklb/manifests")
}

/// One of them, by its name without the ending.
pub fn homelab(manifest: &str) -> PathBuf {
    guide().join(format!("{manifest}.yaml"))
}

/// Writes all of it. `router` is the router's user, password and CA.
pub(super) async fn furnish(
    kube: &Kube,
    control_plane: &ControlPlane,
    nodes: &[(String, IpAddr)],
    router: (&str, &str, &str),
) -> Result<()> {
    for file in manifests("crds")?.into_iter().chain(manifests("rbac")?) {
        for document in documents(&file)? {
            if control_plane.speaks(&document) {
                let doing = || format!("applying {}", file.display());
                kube.apply(document).await.with_context(doing)?;
            }
        }
    }
    put_secrets(kube, router).await?;
    // The real cluster has written its Nodes when it started.
    if control_plane.embedded().is_some() {
        let joined = (1..).zip(nodes).map(async |(number, (name, address))| {
            kube.create(NODES, &object::node(name, *address, number)).await
        });
        try_join_all(joined).await?;
    }
    house(kube, nodes).await
}

/// The Pods of tiklb's processes.
pub(super) async fn house(kube: &Kube, nodes: &[(String, IpAddr)]) -> Result<()> {
    let speakers = nodes.iter().map(|(name, address)| speaker(kube, name, *address));
    try_join_all(speakers).await?;
    let allocator = json!({"app.kubernetes.io/name": "tiklb", "app.kubernetes.io/component": "allocator"});
    run_pod(kube, &object::pod(ALLOCATOR_POD, &allocator, "control", CONTROL)).await
}

/// They go.
pub(super) async fn leave(kube: &Kube, nodes: &[(String, IpAddr)]) -> Result<()> {
    let speakers = nodes.iter().map(|(name, _)| speaker_pod(name));
    for name in speakers.chain([ALLOCATOR_POD.to_owned()]) {
        kube.delete_pod(NAMESPACE, &name).await?;
    }
    Ok(())
}

/// The router's user, password and CA, in tiklb's namespace.
pub(super) async fn put_secrets(kube: &Kube, router: (&str, &str, &str)) -> Result<()> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    for object in [namespace].into_iter().chain(secrets(router)) {
        kube.apply(object).await?;
    }
    Ok(())
}

async fn speaker(kube: &Kube, name: &str, address: IpAddr) -> Result<()> {
    let labels = json!({
        "app.kubernetes.io/name": "tiklb",
        "app.kubernetes.io/component": "speaker",
        "component": "speaker",
    });
    run_pod(kube, &object::pod(&speaker_pod(name), &labels, name, address)).await
}

/// A Pod starts without a status, which its kubelet writes then.
async fn run_pod(kube: &Kube, pod: &Value) -> Result<()> {
    let pods = PODS.in_namespace(NAMESPACE);
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    kube.create(&pods, pod).await?;
    kube.patch_status(&pods, name, &json!({"status": pod["status"]}))
        .await?;
    Ok(())
}

/// What `deploy/examples/homelab/config/tiklb/manifests/mikrotikrouter.yaml` refers to.
fn secrets((user, password, ca_pem): (&str, &str, &str)) -> [Value; 2] {
    let secret = |name: &str, data: Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "type": "Opaque",
            "stringData": data,
        })
    };
    [
        secret("mikrotik", json!({"username": user, "password": password})),
        secret("mikrotik-ca", json!({"ca.crt": ca_pem})),
    ]
}

/// The manifests of a folder of `deploy/`, in the order in which kubectl applies them.
///
/// # Errors
/// When the folder cannot be listed.
pub fn manifests(folder: &str) -> Result<Vec<PathBuf>> {
    files(&deployed(folder), "yaml")
}

/// The files of a folder that have this ending, in order.
///
/// # Errors
/// When the folder cannot be listed.
pub fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    };
    let mut files = read().with_context(|| format!("listing {}", folder.display()))?;
    files.retain(|file| file.extension().is_some_and(|end| end == ending));
    files.sort();
    Ok(files)
}

fn documents(file: &Path) -> Result<Vec<Value>> {
    let yaml = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let all: Vec<Value> = serde_saphyr::from_multiple(&yaml)
        .with_context(|| format!("reading the YAML of {}", file.display()))?;
    Ok(all.into_iter().filter(|document| !document.is_null()).collect())
}
