//! What the chart renders, as it is committed: the same rights and definitions as elsewhere, Pods that may as little as they
//! can, and nothing that is another at each rendering. That the committed files are what the chart renders is `lab -- chart`'s
//! to say, which has Helm.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{documents, files, root};

/// With the default values, for whoever has no Helm.
const DEFAULTS: &str = "deploy/manifests/tiklb.yaml";
/// With everything turned on, hooks included.
const EVERYTHING: &str = "integration/chart/everything.rendered.yaml";
/// By which Helm leaves an object in place.
const KEEP: &str = "helm.sh/resource-policy";

fn text(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rendered(path: &str) -> Vec<Value> {
    let mut objects = documents(&text(path));
    objects.retain(|object| !object.is_null());
    assert!(objects.len() > 10, "{path} holds {} objects", objects.len());
    objects
}

fn name(object: &Value) -> String {
    let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {}", of(&object["kind"]), of(&object["metadata"]["name"]))
}

fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    objects
        .into_iter()
        .map(|object| (name(&object), object))
        .collect()
}

fn folder(folder: &str) -> Vec<Value> {
    files(folder)
        .iter()
        .flat_map(|(_, yaml)| documents(yaml))
        .collect()
}

/// The Pod templates, by the workload's name.
fn pods(path: &str) -> BTreeMap<String, Value> {
    let workloads = rendered(path).into_iter();
    let pods: BTreeMap<String, Value> = workloads
        .filter(|object| object["spec"]["template"]["spec"].is_object())
        .map(|object| (name(&object), object["spec"]["template"].clone()))
        .collect();
    assert!(pods.len() >= 2, "{path}: {:?}", pods.keys());
    pods
}

#[test]
fn rights_and_the_policy_are_those_of_deploy_rbac() {
    let manifest = by_name(rendered(DEFAULTS));
    let by_hand = folder("deploy/rbac");
    let kinds: BTreeSet<String> = by_hand.iter().map(|object| object["kind"].to_string()).collect();
    for object in &by_hand {
        assert_eq!(manifest.get(&name(object)), Some(object), "{}", name(object));
    }
    let more = manifest
        .values()
        .filter(|object| kinds.contains(&object["kind"].to_string()));
    assert_eq!(more.count(), by_hand.len(), "the manifest gives more rights");
}

