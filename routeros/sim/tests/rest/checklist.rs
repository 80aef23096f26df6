//! The table of ARCHITECTURE.md, "The simulator's checklist": it names every item, and only tests that exist.

use std::path::Path;

/// The table's rows: the item and the tests that hold it, as file and name.
fn table() -> Vec<(u32, Vec<(String, String)>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("## The simulator's checklist").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let item = cells.next()?.trim().parse().ok()?;
        let tests = line.split('`').filter_map(|quoted| quoted.split_once("::"));
        let named = tests.map(|(file, test)| (file.to_owned(), test.to_owned()));
        Some((item, named.collect()))
    });
    rows.collect()
}

#[test]
fn every_item_has_a_test_and_every_test_exists() {
    let table = table();
    let items: Vec<u32> = table.iter().map(|(item, _)| *item).collect();
    assert_eq!(items, (1..=40).collect::<Vec<_>>());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (item, tests) in table {
        assert!(!tests.is_empty(), "item {item} names no test");
        for (file, test) in tests {
            let folder = if file.starts_with("src/") {
                root.to_owned()
            } else {
                root.join("tests")
            };
            let text = std::fs::read_to_string(folder.join(&file));
            let text = text.unwrap_or_else(|error| panic!("item {item} names {file}: {error}"));
            // A function, or the name that a test without the standard harness is listed under.
            let there = [format!("fn {test}("), format!("\"{test}\"")];
            assert!(
                there.iter().any(|form| text.contains(form)),
                "item {item}: {file} has no {test}"
            );
        }
    }
}
