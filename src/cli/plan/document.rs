//! A plan as programs read it: `tiklb plan -o json`.
//!
//! The shape is the contract of `apiVersion`: under one version fields are only ever added. `tiklb plan --help` and the
//! README describe it.

use anyhow::{Context, Result};
use serde::Serialize;

use super::finding::Finding;
use super::page::refusals;
use crate::cli::console::Command;

/// Changes when a field goes away or comes to mean something else.
const API_VERSION: &str = "cli.tiklb.io/v1";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    /// Whether this is the way back.
    undo: bool,
    /// Writes to all routers.
    changes: usize,
    routers: Vec<RouterEntry<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RouterEntry<'a> {
    name: &'a str,
    namespace: &'a str,
    url: &'a str,
    /// Why it could not be read; then the fields about what it is are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<&'a str>,
    writes: Vec<WriteEntry<'a>>,
    /// Removals that a person has to agree to first.
    held: Vec<WriteEntry<'a>>,
    /// Rows of others that are in the way of ours.
    obstacles: &'a [String],
    refusals: Vec<Refusal>,
    /// Addresses that others have.
    left_alone: &'a [String],
    /// How many more.
    left_alone_more: usize,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WriteEntry<'a> {
    /// `/ip/pool`, `/ip/dhcp-server/lease` or `/ip/arp`.
    menu: String,
    /// `add`, `set` or `remove`.
    action: &'static str,
    /// `pool NAME`, `lease ADDRESS` or `arp ADDRESS`.
    target: String,
    /// The write in one line.
    summary: String,
    because: &'a str,
    /// The same as a console command.
    command: String,
}

#[derive(Debug, Serialize)]
struct Refusal {
    condition: &'static str,
    reason: &'static str,
    message: String,
}

/// The document about all routers.
pub(super) fn document(findings: &[Finding], undo: bool) -> Result<String> {
    let document = Document {
        api_version: API_VERSION,
        kind: "RouterPlan",
        undo,
        changes: findings.iter().map(|finding| finding.writes.len()).sum(),
        routers: findings.iter().map(entry).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).context("writing the plan as JSON")?;
    text.push('\n');
    Ok(text)
}

fn entry(finding: &Finding) -> RouterEntry<'_> {
    let read = finding.read.as_ref().ok();
    let conflicts = finding.status.as_ref().map(|status| &status.conflicts);
    RouterEntry {
        name: &finding.name,
        namespace: &finding.namespace,
        url: &finding.url,
        error: finding
            .read
            .as_ref()
            .err()
            .map(|failure| failure.message.as_str()),
        identity: read.map(|read| read.identity.as_str()),
        board: read.map(|read| read.board.as_str()),
        version: read.map(|read| read.version.as_str()),
        serial: read.and_then(|read| read.serial.as_deref()),
        writes: finding.writes.iter().map(write).collect(),
        held: finding.held.iter().map(write).collect(),
        obstacles: &finding.obstacles,
        refusals: finding.status.iter().flat_map(refusals).map(refusal).collect(),
        left_alone: conflicts.map_or(&[], |listing| listing.entries.as_slice()),
        left_alone_more: conflicts.map_or(0, |listing| listing.truncated),
        notes: &finding.notes,
    }
}

fn write(planned: &tiklb_core::reservation::Planned) -> WriteEntry<'_> {
    let command = Command::of(&planned.write);
    WriteEntry {
        menu: command.menu(),
        action: command.verb(),
        target: planned.write.target(),
        summary: planned.write.to_string(),
        because: &planned.because,
        command: command.to_string(),
    }
}

fn refusal((condition, reason, message): (&'static str, &'static str, String)) -> Refusal {
    Refusal {
        condition,
        reason,
        message,
    }
}
