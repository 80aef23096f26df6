//! `v1` Node.

use std::net::IpAddr;

use k8s_openapi::api::core::v1 as core;
use tiklb_core::allocator::NodeObject;
use tiklb_core::election::candidate::Node;
use tiklb_core::model::NodeName;

use super::{Verdict, addresses, key_of, labels};

/// A node as the allocator sees it.
pub fn address_owner(object: core::Node) -> Verdict<NodeObject> {
    Verdict::Keep(NodeObject {
        key: key_of(&object.metadata),
        addresses: own_addresses(object.status.unwrap_or_default()),
    })
}

/// A node as the speakers see it.
pub fn candidate(object: core::Node) -> Verdict<Node> {
    let status = object.status.unwrap_or_default();
    let is = |type_: &str, value: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.any(|condition| condition.type_ == type_ && condition.status == value)
    };
    let network_unavailable = is("NetworkUnavailable", "True");
    let cordoned = object
        .spec
        .and_then(|spec| spec.unschedulable)
        .unwrap_or_default();
    let leaving = cordoned || object.metadata.deletion_timestamp.is_some() || is("Ready", "False");
    Verdict::Keep(Node {
        name: NodeName(object.metadata.name.unwrap_or_default().into()),
        labels: labels(object.metadata.labels),
        addresses: own_addresses(status),
        network_unavailable,
        leaving,
    })
}

fn own_addresses(status: core::NodeStatus) -> Vec<IpAddr> {
    let all = status.addresses.unwrap_or_default();
    let own = all
        .iter()
        .filter(|address| matches!(address.type_.as_str(), "InternalIP" | "ExternalIP"));
    addresses(own.map(|address| address.address.as_str()))
}
