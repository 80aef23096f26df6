//! What is known of a cluster, as plain values: findings follow from these alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::Ipv4Net;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tiklb_core::allocator::NodeObject;
use tiklb_core::config::{AdvertisementObject, PoolObject};
use tiklb_core::model::ObjectKey;

use crate::cli::router::account::Account;
use crate::cluster::inventory::Read;

/// Everything.
#[derive(Debug)]
pub(super) struct Facts {
    /// tiklb's namespace.
    pub(super) namespace: String,
    /// The loadBalancerClass that tiklb serves.
    pub(super) class: Option<String>,
    pub(super) now: Timestamp,
    /// Deployments, DaemonSets, and Pods of kube-system that nothing of these made.
    pub(super) workloads: Read<Vec<Workload>>,
    pub(super) services: Read<Vec<LoadBalancerService>>,
    /// Objects by which Cilium gives or announces addresses.
    pub(super) cilium: Read<Vec<CiliumObject>>,
    /// The ConfigMap of Cilium; `None` where there is none.
    pub(super) cilium_settings: Read<Option<BTreeMap<String, String>>>,
    pub(super) webhooks: Read<Vec<Webhook>>,
    /// Of all namespaces.
    pub(super) pools: Read<Vec<PoolObject>>,
    /// Of all namespaces.
    pub(super) advertisements: Read<Vec<AdvertisementObject>>,
    /// Routers and reservations of all namespaces: kind and key.
    pub(super) others: Read<Vec<(&'static str, ObjectKey)>>,
    pub(super) routers: Read<Vec<RouterState>>,
    /// ConfigurationStates of tiklb's namespace.
    pub(super) states: Read<Vec<State>>,
    /// AddressConflicts of tiklb's namespace.
    pub(super) conflicts: Read<Vec<StandingConflict>>,
    /// Objects of tiklb's namespace that cannot be decoded.
    pub(super) undecoded: Vec<Undecoded>,
    pub(super) nodes: Read<Vec<NodeObject>>,
    /// The ConfigMap of kube-proxy; `None` where there is none.
    pub(super) proxy: Read<Option<String>>,
    /// Definitions by name, as far as they are installed.
    pub(super) definitions: Read<BTreeMap<String, CustomResourceDefinition>>,
    /// Whether what a definition's conversion asks is there, by the definition's name.
    pub(super) conversions: Read<BTreeMap<String, Backend>>,
    pub(super) lease: Read<Option<LeaderLease>>,
    /// BGP objects: kind and key.
    pub(super) bgp: Read<Vec<(&'static str, ObjectKey)>>,
    /// Pools that only MetalLB up to 0.13 reads.
    pub(super) earlier: Read<Vec<EarlierPool>>,
    /// Rights that tiklb's accounts lack; `None` where none of its workloads was found.
    pub(super) rights: Option<Read<Vec<MissingRight>>>,
    /// Routers that were asked; `None` where nobody wanted that.
    pub(super) asked: Option<Vec<AskedRouter>>,
}

/// What runs Pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Workload {
    /// Deployment, DaemonSet or Pod.
    pub(super) kind: &'static str,
    pub(super) key: ObjectKey,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) images: Vec<String>,
    /// Arguments and `NAME=value` of the environment of all containers.
    pub(super) settings: BTreeSet<String>,
    /// Some of the environment stands in another object.
    pub(super) settings_elsewhere: bool,
    /// Ports on the hosts' network.
    pub(super) host_ports: BTreeSet<u16>,
    pub(super) service_account: String,
    /// It is told to run no Pod at all.
    pub(super) stopped: bool,
}

/// A Service of type LoadBalancer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LoadBalancerService {
    pub(super) key: ObjectKey,
    pub(super) class: Option<String>,
    pub(super) addresses: Vec<IpAddr>,
    /// What it asks for by its own words.
    pub(super) wanted: Vec<IpAddr>,
    /// Of the status, beside the addresses.
    pub(super) hostnames: Vec<String>,
    /// Who wrote the status, as the API server remembers it.
    pub(super) writers: BTreeSet<String>,
}

/// An object by which Cilium gives or announces addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CiliumObject {
    pub(super) kind: &'static str,
    pub(super) name: String,
}

