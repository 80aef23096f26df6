//! Explanations on objects as the API server shows them, compared with the pages in `tests/`. `TIKLB_UPDATE=1` writes
//! them anew.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tiklb_core::allocator::{Announcement, Change, Conflict, Event, Leadership, NodeObject};
use tiklb_core::config::{PoolObject, ReservationObject};
use tiklb_core::model::service::Service;
use tiklb_core::model::{Instant, Now, Timestamp};

use super::facts::Lists;
use super::service::ServiceExplanation;
use super::*;
use crate::cli::speakers::{Heard, Said};
use crate::cluster::object::router::SeenRouter;
use crate::cluster::object::{self, Known, Verdict};

/// A home: what every page is about.
struct Home {
    services: Vec<Service>,
    pools: Vec<Known<PoolObject>>,
    routers: Vec<Known<SeenRouter>>,
    reservations: Vec<Known<ReservationObject>>,
    announcements: Vec<Known<Announcement>>,
    conflicts: Vec<Known<Conflict>>,
    nodes: Vec<NodeObject>,
    heard: Heard,
}

fn kept<K: DeserializeOwned, T>(read: impl Fn(K) -> Verdict<T>, objects: Vec<Value>) -> Vec<T> {
    let read = |object| match read(serde_json::from_value(object).unwrap()) {
        Verdict::Keep(value) => value,
        Verdict::Ignore => panic!("it is ignored"),
        Verdict::Unreadable(why) => panic!("{why}"),
    };
    objects.into_iter().map(read).collect()
}

fn named(name: &str) -> Value {
    json!({"name": name, "namespace": "metallb-system", "creationTimestamp": "2026-01-01T00:00:00Z"})
}

