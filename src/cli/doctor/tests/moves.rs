//! Each phase between MetalLB and tiklb, as facts: its name, what is found in it, and what comes next.

use super::super::changeover::{Changeover, Phase};
use super::*;

/// Nothing of tiklb's runs, and nothing but the kinds that MetalLB has is there.
fn without_tiklb(facts: &mut Facts) {
    facts
        .workloads
        .as_mut()
        .unwrap()
        .retain(|workload| workload.key.name == "kube-proxy");
    facts.lease = Ok(None);
    facts.states = Ok(vec![]);
    facts.routers = Ok(vec![]);
    facts.rights = None;
    facts.asked = None;
    let definitions = facts.definitions.as_mut().unwrap();
    definitions.retain(|name, _| name.ends_with("metallb.io"));
}

/// The phase, and what else is found in it.
fn standing(change: impl FnOnce(&mut Facts)) -> (Option<Changeover>, Vec<(Kind, String)>) {
    let mut facts = healthy();
    change(&mut facts);
    let report = examine(&facts);
    let page = page::text(&report);
    if let Some(Changeover { phase, what, next }) = &report.changeover {
        let line = format!("  {what} ({})\n    next: {next}", phase.name());
        assert!(page.contains(&line), "{page}");
        assert_eq!(verdict(&report), ExitCode::from(2), "{page}");
    }
    let findings = report.findings.into_iter();
    (
        report.changeover,
        findings.map(|one| (one.kind, one.fix)).collect(),
    )
}

#[track_caller]
fn assert_stands(phase: Phase, next: &[&str], change: impl FnOnce(&mut Facts)) -> Vec<(Kind, String)> {
    let (found, findings) = standing(change);
    let found = found.unwrap();
    assert_eq!(found.phase, phase, "{found:?}");
    for words in next {
        assert!(found.next.contains(words), "no {words:?} in {:?}", found.next);
    }
    findings
}

fn fix(findings: &[(Kind, String)], kind: Kind) -> &str {
    &findings.iter().find(|(found, _)| *found == kind).unwrap().1
}

#[test]
fn a_home_without_metallb_is_in_no_phase() {
    assert_eq!(standing(|_| {}).0, None);
    // Of a cluster with nothing at all there is nothing to move.
    let nothing = standing(|facts| {
        without_tiklb(facts);
        facts.definitions = Ok([].into());
    });
    assert_eq!(nothing.0, None);
    // Beside a tiklb with a class of its own MetalLB may stay.
    let beside = standing(|facts| {
        facts.class = Some("tiklb.io/lan".to_owned());
        let key = ObjectKey::new("lb", "speaker");
        let speaker = workload("DaemonSet", key, "quay.io/metallb/speaker:v0.15.2");
        facts.workloads.as_mut().unwrap().push(speaker);
    });
    assert_eq!(beside.0, None);
    // And of what may not be read nothing follows.
    let unseen = standing(|facts| {
        without_tiklb(facts);
        facts.workloads = Err(Unread::Forbidden("deployments is forbidden".to_owned()));
    });
    assert_eq!(unseen.0, None);
}

#[test]
fn metallb_without_tiklb_is_told_what_comes_first() {
    let page = "docs/migrate-from-metallb.md";
    let by_manifest = ["take MetalLB's programs away and keep its pools", page];
    assert_stands(Phase::MetalLbAlone, &by_manifest, |facts| {
        without_tiklb(facts);
        metallb(facts);
    });
    let by_helm = [
        "let Helm leave the definitions and the pools (\"With Helm\")",
        page,
    ];
    assert_stands(Phase::MetalLbAlone, &by_helm, |facts| {
        without_tiklb(facts);
        metallb(facts);
        let definitions = facts.definitions.as_mut().unwrap();
        let pools = definitions.get_mut("ipaddresspools.metallb.io").unwrap();
        let release = json!({"meta.helm.sh/release-name": "metallb"});
        pools.metadata.annotations = serde_json::from_value(release).unwrap();
    });
}

#[test]
fn both_are_told_how_one_goes() {
    let words = [
        "kubectl -n metallb-system delete deployment controller && kubectl -n metallb-system delete daemonset speaker",
        "free the definitions first",
    ];
    assert_stands(Phase::BothInstalled, &words, metallb);
    // Who starts tiklb by hand has no workload of it.
    assert_stands(Phase::BothInstalled, &words, |facts| {
        facts.workloads = Ok(vec![]);
        metallb(facts);
    });
}

#[test]
fn neither_is_told_how_tiklb_comes() {
    let install = "helm install tiklb deploy/chart --namespace metallb-system --take-ownership";
    let findings = assert_stands(
        Phase::NeitherInstalled,
        &[install, "deploy/manifests/tiklb.yaml"],
        without_tiklb,
    );
    for kind in [Kind::NoSpeaker, Kind::NoLeader] {
        let fix = fix(&findings, kind);
        assert!(
            fix.starts_with("tiklb is not installed: ") && fix.contains(install),
            "{fix}"
        );
    }
    // A MetalLB that is told to run no Pod has gone as well.
    assert_stands(Phase::NeitherInstalled, &[install], |facts| {
        without_tiklb(facts);
        metallb(facts);
        for workload in facts.workloads.as_mut().unwrap() {
            workload.stopped = true;
        }
    });
}

#[test]
fn what_is_left_of_metallb_is_named_beside_tiklb() {
    let findings = assert_stands(Phase::MetalLbLeftOver, &["DeadConversion"], |facts| {
        let service = ours("metallb-webhook-service");
        let dead = ("bgppeers.metallb.io".to_owned(), Backend::NoService(service));
        facts.conversions = Ok([dead].into());
    });
    assert!(fix(&findings, Kind::DeadConversion).contains("kubectl delete crd bgppeers.metallb.io"));
}

#[test]
fn the_way_back_is_told_from_the_way_there_by_what_tiklb_leaves() {
    let back = |facts: &mut Facts| {
        without_tiklb(facts);
        metallb(facts);
        facts.routers = Ok(vec![router()]);
    };
    let findings = assert_stands(
        Phase::BackAtMetalLb,
        &["MikrotikRouter router", "RouterLeftBehind"],
        back,
    );
    let fix = fix(&findings, Kind::RouterLeftBehind);
    for words in [
        "tiklb release --router https://192.168.1.1 …",
        "patch mikrotikrouter router --type=merge -p '{\"metadata\":{\"finalizers\":null}}'",
        "kubectl -n metallb-system delete mikrotikrouter router",
    ] {
        assert!(fix.contains(words), "{fix}");
    }
    // Its conditions are of another day.
    assert!(
        findings.iter().all(|(kind, _)| *kind != Kind::RouterUnreachable),
        "{findings:?}"
    );

    let kinds =
        "kubectl delete crd addressconflicts.tiklb.io addressreservations.tiklb.io mikrotikrouters.tiklb.io";
    assert_stands(
        Phase::BackAtMetalLb,
        &["nothing of it is in the way", kinds],
        |facts| {
            without_tiklb(facts);
            metallb(facts);
            facts.definitions = healthy().definitions;
        },
    );
}
