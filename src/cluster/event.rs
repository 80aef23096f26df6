//! Kubernetes events: for people, never in the way of anything else.
//!
//! The library's recorder counts a repetition by its reason and keeps the first one's words; here other words are
//! another event, because the words are what names the fix.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tiklb_core::model::{ObjectKey, Uid};
use tokio::sync::mpsc;

use super::client::Chain;
use super::tenure::Warrant;
use crate::api::event::EventReason;

/// Events that wait to be written. A thousand Services at once make a thousand of them; what is beyond is dropped and
/// counted.
const QUEUE: usize = 2_048;
/// Before each: at most 50 in a second, as the API server keeps each for an hour.
const PAUSE: Duration = Duration::from_millis(20);
/// Events whose repetition is counted instead of written anew, and for how long: client-go's numbers.
const REMEMBERED: usize = 1_024;
const REMEMBERED_FOR: Duration = Duration::from_mins(6);
/// The API server refuses longer notes (`events.k8s.io/v1`).
const MAX_NOTE: usize = 1_024;
/// An event that cannot be written within this is not written.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// The object that it is about.
    pub about: ObjectReference,
    /// Why it is told.
    pub reason: EventReason,
    /// The words.
    pub note: String,
}

/// A Service, as an event refers to it.
pub fn service_reference(service: &ObjectKey, uid: &Uid) -> ObjectReference {
    reference("v1", "Service", service, uid)
}

/// An object, as an event refers to it. `kubectl describe` finds events by the UID.
pub fn reference(api_version: &str, kind: &str, key: &ObjectKey, uid: &Uid) -> ObjectReference {
    ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(kind.to_owned()),
        namespace: Some(key.namespace.clone()),
        name: Some(key.name.clone()),
        uid: Some(uid.0.clone()),
        ..ObjectReference::default()
    }
}

/// Takes occurrences, never waits.
#[derive(Debug, Clone)]
pub struct Events {
    queue: mpsc::Sender<(Occurrence, Warrant)>,
    warrant: Arc<Mutex<Warrant>>,
    dropped: Arc<AtomicU64>,
}

/// Writes them.
#[derive(Debug)]
pub struct Recorder {
    queue: mpsc::Receiver<(Occurrence, Warrant)>,
    controller: &'static str,
    instance: String,
    written: VecDeque<Written>,
}

#[derive(Debug)]
struct Written {
    occurrence: Occurrence,
    event: Event,
    at: Instant,
}

/// A queue and its writer. `controller` says who reports ([`crate::api::event`]), `instance` which Pod.
pub fn events(controller: &'static str, instance: &str) -> (Events, Recorder) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let events = Events {
        queue: sender,
        warrant: Arc::default(),
        dropped: Arc::default(),
    };
    let recorder = Recorder {
        queue,
        controller,
        instance: instance.to_owned(),
        written: VecDeque::new(),
    };
    (events, recorder)
}

impl Events {
    /// What is told from now on rests on this leadership: it is not written once that has ended.
    pub fn tell_under(&self, warrant: Warrant) {
        *self.warrant.lock().unwrap_or_else(PoisonError::into_inner) = warrant;
    }

    /// Tells of an occurrence; without room it is dropped and counted.
    pub fn tell(&self, occurrence: Occurrence) {
        let warrant = self
            .warrant
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if self.queue.try_send((occurrence, warrant)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Recorder {
    /// Writes until every [`Events`] is gone.
    pub async fn run(mut self, client: Client) {
        while let Some((occurrence, warrant)) = self.queue.recv().await {
            // A backlog that nobody answers for any more is gone at once; the next leader says what there is to say.
            if warrant.stands() {
                // The pause comes before an event and not after it: what was decided is written to its object first, and a
                // small API server does one thing at a time.
                tokio::time::sleep(PAUSE).await;
            }
            if !warrant.stands() {
                continue;
            }
            let write = self.write(&client, occurrence);
            match tokio::time::timeout(TIMEOUT, write).await {
                Ok(Ok(())) => {}
                // An event is a courtesy: the log has the same words.
                Ok(Err(error)) => tracing::debug!("event not written: {}", Chain(&error)),
                Err(_) => tracing::debug!("event not written: no answer in 10 s"),
            }
        }
    }

    async fn write(&mut self, client: &Client, occurrence: Occurrence) -> Result<(), kube::Error> {
        let namespace = occurrence
            .about
            .namespace
            .clone()
            .unwrap_or_else(|| "default".to_owned());
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        self.written
            .retain(|written| written.at.elapsed() < REMEMBERED_FOR);
        let known = self
            .written
            .iter_mut()
            .find(|written| written.occurrence == occurrence);
        if let Some(known) = known {
            let count = known.event.series.as_ref().map_or(1, |series| series.count) + 1;
            let series = EventSeries {
                count,
                last_observed_time: MicroTime(Timestamp::now()),
            };
            let patch = json!({"series": series});
            let repeated = api
                .patch(
                    &known.event.name_any(),
                    &PatchParams::default(),
                    &Patch::Merge(patch),
                )
                .await;
            match repeated {
                Ok(_) => {
                    known.event.series = Some(series);
                    known.at = Instant::now();
                    return Ok(());
                }
                // It was removed meanwhile.
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => return Err(error),
            }
            self.written.retain(|written| written.occurrence != occurrence);
        }
        let event = self.event(&occurrence, namespace);
        api.create(&PostParams::default(), &event).await?;
        if self.written.len() == REMEMBERED {
            self.written.pop_front();
        }
        let at = Instant::now();
        self.written.push_back(Written {
            occurrence,
            event,
            at,
        });
        Ok(())
    }

    fn event(&self, occurrence: &Occurrence, namespace: String) -> Event {
        let now = Timestamp::now();
        let about = occurrence.about.name.as_deref().unwrap_or_default();
        // A name has at most 253 characters, 34 of which are a dot and the time.
        let about: String = about.chars().take(200).collect();
        Event {
            metadata: ObjectMeta {
                namespace: Some(namespace),
                name: Some(format!("{about}.{:x}", now.as_nanosecond())),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(self.controller.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            // What was done about the object, in the word that `kubectl get events -o wide` has no column for.
            action: Some("Reconcile".to_owned()),
            reason: Some(occurrence.reason.as_str().to_owned()),
            regarding: Some(occurrence.about.clone()),
            note: Some(shortened(&occurrence.note)),
            type_: Some(occurrence.reason.event_type().as_str().to_owned()),
            ..Event::default()
        }
    }
}

/// At most [`MAX_NOTE`] bytes, cut between characters.
fn shortened(note: &str) -> String {
    if note.len() <= MAX_NOTE {
        return note.to_owned();
    }
    let room = MAX_NOTE - '…'.len_utf8();
    let end = (0..=room)
        .rev()
        .find(|end| note.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}…", &note[..end])
}

#[cfg(test)]
mod tests;
