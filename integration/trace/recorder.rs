//! The witnesses, from before the Service is there until after it is gone.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::task::AbortHandle;

use super::entry::{Entry, Fact, Lane};
use super::leaf::{changes, leaves};
use super::name::Names;
use super::request::{self, paragraph};
use super::span::{Moment, Span};
use super::{log, router};
use crate::home::Home;
use crate::kube::{Error, Event, Kube, SERVICES};
use crate::lan::{Journal, Mac};
use crate::wire::{ArpFrame, Capture, Operation, Seen};

/// Watch events kept; one Service makes a handful.
const EVENTS: usize = 1_000;

/// Longest silence of the watch before it is asked for the next line again.
const SILENCE: Duration = Duration::from_mins(1);

/// What of an object the API server counts and keeps by itself.
const BOOKKEEPING: [&str; 2] = ["metadata.managedFields", "metadata.resourceVersion"];

/// A Service by its namespace and name, with the address that it has or had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    pub(super) address: Ipv4Addr,
}

/// Records until it is dropped.
pub(super) struct Recorder {
    names: Names,
    captures: BTreeMap<String, Capture>,
    services: Journal<(Instant, Event)>,
    follower: AbortHandle,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Recorder {
    /// Begins to record: ARP on every host, and the Services of a namespace.
    pub(super) fn start(home: &Home, namespace: &'static str) -> Result<Self> {
        let mut captures = BTreeMap::new();
        for host in home.lan().hosts() {
            captures.insert(host.name().to_owned(), Capture::start(host, host.interface())?);
        }
        let services = Journal::new(EVENTS);
        let following = follow(home.kube().clone(), namespace, services.clone());
        Ok(Self {
            names: Names::new(home.macs().clone())?,
            captures,
            services,
            follower: tokio::spawn(following).abort_handle(),
        })
    }

    /// Waits until the watch shows a Service that is there already: what comes after it is not missed.
    pub(super) async fn listening(&self, service: &str, bound: Duration) -> Result<()> {
        self.watched("ADDED", |object| object["metadata"]["name"] == service, bound)
            .await
    }

    /// Waits until the watch shows a change of this kind that fits.
    pub(super) async fn watched(
        &self,
        kind: &str,
        fits: impl Fn(&Value) -> bool,
        bound: Duration,
    ) -> Result<()> {
        let wanted = |(_, event): &(Instant, Event)| event.kind == kind && fits(&event.object);
        let found = self.services.wait_for(wanted, bound).await;
        found
            .map(drop)
            .with_context(|| format!("no watch event {kind} came within {bound:?}"))
    }

    /// The frames about an address since a moment, each once, from where it was sent or, an answer, where it arrived: so
    /// question and answer are seen by one host, in order.
    pub(super) fn frames(&self, address: Ipv4Addr, from: Moment) -> Vec<(Seen, &str)> {
        let mut found = Vec::new();
        for (host, capture) in &self.captures {
            let here = |seen: &Seen| {
                let frame = &seen.frame;
                seen.at >= from.mono
                    && (frame.sender_ip == address || frame.target_ip == address)
                    && self.witness(frame) == host.as_str()
            };
            let frames = capture.frames().into_iter().filter(here);
            found.extend(frames.map(|seen| (seen, host.as_str())));
        }
        found.sort_by_key(|(seen, _)| seen.at);
        found
    }

    /// The host whose capture tells of a frame. A stranger's frames are told by the router.
    fn witness(&self, frame: &ArpFrame) -> &str {
        let addressee = match frame.op {
            Operation::Reply => self.names.host(frame.eth_dst),
            _ => None,
        };
        addressee
            .or_else(|| self.names.host(frame.eth_src))
            .unwrap_or("router")
    }

    /// What is written of an object without what is drawn or counted.
    pub(super) fn values(&self, document: &Value) -> BTreeMap<String, String> {
        leaves(&self.names.document(document))
    }

    /// A text without what is drawn or counted.
    pub(super) fn plain(&self, text: &str) -> String {
        self.names.plain(text)
    }

    /// All that the witnesses tell of a span.
    pub(super) fn entries(&self, home: &Home, subject: Subject, span: Span) -> Result<Vec<Entry>> {
        let api = home.control_plane().embedded();
        let api = api.context("the trace is taken with the embedded API server")?;
        let requests = api.requests();
        let requests = requests
            .iter()
            .filter_map(|request| request::told(request, api.began(), &self.names))
            .filter(|entry| span.holds(entry.at));
        let mut entries: Vec<Entry> = requests.collect();
        entries.extend(self.watch_events(subject, span));
        let mut processes = vec![("allocator", home.allocator()?)];
        for node in home.node_names() {
            processes.push((node, home.speaker(node)?));
        }
        for (actor, process) in processes {
            entries.extend(log::told(actor, process, subject, span, &self.names));
        }
        entries.extend(self.conversation(subject, span));
        entries.extend(router::told(home, span, &self.names));
        Ok(entries)
    }

    /// Of a change only what changed is told; what a new Service holds stands with the request that made it.
    fn watch_events(&self, subject: Subject, span: Span) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut known = BTreeMap::new();
        for (at, event) in self.services.entries() {
            if event.object["metadata"]["name"] != subject.name {
                continue;
            }
            let mut values = self.values(&event.object);
            // Something empty is told by what it holds next, or held before.
            values.retain(|path, value| {
                value != "{}" && !BOOKKEEPING.iter().any(|kept| path.starts_with(kept))
            });
            let before = std::mem::replace(&mut known, values);
            if !span.holds(at) {
                continue;
            }
            let lines = match event.kind.as_str() {
                "MODIFIED" => changes(&before, &known),
                _ => Vec::new(),
            };
            let head = format!("{} services {}/{}", event.kind, subject.namespace, subject.name);
            let mut entry = Entry::new(at, Lane::Watch, paragraph("watch", &head, lines));
            let version = event.object["metadata"]["resourceVersion"].as_str();
            let version = version.and_then(|version| version.parse().ok());
            entry.needs.extend(version.map(Fact::Version));
            entries.push(entry);
        }
        entries
    }

