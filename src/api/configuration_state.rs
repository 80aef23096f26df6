//! `ConfigurationState`: whether a component could read the configuration, and what is wrong with it, in MetalLB's
//! words. One object `controller`, and one `speaker-<node>` for each node.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// The allocator's object; MetalLB calls it the controller.
pub const CONTROLLER: &str = "controller";

/// The object of the speaker on this node.
pub fn speaker(node: &str) -> String {
    format!("speaker-{node}")
}

/// This kind has no spec.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "ConfigurationState",
    plural = "configurationstates",
    namespaced,
    no_spec,
    status = "ConfigurationStateStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Whether a component could read the configuration. Labels: metallb.io/component-type is controller or \
           speaker, metallb.io/node-name the speaker's node.",
    printcolumn(name = "Result", type_ = "string", json_path = ".status.result"),
    printcolumn(name = "ErrorSummary", type_ = "string", json_path = ".status.errorSummary"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct ConfigurationStateFields {}

/// The outcome of reading the configuration.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigurationStateStatus {
    /// Valid, Invalid, or Unknown.
    pub result: Option<ConfigurationResult>,
    /// What is wrong, one line for each fault; empty when the result is Valid.
    pub error_summary: String,
    /// The outcome of each part of the component.
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// The outcome in one word.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigurationResult {
    /// Everything could be read.
    Valid,
    /// Something could not; the rest works.
    Invalid,
    /// The configuration was not seen yet.
    Unknown,
}
