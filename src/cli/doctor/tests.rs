//! What is found on which facts: a healthy cluster gives nothing, and each thing that can be wrong is found by itself.

mod home;
mod moves;
mod others;
mod words;

use serde_json::{Value, json};
use tiklb_core::model::ObjectKey;

use self::home::*;
use super::facts::*;
use super::finding::Kind;
use super::*;
use crate::api::crds;
use crate::cluster::inventory::Unread;

/// What is found once the home was changed: each kind, what was seen and what mends it.
fn found(change: impl FnOnce(&mut Facts)) -> Vec<(Kind, String, String)> {
    let mut facts = healthy();
    change(&mut facts);
    let report = examine(&facts);
    assert_eq!(report.unseen, [], "everything was looked at");
    let findings = report.findings.into_iter();
    findings
        .map(|found| (found.kind, found.what, found.fix))
        .collect()
}

/// Exactly this is found, with these words in it and its fix.
#[track_caller]
fn assert_found(kind: Kind, words: &[&str], change: impl FnOnce(&mut Facts)) {
    let found = found(change);
    assert_eq!(
        found.iter().map(|found| found.0).collect::<Vec<_>>(),
        [kind],
        "{found:?}"
    );
    let (_, what, fix) = &found[0];
    for word in words {
        assert!(
            what.contains(word) || fix.contains(word),
            "no {word:?} in {what:?}, {fix:?}"
        );
    }
}

#[test]
fn nothing_is_found_on_a_healthy_home() {
    let report = examine(&healthy());
    assert_eq!(report.findings, []);
    assert_eq!(report.unseen, []);
    assert_eq!(verdict(&report), ExitCode::SUCCESS);
    // No check is silent about what it looked at.
    assert!(report.fine.len() >= 15, "{:#?}", report.fine);
    assert!(
        page::text(&report).contains("nothing found, "),
        "{}",
        page::text(&report)
    );
}

#[test]
fn metallb_is_told_from_tiklb_beside_it() {
    let more = |workload: Workload| move |facts: &mut Facts| facts.workloads.as_mut().unwrap().push(workload);
    let controller = workload(
        "Deployment",
        ours("controller"),
        "quay.io/metallb/controller:v0.15.2",
    );
    assert_found(
        Kind::MetalLbRuns,
        &[
            "Deployment metallb-system/controller",
            "kubectl -n metallb-system delete deployment controller",
        ],
        more(controller),
    );
    let elsewhere = Workload {
        host_ports: [7946, 7472].into(),
        ..workload(
            "DaemonSet",
            ObjectKey::new("lb", "metallb-speaker"),
            "quay.io/metallb/speaker:v0.13.0",
        )
    };
    assert_found(
        Kind::MetalLbRuns,
        &["DaemonSet lb/metallb-speaker"],
        more(elsewhere),
    );
    let labels = [
        ("app.kubernetes.io/name", "metallb"),
        ("app.kubernetes.io/component", "speaker"),
    ];
    let own_registry = Workload {
        labels: labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..workload("DaemonSet", ours("s"), "registry.lan/mirror/lb-speaker:1")
    };
    assert_found(Kind::MetalLbRuns, &["metallb-system/s"], more(own_registry));
    let exporter = workload("Deployment", ours("exporter"), "registry.lan/metallb-exporter:1");
    assert_eq!(found(more(exporter)), []);
}

#[test]
fn a_load_balancer_that_is_stopped_is_noted_only() {
    let mut facts = healthy();
    facts.workloads.as_mut().unwrap().push(Workload {
        stopped: true,
        ..workload(
            "Deployment",
            ours("controller"),
            "quay.io/metallb/controller:v0.15.2",
        )
    });
    let report = examine(&facts);
    assert_eq!(report.findings, []);
    let note = "stopped and still there: Deployment metallb-system/controller";
    assert!(
        report.notes.iter().any(|found| found.contains(note)),
        "{report:?}"
    );
}

