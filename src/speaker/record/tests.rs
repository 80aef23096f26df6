//! What is published, against the objects that an API server then holds.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use lab::kube::Resource;
use tiklb_core::allocator::Change;
use tiklb_core::election::{Because, Desired, Group};
use tiklb_core::model::service::Service;
use tiklb_core::model::{MacAddr, RangeSet, Timestamp, Uid};
use tiklb_core::neighbor::conflict::Dispute;
use tiklb_core::speaker::published::GaveUp;
use tiklb_core::speaker::{Held, SurveyState};
use tokio::task::JoinSet;

use super::*;
use crate::api::event::SPEAKER;
use crate::cluster::event::events;
use crate::cluster::object::configuration::connected;
use crate::cluster::object::split;
use crate::cluster::source::Source;
use crate::cluster::tests::{BOUND, World, world, writes};
use crate::cluster::writer::{Kind, Target};
use crate::speaker::desired::{News, Settings};

const RECORDS: Resource =
    Resource::namespaced("metallb.io", "v1beta1", "servicel2statuses", "ServiceL2Status");
const CONFLICTS: Resource =
    Resource::namespaced("tiklb.io", "v1alpha1", "addressconflicts", "AddressConflict");
const STATES: Resource = Resource::namespaced(
    "metallb.io",
    "v1beta1",
    "configurationstates",
    "ConfigurationState",
);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn web() -> ObjectKey {
    ObjectKey::new("default", "web")
}

fn held(epoch: u64) -> Held {
    Held {
        addresses: [ip("192.168.1.200")].into(),
        services: [web()].into(),
        epoch,
        because: Because::First { candidates: 3 },
        since: Timestamp(1_767_225_600),
        interfaces: vec!["eth0".to_owned()],
        mac: Some(MacAddr(2, 0, 0, 0, 1, 11)),
    }
}

fn publishing(epoch: u64) -> Published {
    let mut published = Published {
        version: epoch,
        ..Published::default()
    };
    published.held.insert(ip("192.168.1.200"), held(epoch));
    published
}

/// A speaker's API side on `node`, hearing what is stored.
struct Side {
    recorder: Recorder,
    writer: Writer,
    objects: Objects,
    _tasks: JoinSet<()>,
}

fn side(world: &World, node: &str) -> Side {
    let writer = Writer::default();
    let (events, recorder) = events(SPEAKER, "speaker-1");
    let source = Source::new(world.client.clone(), "metallb-system", Arc::default());
    let mut tasks = JoinSet::new();
    let feed = writer.clone();
    tasks.spawn(source.announcements().for_each(move |change| {
        feed.stored(Kind::Announcement, split(change).1);
        std::future::ready(())
    }));
    let feed = writer.clone();
    tasks.spawn(source.conflicts().for_each(move |change| {
        feed.stored(Kind::Conflict, split(change).1);
        std::future::ready(())
    }));
    let feed = writer.clone();
    let state = source.configuration(&format!("speaker-{node}"));
    tasks.spawn(state.for_each(move |change| {
        feed.stored(Kind::Configuration, change);
        std::future::ready(())
    }));
    tasks.spawn(writer.clone().run(world.client.clone()));
    tasks.spawn(recorder.run(world.client.clone()));
    let identity = Identity {
        node: NodeName::from(node),
        namespace: "metallb-system".to_owned(),
        owner: Some(OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: "speaker-1".to_owned(),
            uid: "pod-uid".to_owned(),
            ..OwnerReference::default()
        }),
        heartbeat_port: 7946,
    };
    let mut objects = Objects::new(Settings::default());
    objects.take(News::services(Change::Listed(vec![Service {
        key: web(),
        uid: Uid("web-uid".to_owned()),
        ..Service::default()
    }])));
    Side {
        recorder: Recorder::new(identity, writer.clone(), events, Box::new(|_| ())),
        writer,
        objects,
        _tasks: tasks,
    }
}

