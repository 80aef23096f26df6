//! A home on which all is well, as facts, and the parts that it is made of.

use tiklb_core::allocator::NodeObject;
use tiklb_core::config::object::{AdvertisementSpec, PoolSpec};
use tiklb_core::config::{AdvertisementObject, PoolObject};
use tiklb_core::model::object::Seniority;
use tiklb_core::model::{Labels, ObjectKey};

use crate::api::crds;
use crate::cli::doctor::facts::*;
use crate::cli::router::account::{Account, Rights};

pub(super) fn ours(name: &str) -> ObjectKey {
    ObjectKey::new("metallb-system", name)
}

pub(super) fn pool(key: ObjectKey, addresses: &str) -> PoolObject {
    PoolObject {
        seniority: Seniority {
            key: key.clone(),
            ..Seniority::default()
        },
        key,
        labels: Labels::new(),
        spec: Ok(PoolSpec {
            addresses: vec![addresses.to_owned()],
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }),
    }
}

pub(super) fn advertisement(name: &str, pools: &[&str]) -> AdvertisementObject {
    AdvertisementObject {
        key: ours(name),
        seniority: Seniority::default(),
        spec: Ok(AdvertisementSpec {
            pools: pools.iter().map(|name| (*name).to_owned()).collect(),
            ..AdvertisementSpec::default()
        }),
    }
}

pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

pub(super) fn speaker(node: &str, network: &str) -> State {
    State {
        name: format!("speaker-{node}"),
        conditions: vec![
            condition("heartbeatsHeard", "True", "Heard", "2 other speakers are heard"),
            condition("networksConnected", "True", "Connected", network),
            condition("announcedAlone", "True", "Alone", "no other node answers"),
        ],
        ..State::default()
    }
}

pub(super) fn node(name: &str, address: &str) -> NodeObject {
    NodeObject {
        key: ObjectKey::new("", name),
        addresses: vec![address.parse().unwrap()],
    }
}

pub(super) fn workload(kind: &'static str, key: ObjectKey, image: &str) -> Workload {
    Workload {
        kind,
        key,
        images: vec![image.to_owned()],
        ..Workload::default()
    }
}

/// tiklb's own, with MetalLB's labels beside its own.
pub(super) fn our_speakers() -> Workload {
    let labels = [
        ("app", "metallb"),
        ("component", "speaker"),
        ("app.kubernetes.io/name", "tiklb"),
    ];
    Workload {
        labels: labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        host_ports: [7946, 7472].into(),
        ..workload("DaemonSet", ours("speaker"), "ghcr.io/tiklb/tiklb:v1")
    }
}

pub(super) fn router() -> RouterState {
    RouterState {
        name: "router".to_owned(),
        url: "https://192.168.1.1".to_owned(),
        conditions: vec![
            condition("Reachable", "True", "Reachable", "ok"),
            condition("Authorized", "True", "Authorized", "ok"),
            condition("PoolsExcluded", "True", "Excluded", "ok"),
            condition("ReservationsInSync", "True", "InSync", "ok"),
            // A phone in the range is life, not a fault.
            condition(
                "NoConflicts",
                "False",
                "AddressesHeld",
                "192.168.1.201 annas-phone",
            ),
        ],
    }
}

pub(super) fn asked(rights: Rights, networks: &[&str]) -> AskedRouter {
    AskedRouter {
        name: "router".to_owned(),
        username: "tiklb".to_owned(),
        said: Ok(RouterSaid {
            device: "MikroTik (RouterOS 7.20)".to_owned(),
            account: Account::Known(rights),
            service: Some((
                "www-ssl".to_owned(),
                networks.iter().map(|network| (*network).to_owned()).collect(),
            )),
        }),
    }
}

pub(super) fn rights(missing: Vec<&'static str>, from: &str) -> Rights {
    Rights {
        group: "tiklb".to_owned(),
        missing,
        surplus: Vec::new(),
        from: from.to_owned(),
    }
}

/// A phone that has an address of the pool.
pub(super) fn conflict(address: &str) -> StandingConflict {
    StandingConflict {
        address: address.parse().unwrap(),
        mac: Some("02:00:00:00:01:e7".to_owned()),
        holder: Some("annas-phone".to_owned()),
        seen_by: vec!["node1".to_owned(), "router/router".to_owned()],
        since: Some("2026-01-01T08:00:00Z".parse().unwrap()),
    }
}

/// A home on which all is well: MetalLB gave one of the addresses before tiklb came.
pub(super) fn healthy() -> Facts {
    let now: jiff::Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let named = |definition: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition| {
        definition.metadata.name.clone().unwrap()
    };
    Facts {
        namespace: "metallb-system".to_owned(),
        class: None,
        now,
        workloads: Ok(vec![
            our_speakers(),
            workload(
                "DaemonSet",
                ObjectKey::new("kube-system", "kube-proxy"),
                "kube-proxy:v1",
            ),
        ]),
        services: Ok(vec![LoadBalancerService {
            key: ObjectKey::new("apps", "web"),
            addresses: vec!["192.168.1.200".parse().unwrap()],
            writers: ["controller".to_owned()].into(),
            ..LoadBalancerService::default()
        }]),
        cilium: Ok(vec![]),
        cilium_settings: Ok(None),
        webhooks: Ok(vec![]),
        pools: Ok(vec![pool(ours("lan"), "192.168.1.200-192.168.1.220")]),
        advertisements: Ok(vec![advertisement("lan", &[])]),
        conflicts: Ok(vec![conflict("192.168.1.201")]),
        undecoded: vec![],
        others: Ok(vec![("MikrotikRouter", ours("router"))]),
        routers: Ok(vec![router()]),
        states: Ok(vec![
            State {
                name: "controller".to_owned(),
                ..State::default()
            },
            speaker("node1", "eth0 192.168.1.11/24"),
            speaker("node2", "eth0 192.168.1.12/24, wg0 10.9.0.2/32"),
        ]),
        nodes: Ok(vec![node("node1", "192.168.1.11"), node("node2", "192.168.1.12")]),
        proxy: Ok(Some("mode: iptables\nipvs:\n  strictARP: false\n".to_owned())),
        definitions: Ok(crds().into_iter().map(|crd| (named(&crd), crd)).collect()),
        conversions: Ok([].into()),
        lease: Ok(Some(LeaderLease {
            holder: Some("tiklb-allocator-1".to_owned()),
            renewed: Some("2026-01-01T11:59:58Z".parse().unwrap()),
            seconds: 13,
        })),
        bgp: Ok(vec![]),
        earlier: Ok(vec![]),
        rights: Some(Ok(vec![])),
        asked: Some(vec![asked(rights(vec![], "192.168.1.0/24"), &["192.168.1.0/24"])]),
    }
}

/// MetalLB, as its manifest installs it.
pub(super) fn metallb(facts: &mut Facts) {
    facts.workloads.as_mut().unwrap().extend([
        workload(
            "Deployment",
            ours("controller"),
            "quay.io/metallb/controller:v0.15.2",
        ),
        workload("DaemonSet", ours("speaker"), "quay.io/metallb/speaker:v0.15.2"),
    ]);
}
