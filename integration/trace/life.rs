//! The Service's life: a home in which all has come to rest, then one Service in it, then none.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};
use routeros_sim::{Menu, Row};
use serde_json::{Value, json};

use super::entry::in_order;
use super::leaf::changes;
use super::recorder::{Moment, Recorder, Span, Subject};
use crate::cluster::object::{Endpoint, endpoint_slice};
use crate::home::kind::{IP_ADDRESS_POOLS, MIKROTIK_ROUTERS, SERVICE_L2_STATUSES};
use crate::home::{Home, NAMESPACE, PHONE, PRINTER, deployed, status_address};
use crate::kube::{Collection, NAMESPACES, SERVICES};
use crate::wait::until;
use crate::wire::{ArpFrame, Operation};

/// Where the Services live.
const APPS: &str = "apps";
/// One that is there before the trace begins: when it has its address, the router is proven and all speakers are heard.
const ELDER: &str = "elder";
/// The one whose life is told.
const WEB: &str = "web";
/// The port that its pods listen on. Nobody connects.
const PORT: u16 = 8_080;

/// The guide's objects.
const POOL: &str = "homelab-pool";
const ROUTER: &str = "router";

/// A first sync takes 12 s and a status follows within 5 s; more is failure on any machine.
const BOUND: Duration = Duration::from_mins(1);

/// How often a claim is announced before the minute's rest.
const ANNOUNCEMENTS: usize = 6;

/// What a reader should know first.
const PREFACE: &str = "\
One Service, from its creation to its end: what each part of tiklb does for it, in which order and why.

Taken by `cargo test --test golden` from a run of the real binary on a LAN of namespaces: one allocator, a speaker on each
of three nodes, an API server, a simulated RouterOS. Another Service, apps/elder, is there already and everything has come
to rest. Each paragraph begins with who acts:
  person     who creates and deletes the Service        watch      what every watch of Services shows
  allocator  its log, and its writes to the API         router     the writes that the router has carried out
  node1 ...  a speaker's log, and ARP frames            speaker    a speaker's writes to the API
What happens side by side is told actor by actor; an effect stands behind its cause. What differs from run to run is
replaced by <what it is>, MAC addresses by the names of hosts. integration/trace has the rules. The router's lease outlives
the Service by a minute, for which the trace does not wait.

Not a document to edit: `TIKLB_GOLDEN=renew cargo test --test golden` writes it anew.
";

/// Lives through it, and returns the trace.
pub(super) async fn tell(home: &mut Home) -> Result<String> {
    settle(home).await?;
    let recorder = Recorder::start(home, APPS)?;
    recorder
        .watched("ADDED", |service| service["metadata"]["name"] == ELDER, BOUND)
        .await?;

    let before = Counts::read(home, &recorder).await?;
    let born = Moment::now();
    create(home, WEB).await?;
    let address = home.service_address(APPS, WEB, BOUND).await?;
    announced(home, &recorder, address, born).await?;
    reserved(home, 2, 2).await?;
    told(home, 2, [2, 2, 2]).await?;
    let node = home.announcer(address, BOUND).await?.host;
    let during = Counts::read(home, &recorder).await?;

    let said = Recorder::lines(home.speaker(&node)?, address);
    let dying = Moment::now();
    home.kube().delete(SERVICES.in_namespace(APPS), WEB).await?;
    withdrawn(home, &recorder, address, dying).await?;
    until("the speaker to say that it withdrew", BOUND, async || {
        let says = Recorder::lines(home.speaker(&node)?, address);
        ensure!(says > said, "{node} says nothing of {address}");
        Ok(())
    })
    .await?;
    reserved(home, 2, 1).await?;
    told(home, 1, [2, 1, 1]).await?;
    let answerers = home.answerers(address).await?;
    ensure!(answerers.is_empty(), "{answerers:?} still answer for {address}");
    let after = Counts::read(home, &recorder).await?;
    let end = Moment::now();

    conduct(home)?;
    let subject = Subject {
        namespace: APPS,
        name: WEB,
        address,
    };
    let (life, death) = (
        Span {
            from: born,
            to: dying,
        },
        Span { from: dying, to: end },
    );
    let mut text = PREFACE.to_owned();
    text += &chapter("apps/web is created", &recorder, home, subject, life)?;
    text += &summary(&before, &during);
    text += &chapter("apps/web is deleted", &recorder, home, subject, death)?;
    text += &summary(&during, &after);
    Ok(text)
}

