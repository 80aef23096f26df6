//! `L2Advertisement`: which pools are announced on the LAN, and by which nodes, in MetalLB's words.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::schema;

/// Which pools are announced for which Services, and by which nodes. Empty: all of them.
#[derive(CustomResource, JsonSchema, Serialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "L2Advertisement",
    plural = "l2advertisements",
    namespaced,
    status = "L2AdvertisementStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Announces addresses of pools on the local network.",
    printcolumn(name = "IPAddressPools", type_ = "string", json_path = ".spec.ipAddressPools"),
    printcolumn(
        name = "IPAddressPool Selectors",
        type_ = "string",
        json_path = ".spec.ipAddressPoolSelectors"
    ),
    printcolumn(name = "Interfaces", type_ = "string", json_path = ".spec.interfaces"),
    printcolumn(
        name = "Node Selectors",
        type_ = "string",
        json_path = ".spec.nodeSelectors",
        priority = 10
    )
)]
pub struct L2AdvertisementSpec {
    /// Pools by name. Without names and selectors: all pools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "ipAddressPools")]
    #[schemars(schema_with = "schema::unique_names")]
    pub ip_address_pools: Vec<String>,

    /// Pools by label, besides the named ones; one matching selector is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "ipAddressPoolSelectors")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub ip_address_pool_selectors: Vec<LabelSelector>,

    /// Nodes that may announce; one matching selector is enough. Empty: every node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub node_selectors: Vec<LabelSelector>,

    /// Nodes that announce rather than others, by weight. Only nodes that nodeSelectors allow count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = schema::MAX_SELECTORS))]
    pub preferred_node_selectors: Vec<PreferredNodeSelector>,

    /// Services that are announced; one matching selector is enough. Empty: all. Not together with allow-shared-ip.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub service_selectors: Vec<LabelSelector>,

    /// Interfaces to announce on, by exact name. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<String>,
}

/// A preference for nodes.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
pub struct PreferredNodeSelector {
    /// 1 to 100. Weights of all selectors that match a node add up; the highest sum announces.
    #[schemars(range(min = 1, max = 100))]
    pub weight: i32,
    /// The nodes that get this weight; an empty selector matches every node.
    #[schemars(schema_with = "schema::label_selector")]
    pub preference: LabelSelector,
}

/// Empty, as in MetalLB.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct L2AdvertisementStatus {}

/// An object without `spec` is the shortest manifest there is, and a common one: it means the empty spec. The
/// generated root type insists on the field, so the spec itself reads an absent one.
impl<'de> Deserialize<'de> for L2AdvertisementSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Written>::deserialize(deserializer)?
            .unwrap_or_default()
            .0)
    }
}

#[derive(Deserialize, Default)]
struct Written(#[serde(with = "Fields")] L2AdvertisementSpec);

/// The fields of [`L2AdvertisementSpec`] once more; the compiler keeps the two equal.
#[derive(Deserialize)]
#[serde(remote = "L2AdvertisementSpec", rename_all = "camelCase")]
struct Fields {
    #[serde(default, rename = "ipAddressPools")]
    ip_address_pools: Vec<String>,
    #[serde(default, rename = "ipAddressPoolSelectors")]
    ip_address_pool_selectors: Vec<LabelSelector>,
    #[serde(default)]
    node_selectors: Vec<LabelSelector>,
    #[serde(default)]
    preferred_node_selectors: Vec<PreferredNodeSelector>,
    #[serde(default)]
    service_selectors: Vec<LabelSelector>,
    #[serde(default)]
    interfaces: Vec<String>,
}
