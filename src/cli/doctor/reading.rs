//! Facts from the API, each kind once, by the person's account. What cannot be read stays told apart from what is not
//! there.

mod earlier;
mod rights;
#[cfg(test)]
mod tests;
mod workload;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures::future::join_all;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::jiff::Timestamp;
use tiklb_core::allocator::NodeObject;
use tiklb_core::config::{AdvertisementObject, PoolObject, ReservationObject};
use tiklb_core::ipam::request::{Request, Wanted};
use tiklb_core::model::ObjectKey;

use super::facts::{
    Backend, CiliumObject, Condition, Facts, LeaderLease, LoadBalancerService, RouterState, StandingConflict,
    State, Undecoded, Webhook, Workload,
};
use super::speakers::PROXY_KEY;
use crate::api::{AddressConflict, Decoded, METALLB_GROUP, crds};
use crate::cluster::inventory::{Inventory, Read, Scope, Unread};
use crate::cluster::object::router::SeenRouter;
use crate::cluster::object::{self, Known, Stored, Verdict, key_of};

/// Where Kubernetes' own components live, and k3s's servicelb.
const SYSTEM: &str = "kube-system";
/// MetalLB's definitions whose conversion goes through a webhook: since 0.13, and of 0.13 alone.
const CONVERTED: [&str; 2] = ["bgppeers.metallb.io", "addresspools.metallb.io"];
/// Kinds that tiklb does not read: version, kind, plural.
const BGP: [(&str, &str, &str); 4] = [
    ("v1beta2", "BGPPeer", "bgppeers"),
    ("v1beta1", "BGPAdvertisement", "bgpadvertisements"),
    ("v1beta1", "BFDProfile", "bfdprofiles"),
    ("v1beta1", "Community", "communities"),
];
/// Kinds by which Cilium gives and announces addresses: versions from the newest, kind, plural.
const CILIUM: [(&[&str], &str, &str); 2] = [
    (
        &["v2", "v2alpha1"],
        "CiliumLoadBalancerIPPool",
        "ciliumloadbalancerippools",
    ),
    (
        &["v2alpha1"],
        "CiliumL2AnnouncementPolicy",
        "ciliuml2announcementpolicies",
    ),
];

/// What people write for tiklb, of all namespaces, and what is in their way.
struct Objects {
    pools: Read<Vec<PoolObject>>,
    advertisements: Read<Vec<AdvertisementObject>>,
    routers: Read<Vec<Known<SeenRouter>>>,
    reservations: Read<Vec<Known<ReservationObject>>>,
    /// Of tiklb's namespace, with those that cannot be read.
    conflicts: Read<(Vec<StandingConflict>, Vec<Undecoded>)>,
}

impl Objects {
    async fn read(inventory: &Inventory, namespace: &str) -> Self {
        let (pools, advertisements, routers, reservations, conflicts) = tokio::join!(
            pools(inventory),
            advertisements(inventory),
            inventory.list(Scope::default()),
            inventory.list(Scope::default()),
            conflicts(inventory, namespace),
        );
        Self {
            pools,
            advertisements,
            routers: absent(routers).map(|all| kept(all, object::router::router)),
            reservations: absent(reservations).map(|all| kept(all, object::reservation::reservation)),
            conflicts,
        }
    }

    /// Of tiklb's namespace: elsewhere nobody reads them.
    fn undecoded(&self, namespace: &str) -> Vec<Undecoded> {
        let mut all = [
            wrong("IPAddressPool", &self.pools, |pool| {
                (&pool.key, pool.spec.as_ref().err())
            }),
            wrong("L2Advertisement", &self.advertisements, |ad| {
                (&ad.key, ad.spec.as_ref().err())
            }),
            wrong("AddressReservation", &self.reservations, |known| {
                (&known.value.key, known.value.spec.as_ref().err())
            }),
            wrong("MikrotikRouter", &self.routers, |known| {
                (&known.stored.key, known.value.object.spec.as_ref().err())
            }),
            self.conflicts
                .as_ref()
                .map_or(Vec::new(), |(_, unread)| unread.clone()),
        ]
        .concat();
        all.retain(|object| object.key.namespace == namespace);
        all
    }
}

/// The facts, and the routers' objects, by which they can be asked.
pub(super) struct Looked {
    pub(super) facts: Facts,
    pub(super) routers: Vec<SeenRouter>,
}

