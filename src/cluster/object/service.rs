//! `v1` Service.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1 as core;
use tiklb_core::ipam::request::{DEPRECATED_PREFIX, FROM_POOL, PREFIX};
use tiklb_core::model::Family;
use tiklb_core::model::service::{FamilyPolicy, Service};

use super::{Verdict, addresses, key_of, labels, seniority_of, uid_of};
use crate::api::TIKLB_GROUP;

/// Under either prefix.
const ALLOW_SHARED_IP: &str = "/allow-shared-ip";

/// A Service, if it concerns a load balancer: it asks for one, or it still has what one gave it.
pub fn service(object: core::Service) -> Verdict<Service> {
    let metadata = &object.metadata;
    let spec = object.spec.unwrap_or_default();
    let ingress = object.status.and_then(|status| status.load_balancer);
    let ingress = ingress.and_then(|lb| lb.ingress).unwrap_or_default();
    let annotations = labels(metadata.annotations.clone().map(ours));
    // Ports and selector say with whom an address can be shared. Of all others they would be most of what is kept.
    let shares = annotations.keys().any(|key| key.ends_with(ALLOW_SHARED_IP));
    let key = key_of(metadata);
    let service = Service {
        key: key.clone(),
        uid: uid_of(metadata),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        seniority: seniority_of(metadata, &key),
        labels: labels(metadata.labels.clone()),
        annotations,
        is_load_balancer: spec.type_.as_deref() == Some("LoadBalancer"),
        class: spec.load_balancer_class,
        load_balancer_ip: spec.load_balancer_ip.filter(|ip| !ip.is_empty()),
        cluster_ips: match &spec.cluster_ips {
            Some(ips) => addresses(ips.iter().map(String::as_str)),
            None => addresses(spec.cluster_ip.as_deref()),
        },
        ip_families: spec
            .ip_families
            .iter()
            .flatten()
            .filter_map(|word| family(word))
            .collect(),
        family_policy: spec.ip_family_policy.as_deref().and_then(family_policy),
        local_traffic_only: spec.external_traffic_policy.as_deref() == Some("Local"),
        selector: labels(spec.selector.filter(|_| shares)),
        ports: spec
            .ports
            .iter()
            .filter(|_| shares)
            .flatten()
            .filter_map(port)
            .collect::<BTreeSet<_>>(),
        ingress_altered: ingress.iter().any(is_altered),
        ingress: addresses(ingress.iter().filter_map(|ingress| ingress.ip.as_deref())),
        deleting: metadata.deletion_timestamp.is_some(),
    };
    let concerns = service.is_load_balancer
        || !service.ingress.is_empty()
        || service.annotations.contains_key(FROM_POOL);
    if concerns {
        Verdict::Keep(service)
    } else {
        Verdict::Ignore
    }
}

/// Whether it says what we would not. API servers before 1.29 know no `ipMode` and drop it.
fn is_altered(ingress: &core::LoadBalancerIngress) -> bool {
    ingress.ip_mode.as_deref().is_some_and(|mode| mode != "VIP")
        || ingress.hostname.as_deref().is_some_and(|name| !name.is_empty())
}

/// The annotations that mean something to tiklb.
fn ours(mut annotations: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_ours = |key: &str| {
        let tiklb = key
            .strip_prefix(TIKLB_GROUP)
            .is_some_and(|rest| rest.starts_with('/'));
        tiklb || key.starts_with(PREFIX) || key.starts_with(DEPRECATED_PREFIX)
    };
    annotations.retain(|key, _| is_ours(key));
    annotations
}

fn family(word: &str) -> Option<Family> {
    match word {
        "IPv4" => Some(Family::V4),
        "IPv6" => Some(Family::V6),
        _ => None,
    }
}

fn family_policy(word: &str) -> Option<FamilyPolicy> {
    match word {
        "SingleStack" => Some(FamilyPolicy::SingleStack),
        "PreferDualStack" => Some(FamilyPolicy::PreferDualStack),
        "RequireDualStack" => Some(FamilyPolicy::RequireDualStack),
        _ => None,
    }
}

fn port(port: &core::ServicePort) -> Option<(String, u16)> {
    let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
    Some((protocol, u16::try_from(port.port).ok()?))
}
