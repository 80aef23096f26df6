//! `IPAddressPool`: the addresses that may be handed out, in MetalLB's words.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::schema;

/// Which addresses the pool holds and whom it serves.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "IPAddressPool",
    plural = "ipaddresspools",
    namespaced,
    status = "IPAddressPoolStatus",
    derive = "PartialEq",
    doc = "Addresses that may be handed out to Services of type LoadBalancer.",
    printcolumn(name = "Auto Assign", type_ = "boolean", json_path = ".spec.autoAssign"),
    printcolumn(
        name = "Avoid Buggy IPs",
        type_ = "boolean",
        json_path = ".spec.avoidBuggyIPs"
    ),
    printcolumn(name = "Addresses", type_ = "string", json_path = ".spec.addresses")
)]
pub struct IPAddressPoolSpec {
    /// The addresses: each entry a CIDR (192.168.1.0/28) or a range (192.168.1.200-192.168.1.220). A single address
    /// is written with its mask, 192.168.1.200/32. They are handed out in this order.
    #[schemars(schema_with = "addresses")]
    pub addresses: Vec<String>,

    /// Whether Services that do not ask for this pool get addresses from it.
    #[serde(default = "yes")]
    pub auto_assign: bool,

    /// Skip IPv4 addresses that end in .0 or .255, which some old devices mistake for broadcast addresses.
    #[serde(default, rename = "avoidBuggyIPs")]
    pub avoid_buggy_ips: bool,

    /// Which Services this pool is for; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_allocation: Option<ServiceAllocation>,
}

/// Which Services a pool is for. Namespaces by name and by label add up; Services must match besides.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAllocation {
    /// Among matching pools the lowest positive number is used first; 0 comes last.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(schema_with = "schema::integer")]
    pub priority: i64,

    /// Namespaces by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::unique_names")]
    pub namespaces: Vec<String>,

    /// Namespaces by label; one matching selector is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub namespace_selectors: Vec<LabelSelector>,

    /// Services by label; one matching selector is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_selectors")]
    pub service_selectors: Vec<LabelSelector>,
}

/// How much of the pool is in use. Written by the allocator; edits are overwritten.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IPAddressPoolStatus {
    /// IPv4 addresses that Services have.
    #[serde(rename = "assignedIPv4")]
    pub assigned_ipv4: i64,
    /// IPv6 addresses that Services have.
    #[serde(rename = "assignedIPv6")]
    pub assigned_ipv6: i64,
    /// IPv4 addresses that no Service has. Those that devices of the LAN hold, or that are reserved, are among them.
    #[serde(rename = "availableIPv4")]
    pub available_ipv4: i64,
    /// IPv6 addresses that no Service has.
    #[serde(rename = "availableIPv6")]
    pub available_ipv6: i64,
}

/// Entries in one pool: one line for each address of four /24 networks. Bounded because the rules below are priced
/// by the longest list that the schema allows.
const MAX_ENTRIES: u32 = 1024;

/// Two IPv6 addresses, a hyphen, and generous spaces around it.
const MAX_ENTRY_LENGTH: u32 = 128;

/// What MetalLB's webhook refuses in one entry, as far as CEL can tell: entries that are neither a CIDR nor a range,
/// and inverted IPv4 ranges. CEL cannot order IPv6 addresses, and it has no last address of a CIDR, so that it cannot tell
/// which entries overlap either; the allocator reports those in `ConfigurationState`. A range from one family into the
/// other MetalLB takes and hands out nothing of it, which nobody can want.
///
/// Two spellings that Go's older parser takes are refused: a mask with leading zeros (`/024`), and IPv4 inside IPv6
/// (`::ffff:192.168.1.0/120`).
fn addresses(_: &mut SchemaGenerator) -> Schema {
    let readable = "self.contains('-') \
        ? self.split('-').size() == 2 && isIP(self.split('-')[0].trim()) && isIP(self.split('-')[1].trim()) \
        : isCIDR(self)";
    let ordered = "!self.matches('^ *[0-9]{1,3}([.][0-9]{1,3}){3} *- *[0-9]{1,3}([.][0-9]{1,3}){3} *$') \
        || [[0, 1].map(end, self.split('-')[end].trim().split('.'))\
            .map(octet, ((int(octet[0]) * 256 + int(octet[1])) * 256 + int(octet[2])) * 256 + int(octet[3]))]\
            .all(ends, ends[0] <= ends[1])";
    json_schema!({
        "type": "array",
        "maxItems": MAX_ENTRIES,
        "items": {
            "type": "string",
            "maxLength": MAX_ENTRY_LENGTH,
            "x-kubernetes-validations": [
                {
                    "rule": readable,
                    "message": "write a CIDR (192.168.1.0/28) or a range (192.168.1.200-192.168.1.220); \
                                a single address needs a mask (192.168.1.200/32)",
                    "messageExpression": "'\"' + self + '\" is neither a CIDR (192.168.1.0/28) nor a range \
                                (192.168.1.200-192.168.1.220); a single address needs a mask (192.168.1.200/32)'",
                },
                {
                    "rule": ordered,
                    "message": "the range is inverted: swap its two ends",
                    "messageExpression": "'\"' + self + '\" is inverted: swap its two ends'",
                },
                {
                    "rule": "!(self.contains('-') && self.contains('.') && self.contains(':'))",
                    "message": "the range mixes IPv4 and IPv6: write one range for each family",
                    "messageExpression": "'\"' + self + '\" mixes IPv4 and IPv6: write one range for each family'",
                },
            ],
        },
        "x-kubernetes-validations": [{
            "rule": "size(self) > 0",
            "message": "add at least one CIDR or range",
        }],
    })
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}
