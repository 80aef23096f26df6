//! The writer against an API server.

use futures::StreamExt as _;
use kube::Api;
use lab::kube::Resource;
use serde_json::{Value, json};

use super::desk::{Finalizer, Pace};
use super::*;
use crate::api::{ConfigurationState, Decoded, IPAddressPool};
use crate::cluster::object::Verdict;
use crate::cluster::object::configuration::configuration;
use crate::cluster::object::pool::pool as read_pool;
use crate::cluster::tests::{BOUND, World, key, pool, world, writes};
use crate::cluster::watch::{Scope, watch};

const STATES: Resource = Resource::namespaced(
    "metallb.io",
    "v1beta1",
    "configurationstates",
    "ConfigurationState",
);
const POOLS: Resource = Resource::namespaced("metallb.io", "v1beta1", "ipaddresspools", "IPAddressPool");

/// A writer that hears of states and pools, until it is dropped.
fn writer(world: &World) -> (Writer, JoinSet<()>) {
    let writer = Writer::default();
    let mut tasks = JoinSet::new();
    let states: Api<Decoded<ConfigurationState>> = Api::namespaced(world.client.clone(), "metallb-system");
    let read = |object| configuration(object).map(|known| known.stored);
    let feed = writer.clone();
    let states = watch(states, Scope::default(), Arc::default(), read);
    tasks.spawn(states.for_each(move |change| {
        feed.stored(Kind::Configuration, change);
        std::future::ready(())
    }));
    let pools: Api<Decoded<IPAddressPool>> = Api::namespaced(world.client.clone(), "metallb-system");
    let read = |object| -> Verdict<Stored> { read_pool(object).map(|known| known.stored) };
    let feed = writer.clone();
    let pools = watch(pools, Scope::default(), Arc::default(), read);
    tasks.spawn(pools.for_each(move |change| {
        feed.stored(Kind::Pool, change);
        std::future::ready(())
    }));
    tasks.spawn(writer.clone().run(world.client.clone()));
    (writer, tasks)
}

fn state(summary: &str) -> Wish {
    Wish::Object {
        metadata: json!({"labels": {"metallb.io/component-type": "controller"}}).into(),
        spec: Value::Null.into(),
        status: json!({"result": "Valid", "errorSummary": summary, "conditions": []}).into(),
    }
}

async fn says(world: &World, name: &str, summary: &str) -> Value {
    let states = STATES.in_namespace("metallb-system");
    let wanted = |object: &Value| object["status"]["errorSummary"] == summary;
    world
        .judge
        .wait_for(&states, name, BOUND, "its summary", wanted)
        .await
        .unwrap()
}

#[tokio::test]
async fn our_object_stays_as_it_is_wished_and_a_restart_writes_nothing() {
    let world = world().await;
    let states = STATES.in_namespace("metallb-system");
    let target = Target {
        kind: Kind::Configuration,
        key: key("controller"),
    };
    let (writer_a, mut tasks) = writer(&world);
    writer_a.wish(target.clone(), state("one"));
    let made = says(&world, "controller", "one").await;
    assert_eq!(
        made["metadata"]["labels"]["metallb.io/component-type"],
        "controller"
    );
    world
        .judge
        .patch_status(
            &states,
            "controller",
            &json!({"status": {"errorSummary": "forged"}}),
        )
        .await
        .unwrap();
    says(&world, "controller", "one").await;
    world.judge.delete(&states, "controller").await.unwrap();
    says(&world, "controller", "one").await;
    writer_a.wish(target.clone(), state("two"));
    says(&world, "controller", "two").await;
    tasks.shutdown().await;

    let before = writes(&world.server).len();
    let (writer_b, _tasks) = writer(&world);
    writer_b.wish(target.clone(), state("two"));
    let other = Target {
        kind: Kind::Configuration,
        key: key("other"),
    };
    // What comes after it was looked at shows that the first one was, too.
    writer_b.wish(other, state("three"));
    says(&world, "other", "three").await;
    let after = writes(&world.server).split_off(before);
    assert_eq!(
        after,
        [
            "create configurationstates.metallb.io other",
            "patch configurationstates.metallb.io/status other"
        ]
    );
    assert_eq!(world.server.unsupported(), Vec::<String>::new());
}

#[tokio::test]
async fn statuses_and_finalizers_of_others_objects() {
    let world = world().await;
    let pools = POOLS.in_namespace("metallb-system");
    let (writer, _tasks) = writer(&world);
    let target = Target {
        kind: Kind::Pool,
        key: key("home"),
    };
    let wish = |assigned: i64, present: bool| Wish::Status {
        status: json!({"assignedIPv4": assigned, "assignedIPv6": 0, "availableIPv4": 1, "availableIPv6": 0})
            .into(),
        finalizer: Some(Finalizer {
            name: "tiklb.io/release",
            present,
        }),
        pace: Pace(Duration::ZERO),
    };
    writer.wish(target.clone(), wish(3, true));
    world
        .judge
        .create(&pools, &pool("home", "10.0.0.0/28"))
        .await
        .unwrap();
    let counted = |object: &Value| object["status"]["assignedIPv4"] == 3;
    let waited = world
        .judge
        .wait_for(&pools, "home", BOUND, "its counters", counted);
    let object = waited.await.unwrap();
    assert_eq!(object["metadata"]["finalizers"], json!(["tiklb.io/release"]));
    world.judge.delete(&pools, "home").await.unwrap();
    writer.wish(target.clone(), wish(4, false));
    world.judge.wait_gone(&pools, "home", BOUND).await.unwrap();
}

#[tokio::test]
async fn an_api_server_that_fails_or_is_away_gets_the_last_wish_later() {
    let world = world().await;
    let (writer, _tasks) = writer(&world);
    let target = Target {
        kind: Kind::Configuration,
        key: key("controller"),
    };
    let matcher = lab::apiserver::Matcher::any()
        .resource("configurationstates.metallb.io")
        .subresource("status");
    world.server.fail_next(matcher.clone(), 1, 500);
    world.server.fail_next(matcher, 1, 409);
    writer.wish(target.clone(), state("one"));
    says(&world, "controller", "one").await;
    world.server.stop().await;
    writer.wish(target.clone(), state("two"));
    writer.wish(target.clone(), state("three"));
    world.server.start_again().await.unwrap();
    says(&world, "controller", "three").await;
}
