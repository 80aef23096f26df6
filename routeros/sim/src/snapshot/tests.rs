//! Differences as a person reads them.

use super::*;

fn snapshot(rows: &[&[(&str, &str)]]) -> Snapshot {
    let rows = rows.iter().map(|row| row.iter().copied().collect()).collect();
    Snapshot::new(BTreeMap::from([(Menu::Pool, rows)]))
}

#[test]
fn a_difference_names_every_row_and_key() {
    let before = snapshot(&[
        &[(".id", "*1"), ("name", "a"), ("ranges", "10.0.0.1")],
        &[(".id", "*2"), ("name", "b")],
    ]);
    let after = snapshot(&[
        &[
            (".id", "*1"),
            ("comment", "mine"),
            ("name", "a"),
            ("ranges", "10.0.0.2"),
        ],
        &[(".id", "*3"), ("name", "c")],
    ]);
    assert_eq!(
        diff(&before, &after).to_string(),
        "~ /ip/pool *1 a\n    comment: (absent) -> \"mine\"\n    ranges: \"10.0.0.1\" -> \"10.0.0.2\"\n\
         - /ip/pool .id=*2 name=b\n+ /ip/pool .id=*3 name=c\n"
    );
    assert!(diff(&after, &after).is_empty());
    assert_eq!(diff(&after, &after).to_string(), "no difference\n");
}

#[test]
fn what_changes_by_itself_can_be_left_out() {
    let row = |seen: &'static str, dynamic: &'static str| {
        snapshot(&[&[
            (".id", "*1"),
            ("dynamic", dynamic),
            ("last-seen", seen),
            ("rx-byte", seen),
        ]])
    };
    assert!(!diff(&row("1s", "false"), &row("2s", "false")).is_empty());
    assert!(diff(&row("1s", "false").settled(), &row("2s", "false").settled()).is_empty());
    assert_eq!(row("1s", "true").configured().rows(Menu::Pool), []);
    assert_eq!(row("1s", "false").configured().rows(Menu::Pool).len(), 1);
}