#[test]
fn other_load_balancers_are_known() {
    let key = || ObjectKey::new("kube-system", "x");
    let kube_vip = |settings: &[&str], elsewhere| Workload {
        settings: settings.iter().map(|word| (*word).to_owned()).collect(),
        settings_elsewhere: elsewhere,
        ..workload("Pod", key(), "ghcr.io/kube-vip/kube-vip:v0.8.0")
    };
    let svclb = Workload {
        labels: [("svccontroller.k3s.cattle.io/svcname".to_owned(), "web".to_owned())].into(),
        ..workload("DaemonSet", key(), "rancher/klipper-lb:v0.4.9")
    };
    let table = [
        (svclb, Some(Kind::ServiceLbRuns)),
        (
            kube_vip(&["manager", "svc_enable=true"], false),
            Some(Kind::KubeVipRuns),
        ),
        (
            kube_vip(&["manager", "--services"], false),
            Some(Kind::KubeVipRuns),
        ),
        (kube_vip(&["manager", "cp_enable=true"], false), None),
        (kube_vip(&["manager"], true), None),
        (
            workload(
                "Deployment",
                key(),
                "ghcr.io/kube-vip/kube-vip-cloud-provider:v0.0.10",
            ),
            Some(Kind::KubeVipRuns),
        ),
        (
            workload(
                "DaemonSet",
                key(),
                "registry.gitlab.com/purelb/purelb/lbnodeagent:v0.8",
            ),
            Some(Kind::OtherLoadBalancerRuns),
        ),
        (workload("DaemonSet", key(), "quay.io/cilium/cilium:v1.16"), None),
    ];
    for (workload, kind) in table {
        let name = workload.images[0].clone();
        let found = found(|facts| facts.workloads.as_mut().unwrap().push(workload));
        assert_eq!(found.iter().map(|found| found.0).next(), kind, "{name}");
    }
}

#[test]
fn a_status_that_somebody_else_wrote_is_found_where_no_pool_holds_its_address() {
    let service = |address: &str, writer: &str| LoadBalancerService {
        key: ObjectKey::new("apps", "web"),
        addresses: vec![address.parse().unwrap()],
        writers: [writer.to_owned()].into(),
        ..LoadBalancerService::default()
    };
    let with = |service: LoadBalancerService| move |facts: &mut Facts| facts.services = Ok(vec![service]);
    assert_found(
        Kind::ForeignStatus,
        &["apps/web", "192.168.1.11", "k3s"],
        with(service("192.168.1.11", "k3s")),
    );
    assert_eq!(
        found(with(service("192.168.1.202", "k3s"))),
        [],
        "a pool holds it"
    );
    assert_eq!(found(with(service("192.168.1.99", "tiklb"))), [], "ours to clear");
    let other = LoadBalancerService {
        class: Some("kube-vip.io/kube-vip-class".to_owned()),
        ..service("192.168.1.11", "kube-vip")
    };
    assert_eq!(found(with(other)), [], "none of ours");
    let hostname = LoadBalancerService {
        addresses: vec![],
        hostnames: vec!["lb.example.com".to_owned()],
        ..service("192.168.1.200", "cloud-controller-manager")
    };
    assert_found(Kind::ForeignStatus, &["lb.example.com"], with(hostname));
}

#[test]
fn what_metallb_left_behind_is_found() {
    let webhook = |backend: Backend| Webhook {
        configuration: "metallb-webhook-configuration".to_owned(),
        name: "ipaddresspoolvalidationwebhook.metallb.io".to_owned(),
        is_fatal: true,
        backend,
    };
    let service = ours("metallb-webhook-service");
    for (backend, words) in [
        (Backend::NoService(service.clone()), "does not exist"),
        (Backend::NoEndpoint(service.clone()), "has no ready endpoint"),
    ] {
        let fix = "kubectl delete validatingwebhookconfiguration metallb-webhook-configuration";
        let dead = vec![webhook(backend.clone()), webhook(backend.clone())];
        assert_found(Kind::DeadWebhook, &[words, fix, "refuses every write"], |facts| {
            facts.webhooks = Ok(dead);
        });
        assert_found(
            Kind::DeadConversion,
            &[words, "kubectl delete crd bgppeers.metallb.io"],
            |facts| {
                facts
                    .conversions
                    .as_mut()
                    .unwrap()
                    .insert("bgppeers.metallb.io".to_owned(), backend);
            },
        );
    }
    assert_eq!(
        found(|facts| facts.webhooks = Ok(vec![webhook(Backend::Serves)])),
        []
    );
    // A policy engine that is just being restarted.
    let guard = Webhook {
        configuration: "policies".to_owned(),
        name: "pools.policy.example.com".to_owned(),
        ..webhook(Backend::NoEndpoint(service))
    };
    assert_found(Kind::DeadWebhook, &["policies", "it is not MetalLB's"], |facts| {
        facts.webhooks = Ok(vec![guard]);
    });
}