/// Waits until the collection holds what fits, and returns it.
async fn until(world: &World, resource: Resource, fits: impl FnMut(&[Value]) -> bool + Send) -> Vec<Value> {
    let collection = resource.in_namespace("metallb-system");
    let objects = world.judge.wait_list(collection, BOUND, "what fits", fits);
    objects.await.unwrap()
}

/// Sweeps until the API holds what fits.
async fn sweeping(
    world: &World,
    side: &mut Side,
    published: &Published,
    wanted: &Wanted,
    resource: Resource,
    fits: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + BOUND;
    loop {
        side.recorder.sweep(published, wanted);
        tokio::time::timeout(Duration::from_secs(5), side.writer.idle())
            .await
            .unwrap();
        let objects = world
            .judge
            .list(resource.in_namespace("metallb-system"))
            .await
            .unwrap();
        if fits(&objects) {
            return objects;
        }
        assert!(tokio::time::Instant::now() < deadline, "{objects:#?}");
        tokio::task::yield_now().await;
    }
}

/// A speaker ended between the two writes, or its watch brought the first one before the second was sent.
#[tokio::test]
async fn a_record_without_a_status_is_given_one() {
    let world = world().await;
    let mut first = side(&world, "n1");
    first.recorder.update(&publishing(3), &first.objects);
    let complete = |objects: &[Value]| objects.len() == 1 && objects[0]["status"]["epoch"] == 3;
    let mut record = until(&world, RECORDS, complete).await.remove(0);
    drop(first);
    let name = record["metadata"]["name"].as_str().unwrap().to_owned();
    let records = RECORDS.in_namespace("metallb-system");
    world.judge.delete(&records, &name).await.unwrap();
    let metadata = json!({"name": name, "labels": record["metadata"]["labels"].take()});
    world
        .judge
        .create(&records, &json!({"metadata": metadata, "spec": {}}))
        .await
        .unwrap();
    let mut second = side(&world, "n1");
    second.recorder.update(&publishing(3), &second.objects);
    until(&world, RECORDS, complete).await;
}

#[tokio::test]
async fn who_announces_stands_in_the_api_as_long_as_it_does() {
    let world = world().await;
    let mut side = side(&world, "n1");
    side.recorder.update(&publishing(3), &side.objects);
    let complete = |objects: &[Value]| objects.len() == 1 && objects[0]["status"]["epoch"] == 3;
    let record = until(&world, RECORDS, complete).await.remove(0);
    assert_eq!(
        record["status"],
        json!({
            "node": "n1", "serviceName": "web", "serviceNamespace": "default",
            "interfaces": [{"name": "eth0"}], "addresses": ["192.168.1.200"], "mac": "02:00:00:00:01:0b",
            "since": "2026-01-01T00:00:00Z", "reason": "FirstInOrder", "epoch": 3,
        })
    );
    assert_eq!(record["metadata"]["labels"]["metallb.io/service-name"], "web");
    assert_eq!(record["metadata"]["ownerReferences"][0]["uid"], "pod-uid");
    let before = writes(&world.server).len();
    side.recorder.update(&publishing(3), &side.objects);
    let mut gone = Published {
        version: 4,
        ..Published::default()
    };
    gone.gave_up.push_back(GaveUp {
        version: 4,
        key: ip("192.168.1.200"),
        held: held(3),
        because: Because::NotWanted,
    });
    side.recorder.update(&gone, &side.objects);
    until(&world, RECORDS, <[Value]>::is_empty).await;
    let after = writes(&world.server).split_off(before);
    let records: Vec<&String> = after.iter().filter(|write| write.contains("servicel2")).collect();
    assert_eq!(
        records.len(),
        1,
        "saying the same again writes nothing: {after:?}"
    );
    let events = lab::kube::EVENTS_V1.in_namespace("default");
    let any = |events: &[Value]| !events.is_empty();
    let events = world.judge.wait_list(events, BOUND, "an event", any);
    let events = events.await.unwrap();
    let notes: Vec<&Value> = events.iter().map(|event| &event["note"]).collect();
    assert_eq!(notes, ["announcing from node \"n1\" with protocol \"layer2\""]);
    assert_eq!(events[0]["reason"], "nodeAssigned");
    assert_eq!(world.server.unsupported(), Vec::<String>::new());
}