#[test]
fn definitions_are_those_of_deploy_crds_and_stay_when_the_release_goes() {
    let mut manifest = rendered(DEFAULTS);
    manifest.retain(|object| object["kind"] == "CustomResourceDefinition");
    for definition in &mut manifest {
        let annotations = definition["metadata"]["annotations"].take();
        assert_eq!(annotations, json!({ KEEP: "keep" }), "{}", name(definition));
        definition["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
    }
    assert_eq!(by_name(manifest), by_name(folder("deploy/crds")));
}

#[test]
fn one_release_has_one_number() {
    let chart = documents(&text("deploy/chart/Chart.yaml")).remove(0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(chart["version"], version);
    assert_eq!(chart["appVersion"], version);
    for pod in pods(DEFAULTS).values() {
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
        assert!(image.ends_with(&format!("/tiklb:{version}")), "{image}");
    }
}

#[test]
fn the_image_is_built_with_the_rust_that_we_ask_for() {
    let recipe = text("deploy/Dockerfile");
    let wanted = format!("ARG RUST={}", env!("CARGO_PKG_RUST_VERSION"));
    assert!(recipe.lines().any(|line| line == wanted), "{wanted}");
    for path in [
        "deploy/Dockerfile",
        "docs/install.md",
        "deploy/manifests/kustomization.yaml",
        "deploy/examples/homelab/apps/tiklb.yaml",
    ] {
        let version = env!("CARGO_PKG_VERSION");
        assert!(
            text(path).contains(version),
            "{path} names another version than {version}"
        );
    }
}

/// A key or a certificate made while rendering would be another one each time that a repository is applied.
#[test]
fn no_secret_is_rendered() {
    for path in [DEFAULTS, EVERYTHING] {
        assert!(
            rendered(path).iter().all(|object| object["kind"] != "Secret"),
            "{path}"
        );
    }
}

#[test]
fn pods_are_found_by_metallbs_labels_and_by_ours() {
    for path in [DEFAULTS, EVERYTHING] {
        let pods = pods(path);
        for (workload, ours, theirs) in [
            ("Deployment tiklb-allocator", "allocator", "controller"),
            ("DaemonSet tiklb-speaker", "speaker", "speaker"),
        ] {
            let labels = &pods[workload]["metadata"]["labels"];
            assert_eq!(labels["app.kubernetes.io/name"], "tiklb", "{path}");
            assert_eq!(labels["app.kubernetes.io/component"], ours, "{path}");
            assert_eq!(labels["app"], "metallb", "{path}");
            assert_eq!(labels["component"], theirs, "{path}");
        }
    }
}

/// A selector that finds no Pod of its own makes an object that does nothing, or one that the API server refuses.
#[test]
fn every_selector_finds_a_pod() {
    let everything = rendered(EVERYTHING);
    let pods = pods(EVERYTHING);
    let mut checked = 0;
    for object in &everything {
        let spec = &object["spec"];
        for selector in [&spec["selector"], &spec["podSelector"]] {
            let Some(wanted) = selector["matchLabels"].as_object() else {
                continue;
            };
            let found = pods.values().any(|pod| {
                let labels = &pod["metadata"]["labels"];
                wanted.iter().all(|(key, value)| labels[key] == *value)
            });
            assert!(found, "{} selects {wanted:?}", name(object));
            checked += 1;
        }
    }
    assert_eq!(
        checked, 5,
        "Deployment, DaemonSet, PodDisruptionBudget, NetworkPolicy, PodMonitor"
    );
}

#[test]
fn every_account_that_is_named_is_made() {
    for path in [DEFAULTS, EVERYTHING] {
        let objects = rendered(path);
        let accounts: Vec<&Value> = objects
            .iter()
            .filter(|object| object["kind"] == "ServiceAccount")
            .map(|object| &object["metadata"]["name"])
            .collect();
        for (workload, pod) in pods(path) {
            assert!(
                accounts.contains(&&pod["spec"]["serviceAccountName"]),
                "{path}: {workload}"
            );
        }
        for binding in objects.iter().filter(|object| object["roleRef"].is_object()) {
            let subject = &binding["subjects"][0];
            assert!(accounts.contains(&&subject["name"]), "{path}: {}", name(binding));
            assert_eq!(subject["namespace"], "metallb-system");
        }
    }
}

#[test]
fn pods_may_what_they_need_and_no_more() {
    for path in [DEFAULTS, EVERYTHING] {
        for (workload, pod) in pods(path) {
            let spec = &pod["spec"];
            let speaks = workload == "DaemonSet tiklb-speaker";
            let context = &spec["containers"][0]["securityContext"];
            let mut capabilities = json!({"drop": ["ALL"]});
            if speaks {
                capabilities["add"] = json!(["NET_RAW"]);
            }
            assert_eq!(context["capabilities"], capabilities, "{workload}");
            assert_eq!(context["allowPrivilegeEscalation"], false, "{workload}");
            assert_eq!(context["readOnlyRootFilesystem"], true, "{workload}");
            assert!(context["privileged"].is_null(), "{workload}");
            assert_eq!(
                spec["securityContext"]["seccompProfile"]["type"],
                "RuntimeDefault"
            );
            let user = if speaks { 0 } else { 65_534 };
            assert_eq!(spec["securityContext"]["runAsUser"], user, "{workload}");
            assert_eq!(
                spec["hostNetwork"],
                if speaks { json!(true) } else { Value::Null }
            );
            for never in ["hostPID", "hostIPC", "volumes"] {
                assert!(spec[never].is_null(), "{workload}: {never}");
            }
        }
    }
}

/// A speaker that has used up a limit stands still for the rest of its 100 ms, and a dead node goes unnoticed for as long.
#[test]
fn processor_time_is_asked_for_and_not_limited() {
    for (workload, pod) in pods(DEFAULTS) {
        let resources = &pod["spec"]["containers"][0]["resources"];
        assert!(resources["requests"]["cpu"].is_string(), "{workload}");
        assert!(resources["limits"]["cpu"].is_null(), "{workload}");
    }
}

/// Seconds that each needs to end well: `leave` of a speaker is bounded by 4 s, a write to a router by 65 s.
#[test]
fn whoever_is_asked_to_stop_has_the_time_for_it() {
    let pods = pods(DEFAULTS);
    let grace = |workload: &str| pods[workload]["spec"]["terminationGracePeriodSeconds"].as_u64();
    assert!(grace("DaemonSet tiklb-speaker") >= Some(10));
    assert!(grace("Deployment tiklb-allocator") > Some(65));
}

#[test]
fn probes_ask_where_the_daemons_answer() {
    for path in [DEFAULTS, EVERYTHING] {
        for (workload, pod) in pods(path) {
            if workload.starts_with("Job ") {
                continue;
            }
            let container = &pod["spec"]["containers"][0];
            let port = &container["ports"][0];
            assert_eq!(port["name"], "monitoring");
            let listen = format!("--admin-listen=[::]:{}", port["containerPort"]);
            let arguments = container["args"].as_array().unwrap();
            assert!(arguments.contains(&json!(listen)), "{workload}: {arguments:?}");
            for (probe, place) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
                let asks = &container[probe]["httpGet"];
                assert_eq!(*asks, json!({"path": place, "port": "monitoring"}), "{workload}");
            }
        }
    }
}

/// It runs beside the allocators: what keeps two of them off one node must not keep it off all.
#[test]
fn what_gives_the_router_back_runs_on_the_nodes_of_the_allocator() {
    let affinities: Vec<(String, Value)> = pods(EVERYTHING)
        .into_iter()
        .map(|(workload, pod)| (workload, pod["spec"]["affinity"].clone()))
        .collect();
    let of = |kind: &str| {
        let mut found = affinities
            .iter()
            .filter(|(workload, _)| workload.starts_with(kind));
        found.next().unwrap().1.clone()
    };
    let (allocator, job) = (of("Deployment "), of("Job "));
    assert!(allocator["podAntiAffinity"].is_object() && allocator["nodeAffinity"].is_object());
    assert_eq!(job, json!({"nodeAffinity": allocator["nodeAffinity"]}));
}

/// `helm uninstall` runs these before it deletes anything, and takes them away afterwards.
#[test]
fn what_gives_the_router_back_lives_as_long_as_the_uninstallation() {
    let everything = rendered(EVERYTHING);
    let hooks: Vec<&Value> = everything
        .iter()
        .filter(|object| object["metadata"]["labels"]["app.kubernetes.io/component"] == "release")
        .collect();
    assert_eq!(hooks.len(), 6, "account, two roles, two bindings, Job");
    for hook in hooks {
        let annotations = &hook["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/hook"], "pre-delete", "{}", name(hook));
        let policy = &annotations["helm.sh/hook-delete-policy"];
        assert_eq!(policy, "before-hook-creation,hook-succeeded", "{}", name(hook));
    }
    assert!(
        !text(DEFAULTS).contains("helm.sh/hook"),
        "kubectl apply would run them at once"
    );
}

#[test]
fn kustomize_builds_upon_what_is_there() {
    let kustomization = documents(&text("deploy/manifests/kustomization.yaml")).remove(0);
    for resource in kustomization["resources"].as_array().unwrap() {
        let file = root("deploy/manifests").join(resource.as_str().unwrap());
        assert!(file.is_file(), "{}", file.display());
    }
}

/// They are changed more often than the chart is rendered; and Helm, which would say so, is not on every machine.
#[test]
fn the_dashboard_and_the_alerts_are_rendered_as_they_are() {
    let rendered = by_name(rendered(EVERYTHING));
    let dashboard = rendered["ConfigMap tiklb-dashboard"]["data"]["tiklb.json"].as_str();
    let stale = "is not what was rendered: `TIKLB_UPDATE=1 cargo run -p lab -- chart` renders it";
    assert!(
        dashboard.map(str::trim) == Some(text("deploy/chart/files/dashboard.json").trim()),
        "the dashboard {stale}"
    );
    let alerts = documents(&text("deploy/chart/files/alerts.yaml"));
    assert!(
        alerts == [rendered["PrometheusRule tiklb"]["spec"].clone()],
        "alerts.yaml {stale}"
    );
}