/// Looks at everything. Nothing that fails ends it.
pub(super) async fn look(inventory: &Inventory, namespace: &str, class: Option<String>) -> Looked {
    let (workloads, services, cilium, cilium_settings, webhooks) = tokio::join!(
        workloads(inventory),
        services(inventory),
        cilium(inventory),
        cilium_settings(inventory),
        webhooks(inventory),
    );
    let (objects, states, nodes, proxy, definitions, lease, bgp, earlier) = tokio::join!(
        Objects::read(inventory, namespace),
        states(inventory, namespace),
        nodes(inventory),
        proxy(inventory),
        definitions(inventory),
        lease(inventory, namespace),
        bgp(inventory),
        earlier::pools(inventory, namespace),
    );
    let ours = workloads.as_ref().map_or(&[][..], Vec::as_slice);
    let rights = rights::missing(inventory, namespace, ours).await;
    let undecoded = objects.undecoded(namespace);
    let others = others(&objects.routers, &objects.reservations);
    let routers = objects.routers.map(|mut all| {
        all.retain(|known| known.stored.key.namespace == namespace);
        all
    });
    let facts = Facts {
        namespace: namespace.to_owned(),
        class,
        now: Timestamp::now(),
        workloads,
        services,
        cilium,
        cilium_settings,
        webhooks,
        pools: objects.pools,
        advertisements: objects.advertisements,
        others,
        conflicts: objects.conflicts.map(|(conflicts, _)| conflicts),
        undecoded,
        routers: routers
            .as_ref()
            .map_err(Clone::clone)
            .map(|all| all.iter().map(router).collect()),
        states,
        nodes,
        proxy,
        conversions: conversions(inventory, &definitions).await,
        definitions,
        lease,
        bgp,
        earlier,
        rights,
        asked: None,
    };
    let routers = values(routers.unwrap_or_default());
    Looked { facts, routers }
}

async fn pools(inventory: &Inventory) -> Read<Vec<PoolObject>> {
    let all = absent(inventory.list(Scope::default()).await)?;
    Ok(values(kept(all, object::pool::pool)))
}

async fn advertisements(inventory: &Inventory) -> Read<Vec<AdvertisementObject>> {
    let all = absent(inventory.list(Scope::default()).await)?;
    Ok(values(kept(all, object::advertisement::advertisement)))
}

async fn states(inventory: &Inventory, namespace: &str) -> Read<Vec<State>> {
    let ours = Scope {
        namespace: Some(namespace),
        ..Scope::default()
    };
    let all = absent(inventory.list(ours).await)?;
    let known = kept(all, object::configuration::configuration);
    Ok(known.iter().map(|known| state(&known.stored)).collect())
}

async fn nodes(inventory: &Inventory) -> Read<Vec<NodeObject>> {
    Ok(kept(inventory.list_all().await?, object::node::address_owner))
}

async fn proxy(inventory: &Inventory) -> Read<Option<String>> {
    let found: Option<ConfigMap> = inventory.get(SYSTEM, "kube-proxy").await?;
    Ok(found.and_then(|map| map.data?.get(PROXY_KEY).cloned()))
}

async fn lease(inventory: &Inventory, namespace: &str) -> Read<Option<LeaderLease>> {
    let found = inventory.get(namespace, crate::allocator::LEASE).await?;
    Ok(found.map(leader))
}

/// Those that can be read, and what is wrong with the others.
async fn conflicts(inventory: &Inventory, namespace: &str) -> Read<(Vec<StandingConflict>, Vec<Undecoded>)> {
    let ours = Scope {
        namespace: Some(namespace),
        ..Scope::default()
    };
    let all: Vec<Decoded<AddressConflict>> = absent(inventory.list(ours).await)?;
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for decoded in all {
        let (key, status) = match &decoded.0 {
            Ok(object) => (key_of(&object.metadata), object.status.clone()),
            Err(bad) => (key_of(&bad.metadata), None),
        };
        match object::conflict::conflict(decoded) {
            Verdict::Keep(known) => {
                let status = status.unwrap_or_default();
                found.push(StandingConflict {
                    address: known.value.address,
                    mac: status.mac.filter(|mac| !mac.is_empty()),
                    holder: known.value.holder.name,
                    seen_by: status.seen_by,
                    since: status.since.map(|time| time.0),
                });
            }
            Verdict::Ignore => {}
            Verdict::Unreadable(why) => unread.push(Undecoded {
                kind: "AddressConflict".to_owned(),
                key,
                why,
            }),
        }
    }
    Ok((found, unread))
}

/// What of a kind that was read says of itself that it cannot be understood.
fn wrong<'a, T>(
    kind: &str,
    read: &'a Read<Vec<T>>,
    of: impl Fn(&'a T) -> (&'a ObjectKey, Option<&'a String>),
) -> Vec<Undecoded> {
    let wrong = read.iter().flatten().filter_map(|value| {
        let (key, why) = of(value);
        Some(Undecoded {
            kind: kind.to_owned(),
            key: key.clone(),
            why: why?.clone(),
        })
    });
    wrong.collect()
}

