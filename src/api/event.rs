//! Events on Services: MetalLB's reasons, so that `kubectl describe` and existing alerts read as before, and ours for
//! what MetalLB does not know. Events are written on change only.

/// Who reports: the allocator.
pub const ALLOCATOR: &str = "tiklb-allocator";
/// Who reports: a speaker.
pub const SPEAKER: &str = "tiklb-speaker";

/// Whether a person should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// For the record.
    Normal,
    /// Something is not as it was asked for.
    Warning,
}

impl EventType {
    /// The word that Kubernetes has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Why an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventReason {
    /// An address, or an additional family, was assigned.
    IpAllocated,
    /// The current address is no longer permitted and was taken away.
    ClearAssignment,
    /// `PreferDualStack`: the second family could not be added.
    AdditionalAssignFailed,
    /// No address: the pools are exhausted, or the request cannot be met; the message says which.
    AllocationFailed,
    /// The request on a Service that has an address cannot be read, or is made twice.
    LoadBalancerFailed,
    /// `RequireDualStack` with fewer than two cluster addresses.
    NotEnoughClusterIps,
    /// An annotation stands under `metallb.universe.tf/`: rename it to `metallb.io/`.
    DeprecatedAnnotation,
    /// A node announces the Service's addresses.
    NodeAssigned,
    /// The chosen node has none of the interfaces that the advertisements name.
    AnnounceFailed,
    /// An address is chosen and waits until the router has proved that nobody else can get it.
    AwaitingProof,
    /// A device outside of the cluster uses an announced address; the AddressConflict names it.
    AddressConflict,
    /// Something on another node answers for an announced address: IPVS without strictARP, another load balancer.
    NodeAnswersArp,
    /// A pool, an advertisement or a router is wrong; the message names the field and the fix.
    InvalidConfiguration,
    /// Something else writes the Service's status again and again: another load balancer.
    StatusContested,
    /// A deleted MikrotikRouter could not be given back in time; the message says what is left on it.
    ReleaseGivenUp,
    /// A device's dynamic lease was removed for a Service that asks for its address (`spec.dhcp.evict: OnRequest`).
    LeaseRemoved,
    /// A reserved address has been another Service's since before; the message says how to free it.
    ReservationTaken,
}

impl EventReason {
    /// Every reason there is.
    pub const ALL: [Self; 17] = [
        Self::IpAllocated,
        Self::ClearAssignment,
        Self::AdditionalAssignFailed,
        Self::AllocationFailed,
        Self::LoadBalancerFailed,
        Self::NotEnoughClusterIps,
        Self::DeprecatedAnnotation,
        Self::NodeAssigned,
        Self::AnnounceFailed,
        Self::AwaitingProof,
        Self::AddressConflict,
        Self::NodeAnswersArp,
        Self::InvalidConfiguration,
        Self::StatusContested,
        Self::ReleaseGivenUp,
        Self::LeaseRemoved,
        Self::ReservationTaken,
    ];

    /// The reason as it stands in the event; the first nine are MetalLB's, spelling included.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IpAllocated => "IPAllocated",
            Self::ClearAssignment => "ClearAssignment",
            Self::AdditionalAssignFailed => "AdditionalAssignFailed",
            Self::AllocationFailed => "AllocationFailed",
            Self::LoadBalancerFailed => "LoadBalancerFailed",
            Self::NotEnoughClusterIps => "not enough clusterips",
            Self::DeprecatedAnnotation => "deprecatedAnnotation",
            Self::NodeAssigned => "nodeAssigned",
            Self::AnnounceFailed => "announceFailed",
            Self::AwaitingProof => "AwaitingProof",
            Self::AddressConflict => "AddressConflict",
            Self::NodeAnswersArp => "NodeAnswersARP",
            Self::InvalidConfiguration => "InvalidConfiguration",
            Self::StatusContested => "StatusContested",
            Self::ReleaseGivenUp => "ReleaseGivenUp",
            Self::LeaseRemoved => "LeaseRemoved",
            Self::ReservationTaken => "ReservationTaken",
        }
    }

    /// Normal or Warning.
    pub const fn event_type(self) -> EventType {
        match self {
            Self::IpAllocated
            | Self::ClearAssignment
            | Self::AdditionalAssignFailed
            | Self::NodeAssigned
            | Self::AwaitingProof => EventType::Normal,
            _ => EventType::Warning,
        }
    }
}

#[cfg(test)]
mod tests;
