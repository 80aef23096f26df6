//! The custom kinds that tiklb reads and writes, as an API server names them.

use crate::kube::Resource;

/// Addresses for Services.
pub const IP_ADDRESS_POOLS: Resource =
    Resource::namespaced("metallb.io", "v1beta1", "ipaddresspools", "IPAddressPool");
/// Which pools are announced, and from where.
pub const L2_ADVERTISEMENTS: Resource =
    Resource::namespaced("metallb.io", "v1beta1", "l2advertisements", "L2Advertisement");
/// Who announces a Service.
pub const SERVICE_L2_STATUSES: Resource =
    Resource::namespaced("metallb.io", "v1beta1", "servicel2statuses", "ServiceL2Status");
/// Whether the configuration is valid.
pub const CONFIGURATION_STATES: Resource = Resource::namespaced(
    "metallb.io",
    "v1beta1",
    "configurationstates",
    "ConfigurationState",
);
/// Routers that are to agree.
pub const MIKROTIK_ROUTERS: Resource =
    Resource::namespaced("tiklb.io", "v1alpha1", "mikrotikrouters", "MikrotikRouter");
/// Addresses that are kept for one Service each.
pub const ADDRESS_RESERVATIONS: Resource = Resource::namespaced(
    "tiklb.io",
    "v1alpha1",
    "addressreservations",
    "AddressReservation",
);
/// Addresses that others use.
pub const ADDRESS_CONFLICTS: Resource =
    Resource::namespaced("tiklb.io", "v1alpha1", "addressconflicts", "AddressConflict");