#[test]
fn a_definition_with_a_dead_conversion_is_deleted_only_where_nobody_reads_its_objects() {
    let patch = |name: &str| {
        format!(
            "kubectl patch crd {name} --type=merge -p '{{\"spec\":{{\"conversion\":{{\"strategy\":\"None\",\"webhook\":null}}}}}}'"
        )
    };
    let dead = |name: &'static str| {
        move |facts: &mut Facts| {
            let conversions = facts.conversions.as_mut().unwrap();
            conversions.insert(name.to_owned(), Backend::NoService(ours("webhook-service")));
        }
    };
    for name in ["bgppeers.metallb.io", "addresspools.metallb.io"] {
        let delete = format!("kubectl delete crd {name} ");
        let words = [
            "Service metallb-system/webhook-service does not exist",
            &delete,
            &patch(name),
        ];
        assert_found(Kind::DeadConversion, &words, dead(name));
    }
    // With these every pool, router and address would go.
    for definition in crds() {
        let name: &'static str = definition.metadata.name.unwrap().leak();
        assert_found(Kind::DeadConversion, &[&patch(name)], dead(name));
        let [(_, _, fix)] = found(dead(name)).try_into().unwrap();
        assert!(!fix.contains("delete crd"), "{fix}");
    }
}

#[test]
fn pools_of_a_metallb_before_ip_address_pools_are_found_until_one_has_their_addresses() {
    let earlier = |addresses: &[&str]| {
        let pool = EarlierPool {
            what: "AddressPool metallb-system/default".to_owned(),
            addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
        };
        move |facts: &mut Facts| facts.earlier = Ok(vec![pool])
    };
    assert_found(
        Kind::EarlierPoolNotRead,
        &[
            "AddressPool metallb-system/default is not read, and 192.168.1.240-192.168.1.250 is in no IPAddressPool",
            "IPAddressPool of namespace metallb-system",
            "docs/migrate-from-metallb.md",
        ],
        earlier(&["192.168.1.240-192.168.1.250"]),
    );
    // The healthy home's pool is 192.168.1.200-192.168.1.220.
    assert_found(
        Kind::EarlierPoolNotRead,
        &["192.168.1.200/29, 192.168.1.216/29 are"],
        earlier(&["192.168.1.200/29", "192.168.1.216/29"]),
    );
    assert_found(Kind::EarlierPoolNotRead, &["all"], earlier(&["all"]));
    assert_eq!(
        found(earlier(&["192.168.1.200/29", "192.168.1.210-192.168.1.220"])),
        []
    );
    // Elsewhere nobody reads a pool either.
    let elsewhere = found(|facts| {
        earlier(&["192.168.1.240/32"])(facts);
        let stray = pool(ObjectKey::new("default", "stray"), "192.168.1.240/32");
        facts.pools.as_mut().unwrap().push(stray);
    });
    assert!(
        elsewhere.iter().any(|found| found.0 == Kind::EarlierPoolNotRead),
        "{elsewhere:?}"
    );
}

#[test]
fn definitions_that_helm_would_take_along_are_found() {
    let owned = |annotations: Value| {
        move |facts: &mut Facts| {
            let pools = facts
                .definitions
                .as_mut()
                .unwrap()
                .get_mut("ipaddresspools.metallb.io");
            let metadata = &mut pools.unwrap().metadata;
            metadata.annotations = serde_json::from_value(annotations).unwrap();
        }
    };
    let release = json!({"meta.helm.sh/release-name": "metallb", "meta.helm.sh/release-namespace": "lb"});
    assert_found(
        Kind::HelmOwnsDefinitions,
        &[
            "lb/metallb",
            "ipaddresspools.metallb.io",
            "kubectl -n lb delete secret -l owner=helm,name=metallb && kubectl annotate crd ipaddresspools.metallb.io meta.helm.sh/release-name- meta.helm.sh/release-namespace-",
        ],
        owned(release.clone()),
    );
    let mut kept = release;
    kept["helm.sh/resource-policy"] = json!("keep");
    let still = found(owned(kept.clone()));
    assert_eq!(still.len(), 1, "Helm goes by its own manifest: {still:?}");
    kept["meta.helm.sh/release-name"] = json!("tiklb");
    assert_eq!(found(owned(kept)), []);
}

