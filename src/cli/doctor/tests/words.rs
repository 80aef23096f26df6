//! How a report is read, and the page of everything that can be found.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::finding::Severity;
use super::*;

#[test]
fn people_and_programs_read_the_same() {
    let mut facts = healthy();
    facts.advertisements = Ok(vec![]);
    facts.bgp = Err(Unread::Forbidden("bgppeers is forbidden".to_owned()));
    let report = examine(&facts);
    let text = page::text(&report);
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with("1 fault, 0 warnings, 1 thing was not looked at, "),
        "{last}"
    );
    assert!(
        text.contains(
            "FAULTS\n  no L2Advertisement in namespace metallb-system (NoAdvertisement)\n    why: "
        ),
        "{text}"
    );
    let document: Value = serde_json::from_str(&page::json(&report).unwrap()).unwrap();
    assert_eq!(document["apiVersion"], "cli.tiklb.io/v1");
    assert_eq!(
        (&document["kind"], &document["healthy"]),
        (&json!("Diagnosis"), &json!(false))
    );
    let found = &document["findings"][0];
    assert_eq!(
        (&found["kind"], &found["severity"]),
        (&json!("NoAdvertisement"), &json!("fault"))
    );
    assert!(
        found["fix"]
            .as_str()
            .is_some_and(|fix| fix.contains("l2advertisement.yaml")),
        "{found}"
    );
    assert_eq!(document["notLookedAt"][0]["what"], "BGP kinds");
}

/// `docs/doctor.md`.
fn page_of_kinds() -> String {
    let mut page = "# What `tiklb doctor` finds\n\n\
        `tiklb doctor` looks at the cluster of your kubeconfig, and with `--ask-routers` at its routers, and writes nothing. It\n\
        ends with 0 where nothing was found, with 2 where something was, and with 1 where nothing was found but not everything\n\
        could be looked at. `-o json` names each finding by its kind, as this page does: search here for what you see.\n"
        .to_owned();
    for (severity, title) in [(Severity::Fault, "Faults"), (Severity::Warning, "Warnings")] {
        write!(
            page,
            "\n## {title}\n\n| kind | what you see | why it matters | what mends it |\n|---|---|---|---|\n"
        )
        .unwrap();
        for kind in Kind::ALL.iter().filter(|kind| kind.severity() == severity) {
            let cells = [kind.sign(), kind.why(), kind.fix()].map(|cell| cell.replace('|', "\\|"));
            writeln!(page, "| `{}` | {} |", kind.name(), cells.join(" | ")).unwrap();
        }
    }
    page.push_str(
        "\nA warning is something that does not do what it looks like, or soon will not; with a fault addresses are not given, not\n\
        announced, or given twice. What your account may not read is listed as \"not looked at\", with the reason.\n",
    );
    page
}

#[test]
fn the_page_of_findings_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor.md");
    let expected = page_of_kinds();
    if std::env::var_os("TIKLB_UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/doctor.md is not what src/cli/doctor/finding.rs says: run `TIKLB_UPDATE=1 cargo test -p tiklb --lib doctor` and commit it"
    );
}

#[test]
fn every_kind_has_words_of_its_own() {
    let names: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    let severities: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.severity().as_str()).collect();
    assert_eq!(severities, ["fault", "warning"].into());
    let signs: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.sign()).collect();
    assert_eq!(signs.len(), Kind::ALL.len());
}
