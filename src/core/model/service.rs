//! A Service as far as it concerns a load balancer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::object::Seniority;
use super::{Family, Labels, NodeName, ObjectKey, Uid};

/// What tiklb reads of a Service. The Kubernetes side makes it, nobody here changes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is what one field of the object says"
)]
pub struct Service {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion`: the precondition of every write.
    pub resource_version: String,
    /// Its place in disputes.
    pub seniority: Seniority,
    /// `metadata.labels`.
    pub labels: Labels,
    /// The annotations that start with `metallb.io/`, `metallb.universe.tf/` or `tiklb.io/`.
    pub annotations: Labels,
    /// `spec.type` is `LoadBalancer`.
    pub is_load_balancer: bool,
    /// `spec.loadBalancerClass`.
    pub class: Option<String>,
    /// `spec.loadBalancerIP`.
    pub load_balancer_ip: Option<String>,
    /// `spec.clusterIPs`, without `None`.
    pub cluster_ips: Vec<IpAddr>,
    /// `spec.ipFamilies`; the first is the primary one.
    pub ip_families: Vec<Family>,
    /// `spec.ipFamilyPolicy`.
    pub family_policy: Option<FamilyPolicy>,
    /// `spec.externalTrafficPolicy` is `Local`.
    pub local_traffic_only: bool,
    /// `spec.selector`. It and the ports may be left out of a Service that has no `allow-shared-ip`.
    pub selector: Labels,
    /// `spec.ports`: protocol and port.
    pub ports: BTreeSet<(String, u16)>,
    /// `status.loadBalancer.ingress[].ip`, in their order.
    pub ingress: Vec<IpAddr>,
    /// An entry of the status says something that we do not write: a hostname, or an `ipMode` other than VIP, with which
    /// kube-proxy does not take the traffic on the node.
    pub ingress_altered: bool,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

/// `spec.ipFamilyPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyPolicy {
    /// One family.
    SingleStack,
    /// Both, where they can be had.
    PreferDualStack,
    /// Both or nothing.
    RequireDualStack,
}

/// The nodes on which a Service has a serving endpoint (ready, or terminating and still serving).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoints {
    /// Nodes with at least one serving endpoint.
    pub nodes: BTreeSet<NodeName>,
    /// A serving endpoint that names no node exists.
    pub nodeless: bool,
}

impl Endpoints {
    /// Whether anything serves at all.
    pub fn any(&self) -> bool {
        self.nodeless || !self.nodes.is_empty()
    }
}