#[test]
fn pools_that_nobody_announces_are_found() {
    assert_found(Kind::NoPool, &["no IPAddressPool"], |facts| {
        facts.pools = Ok(vec![]);
        facts.services = Ok(vec![]);
    });
    assert_found(Kind::NoAdvertisement, &["no L2Advertisement"], |facts| {
        facts.advertisements = Ok(vec![]);
    });
    assert_found(
        Kind::PoolNotAdvertised,
        &["IPAddressPool lan", "spec.ipAddressPools"],
        |facts| facts.advertisements = Ok(vec![advertisement("others", &["dmz"])]),
    );
    let named = found(|facts| facts.advertisements = Ok(vec![advertisement("lan", &["lan"])]));
    assert_eq!(named, []);
}

#[test]
fn a_pool_outside_of_the_nodes_networks_is_found() {
    let of = |addresses: &str| {
        let pool = pool(ours("lan"), addresses);
        move |facts: &mut Facts| {
            facts.pools = Ok(vec![pool]);
            facts.services = Ok(vec![]);
        }
    };
    assert_found(
        Kind::PoolOutsideNetworks,
        &[
            "IPAddressPool lan",
            "192.168.2.200-192.168.2.220",
            "192.168.1.0/24",
        ],
        of("192.168.2.200-192.168.2.220"),
    );
    // The part that lies outside is named, not the rest.
    let partly = found(of("192.168.1.250-192.168.2.5"));
    assert_eq!(partly[0].0, Kind::PoolOutsideNetworks);
    assert!(partly[0].1.contains("192.168.2.0-192.168.2.5"), "{partly:?}");
    assert_eq!(
        found(of("fd00::1-fd00::9")),
        [],
        "nothing is said of IPv6 networks"
    );
    // Speakers that do not say where they are: nobody guesses.
    let mut facts = healthy();
    for state in facts.states.as_mut().unwrap() {
        state.conditions.retain(|condition| condition.kind != NETWORKS);
    }
    of("192.168.2.200-192.168.2.220")(&mut facts);
    let report = examine(&facts);
    assert_eq!(report.findings, []);
    assert!(
        report.notes.iter().any(|note| note.contains("cannot be told")),
        "{report:?}"
    );
}

#[test]
fn kube_proxy_in_ipvs_mode_needs_strict_arp() {
    let proxy = |text: Option<&str>| {
        let text = text.map(str::to_owned);
        move |facts: &mut Facts| facts.proxy = Ok(text)
    };
    for text in ["mode: ipvs", "mode: ipvs\nipvs:\n  strictARP: false"] {
        assert_found(Kind::StrictArpOff, &["strictARP"], proxy(Some(text)));
    }
    for text in [
        Some("mode: ipvs\nipvs:\n  strictARP: true"),
        Some("mode: \"\"\nipvs:\n  strictARP: false"),
        Some("mode: nftables"),
        None,
    ] {
        assert_eq!(found(proxy(text)), [], "{text:?}");
    }
    let mut facts = healthy();
    proxy(Some("mode: ["))(&mut facts);
    let report = examine(&facts);
    assert!(
        report.findings.is_empty() && report.unseen[0].what.contains("kube-proxy"),
        "{report:?}"
    );
}

#[test]
fn speakers_that_do_not_hear_each_other_are_found() {
    let says = |kind: &'static str, reason: &'static str, message: &'static str| {
        move |facts: &mut Facts| {
            let state = &mut facts.states.as_mut().unwrap()[1];
            let conditions = state.conditions.iter_mut();
            for found in conditions.filter(|condition| condition.kind == kind) {
                *found = condition(kind, "False", reason, message);
            }
        }
    };
    let firewall = "node2 are ready and not heard: allow UDP port 7946 between the nodes";
    assert_found(
        Kind::HeartbeatsNotHeard,
        &["node1: node2 are ready", "7946"],
        says(HEARTBEATS, "NotHeard", firewall),
    );
    assert_found(
        Kind::HeartbeatKeysDiffer,
        &["tiklb-heartbeat"],
        says(HEARTBEATS, "OtherKey", "another key arrives"),
    );
    assert_found(
        Kind::NodeWithoutNetwork,
        &["node1"],
        says(NETWORKS, "NoNetwork", "no interface"),
    );
    assert_found(
        Kind::NodeAnswersArp,
        &["node1: node2", "strictARP"],
        says(ALONE, "NodeAnswersARP", "node2 answers for 192.168.1.200"),
    );
    assert_found(Kind::NoSpeaker, &["metallb-system"], |facts| {
        facts.states.as_mut().unwrap().truncate(1);
    });
    // MetalLB's own states are none of tiklb's speakers.
    let metallbs = found(|facts| {
        for state in facts.states.as_mut().unwrap() {
            state.conditions = vec![condition("configReconcilerValid", "True", "SyncStateSuccess", "")];
        }
    });
    assert_eq!(metallbs[0].0, Kind::NoSpeaker);
    let shared = Workload {
        host_ports: [7946].into(),
        ..workload("DaemonSet", ObjectKey::new("mon", "memberlist"), "x")
    };
    assert_found(Kind::PortTaken, &["mon/memberlist", "7946"], |facts| {
        facts.workloads.as_mut().unwrap().push(shared);
    });
}

