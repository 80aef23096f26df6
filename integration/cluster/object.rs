//! Objects that a kubelet or a controller would write in a whole cluster, and that the lab writes here.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

/// A ready Node with one `InternalIP`. `number` tells its pod network, 10.42.`number`.0/24, as k3s would give it.
pub fn node(name: &str, address: impl Into<IpAddr>, number: u8) -> Value {
    let address = address.into();
    let condition =
        |kind: &str, status: &str, reason: &str| json!({"type": kind, "status": status, "reason": reason});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
        },
        "spec": {"podCIDR": format!("10.42.{number}.0/24"), "podCIDRs": [format!("10.42.{number}.0/24")]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "conditions": [
                condition("Ready", "True", "KubeletReady"),
                condition("NetworkUnavailable", "False", "RouteCreated"),
            ],
        },
    })
}

/// Whether a Node takes Pods.
pub(super) fn is_ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let taints = node["spec"]["taints"].as_array();
    ready && taints.is_none_or(Vec::is_empty)
}

/// One endpoint of a Service: where it listens and on which node it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The pod's address, or its node's for a pod on the host's network.
    pub address: Ipv4Addr,
    /// The node's name.
    pub node: String,
    /// Whether it takes traffic.
    pub ready: bool,
}

/// The EndpointSlice that the endpointslice controller would keep for `service`. `port` is the target port of the
/// Service's only, unnamed port.
pub fn endpoint_slice(namespace: &str, service: &str, port: u16, endpoints: &[Endpoint]) -> Value {
    let endpoints: Vec<Value> = endpoints
        .iter()
        .map(|endpoint| {
            json!({
                "addresses": [endpoint.address],
                "nodeName": endpoint.node,
                "conditions": {"ready": endpoint.ready, "serving": endpoint.ready, "terminating": false},
            })
        })
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": namespace,
            "name": format!("{service}-lab"),
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": port, "protocol": "TCP"}],
        "endpoints": endpoints,
    })
}

/// A Pod on the host network of a node, running and ready, as its kubelet would report it.
pub fn pod(name: &str, labels: &Value, node: &str, address: impl Into<IpAddr>) -> Value {
    let address = address.into();
    json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "nodeName": node,
            "hostNetwork": true,
            "containers": [{"name": "tiklb", "image": "tiklb:lab"}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "hostIP": address,
            "hostIPs": [{"ip": address}],
            "podIP": address,
            "podIPs": [{"ip": address}],
        },
    })
}
