//! Which crate may name which: on what cargo itself says of the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::source::root;

/// Of our own crates, what each names: for the product, and for its tests.
const ARROWS: [(&str, &[&str], &[&str]); 5] = [
    ("tiklb-core", &[], &[]),
    // The client is judged against the simulator; the simulator knows nothing of the client.
    ("routeros", &[], &["routeros-sim"]),
    ("routeros-sim", &[], &[]),
    // It judges from outside.
    ("lab", &["routeros-sim"], &[]),
    ("tiklb", &["routeros", "tiklb-core"], &["lab", "routeros-sim"]),
];

/// Everything that core names. Nothing here can open a socket, read a clock or reach an API; nor may what is added.
const CORE: [&str; 8] = [
    "hmac",
    "ipnet",
    "litemap",
    "pnet_base",
    "pnet_packet",
    "sha2",
    "smallvec",
    "thiserror",
];
/// The same for its tests, and for its bench, which reads a clock.
const CORE_TESTS: [&str; 2] = ["nix", "proptest"];

/// Where a crate is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Product,
    Tests,
}

type Dependencies = BTreeMap<String, BTreeSet<(Kind, String)>>;

/// What the workspace's manifests say. Asks no network.
fn dependencies() -> Dependencies {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {said}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(package).collect()
}

fn package(package: &Value) -> (String, BTreeSet<(Kind, String)>) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let named = package["dependencies"].as_array().unwrap().iter();
    let named = named.map(|dependency| {
        let tests = dependency["kind"] == "dev";
        let kind = if tests { Kind::Tests } else { Kind::Product };
        // The crate's own name, however it is renamed.
        (kind, text(&dependency["name"]))
    });
    (text(&package["name"]), named.collect())
}

fn expected(product: &[&str], tests: &[&str]) -> BTreeSet<(Kind, String)> {
    let product = product.iter().map(|&name| (Kind::Product, name.to_owned()));
    let tests = tests.iter().map(|&name| (Kind::Tests, name.to_owned()));
    product.chain(tests).collect()
}

#[test]
fn our_crates_name_each_other_as_the_design_says() {
    let mut found = dependencies();
    let ours: BTreeSet<String> = found.keys().cloned().collect();
    for named in found.values_mut() {
        named.retain(|(_, name)| ours.contains(name));
    }
    let expected: Dependencies = ARROWS
        .iter()
        .map(|(name, product, tests)| ((*name).to_owned(), expected(product, tests)))
        .collect();
    assert_eq!(found, expected, "an arrow that the design has not: see ARROWS");
}

#[test]
fn core_names_nothing_that_does_input_or_output() {
    let found = &dependencies()["tiklb-core"];
    let expected = expected(&CORE, &CORE_TESTS);
    assert_eq!(found, &expected, "the purity rule: see CORE");
}
