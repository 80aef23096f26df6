//! Why a Service has its address, or waits for one.

use std::net::IpAddr;

use serde::Serialize;
use tiklb_core::config::{Admission, PoolObject, PoolSpec};
use tiklb_core::ipam::request::{DEPRECATED_PREFIX, FROM_POOL, PREFIX};
use tiklb_core::model::service::Service;
use tiklb_core::model::{AddressRange, ObjectKey, RangeSet, excerpt};

use super::API_VERSION;
use super::facts::{Announcer, Facts, MoveLine, RouterLine};

/// What there is to say of a Service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceExplanation {
    api_version: &'static str,
    kind: &'static str,
    pub(super) service: String,
    pub(super) state: State,
    pub(super) addresses: Vec<AddressLine>,
    /// Why it is so.
    pub(super) because: String,
    /// What it asks for, each with where it says so.
    pub(super) asks: Vec<String>,
    pub(super) pools: Vec<PoolLine>,
    pub(super) routers: Vec<RouterLine>,
    /// Which speakers were not heard, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_heard: Option<String>,
}

/// How a Service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum State {
    Assigned,
    Waiting,
    NotOurs,
}

/// An address of its status.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressLine {
    pub(super) address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pool: Option<String>,
    /// Missing: no node does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) announced_by: Option<Announcer>,
    /// Somebody else who uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) also_used_by: Option<String>,
    /// What the speakers remember, the last move first.
    pub(super) last_moves: Vec<MoveLine>,
}

/// What speaks for and against a pool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoolLine {
    pub(super) name: String,
    pub(super) addresses: String,
    /// How many are not assigned.
    pub(super) available: i64,
    pub(super) verdict: String,
}

impl ServiceExplanation {
    /// It has its addresses, somebody announces each, and nobody else uses one.
    pub(super) fn is_fine(&self) -> bool {
        let works = |line: &AddressLine| {
            let alone = |by: &Announcer| by.also_answered_by.is_empty();
            line.announced_by.as_ref().is_some_and(alone) && line.also_used_by.is_none()
        };
        self.state == State::NotOurs || (self.state == State::Assigned && self.addresses.iter().all(works))
    }
}

/// What a Service asks for.
struct Wish<'a> {
    addresses: Vec<IpAddr>,
    pool: Option<&'a str>,
    words: Vec<String>,
}

impl<'a> Wish<'a> {
    fn of(service: &'a Service) -> Self {
        let written = |name: &str| {
            [PREFIX, DEPRECATED_PREFIX].into_iter().find_map(|prefix| {
                let key = format!("{prefix}{name}");
                let value = service.annotations.get(&key)?;
                Some((key, value.as_str()))
            })
        };
        let by_field = service.load_balancer_ip.as_deref();
        let by_field = by_field.map(|text| ("spec.loadBalancerIP".to_owned(), text));
        let (addresses, pool) = (written("loadBalancerIPs").or(by_field), written("address-pool"));
        let shown = |(key, text): &(String, &str)| format!("{} ({key})", excerpt(*text, 64));
        Self {
            words: addresses.iter().chain(&pool).map(shown).collect(),
            addresses: addresses.map_or(Vec::new(), |(_, text)| {
                text.split(',')
                    .take(3)
                    .filter_map(|text| text.trim().parse().ok())
                    .collect()
            }),
            pool: pool.map(|(_, name)| name),
        }
    }
}

/// `None`: there is no such Service that concerns a load balancer.
pub(super) fn explain(facts: &Facts<'_>, key: &ObjectKey) -> Option<ServiceExplanation> {
    let service = facts.lists.services.iter().find(|service| service.key == *key)?;
    let ours = service.is_load_balancer && service.class == facts.class;
    let state = match (ours, service.ingress.is_empty()) {
        (false, _) => State::NotOurs,
        (true, false) => State::Assigned,
        (true, true) => State::Waiting,
    };
    let wish = Wish::of(service);
    let line = |address: &IpAddr| AddressLine {
        address: *address,
        pool: service.annotations.get(FROM_POOL).cloned(),
        announced_by: facts.announcer(*address),
        also_used_by: facts.other_user(*address),
        last_moves: facts.moves(*address),
    };
    let pools = facts.lists.pools.iter();
    Some(ServiceExplanation {
        api_version: API_VERSION,
        kind: "ServiceExplanation",
        service: service.key.to_string(),
        state,
        // Who announces another load balancer's address is that one's business.
        addresses: service.ingress.iter().filter(|_| ours).map(line).collect(),
        because: because(facts, service, state, &wish),
        pools: if ours {
            pools
                .map(|known| pool(facts, service, &wish, &known.value))
                .collect()
        } else {
            Vec::new()
        },
        asks: wish.words,
        routers: if ours { facts.routers() } else { Vec::new() },
        not_heard: facts.lists.heard.unheard().filter(|_| state == State::Assigned),
    })
}

