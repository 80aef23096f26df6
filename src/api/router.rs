//! `MikrotikRouter`: the router that must agree, and how far tiklb may go on it.

#![expect(
    clippy::doc_markdown,
    reason = "`kubectl explain` shows these comments, and prints backticks as they are"
)]

mod status;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use status::{Confirmed, LIST_LIMIT, MikrotikRouterStatus, ReservationCounts, Taken};

use super::{Period, schema};

/// A router and what tiklb may do on it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "tiklb.io",
    version = "v1alpha1",
    kind = "MikrotikRouter",
    plural = "mikrotikrouters",
    namespaced,
    status = "MikrotikRouterStatus",
    derive = "PartialEq",
    doc = "A MikroTik router whose DHCP server and address tables agree with the load-balancer addresses.",
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.url"),
    printcolumn(
        name = "Reachable",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Reachable")].status"#
    ),
    printcolumn(
        name = "Pools Excluded",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="PoolsExcluded")].status"#
    ),
    printcolumn(
        name = "In Sync",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="ReservationsInSync")].status"#
    ),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self.allowPlainHttp || !self.url.startsWith('http://')")
        .message("plain http sends the password in clear: write https://, or set allowPlainHttp: true")
        .field_path(".url"),
    validation = Rule::new("has(self.tls) || !self.url.startsWith('https://')")
        .message("name the Secret with the router's CA in tls.caSecretRef, or the router's key in tls.pins")
        .reason(Reason::FieldValueRequired)
        .field_path(".tls")
)]
pub struct MikrotikRouterSpec {
    /// Where the router's REST API answers, such as `https://192.168.1.1`.
    // A scheme, a name of 253 characters, a port and a slash.
    #[schemars(length(max = 270))]
    #[x_kube(validation = Rule::new(r"self.matches('^https?://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$')")
        .message("write https://, the router's name or address, and a port if it is not 443: https://192.168.1.1 (no path; user and password belong into the Secret)"))]
    pub url: String,

    /// This cluster's name on the router: it stands in every row that tiklb writes, so give each cluster its own.
    // It goes into comments and names of rows, beside a pool's name and a Service's.
    #[schemars(length(max = 20))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("use lower-case letters, digits and inner hyphens, such as home: it goes into comments and names of rows on the router"))]
    // Rows under another name are another cluster's: they would be left behind, and in the way.
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("clusterName cannot be changed, because the rows on the router carry it: delete the MikrotikRouter, which gives the router back, and make it anew under the other name"))]
    pub cluster_name: String,

    /// The UID of an earlier cluster of the same name whose rows this one takes over; the condition
    /// ReservationsInSync tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$')")
        .message("write the UID, or its first 8 digits, as they stand in the comments on the router"))]
    pub adopt_from: Option<String>,

    /// The Secret beside this object that holds the keys username and password. A change takes effect by itself.
    pub credentials_secret_ref: SecretRef,

    /// How the router's certificate is checked. Needed for https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// Allows a url that begins with `http://`. The password then crosses the network in clear.
    #[serde(default)]
    pub allow_plain_http: bool,

    /// Enforce: plans are carried out. DryRun: they are shown in status.pendingPlan. Paused: the router is not read.
    #[serde(default)]
    pub mode: Mode,

    /// Writes to a RouterOS version that tiklb was not tested with, where it would otherwise only show its plans.
    #[serde(default)]
    pub accept_untested_version: bool,

    /// Which IPAddressPools this router is to agree on. Empty: all; one that lies in none of its networks is refused
    /// and said in the condition PoolsExcluded. With several routers, select each one's pools by label.
    #[serde(default, skip_serializing_if = "is_empty")]
    #[schemars(schema_with = "schema::label_selector")]
    pub pool_selector: LabelSelector,

    /// What happens to the router's DHCP pools.
    #[serde(default)]
    pub dhcp: Dhcp,

    /// Which rows stand for each address.
    #[serde(default)]
    pub reservations: Reservations,

    /// Proven: a new address is used once the router proved that nobody else can get it. Surveyed: a survey of the
    /// network that heard nobody is enough.
    #[serde(default)]
    pub assignment: Assignment,

    /// The time between two readings of the router.
    #[serde(default = "poll_interval")]
    #[x_kube(validation = Period::between("1s", "1h"))]
    pub poll_interval: Period,

    /// How long a range that no IPAddressPool holds any more stays out of the router's DHCP pools. (The rows of an
    /// address go a minute after its last Service.)
    #[serde(default = "release_delay")]
    #[x_kube(validation = Period::between("0s", "24h"))]
    pub release_delay: Period,

    /// The serial number of the board that took the place of the recorded one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub accept_serial: String,
}

