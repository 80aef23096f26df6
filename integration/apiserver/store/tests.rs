//! The history: what it knows must always lead to what there is.

use std::sync::Arc;

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use super::{Objects, Part, Preconditions, Store};
use crate::apiserver::object::resource_version;
use crate::apiserver::resource::{Resource, Storage};
use crate::apiserver::strategy::FieldValidation;

/// A write of a config map: which of five names, and the new value or none for a deletion.
type Write = (u8, Option<u8>);

fn writes() -> impl Strategy<Value = Vec<Write>> {
    prop::collection::vec((0..5_u8, any::<Option<u8>>()), 0..60)
}

fn resource(store: &Store, plural: &str) -> Arc<Resource> {
    store.read(|state| state.resource("", "v1", plural)).unwrap()
}

/// A store with a namespace, which was its first change.
fn store(window: usize) -> Store {
    let store = Store::new(window);
    let namespaces = resource(&store, "namespaces");
    let home = json!({ "metadata": { "name": "home" } });
    store
        .write(|state| state.create(&namespaces, "", home, FieldValidation::Ignore))
        .unwrap();
    store
}

fn apply(store: &Store, (name, value): Write) {
    let maps = resource(store, "configmaps");
    let name = format!("map-{name}");
    store.write(|state| {
        let exists = state.get(&maps, "home", &name).is_ok();
        let object = json!({ "metadata": { "name": name }, "data": { "value": value } });
        match (value, exists) {
            (None, true) => drop(
                state
                    .delete(&maps, "home", &name, &Preconditions::default())
                    .unwrap(),
            ),
            (None, false) => {}
            (Some(_), false) => drop(
                state
                    .create(&maps, "home", object, FieldValidation::Ignore)
                    .unwrap(),
            ),
            (Some(_), true) => {
                let place = ("home", name.as_str());
                let change = |_: &_| Ok(object);
                drop(
                    state
                        .update(&maps, place, Part::Main, FieldValidation::Ignore, change)
                        .unwrap(),
                );
            }
        }
    });
}

proptest! {
    /// Every version that the history still reaches can be seen as it was, and its changes lead to the present.
    #[test]
    fn snapshots_and_changes_agree(writes in writes(), window in 1..40_usize) {
        let store = store(window);
        let storage = Storage::of("", "configmaps");
        let mut seen: Vec<(u64, Objects)> = Vec::new();
        for write in writes {
            apply(&store, write);
            let now = store.read(|state| {
                let version = state.history().version();
                (version, state.snapshot(&storage, version))
            });
            seen.push(now);
        }
        store.read(|state| {
            for (version, objects) in &seen {
                if !state.history().reaches(*version) {
                    continue;
                }
                prop_assert_eq!(&state.snapshot(&storage, *version), objects);
                let mut replayed = objects.clone();
                for change in state.history().since(*version) {
                    prop_assert_eq!(replayed.get(&change.key), change.before.as_ref());
                    match &change.after {
                        Some(after) => {
                            prop_assert_eq!(resource_version(after), change.version.to_string());
                            replayed.insert(change.key.clone(), after.clone());
                        }
                        None => drop(replayed.remove(&change.key)),
                    }
                }
                prop_assert_eq!(&replayed, &state.snapshot(&storage, state.history().version()));
            }
            let newest = state.history().version();
            prop_assert!(state.history().reaches(newest));
            prop_assert!(state.history().since(0).count() <= window, "the window grew");
            Ok(())
        })?;
    }
}

#[test]
fn a_version_is_one_change() {
    let store = store(10);
    for value in 0..3 {
        apply(&store, (0, Some(value)));
        apply(&store, (0, Some(value)));
    }
    assert_eq!(
        store.read(|state| state.history().version()),
        4,
        "a write without a change made a version"
    );
    assert_eq!(
        store.pulses().borrow().version,
        4,
        "the watchers were told otherwise"
    );
}

#[test]
fn compaction_forgets_changes_and_keeps_objects() {
    let store = store(10);
    apply(&store, (0, Some(1)));
    store.compact();
    store.read(|state| {
        assert_eq!(
            (state.history().version(), state.history().since(0).count()),
            (2, 0)
        );
        assert!(!state.history().reaches(1) && state.history().reaches(2));
        assert_eq!(state.snapshot(&Storage::of("", "configmaps"), 2).len(), 1);
    });
    apply(&store, (1, Some(1)));
    assert_eq!(store.read(|state| state.history().version()), 3);
}
