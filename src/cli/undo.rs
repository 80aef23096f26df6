//! Taking all of ours away from a router again: what core's release needs to know, from the object's record or from our
//! markers on the router alone.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tiklb_core::allocator::{Allocator, Change, Event, Leadership, Settings};
use tiklb_core::config::RouterObject;
use tiklb_core::config::object::RouterMode;
use tiklb_core::model::{Now, ObjectKey, Timestamp};
use tiklb_core::reservation::{Marker, Owner, Plan, Reading, record};

use crate::cluster::object::Verdict;
use crate::cluster::object::router::{SeenRouter, router};

#[cfg(test)]
mod tests;

/// Who has rows on the router, by the markers in their comments.
pub(super) fn owners(reading: &Reading) -> BTreeSet<Owner> {
    let pools = reading.pools.iter().map(|row| &row.comment);
    let leases = reading.leases.iter().map(|row| &row.comment);
    let arps = reading.arps.iter().map(|row| &row.comment);
    let markers = pools
        .chain(leases)
        .chain(arps)
        .filter_map(|comment| Marker::parse(comment));
    markers.map(|marker| marker.owner).collect()
}

/// The one cluster that has rows on the router, among those of this name if one is given.
///
/// # Errors
/// Several do: which one is a person's to say.
pub(super) fn only_owner(
    reading: &Reading,
    cluster: Option<&str>,
    uid: Option<&str>,
) -> Result<Option<Owner>> {
    let mut found: Vec<Owner> = owners(reading)
        .into_iter()
        .filter(|owner| cluster.is_none_or(|name| owner.cluster == name))
        .filter(|owner| uid.is_none_or(|uid| owner.uid == uid))
        .collect();
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(ToString::to_string).collect();
        bail!(
            "the router holds rows of several clusters ({}): say which one with --cluster-name and --cluster-uid",
            names.join(", ")
        );
    }
    Ok(found.pop())
}

/// The `uid` of an object that no manifest holds.
pub(super) const MADE_UP: &str = "made-up";

/// A MikrotikRouter as a manifest would bring it.
///
/// # Errors
/// The fields do not make one.
pub(super) fn made_up(namespace: &str, name: &str, url: &str, cluster: &str) -> Result<SeenRouter> {
    let object = json!({
        "apiVersion": "tiklb.io/v1alpha1",
        "kind": "MikrotikRouter",
        "metadata": {"name": name, "namespace": namespace, "uid": MADE_UP, "resourceVersion": "1"},
        "spec": {"url": url, "clusterName": cluster, "credentialsSecretRef": {"name": "none"}},
    });
    let object = serde_json::from_value(object).context("making up a MikrotikRouter")?;
    match router(object) {
        Verdict::Keep(known) => Ok(known.value),
        Verdict::Ignore | Verdict::Unreadable(_) => bail!("making up a MikrotikRouter for {url}"),
    }
}

/// The object as one that is being deleted, with everything that is known to have been taken: by its own record and by
/// our pool rows on the router.
pub(super) fn deleted(
    object: &RouterObject,
    owner: &Owner,
    reading: &Reading,
    wall: Timestamp,
) -> RouterObject {
    let mut object = object.clone();
    object.deleting = true;
    object.finalizer = true;
    // Whoever asks for a release looks at the plan first; what is written are our rows and what was taken.
    if let Ok(spec) = &mut object.spec {
        spec.mode = RouterMode::Enforce;
        spec.accept_untested = true;
    }
    object.taken = record::merged(&object.taken, &record::recovered(reading, owner, wall));
    object
}

/// What would take everything of `owner` away, whatever Services have.
pub(super) fn plan(object: &RouterObject, owner: &Owner, reading: &Reading, now: Now) -> Plan {
    let object = deleted(object, owner, reading, now.wall);
    let key = object.key.clone();
    let mut allocator = Allocator::new(Settings {
        cluster_uid: owner.uid.clone(),
        ..Settings::default()
    });
    let mut events = empty_cluster(object);
    events.push(Event::RouterRead {
        router: key.clone(),
        result: Box::new(Ok(reading.clone())),
    });
    allocator.step(events, now);
    allocator.plan(&key, now).unwrap_or_default()
}

/// The lists of a cluster that has this router and nothing else.
pub(super) fn empty_cluster(object: RouterObject) -> Vec<Event> {
    vec![
        Event::Leadership(Leadership::Leading { unclean: false }),
        Event::services(Change::Listed(Vec::new())),
        Event::Pools(Change::Listed(Vec::new())),
        Event::Advertisements(Change::Listed(Vec::new())),
        Event::Routers(Change::Listed(vec![object])),
        Event::Reservations(Change::Listed(Vec::new())),
        Event::Namespaces(Change::Listed(Vec::new())),
        Event::Nodes(Change::Listed(Vec::new())),
        Event::Announcements(Change::Listed(Vec::new())),
        Event::Conflicts(Change::Listed(Vec::new())),
        Event::Surveys(Change::Listed(Vec::new())),
    ]
}

/// A key for a router that no object names.
pub(super) fn nameless(namespace: &str) -> ObjectKey {
    ObjectKey::new(namespace, "router")
}
