//! Writes to the Kubernetes API, as the embedded server's journal has them.

use std::time::Instant;

use serde_json::Value;

use super::entry::{Entry, Fact, Lane};
use super::leaf::leaves;
use super::name::Names;
use crate::apiserver::{Request, Verb};

/// Leases are renewed by the clock, whatever happens: the leader's, and the survey's whose questions are on the wire.
const BEATS: &str = "leases.coordination.k8s.io";

/// Objects that count what there is. They are written at most every few seconds, so that how often depends on the run;
/// what they say in the end does not, and is told at each chapter's end.
pub(super) const SUMMARIES: [&str; 2] = ["ipaddresspools.metallb.io", "mikrotikrouters.tiklb.io"];

/// What the path says already.
const IN_THE_PATH: [&str; 4] = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];

/// What an actor does, with what belongs to it below.
pub(super) fn paragraph(actor: &str, head: &str, lines: impl IntoIterator<Item = String>) -> String {
    indented(&format!("{actor:<10} {head}"), lines)
}

/// Lines under a head.
pub(super) fn indented(head: &str, lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().fold(head.to_owned(), |text, line| {
        format!("{text}\n             {line}")
    })
}

/// What a request tells, unless it reads or beats. Refused writes are told too.
pub(super) fn told(request: &Request, zero: Instant, names: &Names) -> Option<Entry> {
    let does = match request.verb {
        Verb::Create => "creates",
        Verb::Update => "updates",
        Verb::Patch => "patches",
        Verb::Delete => "deletes",
        Verb::Get | Verb::List | Verb::Watch | Verb::Other => return None,
    };
    let is_summary = SUMMARIES.contains(&request.resource.as_str()) && request.subresource == "status";
    if request.resource == BEATS || is_summary {
        return None;
    }
    let (actor, desk, events) = actor(&request.user);
    let is_event = request.resource.starts_with("events");
    let lane = if is_event { events } else { desk };
    let slash = if request.subresource.is_empty() { "" } else { "/" };
    let refused = match request.code {
        200..300 => String::new(),
        code => format!(", refused with {code}"),
    };
    let head = format!(
        "{does} {}{slash}{} {}/{}{refused}",
        request.resource,
        request.subresource,
        request.namespace,
        names.plain(&request.name)
    );
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let values = leaves(&names.document(&body)).into_iter();
    let values = values.filter(|(path, _)| !path.is_empty() && !IN_THE_PATH.contains(&path.as_str()));
    let lines = values.map(|(path, value)| format!("{path}: {value}"));
    let mut entry = Entry::new(zero + request.at, lane, paragraph(actor, &head, lines));
    entry.gives.extend(request.version.map(Fact::Version));
    match (lane, request.resource.as_str(), request.subresource.as_str()) {
        (Lane::Allocator, "services", "status") => entry.gives.push(Fact::Address),
        (Lane::Speaker, "servicel2statuses.metallb.io", "status") => entry.gives.push(Fact::Announcer),
        (Lane::AllocatorEvents, ..) => entry.needs.push(Fact::Decision),
        (Lane::SpeakerEvents, ..) => entry.needs.push(Fact::Claim),
        _ => {}
    }
    Some(entry)
}

/// Who a user is, and in which lanes it writes objects and events. All speakers are one user: which one it is stands in
/// what it writes.
fn actor(user: &str) -> (&str, Lane, Lane) {
    match user.rsplit(':').next() {
        Some("tiklb-allocator") => ("allocator", Lane::Allocator, Lane::AllocatorEvents),
        Some("tiklb-speaker") => ("speaker", Lane::Speaker, Lane::SpeakerEvents),
        _ => ("person", Lane::Person, Lane::Person),
    }
}