/// A Secret in the same namespace.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// One key of a Secret in the same namespace.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[serde(default = "ca_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// How the router's certificate is checked: by a CA, or by the certificate's own key.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.caSecretRef) || has(self.pins) && size(self.pins) > 0")
    .message("give caSecretRef (the CA that signed the router's certificate) or at least one of pins"))]
pub struct Tls {
    /// The CA's certificate in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,

    /// Digests of the public keys that the router may show: sha256/ and 44 characters of base64. A pin ignores the
    /// name, the CA flag and the expiry, which RouterOS's own certificates rarely have right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "pins")]
    pub pins: Vec<String>,

    /// The name in the certificate, where it is not the one in url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub server_name: Option<String>,
}

/// Whether anything is written.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Plans are carried out.
    #[default]
    Enforce,
    /// Plans are shown in `status.pendingPlan`.
    DryRun,
    /// The router is not read.
    Paused,
}

/// What happens to the router's DHCP pools.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Dhcp {
    /// Cut the load-balancer ranges out of the DHCP pools that overlap them, and give them back on deletion.
    pub shrink_pools: bool,
    /// How many addresses a DHCP pool must keep free after the cut.
    // A /8 has fewer. The format is one that Kubernetes knows; it has no unsigned ones.
    #[schemars(range(min = 0, max = 16_777_216), extend("format" = "int32"))]
    pub min_free_addresses: u32,
    /// DHCP pools that may be cut although something besides a DHCP server uses them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub pools: Vec<String>,
    /// Whether a dynamic lease may be removed for an address that a Service names.
    pub evict: Evict,
}

/// Whether leases of others may be removed.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Evict {
    /// They are waited for.
    #[default]
    Never,
    /// Dynamic ones are removed for addresses that a Service names.
    OnRequest,
}

/// Which rows stand for each address.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(default)]
pub struct Reservations {
    /// A static lease under the Service's name.
    pub leases: bool,
    /// Visible: a disabled ARP row that shows the announcing node. Always: an enabled one, which pins the router to
    /// that node until it is rewritten. Never: none.
    pub arp: Arp,
}

/// How ARP rows are kept.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arp {
    /// Disabled rows, to be seen by a person.
    #[default]
    Visible,
    /// Enabled rows.
    Always,
    /// No rows.
    Never,
}

/// What must be known of an address before a Service gets it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assignment {
    /// The router has proved that nobody else can get it.
    #[default]
    Proven,
    /// A survey heard nobody.
    Surveyed,
}

impl Default for Dhcp {
    fn default() -> Self {
        Self {
            shrink_pools: true,
            // Room for a handful of phones and guests.
            min_free_addresses: 10,
            pools: Vec::new(),
            evict: Evict::Never,
        }
    }
}

impl Default for Reservations {
    fn default() -> Self {
        Self {
            leases: true,
            arp: Arp::Visible,
        }
    }
}

/// Often enough to notice a person's edit while they look, and six small reads for the router.
const fn poll_interval() -> Period {
    Period::from_secs(30)
}

/// Longer than a node's reboot or a slip of the GitOps repository.
pub(crate) const fn release_delay() -> Period {
    Period::from_secs(600)
}

fn ca_key() -> String {
    "ca.crt".to_owned()
}

fn is_empty(selector: &LabelSelector) -> bool {
    *selector == LabelSelector::default()
}

/// The current key, the next one, and some for routers behind one name.
const MAX_PINS: u32 = 8;

fn pins(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "maxItems": MAX_PINS,
        "items": {
            "type": "string",
            "maxLength": 51,
            "x-kubernetes-validations": [{
                "rule": "self.matches('^sha256/[A-Za-z0-9+/]{43}=$')",
                "message": "write sha256/ and the base64 of the SHA-256 of the certificate's public key",
            }],
        },
    })
}
