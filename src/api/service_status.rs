//! `ServiceL2Status`: which node announces a Service, in MetalLB's words, and since when, why and with which MAC.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::Rule;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

/// Names of these objects begin so, as MetalLB's do.
pub const NAME_PREFIX: &str = "l2-";

/// Empty, as in MetalLB.
#[derive(CustomResource, KubeSchema, Serialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "ServiceL2Status",
    plural = "servicel2statuses",
    namespaced,
    status = "ServiceL2StatusStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Which node announces a Service's addresses. Written by speakers.",
    printcolumn(name = "Allocated Node", type_ = "string", json_path = ".status.node"),
    printcolumn(name = "Service Name", type_ = "string", json_path = ".status.serviceName"),
    printcolumn(
        name = "Service Namespace",
        type_ = "string",
        json_path = ".status.serviceNamespace"
    )
)]
pub struct ServiceL2StatusSpec {}

/// What is announced, by whom. The three fields that say whose status this is never change: a new owner writes an
/// object of its own.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct ServiceL2StatusStatus {
    /// The node that receives the traffic.
    #[x_kube(validation = fixed())]
    #[serde(default)]
    pub node: Option<String>,
    /// The Service's name.
    #[x_kube(validation = fixed())]
    #[serde(default)]
    pub service_name: Option<String>,
    /// The Service's namespace.
    #[x_kube(validation = fixed())]
    #[serde(default)]
    pub service_namespace: Option<String>,
    /// The interfaces that receive the traffic.
    #[serde(default)]
    pub interfaces: Vec<InterfaceInfo>,
    /// The addresses that the node answers for.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The hardware address that it answers with.
    #[serde(default)]
    pub mac: Option<String>,
    /// When this node began to announce.
    #[serde(default)]
    pub since: Option<Time>,
    /// Why it is this node.
    #[serde(default)]
    pub reason: Option<String>,
    /// The claim's epoch: the higher one is right wherever two nodes say they announce an address.
    #[serde(default)]
    pub epoch: Option<i64>,
}

/// An interface.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(default)]
pub struct InterfaceInfo {
    /// Its name on the node.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

fn fixed() -> Rule {
    Rule::new("self == oldSelf").message("this never changes: a new owner writes an object of its own")
}

/// MetalLB's objects may lack the field; the generated root type insists on it.
impl<'de> Deserialize<'de> for ServiceL2StatusSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<IgnoredAny>::deserialize(deserializer).map(|_| Self {})
    }
}