#[test]
fn a_router_that_is_not_as_it_should_be_is_found() {
    let says = |kind: &'static str, status: &'static str, reason: &'static str| {
        move |facts: &mut Facts| {
            let router = &mut facts.routers.as_mut().unwrap()[0];
            router.conditions.retain(|condition| condition.kind != kind);
            router
                .conditions
                .push(condition(kind, status, reason, "words of it"));
        }
    };
    let table = [
        ("Reachable", "Unreachable", Some(Kind::RouterUnreachable)),
        ("Authorized", "WrongCredentials", Some(Kind::RouterUnauthorized)),
        ("PoolsExcluded", "RangeNotConnected", Some(Kind::RouterNotInSync)),
        ("ReservationsInSync", "WriteFailed", Some(Kind::RouterNotInSync)),
        ("PoolsExcluded", "DryRun", None),
        ("ReservationsInSync", "Writing", None),
    ];
    for (condition, reason, kind) in table {
        let found = found(says(condition, "False", reason));
        assert_eq!(found.first().map(|found| found.0), kind, "{reason}");
        assert!(
            found.iter().all(|found| found.1.contains("words of it")),
            "{found:?}"
        );
    }
    assert_found(Kind::RouterUnreachable, &["no allocator has looked"], |facts| {
        facts.routers.as_mut().unwrap()[0].conditions.clear();
    });
}

#[test]
fn what_a_router_lets_the_nodes_do_is_found() {
    let said = |router: AskedRouter| move |facts: &mut Facts| facts.asked = Some(vec![router]);
    let all = || rights(vec![], "");
    assert_eq!(found(said(asked(all(), &[]))), [], "open to everybody");
    assert_eq!(
        found(said(asked(all(), &["192.168.1.11", "192.168.1.12/32"]))),
        []
    );
    assert_found(
        Kind::RouterServiceClosed,
        &[
            "node2 (192.168.1.12)",
            "/ip service set www-ssl address=192.168.1.11/32,192.168.1.12",
        ],
        said(asked(all(), &["192.168.1.11/32"])),
    );
    assert_found(
        Kind::RouterUserClosed,
        &[
            "node1 (192.168.1.11)",
            "/user set [find where name=\"tiklb\"] address=192.168.1.12,192.168.1.11",
        ],
        said(asked(rights(vec![], "192.168.1.12"), &[])),
    );
    assert_found(
        Kind::RouterPolicyMissing,
        &["lacks write", "policy=api,read,rest-api,write"],
        said(asked(rights(vec!["write"], ""), &[])),
    );
    let away = AskedRouter {
        said: Err("no answer in 5 s".to_owned()),
        ..asked(all(), &[])
    };
    assert_found(Kind::RouterNotReachedFromHere, &["no answer in 5 s"], said(away));
}