/// The node is the one that it was. A Service that joins the group later is new there.
#[tokio::test]
async fn a_speaker_that_was_started_anew_tells_no_event_for_what_its_node_had() {
    let world = world().await;
    let mut side = side(&world, "n1");
    let mut published = publishing(4);
    let group = published.held.get_mut(&ip("192.168.1.200")).unwrap();
    group.because = Because::Resumed;
    let beside = ObjectKey::new("default", "beside");
    let services = [web(), beside.clone()].map(|key| Service {
        uid: Uid(format!("{key}-uid")),
        key,
        ..Service::default()
    });
    side.objects.take(News::services(Change::Listed(services.into())));
    side.recorder.update(&published, &side.objects);
    let group = published.held.get_mut(&ip("192.168.1.200")).unwrap();
    group.services.insert(beside);
    side.recorder.update(&published, &side.objects);
    notes(&world, "nodeAssigned").await;
    let events = lab::kube::EVENTS_V1.in_namespace("default");
    let events = world
        .judge
        .wait_list(events, BOUND, "an event", |events| !events.is_empty());
    let events = events.await.unwrap();
    let about: Vec<&Value> = events.iter().map(|event| &event["regarding"]["name"]).collect();
    assert_eq!(about, ["beside"], "{events:#?}");
}

#[tokio::test]
async fn an_owner_removes_what_earlier_ones_left_and_not_what_later_ones_say() {
    let world = world().await;
    let mut old = side(&world, "n1");
    old.recorder.update(&publishing(3), &old.objects);
    until(&world, RECORDS, |objects| {
        objects.len() == 1 && objects[0]["status"]["epoch"] == 3
    })
    .await;
    drop(old);
    let mut new = side(&world, "n2");
    let took_over = publishing(4);
    new.recorder.update(&took_over, &new.objects);
    let wanted = Wanted::default();
    let only_new = |objects: &[Value]| objects.len() == 1 && objects[0]["status"]["node"] == "n2";
    let records = sweeping(&world, &mut new, &took_over, &wanted, RECORDS, only_new).await;
    // The earlier owner was cut off and still believes; its sweep must not touch the later one's record.
    let mut cut_off = side(&world, "n1");
    let has_heard = Target {
        kind: Kind::Announcement,
        key: ObjectKey::new("metallb-system", records[0]["metadata"]["name"].as_str().unwrap()),
    };
    while cut_off.writer.find(&has_heard).is_none() {
        tokio::task::yield_now().await;
    }
    cut_off.recorder.sweep(&publishing(3), &wanted);
    cut_off.writer.idle().await;
    let records = world
        .judge
        .list(RECORDS.in_namespace("metallb-system"))
        .await
        .unwrap();
    assert!(
        records.iter().any(|record| record["status"]["node"] == "n2"),
        "{records:?}"
    );
}

#[tokio::test]
async fn a_dead_nodes_record_of_a_service_that_is_gone_is_removed_by_the_first_speaker() {
    let world = world().await;
    let mut dead = side(&world, "n9");
    dead.recorder.update(&publishing(3), &dead.objects);
    until(&world, RECORDS, |objects| {
        objects.len() == 1 && objects[0]["status"]["epoch"] == 3
    })
    .await;
    drop(dead);
    let published = Published {
        alive: [NodeName::from("n2")].into(),
        ..Published::default()
    };
    let still = Wanted {
        election: Arc::new(Desired {
            groups: [(ip("192.168.1.200"), wanting())].into(),
            ..Desired::default()
        }),
        ..Wanted::default()
    };
    let mut first = side(&world, "n1");
    first.recorder.sweep(&published, &still);
    let mut second = side(&world, "n3");
    second.recorder.sweep(&published, &Wanted::default());
    first.writer.idle().await;
    second.writer.idle().await;
    assert_eq!(
        world
            .judge
            .list(RECORDS.in_namespace("metallb-system"))
            .await
            .unwrap()
            .len(),
        1
    );
    sweeping(
        &world,
        &mut first,
        &published,
        &Wanted::default(),
        RECORDS,
        <[Value]>::is_empty,
    )
    .await;
}

