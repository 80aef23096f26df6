//! Waiting until all has come to rest: what was done, and told, and read back.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};
use routeros_sim::{Menu, Row};
use serde_json::{Value, json};

use super::log;
use super::recorder::Recorder;
use super::span::Moment;
use crate::cluster::object::{Endpoint, endpoint_slice};
use crate::home::kind::{IP_ADDRESS_POOLS, MIKROTIK_ROUTERS, SERVICE_L2_STATUSES};
use crate::home::{Home, NAMESPACE, PHONE, PRINTER, homelab, status_address};
use crate::kube::{NAMESPACES, SERVICES};
use crate::wait::until;
use crate::wire::{ArpFrame, Operation};

/// Where the Services live.
pub(super) const APPS: &str = "apps";
/// One that is there before the trace begins: when it has its address, the router is proven and all speakers are heard.
pub(super) const ELDER: &str = "elder";
/// The one whose life is told.
pub(super) const WEB: &str = "web";
/// The port that its pods listen on. Nobody connects.
const PORT: u16 = 8_080;

/// The guide's objects.
pub(super) const POOL: &str = "homelab-pool";
pub(super) const ROUTER: &str = "router";

/// A first sync takes 12 s, and a survey's round may have to pass.
const FIRST_SYNC: Duration = Duration::from_mins(1);

/// All else takes milliseconds, announcements 4.4 s and a status up to 5 s. More is failure on any machine.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// How often a claim is announced before the minute's rest.
const ANNOUNCEMENTS: usize = 6;

/// Starts tiklb and waits until nothing is left to be done.
pub(super) async fn settle(home: &mut Home) -> Result<()> {
    home.kube()
        .create(NAMESPACES, &json!({"metadata": {"name": APPS}}))
        .await?;
    // Pods first, so that no speaker learns of the Service before it knows of them.
    for service in [ELDER, WEB] {
        let ends: Result<Vec<Endpoint>> = home.node_names().map(|node| endpoint(home, node)).collect();
        let slice = endpoint_slice(APPS, service, PORT, &ends?);
        home.kube().apply(slice).await?;
    }
    home.start_allocator().await?;
    // One after the other: the first one is the surveyor from the beginning, and alone is named as such.
    let nodes: Vec<String> = home.node_names().map(str::to_owned).collect();
    for node in &nodes {
        home.start_speaker(node).await?;
    }
    for file in ["ipaddresspool", "l2advertisement", "mikrotikrouter"] {
        let file = homelab(file);
        home.kube().apply_file(&file).await?;
    }
    create(home, ELDER).await?;
    home.service_address(APPS, ELDER, FIRST_SYNC).await?;
    for kind in ["PoolsExcluded", "ReservationsInSync"] {
        home.router_condition(ROUTER, kind, "True", FIRST_SYNC).await?;
    }
    reserved(home, 1, 1).await?;
    counted(home, 1, [1, 1, 1]).await?;
    until("phone and printer to be found", FIRST_SYNC, async || {
        let conflicts = home.conflicts().await?;
        let is_found = |address: Ipv4Addr| {
            conflicts.iter().any(|conflict| {
                conflict["spec"]["address"] == address.to_string() && conflict["status"]["seenBy"].is_array()
            })
        };
        ensure!(is_found(PHONE) && is_found(PRINTER), "found: {conflicts:?}");
        Ok(())
    })
    .await
}

fn endpoint(home: &Home, node: &str) -> Result<Endpoint> {
    Ok(Endpoint {
        address: home.address_of(node)?,
        node: node.to_owned(),
        ready: true,
    })
}

pub(super) async fn create(home: &Home, name: &str) -> Result<()> {
    let service = json!({
        "metadata": {"name": name},
        "spec": {
            "type": "LoadBalancer",
            "ports": [{"name": "http", "port": 80, "targetPort": PORT}],
            "selector": {"app": name},
        },
    });
    home.kube().create(SERVICES.in_namespace(APPS), &service).await?;
    Ok(())
}