/// An AddressConflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StandingConflict {
    pub(super) address: IpAddr,
    pub(super) mac: Option<String>,
    /// What the router calls the device.
    pub(super) holder: Option<String>,
    pub(super) seen_by: Vec<String>,
    pub(super) since: Option<Timestamp>,
}

/// An object that cannot be decoded: it was written before its definition was installed, or under an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undecoded {
    pub(super) kind: String,
    pub(super) key: ObjectKey,
    /// Which field is wrong.
    pub(super) why: String,
}

/// A pool as MetalLB had it before there were IPAddressPools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EarlierPool {
    /// `AddressPool metallb-system/lan`, `pool lan of ConfigMap metallb-system/config`.
    pub(super) what: String,
    pub(super) addresses: Vec<String>,
}

/// A webhook that the API server asks about MetalLB's kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Webhook {
    /// The ValidatingWebhookConfiguration.
    pub(super) configuration: String,
    /// The webhook in it.
    pub(super) name: String,
    /// Without an answer the write is refused.
    pub(super) is_fatal: bool,
    pub(super) backend: Backend,
}

/// What answers a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Backend {
    /// A Service with something behind it, or a URL, of which nothing is known.
    Serves,
    /// The Service does not exist.
    NoService(ObjectKey),
    /// The Service has no ready endpoint.
    NoEndpoint(ObjectKey),
}

/// A condition of some status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Condition {
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Condition {
    /// All conditions of a status.
    pub(super) fn all(status: Option<&Value>) -> Vec<Self> {
        let conditions = status.and_then(|status| status["conditions"].as_array());
        let word = |condition: &Value, field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        let conditions = conditions.into_iter().flatten();
        conditions
            .map(|condition| Self {
                kind: word(condition, "type"),
                status: word(condition, "status"),
                reason: word(condition, "reason"),
                message: word(condition, "message"),
            })
            .collect()
    }
}

/// A MikrotikRouter of tiklb's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RouterState {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) conditions: Vec<Condition>,
}

/// A ConfigurationState.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    /// `controller` or `speaker-<node>`.
    pub(super) name: String,
    pub(super) invalid: bool,
    /// A line for each fault.
    pub(super) summary: String,
    pub(super) conditions: Vec<Condition>,
}

impl State {
    pub(super) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }
}

/// The Lease of the allocator that leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LeaderLease {
    /// Nobody, where it was given back.
    pub(super) holder: Option<String>,
    pub(super) renewed: Option<Timestamp>,
    pub(super) seconds: i64,
}

/// Something that a service account of tiklb may not do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MissingRight {
    pub(super) account: ObjectKey,
    /// `patch services/status`.
    pub(super) right: String,
}

/// A router that was asked from here.
#[derive(Debug)]
pub(super) struct AskedRouter {
    pub(super) name: String,
    pub(super) username: String,
    /// What it said, or why it did not.
    pub(super) said: Result<RouterSaid, String>,
}

/// What a router says of us.
#[derive(Debug)]
pub(super) struct RouterSaid {
    /// `MikroTik (RB5009, RouterOS 7.20)`.
    pub(super) device: String,
    pub(super) account: Account,
    /// The service that REST goes through, and the networks that may use it; empty: all.
    pub(super) service: Option<(String, Vec<String>)>,
}

/// The networks of all nodes, as their speakers say; `None` where none does.
pub(super) fn networks(states: &[State]) -> Option<Vec<Ipv4Net>> {
    let said = states.iter().filter_map(|state| state.condition(NETWORKS));
    let said: Vec<&Condition> = said.collect();
    let connected = said.iter().filter(|condition| condition.status == "True");
    let networks =
        connected.flat_map(|condition| crate::cluster::object::configuration::connected(&condition.message));
    (!said.is_empty()).then(|| networks.collect())
}

/// The condition with a node's networks.
pub(super) const NETWORKS: &str =
    <crate::api::condition::configuration::Networks as crate::api::condition::Reason>::CONDITION;
/// The condition about other nodes that answer for a node's addresses.
pub(super) const ALONE: &str =
    <crate::api::condition::configuration::Announced as crate::api::condition::Reason>::CONDITION;
/// The condition about heartbeats, by which tiklb's speakers are told from MetalLB's.
pub(super) const HEARTBEATS: &str =
    <crate::api::condition::configuration::Heartbeats as crate::api::condition::Reason>::CONDITION;
