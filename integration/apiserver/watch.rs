//! Watches: changes as JSON lines, for as long as the client asked for.
//!
//! A watch reads the store's history from where it is, so that nothing is queued for it. One whose client reads too
//! slowly falls out of the history and ends with `410 Expired`, as it does when history is compacted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::media::Form;
use super::object;
use super::query::Query;
use super::resource::Resource;
use super::selector::Selector;
use super::status::Refusal;
use super::store::{Change, Pulse, State, Store};

/// How long a watch lasts that does not say (`--min-request-timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);
/// Changes taken from the history at once, so that no watch holds the lock for long.
const BATCH: usize = 256;
/// The annotation of the bookmark that ends the initial events (`sendInitialEvents`).
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// A running watch.
pub(crate) struct Watch {
    store: Arc<Store>,
    pulses: watch::Receiver<Pulse>,
    began: Pulse,
    resource: Arc<Resource>,
    selector: Selector,
    form: Form,
    headers: bool,
    cursor: u64,
    pending: VecDeque<Bytes>,
    bookmarks: Option<Interval>,
    deadline: Instant,
    ended: bool,
}

impl Watch {
    /// Begins a watch where the query says: after a version, or with everything that is there now.
    pub(crate) fn begin(
        store: &Arc<Store>,
        resource: Arc<Resource>,
        selector: Selector,
        form: Form,
        query: &Query,
        bookmark_every: Duration,
    ) -> Result<Self, Refusal> {
        let mut pulses = store.pulses();
        let began = *pulses.borrow_and_update();
        let initial_events = query.flag("sendInitialEvents");
        let asked = query.version("resourceVersion")?;
        let timeout = query.number("timeoutSeconds")?.filter(|&seconds| seconds > 0);
        let timeout = timeout
            .map_or(DEFAULT_TIMEOUT, Duration::from_secs)
            .min(DEFAULT_TIMEOUT);
        let mut watch = Self {
            store: store.clone(),
            pulses,
            began,
            resource,
            selector,
            form,
            headers: true,
            cursor: 0,
            pending: VecDeque::new(),
            bookmarks: query.flag("allowWatchBookmarks").then(|| ticks(bookmark_every)),
            deadline: Instant::now() + timeout,
            ended: false,
        };
        store.read(|state| watch.start(state, asked, initial_events))?;
        Ok(watch)
    }

    fn start(&mut self, state: &State, asked: Option<u64>, initial_events: bool) -> Result<(), Refusal> {
        let current = state.history().version();
        match asked {
            Some(asked) if !initial_events => {
                // A version that does not exist yet is waited for.
                self.cursor = asked;
                if !state.history().reaches(asked) {
                    self.expire(asked, current);
                }
                return Ok(());
            }
            Some(asked) if asked > current => return Err(Refusal::too_large_version(asked, current)),
            _ => {}
        }
        self.cursor = current;
        for object in state.snapshot(&self.resource.storage, current).values() {
            if self.selector.matches(object) {
                self.push("ADDED", object);
            }
        }
        if initial_events {
            self.push_bookmark(json!({ INITIAL_EVENTS_END: "true" }));
        }
        Ok(())
    }

    /// The next line, or `None` where the watch is over.
    pub(crate) async fn next(&mut self) -> Option<Frame<Bytes>> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(Frame::data(line));
            }
            if self.ended {
                return None;
            }
            // A busy watch never waits, and ends in time all the same.
            if Instant::now() >= self.deadline {
                self.finish();
            } else if !self.catch_up() {
                self.wait().await;
            }
        }
    }

    /// Takes the next changes from the history; false where there are none.
    fn catch_up(&mut self) -> bool {
        let pulse = *self.pulses.borrow_and_update();
        self.ended = pulse.closings != self.began.closings;
        let store = self.store.clone();
        let compacted = pulse.compactions != self.began.compactions;
        store.read(|state| {
            let history = state.history();
            if !history.reaches(self.cursor) || compacted {
                self.expire(self.cursor, history.version());
                return true;
            }
            let before = self.cursor;
            for change in history.since(before).take(BATCH) {
                self.cursor = change.version;
                if change.storage == self.resource.storage {
                    self.push_change(change);
                }
            }
            self.cursor > before || self.ended
        })
    }

    async fn wait(&mut self) {
        let bookmark = async {
            match &mut self.bookmarks {
                Some(ticks) => ticks.tick().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The store outlives its watches, so the sender is there.
            _ = self.pulses.changed() => {}
            _ = bookmark => self.push_bookmark(Value::Null),
            () = tokio::time::sleep_until(self.deadline) => {}
        }
    }

    /// The end that was asked for, with a last bookmark.
    fn finish(&mut self) {
        self.ended = true;
        if self.bookmarks.is_some() {
            self.push_bookmark(Value::Null);
        }
    }

    /// A change, as it looks through the selector: what enters it is added, what leaves it is deleted.
    fn push_change(&mut self, change: &Change) {
        let seen =
            |object: &Option<Arc<Value>>| object.clone().filter(|object| self.selector.matches(object));
        match (seen(&change.before), seen(&change.after)) {
            (None, Some(object)) => self.push("ADDED", &object),
            (Some(_), Some(object)) => self.push("MODIFIED", &object),
            (Some(before), None) => {
                // The last form that was seen, at the version of the change that took it away.
                let mut last = (*before).clone();
                object::set(&mut last, "resourceVersion", json!(change.version.to_string()));
                self.push("DELETED", &Arc::new(last));
            }
            (None, None) => {}
        }
    }

    fn push(&mut self, kind: &str, stored: &Arc<Value>) {
        let object = self.form.object(&self.resource, stored, self.headers);
        self.headers = false;
        self.push_line(kind, &object);
    }

    fn push_bookmark(&mut self, annotations: Value) {
        let mut mark = json!({ "metadata": { "resourceVersion": self.cursor.to_string() } });
        if !annotations.is_null() {
            mark["metadata"]["annotations"] = annotations;
        }
        let mark = match self.form {
            Form::Plain => self.resource.external(&mark),
            Form::Metadata | Form::Table(_) => {
                self.form.object(&self.resource, &Arc::new(mark), self.headers)
            }
        };
        self.push_line("BOOKMARK", &mark);
    }

    fn expire(&mut self, asked: u64, current: u64) {
        let refusal = Refusal::expired(format!("too old resource version: {asked} ({current})"));
        self.push_line("ERROR", &refusal.to_status());
        self.ended = true;
    }

    fn push_line(&mut self, kind: &str, object: &Value) {
        let mut line = json!({ "type": kind, "object": object }).to_string();
        line.push('\n');
        self.pending.push_back(Bytes::from(line));
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