fn service(name: &str, spec: Value, annotations: &Value, address: Option<&str>) -> Value {
    let ingress: Vec<Value> = address
        .iter()
        .map(|ip| json!({"ip": ip, "ipMode": "VIP"}))
        .collect();
    let mut spec = spec;
    spec["clusterIP"] = json!("10.43.0.1");
    json!({
        "metadata": {
            "name": name, "namespace": "apps", "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": annotations,
        },
        "spec": spec,
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

fn pool(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": named(name), "spec": spec})
}

fn services() -> Vec<Value> {
    let balancer = || json!({"type": "LoadBalancer"});
    let from = "metallb.io/ip-allocated-from-pool";
    vec![
        service(
            "web",
            balancer(),
            &json!({"metallb.io/loadBalancerIPs": "192.168.1.210", from: "homelab-pool"}),
            Some("192.168.1.210"),
        ),
        service(
            "silent",
            balancer(),
            &json!({from: "homelab-pool"}),
            Some("192.168.1.211"),
        ),
        service(
            "lost",
            balancer(),
            &json!({"metallb.io/loadBalancerIPs": "192.168.1.99"}),
            None,
        ),
        service(
            "printing",
            balancer(),
            &json!({"metallb.io/loadBalancerIPs": "192.168.1.220"}),
            None,
        ),
        service(
            "phoning",
            balancer(),
            &json!({"metallb.io/loadBalancerIPs": "192.168.1.219"}),
            None,
        ),
        service("new", balancer(), &json!({}), None),
        service(
            "other",
            json!({"type": "LoadBalancer", "loadBalancerClass": "cilium.io/lb"}),
            &json!({}),
            Some("192.168.1.240"),
        ),
    ]
}

fn mikrotik() -> Value {
    json!({
        "apiVersion": "tiklb.io/v1alpha1", "kind": "MikrotikRouter", "metadata": named("router"),
        "spec": {
            "url": "https://192.168.1.1", "clusterName": "home",
            "credentialsSecretRef": {"name": "mikrotik"},
        },
        "status": {
            "conditions": [
                {
                    "type": "Reachable", "status": "True", "reason": "Answers", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                },
                {
                    "type": "ReservationsInSync", "status": "False", "reason": "Writing",
                    "message": "2 rows are still to be written",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                },
            ],
            "conflicts": ["192.168.1.219 annas-phone (a dynamic lease)"],
        },
    })
}

/// Two speakers that can be reached and one that cannot.
fn heard() -> Heard {
    let said = |state: Value| -> Said { serde_json::from_value(state).unwrap() };
    let owner = said(json!({
        "announces": {"192.168.1.210": {
            "addresses": ["192.168.1.210"], "because": "node2 was silent for 36 ms", "epoch": 3,
        }},
        "moves": [{
            "at": "2026-01-01T08:00:00Z", "address": "192.168.1.210", "began": true,
            "because": "node2 was silent for 36 ms",
        }],
        "heard": ["node2"],
    }));
    let other = said(json!({
        "detectionMilliseconds": {"node1": 36},
        "moves": [
            {"at": "2026-01-01T08:00:00Z", "address": "192.168.1.210", "began": false, "because": "node1 claims it"},
            {"at": "2026-01-01T07:00:00Z", "address": "192.168.1.210", "began": true, "because": "first of 3 candidates"},
            {"at": "2026-01-01T07:00:00Z", "address": "192.168.1.209", "began": true, "because": "first of 3 candidates"},
        ],
    }));
    let silent = "192.168.1.13:7472 did not answer".to_owned();
    let speakers = [("node1", Ok(owner)), ("node2", Ok(other)), ("node3", Err(silent))];
    Heard {
        speakers: speakers.map(|(node, said)| (node.to_owned(), said)).into(),
        nobody: None,
    }
}

fn home() -> Home {
    let record = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "ServiceL2Status", "metadata": named("l2-1"),
        "status": {
            "node": "node1", "serviceName": "web", "serviceNamespace": "apps",
            "addresses": ["192.168.1.210"], "mac": "48:a9:8a:01:00:01",
            "since": "2026-01-01T08:00:00Z", "reason": "FirstClaim", "epoch": 3,
        },
    });
    let conflict = json!({
        "apiVersion": "tiklb.io/v1alpha1", "kind": "AddressConflict", "metadata": named("c-1"),
        "spec": {"address": "192.168.1.220"},
        "status": {"mac": "AA:BB:CC:00:00:01", "holder": "printer", "seenBy": ["node1"]},
    });
    let reservation = json!({
        "apiVersion": "tiklb.io/v1alpha1", "kind": "AddressReservation", "metadata": named("photos"),
        "spec": {"address": "192.168.1.205", "for": "apps/photos"},
    });
    let node = json!({
        "metadata": {"name": "node1"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.168.1.11"}]},
    });
    let pools = vec![
        pool(
            "homelab-pool",
            &json!({"addresses": ["192.168.1.200-192.168.1.220"]}),
        ),
        pool(
            "manual",
            &json!({"addresses": ["192.168.1.230/31"], "autoAssign": false}),
        ),
        pool("broken", &json!({"addresses": ["192.168.1.250"]})),
    ];
    Home {
        services: kept(object::service::service, services()),
        pools: kept(object::pool::pool, pools),
        routers: kept(object::router::router, vec![mikrotik()]),
        reservations: kept(object::reservation::reservation, vec![reservation]),
        announcements: kept(object::announcement::announcement, vec![record])
            .into_iter()
            .filter_map(Known::said)
            .collect(),
        conflicts: kept(object::conflict::conflict, vec![conflict]),
        nodes: kept(object::node::address_owner, vec![node]),
        heard: heard(),
    }
}

impl Home {
    fn facts(&self) -> Facts<'_> {
        fn values<T: Clone>(known: &[Known<T>]) -> Change<T> {
            Change::Listed(known.iter().map(|known| known.value.clone()).collect())
        }
        let routers = self.routers.iter().map(|known| known.value.object.clone());
        let events = vec![
            Event::Leadership(Leadership::Leading { unclean: false }),
            Event::services(Change::Listed(self.services.clone())),
            Event::Pools(values(&self.pools)),
            Event::Advertisements(Change::Listed(vec![])),
            Event::Routers(Change::Listed(routers.collect())),
            Event::Reservations(values(&self.reservations)),
            Event::Namespaces(Change::Listed(vec![])),
            Event::Nodes(Change::Listed(self.nodes.clone())),
            Event::Announcements(values(&self.announcements)),
            Event::Conflicts(values(&self.conflicts)),
            Event::Surveys(Change::Listed(vec![])),
        ];
        let lists = Lists {
            services: &self.services,
            pools: &self.pools,
            routers: &self.routers,
            announcements: &self.announcements,
            conflicts: &self.conflicts,
            nodes: &self.nodes,
            heard: &self.heard,
        };
        let now = Now {
            mono: Instant::ZERO,
            wall: Timestamp(1_767_225_600),
        };
        Facts::new(lists, events, None, now)
    }
}

/// Compares with the committed page.
fn golden(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/cli/explain/tests")
        .join(file);
    if std::env::var("TIKLB_UPDATE").is_ok() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, committed, "{file}: TIKLB_UPDATE=1 writes it anew");
}

