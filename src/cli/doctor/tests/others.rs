//! Who else gives, announces or uses addresses, and when that is as it should be; and objects that nobody can read.

use std::collections::BTreeMap;

use super::*;

fn cilium(kind: &'static str) -> CiliumObject {
    CiliumObject {
        kind,
        name: "lan".to_owned(),
    }
}

fn settings(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    settings.iter().map(owned).collect()
}

#[test]
fn an_address_that_a_device_uses_is_found_where_a_service_has_it_or_waits_for_it() {
    let seen = [
        "192.168.1.200 is used by annas-phone (02:00:00:00:01:e7)",
        "seen by node1, router/router, since 2026-01-01T08:00:00Z",
        "apps/web",
        "give the device 02:00:00:00:01:e7 an address outside of the pools",
        "take 192.168.1.200 out of its IPAddressPool",
    ];
    let taken = |facts: &mut Facts| facts.conflicts = Ok(vec![conflict("192.168.1.200")]);
    assert_found(Kind::AddressTaken, &seen, taken);
    let waits = |facts: &mut Facts| {
        taken(facts);
        let service = &mut facts.services.as_mut().unwrap()[0];
        service.wanted = std::mem::take(&mut service.addresses);
    };
    let mut words = seen.to_vec();
    words.extend(["apps/web waits for it", "let apps/web ask for another one"]);
    assert_found(Kind::AddressAwaited, &words, waits);
    let others = |facts: &mut Facts| {
        taken(facts);
        facts.services.as_mut().unwrap()[0].class = Some("example.com/other".to_owned());
    };
    assert_eq!(found(others), [], "who serves that class sees to its addresses");
}

/// A person who keeps a phone in the range is told which it is, and not every day that something is wrong.
#[test]
fn a_device_in_the_range_that_is_in_nobodys_way_is_noted() {
    let mut facts = healthy();
    facts.conflicts = Ok(vec![StandingConflict {
        holder: None,
        seen_by: vec![],
        since: None,
        ..conflict("192.168.1.205")
    }]);
    let report = examine(&facts);
    assert_eq!(report.findings, []);
    let note = "192.168.1.205 is used by the device with the MAC address 02:00:00:00:01:e7; no Service gets it meanwhile";
    assert!(
        report.notes.iter().any(|found| found.starts_with(note)),
        "{:#?}",
        report.notes
    );
}

#[test]
fn an_object_that_cannot_be_decoded_is_named_with_what_is_wrong_and_once() {
    let bad = || Undecoded {
        kind: "IPAddressPool".to_owned(),
        key: ours("bad"),
        why: "spec.addresses: invalid type: string, expected a sequence".to_owned(),
    };
    assert_found(
        Kind::ObjectUnreadable,
        &[
            "IPAddressPool metallb-system/bad cannot be read: spec.addresses: invalid type",
            "kubectl -n metallb-system edit ipaddresspool bad",
        ],
        |facts| facts.undecoded = vec![bad()],
    );
    // What the allocator says of it already is not said once more.
    assert_found(Kind::ConfigurationInvalid, &["IPAddressPool bad:"], |facts| {
        facts.undecoded = vec![bad()];
        let state = &mut facts.states.as_mut().unwrap()[0];
        state.invalid = true;
        state.summary = "IPAddressPool bad: spec.addresses: invalid type".to_owned();
    });
}

/// What is found of a load balancer where tiklb serves this class, and whether it is noted as one that is kept apart.
fn beside(class: Option<&str>, workload: Workload) -> (Vec<Kind>, bool) {
    let mut facts = healthy();
    facts.class = class.map(str::to_owned);
    facts.services = Ok(vec![]);
    facts.workloads.as_mut().unwrap().push(workload);
    let report = examine(&facts);
    let noted = |note: &String| {
        note.contains("another load balancer runs") && note.contains("of the class tiklb.io/lan alone")
    };
    let kinds = report.findings.iter().map(|found| found.kind).collect();
    (kinds, report.notes.iter().any(noted))
}

fn kube_vip(setting: &str) -> Workload {
    Workload {
        settings: [setting.to_owned(), "svc_enable=true".to_owned()].into(),
        ..workload(
            "Pod",
            ObjectKey::new("kube-system", "x"),
            "ghcr.io/kube-vip/kube-vip:v0.8.0",
        )
    }
}

