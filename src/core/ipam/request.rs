//! What a Service asks for: `spec.loadBalancerIP` and the annotations of both prefixes.

use std::net::IpAddr;

use crate::config::Config;
use crate::model::Family;
use crate::model::service::{FamilyPolicy, Service};

/// MetalLB's prefix.
pub const PREFIX: &str = "metallb.io/";
/// MetalLB's old prefix, still honoured; the new one wins where both are present.
pub const DEPRECATED_PREFIX: &str = "metallb.universe.tf/";
/// The pool an assigned address came from; written by us together with the status.
pub const FROM_POOL: &str = "metallb.io/ip-allocated-from-pool";

/// On a Service that asks for an address, or for which one is reserved: `true` says that the static lease which somebody wrote for it on the router is
/// meant for this Service. The lease is left as it is.
pub const USE_EXISTING_LEASE: &str = "tiklb.io/use-existing-lease";

/// What a Service asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which address.
    pub wanted: Wanted,
    /// `address-pool`: only from this pool.
    pub pool: Option<String>,
    /// Of which families.
    pub families: Families,
    /// An annotation with the old prefix was used.
    pub deprecated: bool,
}

/// The families that a Service's addresses should be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Families {
    /// One address, of this family.
    One(Family),
    /// One of each, or one of the family named here, the primary one.
    Prefer(Family),
    /// One of each, or none.
    Both,
}

impl Families {
    /// Whether an address of this family has a place.
    pub fn include(self, family: Family) -> bool {
        match self {
            Self::One(only) => only == family,
            Self::Prefer(_) | Self::Both => true,
        }
    }

    /// Whether a Service of these families is as well off without an address of this one.
    pub(super) fn can_do_without(self, family: Family) -> bool {
        matches!(self, Self::Prefer(primary) if primary != family)
    }

    /// The family that is not among these addresses and has a place beside them.
    pub(super) fn missing(self, addresses: &[IpAddr]) -> Option<Family> {
        let there = |family: Family| addresses.iter().any(|a| Family::of(*a) == family);
        let mut wanted = Family::BOTH.into_iter().filter(|family| self.include(*family));
        wanted.find(|family| !there(*family))
    }

    /// What the cluster IPs are, or, of a Service that has none yet, what its spec says; `None`: nothing does. As in
    /// MetalLB the policy alone makes no second family: where there is one cluster IP there is nothing behind another.
    fn of(service: &Service) -> Result<Option<Self>, RequestError> {
        let cluster: Vec<Family> = service.cluster_ips.iter().map(|ip| Family::of(*ip)).collect();
        let known = if cluster.is_empty() {
            &service.ip_families
        } else {
            &cluster
        };
        let primary = service.ip_families.first().or_else(|| known.first()).copied();
        let both = Family::BOTH.iter().all(|family| known.contains(family));
        let policy = service.family_policy;
        Ok(match (policy, both) {
            (Some(FamilyPolicy::RequireDualStack), false) if !cluster.is_empty() => {
                return Err(RequestError::NotEnoughClusterIps);
            }
            (Some(FamilyPolicy::RequireDualStack), _) | (None, true) => Some(Self::Both),
            (Some(FamilyPolicy::PreferDualStack), true) => Some(Self::Prefer(primary.unwrap_or(Family::V4))),
            (Some(FamilyPolicy::SingleStack), true) => primary.map(Self::One),
            (_, false) => known.first().copied().map(Self::One),
        })
    }
}

/// Which address a Service asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Any of the Service's own (primary) family.
    Any,
    /// Exactly these.
    Exactly(Vec<IpAddr>),
}

/// Why a Service's wish cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not an address.
    #[error(
        "{source_name} asks for {text:?}, which is not an IP address: write one address, such as 192.168.1.200"
    )]
    NotAnAddress {
        /// Where it was written.
        source_name: String,
        /// What was written.
        text: String,
    },
    /// `spec.loadBalancerIP` and the annotation exclude each other, as in MetalLB.
    #[error("spec.loadBalancerIP and the annotation {0} both ask for an address: remove one of the two")]
    AskedTwice(String),
    /// Two addresses of one family.
    #[error("{0} asks for two addresses of one family: a Service gets one of each")]
    SameFamily(String),
    /// The addresses are not of the Service's families.
    #[error(
        "{asked} asks for {wanted}, and the Service has {has} (spec.clusterIPs): ask for one address of each of its families"
    )]
    OtherFamilies {
        /// Where it was written.
        asked: String,
        /// The families that are asked for.
        wanted: &'static str,
        /// The families of the Service.
        has: &'static str,
    },
    /// `RequireDualStack` with one cluster IP.
    #[error(
        "spec.ipFamilyPolicy is RequireDualStack and the Service has one cluster IP: give it one of each family (spec.ipFamilies), or set PreferDualStack"
    )]
    NotEnoughClusterIps,
}

