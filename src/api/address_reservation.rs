//! `AddressReservation`: an address that is kept for one Service, and stands on the router under its note before the
//! Service exists. A home's plan of addresses, as objects in Git.

#![expect(
    clippy::doc_markdown,
    reason = "`kubectl explain` shows these comments, and prints backticks as they are"
)]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// The longest note, in characters: it has to fit into the comment of a row on the router, beside our marker and the
/// Service's name.
pub const NOTE_LENGTH: u32 = 100;

/// Which address is kept, and for whom.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[kube(
    group = "tiklb.io",
    version = "v1alpha1",
    kind = "AddressReservation",
    plural = "addressreservations",
    shortname = "ares",
    namespaced,
    status = "AddressReservationStatus",
    derive = "PartialEq",
    doc = "An address of a pool that only one Service ever gets. It stands on the router under its note before the \
           Service exists.",
    printcolumn(name = "Address", type_ = "string", json_path = ".spec.address"),
    printcolumn(name = "For", type_ = "string", json_path = ".spec.for"),
    printcolumn(name = "Note", type_ = "string", json_path = ".spec.note"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Router Row", type_ = "string", json_path = ".status.row"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct AddressReservationSpec {
    /// The address, such as 192.168.1.205. One that lies in no IPAddressPool reserves nothing.
    #[schemars(schema_with = "schema::address")]
    pub address: String,

    /// The Service that gets the address, as namespace/name. It needs no annotation. Without this line no Service gets
    /// the address.
    // Two DNS labels and a slash.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 127))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')")
        .message("write the Service's namespace and name with a slash between them, such as media/photos"))]
    pub service: Option<String>,

    /// What a person calls it. It stands in the comment of the row on the router.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = NOTE_LENGTH))]
    #[x_kube(validation = Rule::new(r"!self.matches('\\p{Cc}')")
        .message("write one line of text without control characters"))]
    pub note: String,
}

/// What became of the reservation. Written by the allocator; edits are overwritten.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct AddressReservationStatus {
    /// Free, Assigned, Taken, Held, OutsidePools or Invalid.
    #[schemars(length(max = 64))]
    pub phase: Option<String>,
    /// The row on the router: Written, Pending or Foreign. Absent where no MikrotikRouter has a say.
    #[schemars(length(max = 64))]
    pub row: Option<String>,
    /// What was seen and what to do, for a person.
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// The metadata.generation that this status is about.
    pub observed_generation: Option<i64>,
}
