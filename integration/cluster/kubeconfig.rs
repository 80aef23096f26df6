//! The file by which a client finds the cluster and proves who it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::kube::Access;

/// A kubeconfig for one user with a bearer token. It is JSON, which every reader of YAML takes.
pub(crate) fn kubeconfig(access: &Access, user: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "lab",
            "cluster": {"server": access.url, "certificate-authority-data": STANDARD.encode(&access.ca_pem)},
        }],
        "users": [{"name": user, "user": {"token": access.token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        "current-context": "lab",
    })
}
