//! Watches through everything that an API server does to them.

use std::pin::Pin;

use futures::Stream;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use lab::apiserver::Matcher;
use lab::kube::{CUSTOM_RESOURCE_DEFINITIONS, LEASES};
use serde_json::json;
use tiklb_core::allocator::SurveyRecord;

use super::*;
use crate::api::{AddressReservation, Decoded, IPAddressPool};
use crate::cluster::object::pool::pool as read_pool;
use crate::cluster::object::survey::survey;
use crate::cluster::source::Source;
use crate::cluster::tests::{World, key, next, pool, within, world};

type Changes<T> = Pin<Box<dyn Stream<Item = Change<T>> + Send>>;

const POOLS: lab::kube::Resource =
    lab::kube::Resource::namespaced("metallb.io", "v1beta1", "ipaddresspools", "IPAddressPool");

/// The pools' first entries, by name.
fn pools(world: &World) -> Changes<(String, String)> {
    let api: Api<Decoded<IPAddressPool>> = Api::namespaced(world.client.clone(), "metallb-system");
    let read = |object| {
        read_pool(object).map(|known| {
            let entry = known
                .value
                .spec
                .map_or_else(|why| why, |spec| spec.addresses[0].clone());
            (known.value.key.name.clone(), entry)
        })
    };
    Box::pin(watch(api, Scope::default(), Arc::default(), read))
}

fn applied(name: &str, entry: &str) -> Change<(String, String)> {
    Change::Applied((name.to_owned(), entry.to_owned()))
}

fn listed(pools: &[(&str, &str)]) -> Change<(String, String)> {
    let owned = pools
        .iter()
        .map(|(name, entry)| ((*name).to_owned(), (*entry).to_owned()));
    Change::Listed(owned.collect())
}

#[tokio::test]
async fn a_list_comes_first_then_changes() {
    let world = world().await;
    let pools_of = POOLS.in_namespace("metallb-system");
    world
        .judge
        .create(&pools_of, &pool("a", "10.0.0.0/28"))
        .await
        .unwrap();
    let mut changes = pools(&world);
    assert_eq!(next(&mut changes).await, listed(&[("a", "10.0.0.0/28")]));
    world
        .judge
        .create(&pools_of, &pool("b", "10.0.1.0/28"))
        .await
        .unwrap();
    assert_eq!(next(&mut changes).await, applied("b", "10.0.1.0/28"));
    world.judge.delete(&pools_of, "a").await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Deleted(key("a")));
    assert_eq!(world.server.unsupported(), Vec::<String>::new());
}

/// Somebody installed a new version, and not the definitions that belong to it.
#[tokio::test]
async fn a_later_kind_that_is_not_installed_has_no_objects_and_is_said_with_the_fix() {
    let world = world().await;
    let definition = "addressreservations.tiklb.io";
    world
        .judge
        .delete(CUSTOM_RESOURCE_DEFINITIONS, definition)
        .await
        .unwrap();
    let api: Api<AddressReservation> = Api::namespaced(world.client.clone(), "metallb-system");
    let refused = api.list(&kube::api::ListParams::default()).await.unwrap_err();
    let said = words(&watcher::Error::InitialListFailed(refused));
    assert!(said.ends_with("(404): apply deploy/crds"), "{said}");
    let health = Arc::new(Health::default());
    let source = Source::new(world.client.clone(), "metallb-system", health.clone());
    let mut changes = Box::pin(source.reservations());
    assert_eq!(
        next(&mut changes).await,
        Change::Listed(vec![]),
        "so nothing waits for it"
    );
    assert!(health.failures() > 0);
    let file = format!(
        "{}/deploy/crds/tiklb.io_addressreservations.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    world.judge.apply_file(std::path::Path::new(&file)).await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Listed(vec![]));
}

#[tokio::test]
async fn expired_versions_bring_a_new_list_and_ended_watches_go_on() {
    let world = world().await;
    let pools_of = POOLS.in_namespace("metallb-system");
    let mut changes = pools(&world);
    assert_eq!(next(&mut changes).await, listed(&[]));
    world.server.close_watches();
    world
        .judge
        .create(&pools_of, &pool("a", "10.0.0.0/28"))
        .await
        .unwrap();
    assert_eq!(next(&mut changes).await, applied("a", "10.0.0.0/28"));
    world.server.compact();
    assert_eq!(
        next(&mut changes).await,
        listed(&[("a", "10.0.0.0/28")]),
        "after a 410"
    );
}

#[tokio::test]
async fn an_api_server_that_was_away_is_found_again() {
    let world = world().await;
    let pools_of = POOLS.in_namespace("metallb-system");
    let mut changes = pools(&world);
    assert_eq!(next(&mut changes).await, listed(&[]));
    world.server.stop().await;
    let failed = tokio::time::timeout(Duration::from_millis(700), changes.next()).await;
    assert!(failed.is_err(), "{failed:?}");
    world.server.start_again().await.unwrap();
    world
        .judge
        .create(&pools_of, &pool("a", "10.0.0.0/28"))
        .await
        .unwrap();
    assert_eq!(next(&mut changes).await, applied("a", "10.0.0.0/28"));
}

#[tokio::test]
async fn errors_and_refusals_are_waited_out() {
    let world = world().await;
    for status in [500, 429, 403] {
        world
            .server
            .fail_next(Matcher::any().resource("ipaddresspools.metallb.io"), 1, status);
    }
    let mut changes = pools(&world);
    assert_eq!(next(&mut changes).await, listed(&[]));
}

fn round(name: &str, covered: &str) -> serde_json::Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": "metallb-system", "annotations": {"tiklb.io/covered": covered}},
        "spec": {
            "holderIdentity": "n1",
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:05.000000Z",
        },
    })
}

