//! House rules of form. Clippy holds what it can; this is the rest.

use super::source::{File, files, rust};

/// Where this project's Rust is.
const RUST: [&str; 3] = ["src/", "routeros/", "integration/"];
/// What runs in a cluster: there a wrong value is an error to report, never a panic.
const PRODUCT: [&str; 2] = ["src/", "routeros/src/"];
/// No file is longer: whoever opens one shall be able to read it.
const MOST_LINES: usize = 800;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "common", "helper", "helpers", "manager", "managers", "misc", "shared", "util", "utils",
];
/// The only file with `unsafe`.
const UNSAFE: &str = "src/link/raw.rs";

/// Fails with every file that breaks a rule, not just the first.
fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

fn paths<'a>(files: impl Iterator<Item = &'a File>) -> Vec<String> {
    files.map(|file| file.path.clone()).collect()
}

/// The last part of a path, without its ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".rs").unwrap_or(name)
}

/// Lines of code that hold one of these, as `path:line: what`.
fn lines_with(file: &File, needles: &[&str]) -> Vec<String> {
    let code = file.code();
    let found = code.lines().enumerate().flat_map(|(at, line)| {
        let needles = needles.iter().filter(move |needle| line.contains(**needle));
        needles.map(move |needle| (at, needle))
    });
    found
        .map(|(at, needle)| format!("{}:{}: {needle}", file.path, at + 1))
        .collect()
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let files = rust(&RUST);
    let broken = files.iter().filter(|file| !file.text.starts_with("//!"));
    assert_none(
        &paths(broken),
        "the first line is `//!` and says what the file is for",
    );
}

#[test]
fn a_module_lies_beside_its_folder() {
    let files = rust(&RUST);
    let broken = files.iter().filter(|file| stem(&file.path) == "mod");
    assert_none(&paths(broken), "`foo.rs` beside `foo/`, never `foo/mod.rs`");
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    let files = rust(&RUST);
    let broken = files.iter().filter(|file| file.text.lines().count() > MOST_LINES);
    assert_none(&paths(broken), "split what has more than 800 lines");
}

#[test]
fn modules_are_nouns_of_the_domain() {
    let mut broken = Vec::new();
    for file in rust(&RUST) {
        // Its folders are the modules around it.
        let around = file.path.split('/').map(stem);
        let code = file.code();
        let inside = code
            .lines()
            .filter_map(|line| line.split_once("mod ")?.1.split([' ', '{', ';']).next());
        let empty = around.chain(inside).find(|name| EMPTY_NAMES.contains(name));
        broken.extend(empty.map(|name| format!("{}: {name}", file.path)));
    }
    assert_none(&broken, "a module is called by what it holds");
}

#[test]
fn tests_of_the_product_stand_in_files_of_their_own() {
    let mut broken = Vec::new();
    for file in rust(&PRODUCT) {
        let code = file.code();
        let inline = code.split("#[cfg(test)]").skip(1).any(|after| {
            let item = after.split(['{', ';']).next().unwrap_or_default();
            item.contains("mod ") && after[item.len()..].starts_with('{')
        });
        broken.extend((inline && !file.is_test()).then_some(file.path));
    }
    assert_none(&broken, "`mod tests;`, and the tests in `…/tests.rs`");
}

#[test]
fn the_product_does_not_panic_on_a_value() {
    let mut broken = Vec::new();
    // Whoever exempts a line from the lints has the same in mind.
    let needles = [
        ".unwrap()",
        ".expect(\"",
        "clippy::unwrap_used",
        "clippy::expect_used",
        "clippy::panic",
    ];
    for file in rust(&PRODUCT).iter().filter(|file| !file.is_test()) {
        broken.extend(lines_with(file, &needles));
    }
    assert_none(
        &broken,
        "outside of tests a missing value is an error with a message",
    );
}

#[test]
fn one_file_is_unsafe() {
    let mut found = Vec::new();
    for file in rust(&RUST) {
        let code = file.code();
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        found.extend(words.any(|word| word == "unsafe").then_some(file.path));
    }
    assert_eq!(found, [UNSAFE], "`unsafe` stands in one file, with its reasons");
}

#[test]
fn no_text_names_somebodys_machine() {
    let mut broken = Vec::new();
    // Put together here, so that this file passes.
    let homes = ["work", "root", "Users", "home"].map(|folder| format!("/{folder}/"));
    for file in files() {
        for (at, line) in file.text.lines().enumerate() {
            let named = homes.iter().find(|home| {
                // `integration/home/router.rs` is no path from the root.
                let mut places = line.match_indices(home.as_str());
                places
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c)))
            });
            broken.extend(named.map(|home| format!("{}:{}: {home}", file.path, at + 1)));
        }
    }
    assert_none(&broken, "no path of one machine stands in a text of the project");
}
