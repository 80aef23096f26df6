//! The homelab's repository as `ArgoCD` applies and deletes it: wave by wave, and the other way round.
//!
//! What `ArgoCD` does is from its documentation and source: it begins a wave when all of the one before is healthy, a Service
//! of type `LoadBalancer` is healthy when it has an address, and a kind that it does not know as soon as it is there. A
//! cascade deletes the highest wave alone, and goes on when nothing of that is left.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{documents, files, root};

const HOMELAB: &str = "deploy/examples/homelab/config/tiklb/manifests";
const CHART: &str = "deploy/manifests/tiklb.yaml";
const APPLICATION: &str = "deploy/examples/homelab/apps/tiklb.yaml";

const WAVE: &str = "argocd.argoproj.io/sync-wave";
const OPTIONS: &str = "argocd.argoproj.io/sync-options";
const KEEP: &str = "helm.sh/resource-policy";

/// What the Application makes.
fn objects() -> Vec<Value> {
    let chart = std::fs::read_to_string(root(CHART)).unwrap();
    let own = files(HOMELAB);
    let texts = own.iter().map(|(_, text)| text).chain([&chart]);
    let mut all: Vec<Value> = texts.flat_map(|text| documents(text)).collect();
    all.retain(|object| !object.is_null());
    // ArgoCD makes that one itself, and does not delete it.
    all.retain(|object| kind(object) != "Namespace" || object["metadata"]["name"] != "metallb-system");
    all
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap()
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][name].as_str()
}

fn wave(object: &Value) -> i64 {
    annotation(object, WAVE).map_or(0, |wave| wave.parse().unwrap())
}

fn options(object: &Value) -> BTreeSet<&str> {
    annotation(object, OPTIONS)
        .into_iter()
        .flat_map(|all| all.split(','))
        .collect()
}

fn is_kept(object: &Value) -> bool {
    options(object).contains("Delete=false") || annotation(object, KEEP) == Some("keep")
}

/// Kinds by the wave in which they are applied.
fn waves(objects: &[Value]) -> BTreeMap<i64, BTreeSet<&str>> {
    let mut waves: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for object in objects {
        waves.entry(wave(object)).or_default().insert(kind(object));
    }
    waves
}

#[test]
fn each_kind_is_in_its_wave() {
    let objects = objects();
    let mut waves = waves(&objects);
    let first = waves.remove(&0).unwrap();
    for kind in ["CustomResourceDefinition", "Namespace", "Deployment", "DaemonSet"] {
        assert!(first.contains(kind), "{first:?}");
    }
    let rest: Vec<(i64, Vec<&str>)> = waves
        .into_iter()
        .map(|(w, kinds)| (w, kinds.into_iter().collect()))
        .collect();
    let pools = vec!["AddressReservation", "IPAddressPool", "L2Advertisement"];
    let wanted = [(1, vec!["MikrotikRouter"]), (2, pools), (3, vec!["Service"])];
    assert_eq!(rest, wanted);
}

/// Whoever waits for what comes later waits for good: a Service for an address, the router's finalizer for the Services
/// that have one, and for the allocator that takes it off.
#[test]
fn a_cascade_waits_for_nothing_that_it_has_not_deleted_yet() {
    let mut left = objects();
    left.retain(|object| !is_kept(object));
    let mut waits = 0;
    while let Some(highest) = left.iter().map(wave).max() {
        let (goes, stays): (Vec<Value>, Vec<Value>) =
            left.into_iter().partition(|object| wave(object) == highest);
        left = stays;
        if !goes.iter().any(|object| kind(object) == "MikrotikRouter") {
            continue;
        }
        waits += 1;
        let with_it: BTreeSet<&str> = goes.iter().chain(&left).map(kind).collect();
        assert!(
            !with_it.contains("Service"),
            "has an address when the router is to go: {with_it:?}"
        );
        let after: BTreeSet<&str> = left.iter().map(kind).collect();
        for runs in ["Deployment", "DaemonSet", "ClusterRole", "Role", "ServiceAccount"] {
            assert!(after.contains(runs), "{runs} goes with the router or before it");
        }
    }
    assert_eq!(waits, 1, "MikrotikRouters");
}

/// With a Namespace goes everything in it, and with a definition every object.
#[test]
fn neither_namespaces_nor_definitions_go_with_the_application() {
    for object in objects() {
        match kind(&object) {
            "Namespace" => {
                let wanted = BTreeSet::from(["Prune=false", "Delete=false"]);
                assert_eq!(options(&object), wanted, "{}", object["metadata"]["name"]);
            }
            "CustomResourceDefinition" => assert_eq!(annotation(&object, KEEP), Some("keep")),
            kind => assert!(!is_kept(&object), "{kind} is left behind"),
        }
    }
}

/// `ArgoCD` runs it before any wave, from 3.3 on: it would find the Services' addresses, and hold the deletion up.
#[test]
fn the_application_has_no_hook_that_runs_before_the_waves() {
    let application = documents(&std::fs::read_to_string(root(APPLICATION)).unwrap()).remove(0);
    let sources = application["spec"]["sources"].as_array().unwrap();
    let [chart, own] = &sources[..] else {
        panic!("{sources:?}");
    };
    assert_eq!(chart["path"], "deploy/chart");
    assert_eq!(chart["helm"]["valuesObject"]["release"]["enabled"], false);
    let folder = format!("deploy/examples/homelab/{}", own["path"].as_str().unwrap());
    assert_eq!(folder, HOMELAB);
    let cascades = &application["metadata"]["finalizers"];
    assert_eq!(cascades[0], "resources-finalizer.argocd.argoproj.io");
}