fn metallb(namespace: &str, setting: &str) -> Workload {
    let key = ObjectKey::new(namespace, "controller");
    Workload {
        settings: [setting.to_owned()].into(),
        ..workload("Deployment", key, "quay.io/metallb/controller:v0.15.2")
    }
}

#[test]
fn another_load_balancer_is_noted_where_tiklb_serves_a_class_of_its_own() {
    let key = || ObjectKey::new("kube-system", "x");
    let purelb = || {
        workload(
            "DaemonSet",
            key(),
            "registry.gitlab.com/purelb/purelb/lbnodeagent:v0.8",
        )
    };
    let servicelb = || workload("DaemonSet", key(), "rancher/klipper-lb:v0.4.9");
    let class = Some("tiklb.io/lan");
    let table = [
        (None, purelb(), vec![Kind::OtherLoadBalancerRuns], false),
        (class, purelb(), vec![], true),
        (class, servicelb(), vec![], true),
        (class, kube_vip("lb_class_name=kube-vip.io/lb"), vec![], true),
        (
            class,
            kube_vip("lb_class_name=tiklb.io/lan"),
            vec![Kind::KubeVipRuns],
            false,
        ),
        (class, metallb("lb", "--port=7472"), vec![], true),
        // It hands out the pools that tiklb hands out.
        (
            class,
            metallb("metallb-system", "--port=7472"),
            vec![Kind::MetalLbRuns],
            false,
        ),
        (
            class,
            metallb("lb", "--lb-class=tiklb.io/lan"),
            vec![Kind::MetalLbRuns],
            false,
        ),
    ];
    for (class, workload, kinds, noted) in table {
        let what = format!("{class:?} {:?} {:?}", workload.images, workload.settings);
        assert_eq!(beside(class, workload), (kinds, noted), "{what}");
    }
    // One that stays is in the way where it has the speaker's ports.
    let speaker = Workload {
        host_ports: [7946].into(),
        ..metallb("lb", "--port=7472")
    };
    assert_eq!(beside(class, speaker), (vec![Kind::PortTaken], true));
}

#[test]
fn cilium_is_found_where_its_objects_are_in_effect() {
    let (pool, policy) = ("CiliumLoadBalancerIPPool", "CiliumL2AnnouncementPolicy");
    let on = ("enable-l2-announcements", "true");
    let off = ("enable-lb-ipam", "false");
    let table = [
        (vec![pool], None, Some(pool)),
        (vec![policy], None, Some(policy)),
        (vec![pool], Some(settings(&[])), Some(pool)),
        (vec![policy], Some(settings(&[])), None),
        (vec![policy], Some(settings(&[on])), Some(policy)),
        (vec![pool], Some(settings(&[off])), None),
        (vec![pool, policy], Some(settings(&[off, on])), Some(policy)),
        (vec![], Some(settings(&[])), None),
        (vec![], Some(settings(&[on])), None),
    ];
    for (objects, settings, live) in table {
        let what = format!("{objects:?} {settings:?}");
        let mut facts = healthy();
        facts.cilium = Ok(objects.iter().copied().map(cilium).collect());
        facts.cilium_settings = Ok(settings.clone());
        let report = examine(&facts);
        let found: Vec<&str> = report.findings.iter().map(|found| found.what.as_str()).collect();
        let expected = live.map(|kind| format!("Cilium gives or announces addresses: {kind} lan"));
        assert_eq!(
            found,
            expected.iter().map(String::as_str).collect::<Vec<_>>(),
            "{what}"
        );
        let idle = objects.len() > usize::from(live.is_some());
        let noted = |words: &str| report.notes.iter().any(|note| note.contains(words));
        assert_eq!(noted("if it were told to: "), idle, "{what}: {:#?}", report.notes);
        let could = objects.is_empty() && settings.is_some_and(|settings| !settings.is_empty());
        assert_eq!(
            noted("cilium-config, and no "),
            could,
            "{what}: {:#?}",
            report.notes
        );
        facts.class = Some("tiklb.io/lan".to_owned());
        facts.services = Ok(vec![]);
        let beside = examine(&facts);
        assert_eq!(beside.findings, [], "{what}: tiklb serves its class alone");
        let noted = beside
            .notes
            .iter()
            .any(|note| note.contains("of the class tiklb.io/lan alone"));
        assert_eq!(noted, live.is_some(), "{what}: {:#?}", beside.notes);
    }
}
