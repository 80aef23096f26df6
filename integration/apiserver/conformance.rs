//! The same requests on any API server: what holds here holds on a real one.
//!
//! Each check makes a namespace of its own, so that they run side by side and on a cluster in use. It is deleted at the
//! end of a check that holds; a failed check leaves it to look at.
//!
//! [`CHECKS`] hold on both servers. [`REAL_ONLY`] need what the embedded one leaves out, and are for a real one.
//! One thing cannot be asked of both in the same words: a resource version that has expired. A fresh etcd may still know
//! version 1, and nothing but time or its own compaction makes it forget. So `an_ancient_version_is_answered_or_expired`
//! accepts an answer, and otherwise insists on the form of the refusal. That the embedded one does forget is tested
//! beside it, where it can be told to.

mod custom;
mod deletion;
mod events;
mod kinds;
mod real;
mod selection;
mod status;
mod watches;
mod writes;

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::kube::{self, CONFIG_MAPS, Collection, Kube, NAMESPACES};

/// Longest wait for something that the server does by itself.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// One check.
pub type Check = for<'a> fn(&'a Kube) -> BoxFuture<'a, anyhow::Result<()>>;

macro_rules! checks {
    ($($module:ident::$check:ident),+ $(,)?) => {
        &[$((stringify!($check), |kube| Box::pin($module::$check(kube)))),+]
    };
}

/// What holds on the embedded API server and on a real one.
pub const CHECKS: &[(&str, Check)] = checks![
    writes::creation_fills_in_metadata,
    writes::creation_refuses_what_makes_no_sense,
    writes::replacing_needs_the_present_version,
    writes::replacing_by_another_object_is_refused,
    writes::merge_patches_merge,
    writes::writing_nothing_new_makes_no_version,
    writes::unknown_tokens_are_refused,
    status::a_service_has_two_sides,
    status::a_service_status_is_checked,
    status::a_custom_resource_has_two_sides,
    kinds::services_get_their_defaults,
    kinds::services_keep_and_drop_what_was_allocated,
    kinds::services_of_two_families_have_two_cluster_addresses,
    kinds::leases_are_replaced_in_order,
    kinds::secrets_fold_their_text,
    kinds::namespaces_carry_their_name,
    kinds::webhooks_get_their_defaults,
    kinds::workloads_are_listed,
    kinds::tables_show_what_people_look_at,
    selection::lists_stay_in_their_namespace,
    selection::labels_select,
    selection::fields_select,
    selection::pages_make_one_list,
    watches::changes_come_in_order,
    watches::a_watch_without_a_version_begins_with_what_is_there,
    watches::initial_events_end_with_a_bookmark,
    watches::bookmarks_come_and_watches_end_in_time,
    watches::what_leaves_a_selection_is_deleted,
    watches::an_ancient_version_is_answered_or_expired,
    watches::a_future_version_is_refused,
    deletion::deletion_waits_for_finalizers,
    deletion::deletion_has_preconditions,
    custom::definitions_make_resources,
    custom::values_are_defaulted_and_pruned,
    custom::values_are_checked,
    custom::unknown_fields_are_refused_when_asked,
    custom::updates_need_a_version,
    events::events_have_two_faces,
    events::events_are_checked,
    events::a_series_is_all_that_changes,
];

/// What only a real API server does.
pub const REAL_ONLY: &[(&str, Check)] = checks![real::cel_rules_refuse, real::admission_policies_refuse];

/// A namespace of the check's own.
pub(crate) struct Ground {
    pub(crate) name: String,
}

impl Ground {
    async fn new(kube: &Kube) -> anyhow::Result<Self> {
        let namespace = json!({ "metadata": { "generateName": "conformance-" } });
        let made = kube
            .create(NAMESPACES, &namespace)
            .await
            .context("making the check's namespace")?;
        Ok(Self {
            name: text(&made["metadata"]["name"]).to_owned(),
        })
    }

    /// The config maps of the namespace: the plainest objects there are.
    fn config_maps(&self) -> Collection {
        CONFIG_MAPS.in_namespace(&self.name)
    }

    async fn clean(self, kube: &Kube) -> anyhow::Result<()> {
        kube.delete(NAMESPACES, &self.name)
            .await
            .context("deleting the check's namespace")?;
        Ok(())
    }
}

/// A config map with one entry.
fn config_map(name: &str, value: &str) -> Value {
    json!({ "metadata": { "name": name }, "data": { "value": value } })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The object's resource version as a number. The API calls it opaque; etcd's and ours are counters.
fn version(object: &Value) -> anyhow::Result<u64> {
    let version = text(&object["metadata"]["resourceVersion"]);
    version
        .parse()
        .with_context(|| format!("reading the resource version {version:?}"))
}

/// The call must have been refused with this code and reason.
fn refused<T: std::fmt::Debug>(result: kube::Result<T>, code: u16, reason: &str) -> anyhow::Result<Value> {
    match result {
        Err(kube::Error::Refused {
            code: found,
            reason: found_reason,
            status,
            ..
        }) if found == code && found_reason == reason => Ok(*status),
        Err(other) => bail!("refused otherwise than with {code} {reason}: {other}"),
        Ok(answer) => bail!("accepted instead of refused with {code} {reason}: {answer:?}"),
    }
}

/// The refusal must name this field.
fn names_field(status: &Value, field: &str) -> anyhow::Result<()> {
    let causes = status["details"]["causes"].as_array().into_iter().flatten();
    let fields: Vec<&str> = causes.map(|cause| text(&cause["field"])).collect();
    ensure!(
        fields.contains(&field),
        "the refusal names {fields:?}, not {field}"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