#[test]
fn services_as_a_person_reads_them() {
    let home = home();
    let facts = home.facts();
    let names = ["web", "silent", "lost", "printing", "phoning", "new", "other"];
    let explained = names.map(|name| service::explain(&facts, &ObjectKey::new("apps", name)).unwrap());
    let fine: Vec<bool> = explained.iter().map(ServiceExplanation::is_fine).collect();
    assert_eq!(fine, [true, false, false, false, false, false, true]);
    let pages: Vec<String> = explained.iter().map(page::service).collect();
    golden("services.txt", &pages.join("\n----\n\n"));
    assert!(service::explain(&facts, &ObjectKey::new("apps", "absent")).is_none());
}

#[test]
fn addresses_as_a_person_reads_them() {
    let home = home();
    let facts = home.facts();
    let asked = [
        ("192.168.1.210", true),
        ("192.168.1.211", false),
        ("192.168.1.220", false),
        ("192.168.1.219", false),
        ("192.168.1.205", true),
        ("192.168.1.207", true),
        ("192.168.1.230", true),
        ("192.168.1.11", false),
        ("192.168.9.9", false),
    ];
    let pages = asked.map(|(text, fine)| {
        let explained = address::explain(&facts, text.parse().unwrap());
        assert_eq!(explained.fine, fine, "{text}: {}", explained.because);
        page::address(&explained)
    });
    // The routers' conditions are the same below each.
    let heads = pages.map(|page| {
        page.split("\n\n")
            .next()
            .unwrap_or_default()
            .trim_end()
            .to_owned()
    });
    golden("addresses.txt", &(heads.join("\n") + "\n"));
}

#[test]
fn both_as_programs_read_them() {
    let home = home();
    let facts = home.facts();
    let web = service::explain(&facts, &ObjectKey::new("apps", "web"));
    let held = address::explain(&facts, "192.168.1.220".parse().unwrap());
    let text = serde_json::to_string_pretty(&json!([web, held])).unwrap();
    golden("explanations.json", &(text + "\n"));
}

#[test]
fn a_service_whose_address_another_node_answers_for_is_not_fine() {
    let mut home = home();
    let Some(Ok(owner)) = home.heard.speakers.get_mut("node1") else {
        panic!("it was heard");
    };
    let disputed = json!({"192.168.1.210": {"stranger": null, "nodes": ["node3"]}});
    owner.disputed = serde_json::from_value(disputed).unwrap();
    let facts = home.facts();
    let explained = service::explain(&facts, &ObjectKey::new("apps", "web")).unwrap();
    assert!(!explained.is_fine());
    let page = page::service(&explained);
    assert!(page.contains("node node3 answers for it, too"), "{page}");
}

#[test]
fn a_service_is_named_as_kubectl_does() {
    assert_eq!(key("apps/web"), Ok(ObjectKey::new("apps", "web")));
    for wrong in ["web", "/web", "apps/", "a/b/c", ""] {
        let said = key(wrong).unwrap_err();
        assert!(said.contains("NAMESPACE/NAME"), "{wrong}: {said}");
    }
}
