//! `AddressConflict`: an address of a pool that someone else uses. It exists as long as the address is in use, so
//! `kubectl get addressconflicts` lists what is in the way right now.

use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// The address.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[kube(
    group = "tiklb.io",
    version = "v1alpha1",
    kind = "AddressConflict",
    plural = "addressconflicts",
    namespaced,
    status = "AddressConflictStatus",
    derive = "PartialEq",
    doc = "An address of a pool that a device outside of the cluster uses. Written by tiklb while it is so; no \
           Service gets the address before the device has left it.",
    printcolumn(name = "Address", type_ = "string", json_path = ".spec.address"),
    printcolumn(name = "MAC", type_ = "string", json_path = ".status.mac"),
    printcolumn(name = "Holder", type_ = "string", json_path = ".status.holder"),
    printcolumn(name = "Seen-By", type_ = "string", json_path = ".status.seenBy"),
    printcolumn(name = "Since", type_ = "date", json_path = ".status.since")
)]
pub struct AddressConflictSpec {
    /// The address in question.
    #[schemars(schema_with = "schema::address")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("an AddressConflict is about one address for ever"))]
    pub address: String,
}

/// Who uses it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct AddressConflictStatus {
    /// The hardware address that answers.
    pub mac: Option<String>,
    /// What the router calls the device: its host name or the comment of its lease.
    pub holder: Option<String>,
    /// Who saw it: names of nodes, and `router/<name>` for a MikrotikRouter.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "set"))]
    pub seen_by: Vec<String>,
    /// When it was seen first.
    pub since: Option<Time>,
}

/// The name of the object about this address: the address itself, IPv6 written out with hyphens in place of colons.
pub fn name_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.segments().map(|group| format!("{group:04x}")).join("-"),
    }
}
