//! A plan as a person reads it.

use tiklb_core::reservation::condition::Truth;
use tiklb_core::reservation::{ConditionKind, Reading, RouterStatus};

use super::finding::Finding;
use crate::cli::console::{Command, script};

/// The page about one router.
pub(in crate::cli) fn page(finding: &Finding) -> String {
    let (name, url) = (&finding.name, &finding.url);
    let mut lines = vec![match &finding.read {
        Ok(read) => format!("MikrotikRouter {name}: {} at {url}", device(read)),
        Err(failure) => format!(
            "MikrotikRouter {name} at {url} cannot be read: {}",
            failure.message
        ),
    }];
    for planned in &finding.writes {
        lines.push(format!("  {}", planned.write));
        lines.push(format!("      because {}", planned.because));
        lines.push(format!("      console: {}", Command::of(&planned.write)));
    }
    lines.extend(
        finding
            .obstacles
            .iter()
            .map(|obstacle| format!("  in the way: {obstacle}")),
    );
    for planned in &finding.held {
        lines.push(format!(
            "  waits for your word: {} ({})",
            planned.write, planned.because
        ));
    }
    let refusals = finding.status.iter().flat_map(refusals);
    lines.extend(refusals.map(|(_, reason, message)| format!("  not done: {message} ({reason})")));
    if let Some(held) = finding.status.as_ref().map(|status| &status.conflicts) {
        let others = held
            .entries
            .iter()
            .map(|holder| format!("  left alone: {holder}"));
        lines.extend(others);
        if held.truncated > 0 {
            lines.push(format!("  left alone: {} addresses more", held.truncated));
        }
    }
    lines.extend(finding.notes.iter().map(|note| format!("  note: {note}")));
    if finding.read.is_ok() {
        lines.push(match finding.writes.len() {
            0 => "  nothing to be done".to_owned(),
            1 => "  1 write to be made; nothing was written now".to_owned(),
            many => format!("  {many} writes to be made, one after another; nothing was written now"),
        });
    }
    lines.join("\n") + "\n"
}

/// `MikroTik (RB750Gr3, RouterOS 7.20.8 (stable))`
pub(in crate::cli) fn device(read: &Reading) -> String {
    format!("{} ({}, RouterOS {})", read.identity, read.board, read.version)
}

/// Conditions that keep a range or every write from happening: type, reason, message.
pub(in crate::cli) fn refusals(status: &RouterStatus) -> Vec<(&'static str, &'static str, String)> {
    let speaks = |kind: ConditionKind, reasons: &[&str]| {
        let condition = status.conditions.get(&kind)?;
        let said = condition.truth != Truth::True && !reasons.contains(&condition.reason);
        said.then(|| (kind.name(), condition.reason, condition.message.clone()))
    };
    let pools = speaks(
        ConditionKind::PoolsExcluded,
        &["Pending", "Reading", "DryRun", "Paused"],
    );
    let rows = speaks(
        ConditionKind::ReservationsInSync,
        &["Writing", "Reading", "DryRun", "Paused", "ForeignRow"],
    );
    pools.into_iter().chain(rows).collect()
}

/// The commands of several routers as one file for `/import`: it is for one router, so that each begins with its name.
pub(in crate::cli) fn commands(findings: &[Finding], undo: bool) -> String {
    let mut sheets = Vec::new();
    for finding in findings {
        let device = match &finding.read {
            Ok(read) => device(read),
            Err(failure) => format!("not read: {}", failure.message),
        };
        let aim = if undo {
            "Takes everything of tiklb's away and gives back what was taken."
        } else {
            "Makes what tiklb would write."
        };
        let mut title = vec![
            format!(
                "For {device} at {} (MikrotikRouter {}).",
                finding.url, finding.name
            ),
            format!(
                "{aim} It was worked out from what the router held when this was printed: use it soon, and on this router alone."
            ),
            "These commands were not run on RouterOS yet: look at each before you paste it.".to_owned(),
        ];
        title.extend(
            finding
                .obstacles
                .iter()
                .map(|obstacle| format!("Not possible: {obstacle}")),
        );
        title.extend(finding.notes.iter().map(|note| format!("Note: {note}")));
        if finding.writes.is_empty() {
            title.push("Nothing is to be done.".to_owned());
        }
        sheets.push(script(&title, &finding.commands()));
    }
    sheets.join("\n")
}
