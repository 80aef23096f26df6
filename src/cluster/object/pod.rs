//! `v1` Pod of a speaker: where the others meet it.

use std::net::IpAddr;

use k8s_openapi::api::core::v1 as core;
use tiklb_core::model::{NodeName, ObjectKey, Uid};

use super::{Verdict, addresses, key_of, uid_of};

/// A speaker's Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeakerPod {
    /// The Pod.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Uid,
    /// Its node.
    pub node: NodeName,
    /// The node's addresses, where its speaker is reached: it uses the host's network.
    pub addresses: Vec<IpAddr>,
    /// It is running and not being deleted, and its condition `Ready` is true.
    pub ready: bool,
}

/// A Pod that was placed on a node; others have nobody to talk to.
pub fn speaker(object: core::Pod) -> Verdict<SpeakerPod> {
    let node = object
        .spec
        .and_then(|spec| spec.node_name)
        .filter(|node| !node.is_empty());
    let Some(node) = node else {
        return Verdict::Ignore;
    };
    let status = object.status.unwrap_or_default();
    let running = status.phase.as_deref() == Some("Running") && object.metadata.deletion_timestamp.is_none();
    let mut conditions = status.conditions.iter().flatten();
    let ready = conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let host: Vec<IpAddr> = match &status.host_ips {
        Some(ips) => addresses(ips.iter().map(|ip| ip.ip.as_str())),
        None => addresses(status.host_ip.as_deref()),
    };
    Verdict::Keep(SpeakerPod {
        key: key_of(&object.metadata),
        uid: uid_of(&object.metadata),
        node: NodeName(node.into()),
        addresses: host,
        ready: running && ready,
    })
}
