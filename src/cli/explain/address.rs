//! Who has an address.

use std::net::IpAddr;

use serde::Serialize;

use super::API_VERSION;
use super::facts::{Announcer, Facts, MoveLine, RouterLine};
use super::service::ranges;

/// What there is to say of an address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressExplanation {
    api_version: &'static str,
    kind: &'static str,
    pub(super) address: IpAddr,
    /// A Service has it, or could have it.
    pub(super) fine: bool,
    /// Whose it is, in a sentence.
    pub(super) because: String,
    /// Services whose status names it.
    pub(super) services: Vec<String>,
    /// The pool that hands it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) announced_by: Option<Announcer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) used_by: Option<String>,
    pub(super) routers: Vec<RouterLine>,
    /// What the speakers remember, the last move first.
    pub(super) last_moves: Vec<MoveLine>,
    /// Which speakers were not heard, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_heard: Option<String>,
}

pub(super) fn explain(facts: &Facts<'_>, address: IpAddr) -> AddressExplanation {
    let config = facts.allocator.config();
    let services = facts.lists.services.iter();
    let services = services.filter(|service| service.is_load_balancer && service.ingress.contains(&address));
    let services: Vec<String> = services.map(|service| service.key.to_string()).collect();
    let pool = config.pool_of(address).map(|pool| pool.name.clone());
    let used_by = facts.other_user(address);
    let (fine, because) = verdict(facts, address, &services, used_by.as_deref());
    AddressExplanation {
        api_version: API_VERSION,
        kind: "AddressExplanation",
        address,
        fine,
        because,
        services,
        pool,
        announced_by: facts.announcer(address),
        used_by,
        routers: facts.routers(),
        last_moves: facts.moves(address),
        not_heard: facts.lists.heard.unheard(),
    }
}

fn verdict(facts: &Facts<'_>, address: IpAddr, services: &[String], used_by: Option<&str>) -> (bool, String) {
    if let Some(by) = used_by {
        let services = if services.is_empty() {
            String::new()
        } else {
            format!(", though it is {}'s", services.join(" and "))
        };
        return (
            false,
            format!("it is in use by {by}{services}: free it there, or ask for another one"),
        );
    }
    if !services.is_empty() {
        let announced = facts.announcer(address).is_some();
        let words = if announced {
            ""
        } else {
            ", and no node announces it: kubectl get servicel2statuses -A"
        };
        return (
            announced,
            format!("it is the address of Service {}{words}", services.join(" and ")),
        );
    }
    unassigned(facts, address)
}

/// What there is to say of an address that no Service has.
fn unassigned(facts: &Facts<'_>, address: IpAddr) -> (bool, String) {
    let config = facts.allocator.config();
    let mut nodes = facts.lists.nodes.iter();
    if let Some(node) = nodes.find(|node| node.addresses.contains(&address)) {
        return (false, format!("it is the own address of node {}", node.key.name));
    }
    if let Some(kept) = config.reservations.get(&address) {
        let whom = kept
            .service
            .as_ref()
            .map_or("no Service".to_owned(), |service| format!("Service {service}"));
        return (
            true,
            format!("AddressReservation {} keeps it for {whom}", kept.key.name),
        );
    }
    if let Some(pool) = config.pool_of(address) {
        let how = if pool.auto_assign {
            "a Service may be given it"
        } else {
            "a Service that asks for it may be given it"
        };
        return (true, format!("it is free in IPAddressPool {}: {how}", pool.name));
    }
    if let Some(pool) = config.pool_around(address) {
        let words = format!(
            "IPAddressPool {} holds it and avoids it (spec.avoidBuggyIPs): no Service can have it",
            pool.name
        );
        return (false, words);
    }
    let mut pools = facts.lists.pools.iter();
    let unusable = pools.find(|known| {
        let spec = known.value.spec.as_ref();
        spec.is_ok_and(|spec| ranges(spec).contains(address))
    });
    match unusable {
        Some(known) => (
            false,
            format!(
                "IPAddressPool {} holds it and cannot be used: kubectl get configurationstates -A",
                known.value.key.name
            ),
        ),
        None => (
            false,
            "it is in no IPAddressPool: no Service can have it before it is added to one".to_owned(),
        ),
    }
}