/// Starts tiklb and waits until nothing is left to be done.
async fn settle(home: &mut Home) -> Result<()> {
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
        let file = deployed("examples/homelab").join(format!("{file}.yaml"));
        home.kube().apply_file(&file).await?;
    }
    create(home, ELDER).await?;
    home.service_address(APPS, ELDER, BOUND).await?;
    for kind in ["PoolsExcluded", "ReservationsInSync"] {
        home.router_condition(ROUTER, kind, "True", BOUND).await?;
    }
    reserved(home, 1, 1).await?;
    told(home, 1, [1, 1, 1]).await?;
    until("phone and printer to be found", BOUND, async || {
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

async fn create(home: &Home, name: &str) -> Result<()> {
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
async fn announced(home: &Home, recorder: &Recorder, address: Ipv4Addr, since: Moment) -> Result<()> {
    recorder
        .watched(
            "MODIFIED",
            |service| status_address(service) == Some(address),
            BOUND,
        )
        .await?;
    let announces = |frame: &ArpFrame| frame.is_gratuitous() && frame.sender_ip == address;
    let answers = |frame: &ArpFrame| frame.op == Operation::Reply && frame.target_ip == address;
    until("the claim to be announced", BOUND, async || {
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
        .wait_list(records, BOUND, what, |records| records.iter().any(of))
        .await?;
    until("both events", BOUND, async || {
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
async fn withdrawn(home: &Home, recorder: &Recorder, address: Ipv4Addr, since: Moment) -> Result<()> {
    recorder
        .watched("DELETED", |service| service["metadata"]["name"] == WEB, BOUND)
        .await?;
    let what = "no record of who announces it";
    let of = |record: &Value| record["status"]["serviceName"] == WEB;
    home.kube()
        .wait_list(SERVICE_L2_STATUSES, BOUND, what, |records| {
            !records.iter().any(of)
        })
        .await?;
    until("the survey to ask for the address", BOUND, async || {
        let frames = recorder.frames(address, since);
        let asked = frames.iter().any(|(seen, _)| seen.frame.is_probe());
        ensure!(asked, "only {} other frames so far", frames.len());
        Ok(())
    })
    .await
}

/// The router holds so many of our leases and ARP rows, and the allocator has read that they are there.
async fn reserved(home: &Home, leases: usize, arps: usize) -> Result<()> {
    until("the router's rows", BOUND, async || {
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

fn is_ours(row: &Row) -> bool {
    row.get("comment")
        .is_some_and(|comment| comment.starts_with("tiklb/v1 "))
}

/// The pool's status counts so many addresses, and the MikrotikRouter's leases, ARP rows and wishes.
async fn told(home: &Home, addresses: u64, [leases, arps, wanted]: [u64; 3]) -> Result<()> {
    let what = format!("{addresses} assigned addresses");
    let fits = |pool: &Value| pool["status"]["assignedIPv4"] == addresses;
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    home.kube().wait_for(pools, POOL, BOUND, &what, fits).await?;
    let reservations = json!({"leases": leases, "arp": arps, "wanted": wanted});
    let what = format!("the reservations {reservations}");
    let fits = |router: &Value| router["status"]["reservations"] == reservations;
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    home.kube().wait_for(routers, ROUTER, BOUND, &what, fits).await?;
    Ok(())
}

/// Nothing was asked of router or API that is none of tiklb's business.
fn conduct(home: &Home) -> Result<()> {
    let violations = home.router().violations();
    ensure!(violations.is_empty(), "requests to the router: {violations:?}");
    let unsupported = home
        .control_plane()
        .embedded()
        .map(crate::apiserver::ApiServer::unsupported);
    let unsupported = unsupported.unwrap_or_default();
    ensure!(
        unsupported.is_empty(),
        "requests to the API server: {unsupported:?}"
    );
    Ok(())
}

fn chapter(title: &str, recorder: &Recorder, home: &Home, subject: Subject, span: Span) -> Result<String> {
    let entries = in_order(recorder.entries(home, subject, span)?);
    let title = format!("\n{title}\n{}\n", "-".repeat(title.len()));
    Ok(entries
        .into_iter()
        .fold(title, |text, entry| format!("{text}{}\n", entry.text)))
}

/// What counts and lists the whole: it is read when a chapter has ended.
struct Counts(BTreeMap<String, BTreeMap<String, String>>);

impl Counts {
    async fn read(home: &Home, recorder: &Recorder) -> Result<Self> {
        let objects: [(Collection, &str); 2] = [
            (IP_ADDRESS_POOLS.in_namespace(NAMESPACE), POOL),
            (MIKROTIK_ROUTERS.in_namespace(NAMESPACE), ROUTER),
        ];
        let mut counts = BTreeMap::new();
        for (collection, name) in objects {
            let object = home.kube().get(&collection, name).await?;
            let title = format!("{} {name}", collection.resource().kind);
            counts.insert(title, recorder.values(&json!({"status": object["status"]})));
        }
        for menu in [Menu::Lease, Menu::Arp] {
            let rows = home.router().rows(menu);
            let rows = rows.iter().filter(|row| is_ours(row)).map(|row| {
                let address = row.get("address").unwrap_or_default().to_owned();
                let comment = row.get("comment").unwrap_or_default();
                (address, recorder.plain(comment))
            });
            counts.insert(format!("router /{}", menu.path()), rows.collect());
        }
        Ok(Self(counts))
    }
}

/// What became of the counts.
fn summary(before: &Counts, after: &Counts) -> String {
    let mut text = "\nand then\n".to_owned();
    for (title, values) in &after.0 {
        let changes = changes(before.0.get(title).unwrap_or(&BTreeMap::new()), values);
        let changes = if changes.is_empty() {
            vec!["as before".to_owned()]
        } else {
            changes
        };
        text += &changes.into_iter().fold(title.clone(), |text, change| {
            format!("{text}\n             {change}")
        });
        text.push('\n');
    }
    text
}
