//! Every input that the fuzzers keep, once more, with the usual toolchain.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "corpus/property.rs"]
mod property;

type Property = fn(&[u8]);

/// The targets, and how many inputs each has at least: an empty folder would hold everything.
const TARGETS: [(&str, Property, usize); 4] = [
    ("arp", property::arp, 150),
    ("echo", property::echo, 80),
    ("heartbeat", property::heartbeat, 200),
    ("ndp", property::ndp, 120),
];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the purity of core is not that of what looks at it"
)]
fn every_input_of_the_corpus_holds() {
    for (target, property, least) in TARGETS {
        let inputs = files(&fuzz().join("corpus").join(target));
        assert!(inputs.len() >= least, "{target} has {} inputs", inputs.len());
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            // The name of the input that breaks it is what a person needs.
            let held = std::panic::catch_unwind(|| property(&bytes));
            assert!(held.is_ok(), "{}", input.display());
        }
    }
}

#[test]
fn every_target_and_every_folder_is_replayed() {
    let names = |folder: &str| -> Vec<String> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files(&fuzz().join(folder)).into_iter().map(stem).collect()
    };
    let mut replayed: Vec<_> = TARGETS.iter().map(|(target, ..)| (*target).to_owned()).collect();
    replayed.sort();
    assert_eq!(names("targets"), replayed);
    assert_eq!(names("corpus"), replayed);
}
