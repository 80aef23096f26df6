//! What users write and read: the custom resources as Rust types, the annotations, labels, condition types, reasons
//! and events that tiklb gives a meaning to.
//!
//! The types are the source: `deploy/crds/` is generated from them ([`crds_yaml`]), and rules that concern one object
//! alone stand beside its fields as CEL, so that the API server refuses a slip with the words that name the fix.
//!
//! - `metallb.io/v1beta1` ([`pool`], [`advertisement`], [`service_status`], [`configuration_state`]) is MetalLB's API:
//!   same names, fields, types, defaults and printer columns, only additions to status. Every manifest that MetalLB
//!   accepts is accepted here; sizes are bounded far above what people write, because the API server prices rules by
//!   the longest list that a schema allows.
//! - `tiklb.io/v1alpha1` ([`router`], [`address_reservation`], [`address_conflict`]) is what MetalLB does not know.
//!
//! **Invariant:** a status serialises every field, absent ones as `null`, so that a merge patch of a status clears
//! what is gone. Entries of lists leave absent fields out, since a patch replaces a list as a whole.

#![expect(
    unreachable_pub,
    reason = "KubeSchema copies each public type into a function of its own"
)]
#![expect(
    clippy::duplicated_attributes,
    reason = "clippy takes the `type_` of one printer column for a repetition of another's"
)]

pub mod address_conflict;
pub mod address_reservation;
pub mod advertisement;
pub mod annotation;
pub mod condition;
pub mod configuration_state;
pub mod decode;
pub mod event;
pub mod finalizer;
pub mod label;
pub mod period;
pub mod pool;
pub mod router;
mod schema;
pub mod service_status;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use address_conflict::{AddressConflict, AddressConflictSpec, AddressConflictStatus};
pub use address_reservation::{AddressReservation, AddressReservationSpec, AddressReservationStatus};
pub use advertisement::{L2Advertisement, L2AdvertisementSpec, PreferredNodeSelector};
pub use configuration_state::{ConfigurationResult, ConfigurationState, ConfigurationStateStatus};
pub use decode::{DecodeError, Decoded, Undecodable};
pub use period::Period;
pub use pool::{IPAddressPool, IPAddressPoolSpec, IPAddressPoolStatus, ServiceAllocation};
pub use router::{MikrotikRouter, MikrotikRouterSpec, MikrotikRouterStatus};
pub use service_status::{ServiceL2Status, ServiceL2StatusSpec, ServiceL2StatusStatus};

/// MetalLB's API group, which tiklb serves in its place.
pub const METALLB_GROUP: &str = "metallb.io";

/// tiklb's own API group.
pub const TIKLB_GROUP: &str = "tiklb.io";

/// Where pools, advertisements and routers live unless the installation says otherwise: MetalLB's namespace, so that
/// existing manifests apply unchanged.
pub const DEFAULT_NAMESPACE: &str = "metallb-system";

/// A generated manifest: the file's name below `deploy/crds/` and its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `metallb.io_ipaddresspools.yaml`.
    pub file: String,
    /// The YAML.
    pub yaml: String,
}

/// The custom resource definitions, as they are installed.
pub fn crds() -> Vec<CustomResourceDefinition> {
    use schema::{Spec, finish};
    vec![
        finish(IPAddressPool::crd(), Spec::Required),
        finish(L2Advertisement::crd(), Spec::Optional),
        finish(ServiceL2Status::crd(), Spec::Optional),
        finish(ConfigurationState::crd(), Spec::Optional),
        finish(MikrotikRouter::crd(), Spec::Required),
        finish(AddressReservation::crd(), Spec::Required),
        finish(AddressConflict::crd(), Spec::Required),
    ]
}

/// The files of `deploy/crds/`, one per kind.
///
/// # Errors
/// A definition that cannot be written as YAML.
pub fn crds_yaml() -> Result<Vec<Manifest>, serde_saphyr::ser_error::Error> {
    crds().iter().map(manifest).collect()
}

fn manifest(crd: &CustomResourceDefinition) -> Result<Manifest, serde_saphyr::ser_error::Error> {
    Ok(Manifest {
        file: format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural),
        yaml: format!(
            "# Generated from src/api; `TIKLB_UPDATE=1 cargo test -p tiklb --lib api` writes it anew.\n{}",
            serde_saphyr::to_string(crd)?
        ),
    })
}

#[cfg(test)]
mod tests;