/// What is covered, by name.
fn surveys(world: &World) -> Changes<SurveyRecord> {
    let api: Api<Lease> = Api::namespaced(world.client.clone(), "metallb-system");
    let scope = Scope {
        remember: true,
        ..Scope::default()
    };
    Box::pin(watch(api, scope, Arc::default(), |lease| {
        survey(&lease, Timestamp::now())
    }))
}

fn covered(change: Change<SurveyRecord>) -> Vec<String> {
    let one = |record: SurveyRecord| format!("{} {}", record.key.name, record.covered);
    match change {
        Change::Listed(records) => records.into_iter().map(one).collect(),
        Change::Applied(record) => vec![one(record)],
        Change::Deleted(key) => vec![format!("{} gone", key.name)],
    }
}

#[tokio::test]
async fn an_unreadable_object_costs_only_itself_and_keeps_what_was_known() {
    let world = world().await;
    let leases = LEASES.in_namespace("metallb-system");
    world
        .judge
        .create(&leases, &round("bad", "nonsense"))
        .await
        .unwrap();
    world
        .judge
        .create(&leases, &round("good", "10.0.0.1"))
        .await
        .unwrap();
    let mut changes = surveys(&world);
    assert_eq!(covered(next(&mut changes).await), ["good 10.0.0.1"]);

    let garble = json!({"metadata": {"annotations": {"tiklb.io/covered": "nonsense"}}});
    world.judge.merge_patch(&leases, "good", &garble).await.unwrap();
    let mend = json!({"metadata": {"annotations": {"tiklb.io/covered": "10.0.0.9"}}});
    world.judge.merge_patch(&leases, "bad", &mend).await.unwrap();
    assert_eq!(
        covered(next(&mut changes).await),
        ["bad 10.0.0.9"],
        "the garbled one is passed over"
    );
    world.server.compact();
    assert_eq!(
        covered(next(&mut changes).await),
        ["bad 10.0.0.9", "good 10.0.0.1"],
        "its last good value survives a new list"
    );
    world.judge.delete(&leases, "good").await.unwrap();
    assert_eq!(covered(next(&mut changes).await), ["good gone"]);
}

#[tokio::test]
async fn a_failure_of_every_request_is_counted_and_not_flooded() {
    let world = world().await;
    world
        .server
        .fail_next(Matcher::any().resource("ipaddresspools.metallb.io"), 1_000, 500);
    let health = Arc::new(Health::default());
    let api: Api<Decoded<IPAddressPool>> = Api::namespaced(world.client.clone(), "metallb-system");
    let changes = watch(api, Scope::default(), health.clone(), read_pool);
    tokio::pin!(changes);
    let begun = std::time::Instant::now();
    let three = async {
        while health.failures() < 3 {
            let pause = tokio::time::sleep(Duration::from_millis(20));
            tokio::select! {
                change = changes.next() => panic!("{change:?}"),
                () = pause => {}
            }
        }
    };
    within(three).await;
    // Each waits for half a second at least.
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1), "three requests in {took:?}");
    world.server.clear_faults();
    within(changes.next()).await.unwrap();
}
