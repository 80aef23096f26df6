//! A report as people and programs read it.

use anyhow::{Context, Result};
use serde::Serialize;

use super::changeover::Changeover;
use super::finding::{Finding, Kind, Report, Severity, Unseen};

/// Changes when a field goes away or comes to mean something else.
const API_VERSION: &str = "cli.tiklb.io/v1";

/// The page: what is well, what was not looked at, then what is wrong, the worst last, where a move from MetalLB stands, and one
/// line that sums it up.
pub(super) fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    let mut section = |title: &str, entries: Vec<String>| {
        if !entries.is_empty() {
            lines.push(title.to_owned());
            lines.extend(entries);
            lines.push(String::new());
        }
    };
    section("OK", report.fine.iter().map(|line| format!("  {line}")).collect());
    section(
        "NOTES",
        report.notes.iter().map(|line| format!("  {line}")).collect(),
    );
    let unseen = report.unseen.iter();
    let unseen = unseen.map(|unseen| format!("  not looked at: {}, because {}", unseen.what, unseen.because));
    section("NOT LOOKED AT", unseen.collect());
    for (title, severity) in [("WARNINGS", Severity::Warning), ("FAULTS", Severity::Fault)] {
        let found = report
            .findings
            .iter()
            .filter(|finding| finding.kind.severity() == severity);
        section(title, found.map(entry).collect());
    }
    section("MOVE FROM METALLB", report.changeover.iter().map(step).collect());
    lines.push(summary(report));
    lines.join("\n") + "\n"
}

fn entry(finding: &Finding) -> String {
    let Finding { kind, what, fix } = finding;
    format!(
        "  {} ({})\n    why: {}\n    fix: {fix}",
        what,
        kind.name(),
        kind.why()
    )
}

fn step(changeover: &Changeover) -> String {
    let Changeover { phase, what, next } = changeover;
    format!("  {what} ({})\n    next: {next}", phase.name())
}

fn summary(report: &Report) -> String {
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    };
    let (faults, warnings) = (report.count(Severity::Fault), report.count(Severity::Warning));
    let mut parts = Vec::new();
    if faults + warnings == 0 {
        parts.push("nothing found".to_owned());
    } else {
        parts.push(count(faults, "fault", "faults"));
        parts.push(count(warnings, "warning", "warnings"));
    }
    if !report.unseen.is_empty() {
        parts.push(count(
            report.unseen.len(),
            "thing was not looked at",
            "things were not looked at",
        ));
    }
    parts.push(count(report.fine.len(), "check is well", "checks are well"));
    parts.join(", ")
}

/// A report for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    /// Nothing was found, and everything was looked at.
    healthy: bool,
    findings: Vec<Found<'a>>,
    not_looked_at: &'a [Unseen],
    notes: &'a [String],
    changeover: Option<&'a Changeover>,
    ok: &'a [String],
}

#[derive(Debug, Serialize)]
struct Found<'a> {
    kind: Kind,
    severity: Severity,
    what: &'a str,
    why: &'static str,
    fix: &'a str,
}

pub(super) fn json(report: &Report) -> Result<String> {
    let findings = report.findings.iter().map(|finding| Found {
        kind: finding.kind,
        severity: finding.kind.severity(),
        what: &finding.what,
        why: finding.kind.why(),
        fix: &finding.fix,
    });
    let document = Document {
        api_version: API_VERSION,
        kind: "Diagnosis",
        healthy: report.findings.is_empty() && report.unseen.is_empty(),
        findings: findings.collect(),
        not_looked_at: &report.unseen,
        notes: &report.notes,
        changeover: report.changeover.as_ref(),
        ok: &report.fine,
    };
    let text = serde_json::to_string_pretty(&document).context("writing the report as JSON")?;
    Ok(text + "\n")
}