/// A node answers, has told everybody and the gateway, and the API says so.
pub(super) async fn announced(
    home: &Home,
    recorder: &Recorder,
    address: Ipv4Addr,
    since: Moment,
) -> Result<()> {
    recorder
        .watched(
            "MODIFIED",
            |service| status_address(service) == Some(address),
            SOON,
        )
        .await?;
    let announces = |frame: &ArpFrame| frame.is_gratuitous() && frame.sender_ip == address;
    let answers = |frame: &ArpFrame| frame.op == Operation::Reply && frame.target_ip == address;
    until("the claim to be announced", SOON, async || {
        let frames = recorder.frames(address, since);
        let count = |wanted: &dyn Fn(&ArpFrame) -> bool| {
            frames.iter().filter(|(seen, _)| wanted(&seen.frame)).count()
        };
        let (announced, answered) = (count(&announces), count(&answers));
        ensure!(announced >= ANNOUNCEMENTS, "{announced} announcements so far");
        ensure!(answered > 0, "the router has not answered");
        Ok(())
    })
    .await?;
    let records = SERVICE_L2_STATUSES;
    let what = "a record of who announces it";
    let of = |record: &Value| record["status"]["serviceName"] == WEB;
    home.kube()
        .wait_list(records, SOON, what, |records| records.iter().any(of))
        .await?;
    until("both events", SOON, async || {
        let events = home.kube().events(APPS, WEB).await?;
        let is_told = |reason: &str| events.iter().any(|event| event["reason"] == reason);
        ensure!(
            is_told("IPAllocated") && is_told("nodeAssigned"),
            "only {events:?}"
        );
        Ok(())
    })
    .await
}

/// Nobody claims it, the API says so, and the address is surveyed again like any that is free.
pub(super) async fn withdrawn(
    home: &Home,
    recorder: &Recorder,
    address: Ipv4Addr,
    since: Moment,
) -> Result<()> {
    recorder
        .watched("DELETED", |service| service["metadata"]["name"] == WEB, SOON)
        .await?;
    let what = "no record of who announces it";
    let of = |record: &Value| record["status"]["serviceName"] == WEB;
    home.kube()
        .wait_list(SERVICE_L2_STATUSES, SOON, what, |records| !records.iter().any(of))
        .await?;
    until("the speaker to say so, and the survey to ask", SOON, async || {
        let frames = recorder.frames(address, since);
        let asked = frames.iter().any(|(seen, _)| seen.frame.is_probe());
        ensure!(asked, "only {} other frames so far", frames.len());
        ensure!(
            log::is_spoken_of(home, address, since)?,
            "no speaker says that it withdrew"
        );
        Ok(())
    })
    .await
}

/// The router holds so many of our leases and ARP rows, and the allocator has read that they are there.
pub(super) async fn reserved(home: &Home, leases: usize, arps: usize) -> Result<()> {
    until("the router's rows", SOON, async || {
        let ours = |menu| home.router().rows(menu).iter().filter(|row| is_ours(row)).count();
        let found = (ours(Menu::Lease), ours(Menu::Arp));
        ensure!(
            found == (leases, arps),
            "it holds {found:?} leases and ARP rows of ours"
        );
        let lines = home.allocator()?.logs();
        let says = |words: &str| lines.iter().filter(|line| line.text.contains(words)).count();
        let (begun, ended) = (says(": writing to the router "), says(": the write ended "));
        ensure!(begun == ended, "{ended} of {begun} writes have ended");
        Ok(())
    })
    .await
}

/// A row under our marker.
pub(super) fn is_ours(row: &Row) -> bool {
    row.get("comment")
        .is_some_and(|comment| comment.starts_with("tiklb/v1 "))
}

/// The pool's status counts so many addresses, and the MikrotikRouter's leases, ARP rows and wishes.
pub(super) async fn counted(home: &Home, addresses: u64, [leases, arps, wanted]: [u64; 3]) -> Result<()> {
    let what = format!("{addresses} assigned addresses");
    let fits = |pool: &Value| pool["status"]["assignedIPv4"] == addresses;
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    home.kube().wait_for(pools, POOL, SOON, &what, fits).await?;
    let reservations = json!({"leases": leases, "arp": arps, "wanted": wanted});
    let what = format!("the reservations {reservations}");
    let fits = |router: &Value| router["status"]["reservations"] == reservations;
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    home.kube().wait_for(routers, ROUTER, SOON, &what, fits).await?;
    Ok(())
}