async fn cilium_settings(inventory: &Inventory) -> Read<Option<BTreeMap<String, String>>> {
    let found: Option<ConfigMap> = inventory.get(SYSTEM, "cilium-config").await?;
    Ok(found.map(|map| map.data.unwrap_or_default()))
}

/// A kind that nobody installed has no objects. That it is missing is said of its definition.
fn absent<T>(read: Read<Vec<T>>) -> Read<Vec<T>> {
    match read {
        Err(Unread::Undefined) => Ok(Vec::new()),
        other => other,
    }
}

fn kept<K, T>(objects: Vec<K>, read: impl Fn(K) -> Verdict<T>) -> Vec<T> {
    let read = objects.into_iter().map(read);
    read.filter_map(|verdict| match verdict {
        Verdict::Keep(value) => Some(value),
        Verdict::Ignore | Verdict::Unreadable(_) => None,
    })
    .collect()
}

fn values<T>(known: Vec<Known<T>>) -> Vec<T> {
    known.into_iter().map(|known| known.value).collect()
}

async fn workloads(inventory: &Inventory) -> Read<Vec<Workload>> {
    let system = Scope {
        namespace: Some(SYSTEM),
        ..Scope::default()
    };
    let (deployments, daemons, pods) = tokio::join!(
        inventory.list::<Deployment>(Scope::default()),
        inventory.list::<DaemonSet>(Scope::default()),
        inventory.list::<Pod>(system),
    );
    let mut all: Vec<Workload> = deployments?.into_iter().map(workload::deployment).collect();
    all.extend(daemons?.into_iter().map(workload::daemon_set));
    all.extend(pods?.into_iter().filter_map(workload::lone_pod));
    Ok(all)
}

async fn services(inventory: &Inventory) -> Read<Vec<LoadBalancerService>> {
    let all = inventory.list::<Service>(Scope::default()).await?;
    let is_balanced = |service: &Service| {
        let spec = service.spec.as_ref();
        spec.and_then(|spec| spec.type_.as_deref()) == Some("LoadBalancer")
    };
    Ok(all.into_iter().filter(is_balanced).map(service).collect())
}

fn service(service: Service) -> LoadBalancerService {
    let writers = service.metadata.managed_fields.iter().flatten();
    let writers = writers.filter(|entry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        fields.is_some_and(|fields| !fields["f:status"]["f:loadBalancer"].is_null())
    });
    let writers: BTreeSet<String> = writers.filter_map(|entry| entry.manager.clone()).collect();
    let wanted = wanted(&service);
    let status = service.status.and_then(|status| status.load_balancer);
    let ingress = status.and_then(|status| status.ingress).unwrap_or_default();
    let addresses = ingress
        .iter()
        .filter_map(|ingress| ingress.ip.as_deref()?.parse().ok());
    LoadBalancerService {
        key: key_of(&service.metadata),
        class: service.spec.and_then(|spec| spec.load_balancer_class),
        addresses: addresses.collect(),
        wanted,
        hostnames: ingress
            .iter()
            .filter_map(|ingress| ingress.hostname.clone())
            .collect(),
        writers,
    }
}

/// Addresses that it names, as the allocator reads it.
fn wanted(service: &Service) -> Vec<IpAddr> {
    let Verdict::Keep(service) = object::service::service(service.clone()) else {
        return Vec::new();
    };
    match Request::of(&service) {
        Ok(Request {
            wanted: Wanted::Exactly(addresses),
            ..
        }) => addresses.into_iter().collect(),
        _ => Vec::new(),
    }
}

async fn cilium(inventory: &Inventory) -> Read<Vec<CiliumObject>> {
    let mut found = Vec::new();
    for (versions, kind, plural) in CILIUM {
        for version in versions {
            match inventory.names("cilium.io", version, kind, plural).await {
                Err(Unread::Undefined) => {}
                read => {
                    found.extend(read?.into_iter().map(|key| CiliumObject {
                        kind,
                        name: key.name.clone(),
                    }));
                    break;
                }
            }
        }
    }
    Ok(found)
}

async fn bgp(inventory: &Inventory) -> Read<Vec<(&'static str, ObjectKey)>> {
    let asked = BGP.map(|(version, kind, plural)| async move {
        let names = inventory.names(METALLB_GROUP, version, kind, plural).await;
        absent(names).map(|keys| keys.into_iter().map(move |key| (kind, key)))
    });
    let mut all = Vec::new();
    for names in join_all(asked).await {
        match names {
            Ok(names) => all.extend(names),
            // One whose conversion fails is reported as that.
            Err(Unread::Failed(why)) if why.contains("conversion webhook") => {}
            Err(why) => return Err(why),
        }
    }
    Ok(all)
}