fn because(facts: &Facts<'_>, service: &Service, state: State, wish: &Wish<'_>) -> String {
    let decision = facts.decision(&service.key);
    match state {
        State::NotOurs if !service.is_load_balancer => {
            "it is not (or no longer) a Service of type LoadBalancer".to_owned()
        }
        State::NotOurs => format!(
            "its spec.loadBalancerClass is {}, and this allocator serves {}: see --lb-class",
            service.class.as_deref().unwrap_or("not set"),
            facts.class.as_deref().unwrap_or("Services that name none")
        ),
        State::Assigned => match decision.says {
            Some(says) => format!("it keeps what it has, but {says}"),
            None => kept(facts, service, wish),
        },
        State::Waiting => match (decision.assigns, decision.says) {
            (Some((addresses, why)), _) => could_be(facts, &addresses, &why),
            (None, Some(says)) => says,
            (None, None) => "nothing is decided yet: ask again in a moment".to_owned(),
        },
    }
}

/// The API's objects leave room for it. What only a router knows may not.
fn could_be(facts: &Facts<'_>, addresses: &[IpAddr], why: &str) -> String {
    let used = |address: &IpAddr| Some((*address, facts.other_user(*address)?));
    if let Some((address, by)) = addresses.iter().find_map(used) {
        return format!("{address} is in use by {by}: ask for another address, or free it there");
    }
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    format!(
        "{} could be given to it ({why}): the allocator does so once the router's word is good (below); one has to run (kubectl get leases -A)",
        addresses.join(" and ")
    )
}

fn kept(facts: &Facts<'_>, service: &Service, wish: &Wish<'_>) -> String {
    let reserved = facts.allocator.config().reserved_for(&service.key);
    let mut reserved = reserved.filter(|kept| service.ingress.contains(&kept.address));
    if !wish.addresses.is_empty() && wish.addresses == service.ingress {
        "it asks for it".to_owned()
    } else if let Some(kept) = reserved.next() {
        format!("AddressReservation {} keeps it for this Service", kept.key.name)
    } else if wish.pool.is_some() {
        "it was free in the pool that the Service asks for; what is assigned stays".to_owned()
    } else {
        "it was the first free one when the Service was given it; what is assigned stays".to_owned()
    }
}

fn pool(facts: &Facts<'_>, service: &Service, wish: &Wish<'_>, object: &PoolObject) -> PoolLine {
    let counts = facts.allocator.pool_counts().get(&object.key);
    let available = counts.map_or(0, |counts| {
        counts.available_v4.saturating_add(counts.available_v6)
    });
    let addresses = match &object.spec {
        Ok(spec) => excerpt(spec.addresses.join(", "), 256),
        Err(_) => String::new(),
    };
    PoolLine {
        name: object.key.name.clone(),
        addresses,
        available,
        verdict: verdict(facts, service, wish, object, available),
    }
}

fn verdict(
    facts: &Facts<'_>,
    service: &Service,
    wish: &Wish<'_>,
    object: &PoolObject,
    available: i64,
) -> String {
    let name = object.key.name.as_str();
    if service
        .annotations
        .get(FROM_POOL)
        .is_some_and(|from| from == name)
        && !service.ingress.is_empty()
    {
        return "its address is from here".to_owned();
    }
    let spec = match &object.spec {
        Ok(spec) => spec,
        Err(why) => return format!("unusable: {}", excerpt(why, 256)),
    };
    let mut usable = facts.allocator.config().usable();
    let Some(pool) = usable.find(|pool| pool.key == object.key) else {
        let problems = &facts.allocator.config().problems;
        let why = problems.iter().find(|problem| problem.object.key == object.key);
        return format!(
            "unusable: {}",
            why.map_or("see kubectl get configurationstates -A", |why| &why.message)
        );
    };
    if wish.pool.is_some_and(|wanted| wanted != name) {
        return "the Service asks for another pool".to_owned();
    }
    if facts.allocator.admission(pool, service) == Admission::No {
        return "is for others: its spec.serviceAllocation does not select this Service or its namespace"
            .to_owned();
    }
    if !wish.addresses.is_empty() {
        let holds = ranges(spec);
        let inside = wish.addresses.iter().any(|address| holds.contains(*address));
        return if inside {
            "holds the address that the Service asks for"
        } else {
            "does not hold the address that the Service asks for"
        }
        .to_owned();
    }
    if wish.pool.is_none() && !spec.auto_assign {
        return format!(
            "autoAssign is false: only for Services with {PREFIX}address-pool: {}",
            excerpt(name, 64)
        );
    }
    if available == 0 {
        return "full: every address is assigned".to_owned();
    }
    "could serve it".to_owned()
}

/// The addresses of a pool, as far as they can be read.
pub(super) fn ranges(spec: &PoolSpec) -> RangeSet {
    let read = spec
        .addresses
        .iter()
        .filter_map(|text| AddressRange::parse(text).ok());
    read.collect()
}
