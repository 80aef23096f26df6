//! What allocator and speakers say that they decided, and why, as their logs have it.

use std::net::Ipv4Addr;
use std::time::SystemTime;

use anyhow::Result;

use super::entry::{Entry, Fact, Lane};
use super::name::Names;
use super::recorder::Subject;
use super::request::paragraph;
use super::router;
use super::span::{Moment, Span};
use crate::home::Home;
use crate::lan::Process;

/// The lines in which a process says what it decided about the Service, and why. Others, that a machine is slow say,
/// are none of the Service's story.
pub(super) fn told(
    actor: &str,
    process: &Process,
    subject: Subject,
    span: Span,
    names: &Names,
) -> Vec<Entry> {
    let key = format!("{}/{}", subject.namespace, subject.name);
    let address = subject.address.to_string();
    let mut entries = Vec::new();
    for line in process.logs() {
        let concerns = line.text.contains(&key) || line.text.contains(&address);
        let Some(line) = LogLine::parse(&line.text).filter(|_| concerns) else {
            continue;
        };
        let Some(at) = span.moment(line.at) else { continue };
        let text = paragraph(actor, &names.plain(line.says), []);
        let mut entry = Entry::new(at, Lane::Speaker, text);
        match (actor, line.target) {
            ("allocator", "tiklb::audit") => {
                entry.lane = Lane::Router;
                entry.needs = router::needs(line.says.contains("write=/ip/arp"));
            }
            ("allocator", _) => {
                entry.lane = Lane::Allocator;
                // What becomes an event names the object; the write that follows has the same words.
                let is_event = line.says.contains(" object=");
                entry.gives.extend(is_event.then_some(Fact::Decision));
            }
            _ => {
                entry.needs = vec![Fact::Address];
                entry.gives = vec![Fact::Claim];
            }
        }
        entries.push(entry);
    }
    entries
}

/// Whether a speaker's log has named the address since a moment.
pub(super) fn is_spoken_of(home: &Home, address: Ipv4Addr, from: Moment) -> Result<bool> {
    let address = address.to_string();
    let names = |text: &str| {
        LogLine::parse(text).is_some_and(|line| line.at >= from.wall && line.says.contains(&address))
    };
    for node in home.node_names() {
        if home.speaker(node)?.logs().iter().any(|line| names(&line.text)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A line as tracing writes it: time, level, target, words with fields.
struct LogLine<'a> {
    at: SystemTime,
    target: &'a str,
    says: &'a str,
}

impl<'a> LogLine<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (time, rest) = text.split_once(' ')?;
        let (_level, rest) = rest.trim_start().split_once(' ')?;
        let (target, says) = rest.split_once(": ")?;
        let at: jiff::Timestamp = time.parse().ok()?;
        Some(Self {
            at: at.into(),
            target: target.trim(),
            says,
        })
    }
}