async fn webhooks(inventory: &Inventory) -> Read<Vec<Webhook>> {
    let all = inventory.list_all::<ValidatingWebhookConfiguration>().await?;
    let mut found = Vec::new();
    for configuration in all {
        let name = configuration.metadata.name.unwrap_or_default();
        for webhook in configuration.webhooks.into_iter().flatten() {
            let mut groups = webhook
                .rules
                .iter()
                .flatten()
                .flat_map(|rule| rule.api_groups.iter().flatten());
            if !groups.any(|group| group == METALLB_GROUP) {
                continue;
            }
            let service = webhook.client_config.service.as_ref();
            let service = service.map(|service| ObjectKey::new(&service.namespace, &service.name));
            found.push(Webhook {
                configuration: name.clone(),
                name: webhook.name,
                is_fatal: webhook.failure_policy.as_deref() != Some("Ignore"),
                backend: backend(inventory, service).await?,
            });
        }
    }
    Ok(found)
}

/// Whether a Service answers. One request each: there are seven webhooks, and all name the same.
async fn backend(inventory: &Inventory, service: Option<ObjectKey>) -> Read<Backend> {
    let Some(key) = service else {
        return Ok(Backend::Serves);
    };
    let found: Option<Service> = inventory.get(&key.namespace, &key.name).await?;
    if found.is_none() {
        return Ok(Backend::NoService(key));
    }
    let labels = format!("kubernetes.io/service-name={}", key.name);
    let scope = Scope {
        namespace: Some(&key.namespace),
        labels: Some(&labels),
    };
    let slices = inventory.list::<EndpointSlice>(scope).await?;
    let mut endpoints = slices.iter().flat_map(|slice| &slice.endpoints);
    // A condition that is not set counts as ready.
    let is_ready = endpoints.any(|endpoint| {
        let conditions = endpoint.conditions.as_ref();
        conditions.and_then(|conditions| conditions.ready).unwrap_or(true)
    });
    Ok(if is_ready {
        Backend::Serves
    } else {
        Backend::NoEndpoint(key)
    })
}

/// Ours, and those whose conversion may be left over.
async fn definitions(inventory: &Inventory) -> Read<BTreeMap<String, CustomResourceDefinition>> {
    let ours = crds()
        .into_iter()
        .filter_map(|definition| definition.metadata.name);
    let names: Vec<String> = ours.chain(CONVERTED.map(str::to_owned)).collect();
    let asked = names
        .iter()
        .map(|name| inventory.get_all::<CustomResourceDefinition>(name));
    let mut found = BTreeMap::new();
    for (name, read) in names.iter().zip(join_all(asked).await) {
        if let Some(definition) = read? {
            found.insert(name.clone(), definition);
        }
    }
    Ok(found)
}

async fn conversions(
    inventory: &Inventory,
    definitions: &Read<BTreeMap<String, CustomResourceDefinition>>,
) -> Read<BTreeMap<String, Backend>> {
    let mut found = BTreeMap::new();
    for (name, definition) in definitions.as_ref().map_err(Clone::clone)? {
        let conversion = definition.spec.conversion.as_ref();
        let webhook = conversion.and_then(|conversion| conversion.webhook.as_ref());
        let service = webhook.and_then(|webhook| webhook.client_config.as_ref()?.service.as_ref());
        let service = service.map(|service| ObjectKey::new(&service.namespace, &service.name));
        found.insert(name.clone(), backend(inventory, service).await?);
    }
    Ok(found)
}

fn others(
    routers: &Read<Vec<Known<SeenRouter>>>,
    reservations: &Read<Vec<Known<ReservationObject>>>,
) -> Read<Vec<(&'static str, ObjectKey)>> {
    let routers = routers.as_ref().map_err(Clone::clone)?.iter();
    let routers = routers.map(|known| ("MikrotikRouter", known.stored.key.clone()));
    let reservations = reservations.as_ref().map_err(Clone::clone)?.iter();
    let reservations = reservations.map(|known| ("AddressReservation", known.stored.key.clone()));
    Ok(routers.chain(reservations).collect())
}

fn router(known: &Known<SeenRouter>) -> RouterState {
    RouterState {
        name: known.stored.key.name.clone(),
        url: known
            .value
            .access
            .as_ref()
            .map_or(String::new(), |access| access.url.clone()),
        conditions: Condition::all(known.stored.status().as_ref()),
    }
}

fn state(stored: &Stored) -> State {
    let status = stored.status();
    let word = |field: &str| {
        status
            .as_ref()
            .and_then(|status| status[field].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    State {
        name: stored.key.name.clone(),
        invalid: word("result") == "Invalid",
        summary: word("errorSummary"),
        conditions: Condition::all(status.as_ref()),
    }
}

fn leader(lease: Lease) -> LeaderLease {
    let spec = lease.spec.unwrap_or_default();
    LeaderLease {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        renewed: spec.renew_time.map(|time| time.0),
        seconds: spec.lease_duration_seconds.unwrap_or_default().into(),
    }
}
