//! How a report is read, and the page of everything that can be found.

use std::path::Path;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::changeover::Phase;
use super::super::finding::Severity;
use super::*;

/// Compares with a page in `tests/`; `TIKLB_UPDATE=1` writes it anew.
fn assert_page(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/cli/doctor/tests")
        .join(name);
    if std::env::var_os("TIKLB_UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "{name} differs: look at it, then TIKLB_UPDATE=1");
}

/// In the middle of a move from MetalLB, and with an account that may not read everything.
fn moving() -> Facts {
    let mut facts = healthy();
    metallb(&mut facts);
    facts.webhooks = Ok(vec![Webhook {
        configuration: "metallb-webhook-configuration".to_owned(),
        name: "ipaddresspoolvalidationwebhook.metallb.io".to_owned(),
        is_fatal: true,
        backend: Backend::NoEndpoint(ours("metallb-webhook-service")),
    }]);
    facts.advertisements = Ok(vec![advertisement("lan", &["dmz"])]);
    facts.bgp = Err(Unread::Forbidden("bgppeers is forbidden".to_owned()));
    facts.routers = Ok(vec![]);
    facts.rights = None;
    facts.asked = None;
    facts
}

#[test]
fn people_and_programs_read_the_same() {
    let report = examine(&moving());
    assert_page("moving.txt", &page::text(&report));
    let document = page::json(&report).unwrap();
    assert_page("moving.json", &document);
    let document: Value = serde_json::from_str(&document).unwrap();
    let found = document["findings"].as_array().unwrap();
    assert_eq!(found.len(), report.findings.len());
    assert_page("healthy.txt", &page::text(&examine(&healthy())));
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
        "\n## Where a move from MetalLB stands\n\n\
        Where MetalLB is to be seen, or its kinds without it, the doctor says last between which steps the cluster is, and what\n\
        comes next (`changeover` in JSON). [migrate-from-metallb.md](migrate-from-metallb.md) has the steps.\n\n\
        | phase | what is the case |\n|---|---|\n",
    );
    for phase in Phase::ALL {
        writeln!(page, "| `{}` | {} |", phase.name(), phase.what()).unwrap();
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
