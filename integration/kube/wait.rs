//! Waiting for an object to be as it should, by watching it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Collection, Error, Kube, Result};

/// Pause before a new attempt after the server could not be asked. A stopped server answers again within a story.
const RETRY: Duration = Duration::from_millis(50);
/// Longest silence of one watch before the object is read anew.
const SILENCE: Duration = Duration::from_secs(20);

/// What is known of an object.
#[derive(Default)]
struct Last {
    /// The object; null where there is none.
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
        self.follow(&collection.into(), name, bound, what, fits).await
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
        self.follow(&collection.into(), name, bound, &what, Value::is_null)
            .await
            .map(drop)
    }

    async fn follow(
        &self,
        collection: &Collection,
        name: &str,
        bound: Duration,
        what: &str,
        mut fits: impl FnMut(&Value) -> bool + Send,
    ) -> Result<Value> {
        let deadline = Instant::now() + bound;
        let mut last = Last::default();
        loop {
            let step = timeout_at(deadline, self.follow_once(collection, name, &mut last, &mut fits)).await;
            match step {
                Ok(Ok(true)) => return Ok(last.object),
                Ok(Ok(false)) => {}
                Ok(Err(why)) => {
                    last.trouble = Some(why);
                    // A deadline that falls into the pause is met at the next step.
                    let _ = timeout_at(deadline, sleep(RETRY)).await;
                }
                Err(_) => return Err(not_seen(collection, name, bound, what, &last)),
            }
        }
    }

    /// Reads, then watches until the object fits (true) or the watch ends (false).
    async fn follow_once(
        &self,
        collection: &Collection,
        name: &str,
        last: &mut Last,
        fits: &mut (impl FnMut(&Value) -> bool + Send),
    ) -> Result<bool> {
        let selector = format!("metadata.name={name}");
        let mut list = self
            .list_where(collection, &[("fieldSelector", &selector)])
            .await?;
        last.trouble = None;
        last.object = list["items"].get_mut(0).map(Value::take).unwrap_or_default();
        if fits(&last.object) {
            return Ok(true);
        }
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let query = [("fieldSelector", selector.as_str()), ("resourceVersion", version)];
        let mut watch = self.watch(collection, &query).await?;
        while let Some(event) = watch.next(SILENCE).await? {
            match event.kind.as_str() {
                "ADDED" | "MODIFIED" => last.object = event.object,
                "DELETED" => last.object = Value::Null,
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

fn not_seen(collection: &Collection, name: &str, bound: Duration, what: &str, last: &Last) -> Error {
    let mut seen = match &last.object {
        Value::Null => "no such object".to_owned(),
        object => serde_json::to_string_pretty(object).unwrap_or_default(),
    };
    if let Some(why) = &last.trouble {
        seen = format!("{seen}; then {why}");
    }
    Error::NotSeen {
        bound,
        what: what.to_owned(),
        about: collection.object_path(name),
        last: seen,
    }
}
