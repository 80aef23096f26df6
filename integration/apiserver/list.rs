//! Lists: selection, versions, pages.

use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::query::Query;
use super::resource::Resource;
use super::selector::Selector;
use super::status::Refusal;
use super::store::{Key, Objects, State};

/// What one page of a list holds.
#[derive(Debug)]
pub(crate) struct Page {
    /// The objects.
    pub(crate) objects: Vec<Arc<Value>>,
    /// `metav1.ListMeta`.
    pub(crate) metadata: Value,
}

/// Where the next page starts: the version of the whole list and the last key of the page before.
struct Continue {
    version: u64,
    after: Key,
}

impl Continue {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!([self.version, self.after.0, self.after.1]).to_string())
    }

    fn decode(token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, namespace, name) = serde_json::from_slice(&bytes).ok()?;
        Some(Self {
            version,
            after: (namespace, name),
        })
    }
}

/// The page that the query asks for.
pub(crate) fn page(
    state: &State,
    resource: &Resource,
    selector: &Selector,
    query: &Query,
) -> Result<Page, Refusal> {
    let token = query.get("continue");
    let start = match token {
        "" => None,
        token => {
            Some(Continue::decode(token).ok_or_else(|| Refusal::bad_request("continue key is not valid"))?)
        }
    };
    let version = match &start {
        Some(start) => start.version,
        None => list_version(state, query)?,
    };
    if !state.history().reaches(version) {
        return Err(Refusal::expired(match start {
            Some(_) => "The provided continue parameter is too old to display a consistent list result.",
            None => "The resourceVersion for the provided list is too old.",
        }));
    }
    let objects = state.snapshot(&resource.storage, version);
    Ok(cut(
        &objects,
        selector,
        version,
        start.map(|start| start.after),
        query.number("limit")?,
    ))
}

/// The version to list at (`resourceVersion`, `resourceVersionMatch`).
fn list_version(state: &State, query: &Query) -> Result<u64, Refusal> {
    let current = state.history().version();
    let asked = query.version("resourceVersion")?;
    match (query.get("resourceVersionMatch"), asked) {
        (_, Some(asked)) if asked > current => Err(Refusal::too_large_version(asked, current)),
        ("Exact", Some(asked)) => Ok(asked),
        ("" | "NotOlderThan", _) => Ok(current),
        _ => Err(Refusal::bad_request(
            "resourceVersionMatch is forbidden or unknown for this resourceVersion",
        )),
    }
}

fn cut(objects: &Objects, selector: &Selector, version: u64, after: Option<Key>, limit: Option<u64>) -> Page {
    let limit = limit
        .filter(|&limit| limit > 0)
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut fitting = objects
        .range((from, Bound::Unbounded))
        .filter(|(_, object)| selector.matches(object));
    let mut page = Page {
        objects: Vec::new(),
        metadata: json!({ "resourceVersion": version.to_string() }),
    };
    let mut last = None;
    for (key, object) in fitting.by_ref().take(limit) {
        page.objects.push(object.clone());
        last = Some(key);
    }
    let left = fitting.count();
    if let Some(after) = last.filter(|_| left > 0) {
        page.metadata["continue"] = json!(
            Continue {
                version,
                after: after.clone()
            }
            .encode()
        );
        if selector.is_plain() {
            page.metadata["remainingItemCount"] = json!(left);
        }
    }
    page
}
