//! Waiting for objects to be as they should, by watching them.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Collection, Error, Kube, Result};

/// Pause before a new attempt after the server could not be asked. A stopped server answers again within a story.
const RETRY: Duration = Duration::from_millis(50);
/// Longest silence of one watch before the object is read anew.
const SILENCE: Duration = Duration::from_secs(20);

/// What is waited for, in a collection.
#[derive(Clone, Copy)]
enum Subject<'a> {
    /// The object of this name.
    One(&'a str),
    /// All of it, as an array.
    All,
}

/// What is known of the subject.
#[derive(Default)]
struct Last {
    /// The object, null where there is none; or the array of all.
    object: Value,
    /// Why it could not be read the last time that was tried.
    trouble: Option<Error>,
}

impl Kube {
    /// Waits until an object fits, and returns it. `what` completes the sentence "waited for …". The API server may be
    /// away meanwhile.
    ///
    /// # Errors
    /// [`Error::NotSeen`] with the last seen object where it did not fit within `bound`.
    pub async fn wait_for(
        &self,
        collection: impl Into<Collection>,
        name: &str,
        bound: Duration,
        what: &str,
        mut fits: impl FnMut(&Value) -> bool + Send,
    ) -> Result<Value> {
        let fits = move |object: &Value| !object.is_null() && fits(object);
        self.follow(&collection.into(), Subject::One(name), bound, what, fits)
            .await
    }

    /// Waits until the objects of a collection fit, and returns them: for objects whose names others choose. The API
    /// server may be away meanwhile.
    ///
    /// # Errors
    /// [`Error::NotSeen`] with the last seen objects where they did not fit within `bound`.
    pub async fn wait_list(
        &self,
        collection: impl Into<Collection>,
        bound: Duration,
        what: &str,
        mut fits: impl FnMut(&[Value]) -> bool + Send,
    ) -> Result<Vec<Value>> {
        let fits = move |all: &Value| fits(all.as_array().map_or(&[], Vec::as_slice));
        let mut all = self
            .follow(&collection.into(), Subject::All, bound, what, fits)
            .await?;
        Ok(all.as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Waits until an object is gone.
    ///
    /// # Errors
    /// [`Error::NotSeen`] with the last seen object where it stayed for `bound`.
    pub async fn wait_gone(
        &self,
        collection: impl Into<Collection>,
        name: &str,
        bound: Duration,
    ) -> Result<()> {
        let what = format!("{name} to be gone");
        self.follow(
            &collection.into(),
            Subject::One(name),
            bound,
            &what,
            Value::is_null,
        )
        .await
        .map(drop)
    }

    async fn follow(
        &self,
        collection: &Collection,
        subject: Subject<'_>,
        bound: Duration,
        what: &str,
        mut fits: impl FnMut(&Value) -> bool + Send,
    ) -> Result<Value> {
        let deadline = Instant::now() + bound;
        let mut last = Last::default();
        loop {
            let step = timeout_at(
                deadline,
                self.follow_once(collection, subject, &mut last, &mut fits),
            )
            .await;
            match step {
                Ok(Ok(true)) => return Ok(last.object),
                Ok(Ok(false)) => {}
                Ok(Err(why)) => {
                    last.trouble = Some(why);
                    // A deadline that falls into the pause is met at the next step.
                    let _ = timeout_at(deadline, sleep(RETRY)).await;
                }
                Err(_) => return Err(not_seen(collection, subject, bound, what, &last)),
            }
        }
    }

    /// Reads, then watches until the subject fits (true), or is to be read anew (false).
    async fn follow_once(
        &self,
        collection: &Collection,
        subject: Subject<'_>,
        last: &mut Last,
        fits: &mut (impl FnMut(&Value) -> bool + Send),
    ) -> Result<bool> {
        let selector = match subject {
            Subject::One(name) => Some(format!("metadata.name={name}")),
            Subject::All => None,
        };
        let selector = selector.as_deref().map(|selector| ("fieldSelector", selector));
        let mut query = Vec::from_iter(selector);
        let mut list = self.list_where(collection, &query).await?;
        last.trouble = None;
        last.object = match subject {
            Subject::One(_) => list["items"].get_mut(0).map(Value::take).unwrap_or_default(),
            Subject::All => list["items"].take(),
        };
        if fits(&last.object) {
            return Ok(true);
        }
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        query.push(("resourceVersion", version));
        let mut watch = self.watch(collection, &query).await?;
        while let Some(event) = watch.next(SILENCE).await? {
            match event.kind.as_str() {
                kind @ ("ADDED" | "MODIFIED" | "DELETED") => {
                    let stays = kind != "DELETED";
                    match (subject, &mut last.object) {
                        (Subject::All, Value::Array(all)) => change(all, event.object, stays),
                        (_, one) if stays => *one = event.object,
                        (_, one) => *one = Value::Null,
                    }
                }
                "ERROR" => {
                    return Err(Error::refused(
                        format!("watching {}", collection.path()),
                        410,
                        event.object,
                    ));
                }
                _ => continue,
            }
            if fits(&last.object) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// One object of a collection is another now, or is there no more. Listing a thousand for each of a thousand changes would
/// take longer than what is waited for.
fn change(all: &mut Vec<Value>, object: Value, stays: bool) {
    let key = |object: &Value| {
        let metadata = &object["metadata"];
        (metadata["namespace"].clone(), metadata["name"].clone())
    };
    let at = all.iter().position(|known| key(known) == key(&object));
    match (at, stays) {
        (Some(at), true) => all[at] = object,
        (Some(at), false) => _ = all.remove(at),
        (None, true) => all.push(object),
        (None, false) => {}
    }
}

/// Of more objects than a person looks through, so many are shown.
const SHOWN: usize = 5;

fn shown(seen: &Value) -> String {
    match seen {
        Value::Null => "no such object".to_owned(),
        Value::Array(all) if all.len() > SHOWN => {
            let first = serde_json::to_string_pretty(&all[..SHOWN]).unwrap_or_default();
            format!("{first} and {} more", all.len() - SHOWN)
        }
        object => serde_json::to_string_pretty(object).unwrap_or_default(),
    }
}

fn not_seen(
    collection: &Collection,
    subject: Subject<'_>,
    bound: Duration,
    what: &str,
    last: &Last,
) -> Error {
    let about = match subject {
        Subject::One(name) => collection.object_path(name),
        Subject::All => collection.path(),
    };
    let mut seen = shown(&last.object);
    if let Some(why) = &last.trouble {
        seen = format!("{seen}; then {why}");
    }
    Error::NotSeen {
        bound,
        what: what.to_owned(),
        about,
        last: seen,
    }
}