#[test]
fn an_installation_that_is_not_whole_is_found() {
    assert_found(
        Kind::DefinitionMissing,
        &["addressreservations.tiklb.io", "tiklb crds"],
        |facts| {
            facts
                .definitions
                .as_mut()
                .unwrap()
                .remove("addressreservations.tiklb.io");
        },
    );
    let old = |path: &'static [&'static str], field: &'static str| {
        move |facts: &mut Facts| {
            let definitions = facts.definitions.as_mut().unwrap();
            let found = definitions.get_mut("servicel2statuses.metallb.io").unwrap();
            let mut value = serde_json::to_value(&*found).unwrap();
            let mut at = &mut value["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            for step in path {
                at = &mut at[*step];
            }
            at["properties"].as_object_mut().unwrap().remove(field).unwrap();
            *found = serde_json::from_value(value).unwrap();
        }
    };
    let words = ["servicel2statuses.metallb.io lacks status.mac"];
    assert_found(Kind::DefinitionOld, &words, old(&["properties", "status"], "mac"));
    let path = &["properties", "status", "properties", "interfaces", "items"];
    assert_found(
        Kind::DefinitionOld,
        &["status.interfaces[].name"],
        old(path, "name"),
    );
    assert_found(Kind::DefinitionOld, &["version v1beta1"], |facts| {
        let definitions = facts.definitions.as_mut().unwrap();
        let found = definitions.get_mut("ipaddresspools.metallb.io").unwrap();
        found.spec.versions[0].name = "v1alpha1".to_owned();
    });
    assert_found(Kind::NoLeader, &["no allocator has ever led"], |facts| {
        facts.lease = Ok(None);
    });
    assert_found(Kind::NoLeader, &["was stopped"], |facts| {
        facts.lease.as_mut().unwrap().as_mut().unwrap().holder = None;
    });
    assert_found(Kind::NoLeader, &["tiklb-allocator-1", "not renewed"], |facts| {
        facts.lease.as_mut().unwrap().as_mut().unwrap().renewed =
            Some("2026-01-01T11:59:00Z".parse().unwrap());
    });
    assert_found(
        Kind::RightMissing,
        &["metallb-system/tiklb-allocator may not patch services/status"],
        |facts| {
            facts.rights = Some(Ok(vec![MissingRight {
                account: ours("tiklb-allocator"),
                right: "patch services/status".to_owned(),
            }]));
        },
    );
}

#[test]
fn what_is_configured_and_has_no_effect_is_found() {
    // Speakers and allocator say the same line: it is one finding.
    assert_found(
        Kind::ConfigurationInvalid,
        &["IPAddressPool bad: spec.addresses"],
        |facts| {
            for state in facts.states.as_mut().unwrap() {
                state.invalid = true;
                state.summary = "IPAddressPool bad: spec.addresses[0]: no address".to_owned();
            }
        },
    );
    assert_found(
        Kind::ElsewhereIgnored,
        &[
            "IPAddressPool default/lan",
            "kubectl -n default delete ipaddresspool lan",
        ],
        |facts| {
            facts
                .pools
                .as_mut()
                .unwrap()
                .push(pool(ObjectKey::new("default", "lan"), "192.168.1.0/28"));
        },
    );
    assert_found(
        Kind::ElsewhereIgnored,
        &["AddressReservation apps/photos"],
        |facts| {
            let photos = ObjectKey::new("apps", "photos");
            facts
                .others
                .as_mut()
                .unwrap()
                .push(("AddressReservation", photos));
        },
    );
    assert_found(Kind::BgpNotRead, &["BGPPeer metallb-system/tor"], |facts| {
        facts.bgp = Ok(vec![("BGPPeer", ours("tor"))]);
    });
}

#[test]
fn what_may_not_be_read_is_said_and_is_not_well() {
    let refused = || Unread::Forbidden("nodes is forbidden".to_owned());
    let mut facts = healthy();
    let whole = examine(&facts).fine.len();
    facts.workloads = Err(refused());
    facts.services = Err(refused());
    facts.cilium = Err(refused());
    facts.conflicts = Err(refused());
    facts.webhooks = Err(refused());
    facts.pools = Err(refused());
    facts.advertisements = Err(refused());
    facts.others = Err(refused());
    facts.routers = Err(refused());
    facts.states = Err(refused());
    facts.nodes = Err(refused());
    facts.proxy = Err(refused());
    facts.definitions = Err(refused());
    facts.conversions = Err(refused());
    facts.lease = Err(refused());
    facts.bgp = Err(refused());
    facts.earlier = Err(refused());
    facts.rights = Some(Err(refused()));
    let report = examine(&facts);
    assert_eq!(report.findings, [], "nothing is wrong because it was not seen");
    assert_eq!(report.unseen.len(), 17, "{:#?}", report.unseen);
    assert!(report.fine.len() * 4 < whole, "{:#?}", report.fine);
    assert_eq!(verdict(&report), ExitCode::FAILURE);
    let page = page::text(&report);
    let line = "not looked at: Nodes, because your account may not read it (nodes is forbidden)";
    assert!(page.contains(line), "{page}");
    // What was found counts for more than what was not seen.
    facts.lease = Ok(None);
    assert_eq!(verdict(&examine(&facts)), ExitCode::from(2));
}
