//! What a Service asks for: `spec.loadBalancerIP` and the annotations of both prefixes.

use std::net::IpAddr;

use crate::config::Config;
use crate::model::service::Service;

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
    /// An annotation with the old prefix was used.
    pub deprecated: bool,
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
    /// Dual stack.
    #[error(
        "{0} asks for an address of each family, which this version of tiklb does not do yet: ask for the IPv4 address"
    )]
    DualStack(String),
    /// The address is not of the Service's family.
    #[error("{address} is not of the Service's IP family: its cluster IP is {cluster_ip}")]
    WrongFamily {
        /// The requested address.
        address: IpAddr,
        /// The Service's primary cluster IP.
        cluster_ip: IpAddr,
    },
    /// IPv6 is not announced yet.
    #[error(
        "the Service is IPv6 and this version of tiklb announces IPv4 only: set spec.ipFamilies to [IPv4]"
    )]
    Ipv6,
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
        check_family(service, &wanted)?;
        Ok(Self {
            wanted,
            pool: pool.map(str::to_owned),
            deprecated: old_addresses || old_pool,
        })
    }
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
    let get = |prefix: &str| {
        service
            .annotations
            .get(&format!("{prefix}{name}"))
            .map(String::as_str)
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
        [a, b] if a.is_ipv4() != b.is_ipv4() => Err(RequestError::DualStack(source.to_owned())),
        _ => Err(RequestError::SameFamily(source.to_owned())),
    }
}

fn check_family(service: &Service, wanted: &Wanted) -> Result<(), RequestError> {
    let primary = service.cluster_ips.first().copied();
    if let (Wanted::Exactly(addresses), Some(cluster_ip)) = (wanted, primary)
        && let Some(address) = addresses
            .iter()
            .copied()
            .find(|a| a.is_ipv4() != cluster_ip.is_ipv4())
    {
        return Err(RequestError::WrongFamily { address, cluster_ip });
    }
    let ipv6 = match wanted {
        Wanted::Exactly(addresses) => addresses.iter().any(IpAddr::is_ipv6),
        Wanted::Any => primary.is_some_and(|ip| ip.is_ipv6()),
    };
    if ipv6 { Err(RequestError::Ipv6) } else { Ok(()) }
}