    /// The frames. One that is sent again is told once: a question is repeated until its answer was read, so that how
    /// often depends on the run. Announcements are counted: they are at least a second apart but for the first two, and
    /// a speaker that stood still for so long would have lost the address to another one.
    fn conversation(&self, subject: Subject, span: Span) -> Vec<Entry> {
        let mut told: Vec<(Seen, Lane, u32)> = Vec::new();
        for (seen, host) in self.frames(subject.address, span.from) {
            if !span.holds(seen.at) {
                continue;
            }
            if let Some((.., times)) = told.iter_mut().find(|(known, ..)| known.frame == seen.frame) {
                *times += 1;
                continue;
            }
            let lane = if host == "client" {
                Lane::Client
            } else {
                Lane::Wire
            };
            told.push((seen, lane, 1));
        }
        told.into_iter()
            .map(|(seen, lane, times)| {
                let frame = seen.frame;
                let to = match frame.eth_dst {
                    Mac::BROADCAST => "all".to_owned(),
                    to => to.to_string(),
                };
                let times = match times {
                    2.. if frame.is_gratuitous() => format!(", {times} times"),
                    _ => String::new(),
                };
                let text = self.names.plain(&format!("sends to {to}: {frame}{times}"));
                let from = self.names.plain(&frame.eth_src.to_string());
                Entry {
                    needs: vec![Fact::Address],
                    ..Entry::new(seen.at, lane, paragraph(&from, &text, []))
                }
            })
            .collect()
    }
}

/// Writes down what a watch tells. When it ends, what is waited for does not come.
async fn follow(kube: Kube, namespace: &str, events: Journal<(Instant, Event)>) {
    let Ok(mut watch) = kube.watch(SERVICES.in_namespace(namespace), &[]).await else {
        return;
    };
    loop {
        match watch.next(SILENCE).await {
            Ok(Some(event)) => events.push((Instant::now(), event)),
            Err(Error::Silent { .. }) => {}
            Ok(None) | Err(_) => return,
        }
    }
}