impl Request {
    /// Reads a Service's wish.
    ///
    /// # Errors
    /// When it cannot be understood; the message names the annotation or field and how to write it.
    pub fn of(service: &Service) -> Result<Self, RequestError> {
        let (addresses, old_addresses) = annotation(service, "loadBalancerIPs");
        let (pool, old_pool) = annotation(service, "address-pool");
        let source = if old_addresses {
            "metallb.universe.tf/loadBalancerIPs"
        } else {
            "metallb.io/loadBalancerIPs"
        };
        let field = service.load_balancer_ip.as_deref().filter(|ip| !ip.is_empty());
        let wanted = match (field, addresses) {
            (Some(_), Some(_)) => return Err(RequestError::AskedTwice(source.to_owned())),
            (Some(text), None) => Wanted::Exactly(vec![address("spec.loadBalancerIP", text)?]),
            (None, Some(list)) => Wanted::Exactly(addresses_of(source, list)?),
            (None, None) => Wanted::Any,
        };
        let asked = if field.is_some() {
            "spec.loadBalancerIP"
        } else {
            source
        };
        Ok(Self {
            families: families_of(service, &wanted, asked)?,
            wanted,
            pool: pool.map(str::to_owned),
            deprecated: old_addresses || old_pool,
        })
    }
}

/// Whether a Service names an address, or says of somebody's static lease that it is meant for it: most do neither.
pub fn names_addresses(service: &Service) -> bool {
    service.load_balancer_ip.is_some()
        || service.annotations.contains_key(USE_EXISTING_LEASE)
        || annotation(service, "loadBalancerIPs").0.is_some()
}

/// The addresses for which a static lease of somebody else may stand: those that the Service names, or that an
/// AddressReservation names for it, if it says so. Without their names it would be given somebody's printer's.
pub fn leased_by_others(service: &Service, config: &Config) -> Vec<IpAddr> {
    let may = service.annotations.get(USE_EXISTING_LEASE);
    if may.is_none_or(|value| value != "true") {
        return Vec::new();
    }
    match Request::of(service).map(|request| request.wanted) {
        Ok(Wanted::Exactly(addresses)) => addresses,
        Ok(Wanted::Any) => config
            .reserved_for(&service.key)
            .map(|kept| kept.address)
            .collect(),
        Err(_) => Vec::new(),
    }
}

/// The annotation under either prefix, and whether it came from the old one. An empty one asks for nothing, and under
/// the new prefix it still wins: both as in MetalLB.
pub(super) fn annotation<'a>(service: &'a Service, name: &str) -> (Option<&'a str>, bool) {
    // They are few: looking at each costs less than putting the name together.
    let get = |prefix: &str| {
        let mut all = service.annotations.iter();
        let found = all.find(|(key, _)| key.strip_prefix(prefix) == Some(name));
        found.map(|(_, value)| value.as_str())
    };
    let (value, old) = match (get(PREFIX), get(DEPRECATED_PREFIX)) {
        (Some(value), _) => (Some(value), false),
        (None, Some(value)) => (Some(value), true),
        (None, None) => (None, false),
    };
    let value = value.filter(|value| !value.is_empty());
    (value, old && value.is_some())
}

fn address(source: &str, text: &str) -> Result<IpAddr, RequestError> {
    // An annotation can hold 256 KiB; an event cannot.
    let shown = || text.trim().chars().take(64).collect();
    text.trim().parse().map_err(|_| RequestError::NotAnAddress {
        source_name: source.to_owned(),
        text: shown(),
    })
}

fn addresses_of(source: &str, list: &str) -> Result<Vec<IpAddr>, RequestError> {
    // More than two can never be right, so the rest of a very long list is not worth reading.
    let addresses = list
        .split(',')
        .take(3)
        .map(|text| address(source, text))
        .collect::<Result<Vec<_>, _>>()?;
    match addresses.as_slice() {
        [_] => Ok(addresses),
        [a, b] if Family::of(*a) != Family::of(*b) => Ok(addresses),
        _ => Err(RequestError::SameFamily(source.to_owned())),
    }
}

/// Addresses that are asked for are of exactly the Service's families, also under `PreferDualStack`: as in MetalLB.
fn families_of(service: &Service, wanted: &Wanted, asked: &str) -> Result<Families, RequestError> {
    let families = Families::of(service)?;
    let Wanted::Exactly(addresses) = wanted else {
        return Ok(families.unwrap_or(Families::One(Family::V4)));
    };
    let own = match addresses.as_slice() {
        [one] => Families::One(Family::of(*one)),
        _ => Families::Both,
    };
    let families = families.unwrap_or(own);
    let fits = |family: &Family| families.include(*family) == own.include(*family);
    if Family::BOTH.iter().all(fits) {
        return Ok(families);
    }
    let words = |families: Families| match families {
        Families::One(Family::V4) => "IPv4",
        Families::One(Family::V6) => "IPv6",
        Families::Prefer(_) | Families::Both => "IPv4 and IPv6",
    };
    Err(RequestError::OtherFamilies {
        asked: asked.to_owned(),
        wanted: words(own),
        has: words(families),
    })
}
