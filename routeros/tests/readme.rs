//! The README names tests that exist.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const README: &str = include_str!("../README.md");

/// The names of all functions in the Rust files of `folder`.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text
                .split("fn ")
                .skip(1)
                .filter_map(|after| after.split('(').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_test_that_the_readme_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    functions(&root.join("src"), &mut found);
    functions(&root.join("tests"), &mut found);
    let named = README.split('`').skip(1).step_by(2);
    let tests: Vec<_> = named
        .filter(|name| {
            name.len() > 12
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b"_0123456789".contains(&b))
        })
        .collect();
    assert!(tests.len() > 60, "{} names", tests.len());
    let missing: Vec<_> = tests.iter().filter(|name| !found.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