fn wanting() -> Group {
    Group {
        key: ip("192.168.1.200"),
        addresses: [ip("192.168.1.200")].into(),
        services: [web()].into(),
        candidates: [].into_iter().collect(),
        order: vec![],
        stand_ins: vec![],
        nobody: None,
    }
}

fn dispute(stranger: Option<MacAddr>, nodes: &[&str]) -> Dispute {
    Dispute {
        stranger,
        nodes: nodes.iter().map(|name| NodeName::from(*name)).collect(),
    }
}

/// The notes of the events for a reason, when there are any.
async fn notes(world: &World, reason: &str) -> Vec<String> {
    let events = lab::kube::EVENTS_V1.in_namespace("default");
    let told = |events: &[Value]| events.iter().any(|event| event["reason"] == reason);
    let events = world.judge.wait_list(events, BOUND, reason, told);
    let events = events.await.unwrap();
    let found = events.iter().filter(|event| event["reason"] == reason);
    found
        .map(|event| event["note"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_stranger_at_an_announced_address_is_told_once_and_its_object_goes_with_it() {
    let world = world().await;
    let mut side = side(&world, "n1");
    let mac = MacAddr(0xaa, 0, 0, 0, 0, 1);
    side.objects.take(News::services(Change::Listed(vec![Service {
        key: web(),
        uid: Uid("web-uid".to_owned()),
        ingress: vec![ip("192.168.1.200")],
        ..Service::default()
    }])));
    let mut disputed = publishing(3);
    disputed
        .disputes
        .insert(ip("192.168.1.200"), dispute(Some(mac), &["n2"]));
    let wanted = Wanted::default();
    for _ in 0..3 {
        side.recorder.update(&disputed, &side.objects);
    }
    let heard = |objects: &[Value]| objects.len() == 1 && objects[0]["status"]["mac"].is_string();
    let objects = sweeping(&world, &mut side, &disputed, &wanted, CONFLICTS, heard).await;
    assert_eq!(objects[0]["spec"]["address"], "192.168.1.200");
    assert_eq!(objects[0]["status"]["mac"], "aa:00:00:00:00:01");
    let told = notes(&world, "NodeAnswersARP").await;
    assert!(told.len() == 1 && told[0].starts_with("n2 answers ARP for 192.168.1.200, which n1 announces"));
    let told = notes(&world, "AddressConflict").await;
    assert!(
        told.len() == 1 && told[0].starts_with("aa:00:00:00:00:01 uses 192.168.1.200, too"),
        "{told:?}"
    );
    let over = publishing(3);
    side.recorder.update(&over, &side.objects);
    sweeping(&world, &mut side, &over, &wanted, CONFLICTS, <[Value]>::is_empty).await;
}

#[tokio::test]
async fn whoever_announces_an_address_removes_an_earlier_owners_conflict_once_it_must_have_heard() {
    let world = world().await;
    let mut side = side(&world, "n2");
    let stale = json!({
        "apiVersion": "tiklb.io/v1alpha1", "kind": "AddressConflict",
        "metadata": {"name": "192.168.1.200"}, "spec": {"address": "192.168.1.200"},
    });
    world
        .judge
        .create(CONFLICTS.in_namespace("metallb-system"), &stale)
        .await
        .unwrap();
    let target = side.recorder.target(ip("192.168.1.200"));
    while side.writer.find(&target).is_none() {
        tokio::task::yield_now().await;
    }
    let wanted = Wanted::default();
    let mut young = publishing(4);
    let begun = crate::cluster::object::configuration::now().0.as_second();
    young.held.get_mut(&ip("192.168.1.200")).unwrap().since = Timestamp(begun);
    assert!(side.recorder.sweep(&young, &wanted), "it is looked at again");
    side.writer.idle().await;
    let still = world.judge.list(CONFLICTS.in_namespace("metallb-system")).await;
    assert_eq!(still.unwrap().len(), 1);
    // It has announced it for years.
    let old = publishing(4);
    sweeping(&world, &mut side, &old, &wanted, CONFLICTS, <[Value]>::is_empty).await;
    assert!(!side.recorder.sweep(&old, &wanted));
}

/// Others had just started, and heard its claim before its first heartbeat.
#[tokio::test]
async fn whoever_announces_an_address_removes_a_conflict_with_itself_at_once() {
    let world = world().await;
    let mut side = side(&world, "n2");
    let mut young = publishing(4);
    let begun = crate::cluster::object::configuration::now().0.as_second();
    let held = young.held.get_mut(&ip("192.168.1.200")).unwrap();
    held.since = Timestamp(begun);
    held.mac = Some(MacAddr(2, 0, 0, 0, 0, 0x0b));
    let conflicts = CONFLICTS.in_namespace("metallb-system");
    let target = side.recorder.target(ip("192.168.1.200"));
    for (mac, stays) in [("02:00:00:00:00:0c", true), ("02:00:00:00:00:0b", false)] {
        let named = json!({
            "apiVersion": "tiklb.io/v1alpha1", "kind": "AddressConflict",
            "metadata": {"name": "192.168.1.200"}, "spec": {"address": "192.168.1.200"},
        });
        if world.judge.list(&conflicts).await.unwrap().is_empty() {
            world.judge.create(&conflicts, &named).await.unwrap();
        }
        let status = json!({"status": {"mac": mac, "seenBy": ["n1"]}});
        let is_told = |stored: &crate::cluster::object::Stored| {
            stored.status().is_some_and(|status| status["mac"] == mac)
        };
        world
            .judge
            .patch_status(&conflicts, "192.168.1.200", &status)
            .await
            .unwrap();
        while !side.writer.find(&target).as_ref().is_some_and(is_told) {
            tokio::task::yield_now().await;
        }
        if stays {
            assert!(
                side.recorder.sweep(&young, &Wanted::default()),
                "a stranger's is looked at again"
            );
            side.writer.idle().await;
            assert_eq!(world.judge.list(&conflicts).await.unwrap().len(), 1);
        } else {
            sweeping(
                &world,
                &mut side,
                &young,
                &Wanted::default(),
                CONFLICTS,
                <[Value]>::is_empty,
            )
            .await;
        }
    }
}

fn surveyed(occupied: &[&str]) -> Published {
    let mut published = Published::default();
    let mac = MacAddr(0xaa, 0, 0, 0, 0, 1);
    published.surveys.insert(
        "192.168.1.0/24".parse().unwrap(),
        SurveyState {
            covered: "192.168.1.200-192.168.1.209".parse().unwrap(),
            occupied: occupied.iter().map(|ip| (ip.parse().unwrap(), mac)).collect(),
            ended: Timestamp(1),
            took: Duration::from_secs(5),
        },
    );
    published
}

#[tokio::test]
async fn conflicts_come_and_go_with_what_the_survey_hears() {
    let world = world().await;
    let mut side = side(&world, "n1");
    let wanted = Wanted {
        pools: "192.168.1.200-192.168.1.209".parse::<RangeSet>().unwrap(),
        ..Wanted::default()
    };
    // What another surveyor left, and what lies outside of every pool by now.
    for address in ["192.168.1.203", "192.168.1.250"] {
        let stale = json!({
            "apiVersion": "tiklb.io/v1alpha1", "kind": "AddressConflict",
            "metadata": {"name": address}, "spec": {"address": address},
        });
        world
            .judge
            .create(CONFLICTS.in_namespace("metallb-system"), &stale)
            .await
            .unwrap();
    }
    let heard = |objects: &[Value]| objects.len() == 1 && objects[0]["status"]["mac"].is_string();
    let published = surveyed(&["192.168.1.205"]);
    let objects = sweeping(&world, &mut side, &published, &wanted, CONFLICTS, heard).await;
    assert_eq!(objects[0]["metadata"]["name"], "192.168.1.205");
    assert_eq!(objects[0]["spec"]["address"], "192.168.1.205");
    assert_eq!(objects[0]["status"]["mac"], "aa:00:00:00:00:01");
    assert_eq!(objects[0]["status"]["seenBy"], json!(["n1"]));
    assert!(objects[0]["status"]["since"].is_string());
    // Cut off, it surveys nothing: that says nothing of the address.
    side.recorder.sweep(&Published::default(), &wanted);
    side.writer.idle().await;
    let still = world
        .judge
        .list(CONFLICTS.in_namespace("metallb-system"))
        .await
        .unwrap();
    assert_eq!(still.len(), 1, "{still:?}");
    sweeping(
        &world,
        &mut side,
        &surveyed(&[]),
        &wanted,
        CONFLICTS,
        <[Value]>::is_empty,
    )
    .await;
    assert_eq!(world.server.unsupported(), Vec::<String>::new());
}

#[tokio::test]
async fn the_state_says_what_is_wrong_and_who_is_not_heard() {
    let world = world().await;
    let side = side(&world, "n1");
    let mut published = Published::default();
    published.missing.insert(NodeName::from("n2"));
    published
        .disputes
        .insert(ip("192.168.1.200"), dispute(None, &["n2"]));
    let network = |interface: &str, network: &str| (interface.to_owned(), [network.parse().unwrap()].into());
    published.interfaces = Some([network("eth0", "192.168.1.11/24"), network("wlan0", "10.0.0.5/8")].into());
    side.recorder.configuration(
        &["IPAddressPool bad: spec.addresses: x".to_owned()],
        &["L2Advertisement ad: spec.interfaces".to_owned()],
        &published,
    );
    let complete = |objects: &[Value]| objects.len() == 1 && objects[0]["status"]["result"] == "Invalid";
    let state = until(&world, STATES, complete).await.remove(0);
    assert_eq!(state["metadata"]["name"], "speaker-n1");
    assert_eq!(state["metadata"]["labels"]["metallb.io/node-name"], "n1");
    assert_eq!(
        state["status"]["errorSummary"],
        "IPAddressPool bad: spec.addresses: x"
    );
    let conditions = state["status"]["conditions"].as_array().unwrap();
    let said: Vec<(&str, &str, &str)> = conditions
        .iter()
        .map(|c| {
            (
                c["type"].as_str().unwrap(),
                c["status"].as_str().unwrap(),
                c["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("configReconcilerValid", "False", "ConfigurationError"),
            ("heartbeatsHeard", "False", "NotHeard"),
            ("announcedAlone", "False", "NodeAnswersARP"),
            ("everythingInEffect", "False", "WithoutEffect"),
            ("networksConnected", "True", "Connected"),
        ]
    );
    let message = conditions[4]["message"].as_str().unwrap();
    assert_eq!(message, "eth0 192.168.1.11/24, wlan0 10.0.0.5/8");
    let read: Vec<String> = connected(message).iter().map(ToString::to_string).collect();
    assert_eq!(read, ["192.168.1.11/24", "10.0.0.5/8"]);
    let six = "eth0 fd00:0:0:1::11/64, wlan0 10.0.0.5/8";
    assert_eq!(connected(six).len(), 1, "pools of IPv6 are not looked for");
    let alone = "n2 answers for 192.168.1.200, which this node announces";
    assert_eq!(conditions[2]["message"], alone);
    let message = conditions[1]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "n2 are ready and not heard: allow UDP port 7946 between the nodes"
    );
    side.recorder.configuration(&[], &[], &Published::default());
    let mended = |objects: &[Value]| objects[0]["status"]["result"] == "Valid";
    until(&world, STATES, mended).await;
}
