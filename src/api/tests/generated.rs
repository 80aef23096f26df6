//! What is committed in `deploy/crds/` is what the types say today.

use std::fs;

use super::{files, root};
use crate::api::{crds, crds_yaml};

#[test]
fn committed_definitions_are_those_of_the_types() {
    let folder = root("deploy/crds");
    let update = std::env::var_os("TIKLB_UPDATE").is_some_and(|value| value == "1");
    let generated = crds_yaml().unwrap();
    if update {
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for manifest in &generated {
            fs::write(folder.join(&manifest.file), &manifest.yaml).unwrap();
        }
    }
    let mut expected: Vec<(String, String)> = generated.into_iter().map(|m| (m.file, m.yaml)).collect();
    expected.sort();
    let committed = files("deploy/crds");
    let names = |files: &[(String, String)]| -> Vec<String> { files.iter().map(|f| f.0.clone()).collect() };
    let how = "deploy/crds is not what src/api says: run `TIKLB_UPDATE=1 cargo test -p tiklb --lib api` and commit it";
    assert_eq!(names(&committed), names(&expected), "{how}");
    for (committed, expected) in committed.iter().zip(&expected) {
        assert!(committed == expected, "{}: {how}", committed.0);
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
