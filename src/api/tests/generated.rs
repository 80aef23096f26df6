//! What is committed in `deploy/crds/`, and once more in the chart, is what the types say today.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{files, root};
use crate::api::condition::{Known, Reason, configuration, router};
use crate::api::{crds, crds_yaml};

/// Where the definitions are committed: for a person, and inside of the chart, which sees no file beside itself.
const FOLDERS: [&str; 2] = ["deploy/crds", "deploy/chart/files/crds"];

#[test]
fn committed_definitions_are_those_of_the_types() {
    let update = std::env::var_os("TIKLB_UPDATE").is_some_and(|value| value == "1");
    let generated = crds_yaml().unwrap();
    let mut expected: Vec<(String, String)> = generated.into_iter().map(|m| (m.file, m.yaml)).collect();
    expected.sort();
    for folder in FOLDERS {
        if update {
            renew(&root(folder), &expected);
        }
        let committed = files(folder);
        let names =
            |files: &[(String, String)]| -> Vec<String> { files.iter().map(|f| f.0.clone()).collect() };
        let how = format!(
            "{folder} is not what src/api says: run `TIKLB_UPDATE=1 cargo test -p tiklb --lib api` and commit it"
        );
        assert_eq!(names(&committed), names(&expected), "{how}");
        for (committed, expected) in committed.iter().zip(&expected) {
            assert!(committed == expected, "{}: {how}", committed.0);
        }
    }
}

fn renew(folder: &Path, files: &[(String, String)]) {
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (name, yaml) in files {
        fs::write(folder.join(name), yaml).unwrap();
    }
}

#[test]
fn every_definition_carries_our_label_and_a_status() {
    for crd in crds() {
        let labels = crd.metadata.labels.unwrap();
        assert_eq!(labels["app.kubernetes.io/name"], "tiklb");
        let version = &crd.spec.versions[0];
        assert!(version.subresources.as_ref().unwrap().status.is_some());
        assert_eq!(crd.spec.scope, "Namespaced");
    }
}

#[test]
fn no_empty_list_and_no_null_is_written() {
    // GitOps tools see a difference for ever where the API server drops what a manifest says.
    for manifest in crds_yaml().unwrap() {
        for line in manifest.yaml.lines().filter(|line| !line.contains("rule:")) {
            assert!(
                !line.ends_with(": []") && !line.ends_with(": null"),
                "{}: {line}",
                manifest.file
            );
        }
    }
}

/// What `docs/conditions.md` says: each reason of each condition, with what it means and what to do.
fn conditions() -> String {
    let mut page = "# Conditions\n\n\
        Each condition has a reason out of the lists below, and a message with what was seen. The lists are closed: nothing\n\
        else is ever written there.\n\
        \nOf a MikrotikRouter, which has six (`kubectl -n metallb-system describe mikrotikrouter`):\n"
        .to_owned();
    tables(router::known(), &mut page);
    page += "\n# Of a ConfigurationState\n\n\
        The allocator has one, `controller`, and each speaker one, `speaker-<node>`: what they make of the configuration, in\n\
        MetalLB's words, and what a speaker sees of its neighbours (`kubectl -n metallb-system get configurationstates`).\n";
    tables(states(), &mut page);
    page
}

/// Of all conditions of a ConfigurationState.
fn states() -> Vec<Known> {
    let all = [
        configuration::PoolReconciler::known(),
        configuration::ConfigReconciler::known(),
        configuration::Networks::known(),
        configuration::Effects::known(),
        configuration::Announced::known(),
        configuration::Heartbeats::known(),
    ];
    all.concat()
}

/// A table for each condition.
fn tables(known: Vec<Known>, page: &mut String) {
    let mut by_type: BTreeMap<&str, Vec<Known>> = BTreeMap::new();
    let order: Vec<&str> = known.iter().map(|known| known.condition).collect();
    for known in known {
        by_type.entry(known.condition).or_default().push(known);
    }
    for condition in order {
        let Some(reasons) = by_type.remove(condition) else {
            continue;
        };
        write!(
            page,
            "\n## {condition}\n\n| reason | status | what it means and what to do |\n|---|---|---|\n"
        )
        .unwrap();
        for known in reasons {
            let (reason, status, advice) = (known.reason, known.status.as_str(), known.advice);
            writeln!(page, "| `{reason}` | {status} | {} |", advice.replace('|', "\\|")).unwrap();
        }
    }
}

#[test]
fn the_page_of_conditions_is_that_of_the_types() {
    let path = root("docs/conditions.md");
    let expected = conditions();
    if std::env::var_os("TIKLB_UPDATE").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let how = "docs/conditions.md is not what src/api/condition says: run `TIKLB_UPDATE=1 cargo test -p tiklb --lib api` and commit it";
    assert!(committed == expected, "{how}");
}

/// The decisions name their reasons in core, which does not know the types of the API.
#[test]
fn every_reason_that_core_gives_is_in_the_list_with_its_status() {
    let known = router::known();
    for (kind, truth, reason) in tiklb_core::reservation::condition::REASONS {
        let found = known
            .iter()
            .find(|k| k.condition == kind.name() && k.reason == *reason);
        let status = found.map(|known| format!("{:?}", known.status));
        assert_eq!(status, Some(format!("{truth:?}")), "{} {reason}", kind.name());
    }
    assert_eq!(
        known.len(),
        tiklb_core::reservation::condition::REASONS.len(),
        "a reason that nothing gives"
    );
}
