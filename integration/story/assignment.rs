//! MetalLB's acceptance list for assignment, where real objects and real processes have a part in it: each story's name
//! begins with the cases that it plays. The cases as such stand as tables beside the allocator.

mod families;

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::scene::{APPS, GRACE, OBSERVED, SOON, Scene, service};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::IP_ADDRESS_POOLS;
use crate::kube::{Collection, NAMESPACES, SERVICES};
use crate::wait::until;

/// Addresses are asked for within seconds, and nobody knows of the phone before the first survey.
pub(super) fn stories() -> Vec<Story> {
    let mut all = stories![assignment:
        a01_a02_a03_who_waits_is_served_in_turn_and_restarts_move_nobody with |plan| plan.without_phone(),
        a04_who_shares_an_address_follows_policy_and_selectors with |plan| plan.without_phone(),
        a05_a06_a_service_leaves_a_pool_that_is_deleted with |plan| plan.without_phone(),
        a07_a12_namespaces_and_labels_open_pools with |plan| plan.without_phone(),
        a20_a_pool_counts_what_it_gives_whatever_others_write with |plan| plan.without_phone(),
        c01_a_service_of_another_class_is_left_alone with |plan| plan.without_phone(),
    ];
    all.extend(families::stories());
    all
}

/// Longer than the pace of a pool's counters, and of what is written anew after others wrote it.
const COUNTED: Duration = Duration::from_secs(30);

fn services() -> Collection {
    SERVICES.in_namespace(APPS)
}

fn pools() -> Collection {
    IP_ADDRESS_POOLS.in_namespace(NAMESPACE)
}

/// The addresses in a Service's status.
fn addresses(service: &Value) -> Vec<IpAddr> {
    let ingress = service["status"]["loadBalancer"]["ingress"].as_array();
    let texts = ingress
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["ip"].as_str());
    texts.filter_map(|text| text.parse().ok()).collect()
}

async fn has(scene: &Scene, name: &str, expected: &[&str]) -> Outcome {
    let what = format!("{name} to have {expected:?}");
    let fits = |service: &Value| {
        let has = addresses(service);
        has.iter().map(ToString::to_string).eq(expected.iter().copied())
    };
    scene
        .home
        .kube()
        .wait_for(services(), name, SOON, &what, fits)
        .await?;
    Ok(())
}

async fn create(scene: &Scene, name: &str, change: impl FnOnce(&mut Value)) -> Outcome {
    let mut object = service(name, &[]);
    object["spec"]["externalTrafficPolicy"] = "Cluster".into();
    change(&mut object);
    scene.home.kube().create(services(), &object).await?;
    Ok(())
}

async fn edit(scene: &Scene, name: &str, patch: &Value) -> Outcome {
    scene.home.kube().merge_patch(services(), name, patch).await?;
    Ok(())
}

/// A person writes a whole pool, as from Git.
async fn apply_pool(scene: &Scene, name: &str, spec: Value) -> Outcome {
    let pool = json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    });
    scene.home.kube().apply(pool).await?;
    Ok(())
}

async fn delete_pool(scene: &Scene, name: &str) -> Outcome {
    scene.home.kube().delete(pools(), name).await?;
    Ok(())
}

async fn versions(scene: &Scene, names: &[&str]) -> Result<Vec<Value>> {
    let mut versions = Vec::new();
    for name in names {
        let mut object = scene.home.kube().get(services(), name).await?;
        versions.push(object["metadata"]["resourceVersion"].take());
    }
    Ok(versions)
}

/// Waits until the Service names this pool, or none. Status and annotations are two writes.
async fn from(scene: &Scene, name: &str, pool: Option<&str>) -> Outcome {
    until(&format!("{name} names its pool"), SOON, async || {
        let object = scene.home.kube().get(services(), name).await?;
        let named = object["metadata"]["annotations"]["metallb.io/ip-allocated-from-pool"].as_str();
        ensure!(named == pool, "it says that its pool is {named:?}, not {pool:?}");
        Ok(())
    })
    .await
}

async fn a01_a02_a03_who_waits_is_served_in_turn_and_restarts_move_nobody(scene: &mut Scene) -> Outcome {
    apply_pool(scene, "two", json!({"addresses": ["192.168.1.210/31"]})).await?;
    for name in ["a", "b"] {
        create(scene, name, |_| {}).await?;
        scene.event(APPS, name, "IPAllocated").await?;
    }
    for name in ["c", "d"] {
        create(scene, name, |_| {}).await?;
        let said = scene.event(APPS, name, "AllocationFailed").await?;
        ensure!(said.contains("no free address is left in two"), "{said}");
    }
    for name in ["a", "b"] {
        from(scene, name, Some("two")).await?;
    }
    let all = ["a", "b", "c", "d"];
    let before = versions(scene, &all).await?;
    for round in 0..5 {
        scene.home.allocator()?.end(GRACE).await?;
        scene.home.start_allocator().await?;
        // It is at work when it counts again what a person wrote over.
        let wrong = json!({"status": {"assignedIPv4": 99, "assignedIPv6": round, "availableIPv4": 0, "availableIPv6": 0}});
        scene.home.kube().patch_status(pools(), "two", &wrong).await?;
        counted(scene, "two", 2, 0).await?;
    }
    ensure!(
        versions(scene, &all).await? == before,
        "Services were written without need"
    );
    has(scene, "a", &["192.168.1.210"]).await?;
    has(scene, "b", &["192.168.1.211"]).await?;

    edit(
        scene,
        "a",
        &json!({"spec": {"type": "ClusterIP", "externalTrafficPolicy": null}}),
    )
    .await?;
    has(scene, "c", &["192.168.1.210"]).await?;
    has(scene, "a", &[]).await?;
    from(scene, "a", None).await?;
    scene.home.kube().delete(services(), "b").await?;
    has(scene, "d", &["192.168.1.211"]).await
}

async fn a04_who_shares_an_address_follows_policy_and_selectors(scene: &mut Scene) -> Outcome {
    apply_pool(scene, "one", json!({"addresses": ["192.168.1.210/32"]})).await?;
    let sharing = |port: u16| {
        move |object: &mut Value| {
            object["metadata"]["annotations"] = json!({"metallb.io/allow-shared-ip": "web"});
            object["spec"]["ports"] = json!([{"port": port, "protocol": "TCP"}]);
        }
    };
    create(scene, "first", sharing(80)).await?;
    create(scene, "second", sharing(443)).await?;
    let both = ["192.168.1.210"];
    has(scene, "first", &both).await?;
    has(scene, "second", &both).await?;
    let local = |app: &str| json!({"spec": {"externalTrafficPolicy": "Local", "selector": {"app": app}}});
    edit(scene, "second", &local("first")).await?;
    has(scene, "second", &[]).await?;
    scene.event(APPS, "second", "ClearAssignment").await?;
    has(scene, "first", &both).await?;
    edit(scene, "first", &local("first")).await?;
    has(scene, "second", &both).await?;
    edit(scene, "first", &local("another")).await?;
    has(scene, "first", &[]).await?;
    edit(scene, "second", &local("another")).await?;
    has(scene, "first", &both).await?;
    has(scene, "second", &both).await
}

async fn a05_a06_a_service_leaves_a_pool_that_is_deleted(scene: &mut Scene) -> Outcome {
    apply_pool(
        scene,
        "old",
        json!({"addresses": ["192.168.1.210-192.168.1.214"]}),
    )
    .await?;
    create(scene, "web", |_| {}).await?;
    has(scene, "web", &["192.168.1.210"]).await?;
    apply_pool(
        scene,
        "new",
        json!({"addresses": ["192.168.1.220-192.168.1.224"]}),
    )
    .await?;
    // It is known, and moves nobody.
    counted(scene, "new", 0, 5).await?;
    has(scene, "web", &["192.168.1.210"]).await?;
    delete_pool(scene, "old").await?;
    has(scene, "web", &["192.168.1.220"]).await?;
    from(scene, "web", Some("new")).await?;
    delete_pool(scene, "new").await?;
    has(scene, "web", &[]).await
}

async fn a07_a12_namespaces_and_labels_open_pools(scene: &mut Scene) -> Outcome {
    let spec = |addresses: &str, allocation: Value| json!({"addresses": [addresses], "serviceAllocation": allocation});
    let one = |number: u8| format!("192.168.1.{number}/32");
    let named = json!({"priority": 20, "namespaces": [APPS]});
    apply_pool(scene, "named", spec(&one(210), named)).await?;
    let labelled = json!({"priority": 10, "namespaceSelectors": [{"matchLabels": {"zone": "dmz"}}]});
    apply_pool(scene, "labelled", spec(&one(211), labelled)).await?;
    let web = json!({"priority": 5, "serviceSelectors": [{"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]}]});
    apply_pool(scene, "selected", spec(&one(212), web)).await?;
    apply_pool(
        scene,
        "for-all",
        json!({"addresses": ["192.168.1.213-192.168.1.215"]}),
    )
    .await?;

    let label = |tier: &str| {
        let labels = json!({"tier": tier});
        move |object: &mut Value| object["metadata"]["labels"] = labels
    };
    create(scene, "web", label("web")).await?;
    has(scene, "web", &["192.168.1.212"]).await?;
    create(scene, "first", label("db")).await?;
    has(scene, "first", &["192.168.1.210"]).await?;
    create(scene, "second", label("db")).await?;
    has(scene, "second", &["192.168.1.213"]).await?;
    // A label on the namespace opens a better pool: for the next one, nobody moves.
    let zone = json!({"metadata": {"labels": {"zone": "dmz"}}});
    scene.home.kube().merge_patch(NAMESPACES, APPS, &zone).await?;
    create(scene, "third", label("db")).await?;
    has(scene, "third", &["192.168.1.211"]).await?;
    has(scene, "second", &["192.168.1.213"]).await?;
    // A label of its own that no longer fits takes the address away, and it gets another one.
    edit(scene, "web", &json!({"metadata": {"labels": {"tier": "db"}}})).await?;
    has(scene, "web", &["192.168.1.214"]).await?;
    let said = scene.event(APPS, "web", "ClearAssignment").await?;
    ensure!(
        said.contains("IPAddressPool selected is not for it any more"),
        "{said}"
    );
    // Who asks for a pool by name gets it only if it is for it.
    let asks = json!({"metallb.io/address-pool": "selected"});
    create(scene, "asks", |object| object["metadata"]["annotations"] = asks).await?;
    let said = scene.event(APPS, "asks", "AllocationFailed").await?;
    ensure!(
        said.contains("IPAddressPool selected is not for this Service"),
        "{said}"
    );
    Ok(())
}

async fn counted(scene: &Scene, pool: &str, assigned: i64, available: i64) -> Outcome {
    let what = format!("{pool} to count {assigned} of {}", assigned + available);
    let fits = |pool: &Value| {
        let status = &pool["status"];
        status["assignedIPv4"] == assigned
            && status["availableIPv4"] == available
            && status["assignedIPv6"] == 0
            && status["availableIPv6"] == 0
    };
    scene
        .home
        .kube()
        .wait_for(pools(), pool, COUNTED, &what, fits)
        .await?;
    Ok(())
}

async fn a20_a_pool_counts_what_it_gives_whatever_others_write(scene: &mut Scene) -> Outcome {
    apply_pool(
        scene,
        "home",
        json!({"addresses": ["192.168.1.210-192.168.1.219"]}),
    )
    .await?;
    counted(scene, "home", 0, 10).await?;
    create(scene, "web", |_| {}).await?;
    counted(scene, "home", 1, 9).await?;
    let wider = json!({"addresses": ["192.168.1.210-192.168.1.219", "192.168.1.224/30"]});
    apply_pool(scene, "home", wider).await?;
    counted(scene, "home", 1, 13).await?;
    let wrong =
        json!({"status": {"assignedIPv4": 99, "assignedIPv6": 1, "availableIPv4": 0, "availableIPv6": 1}});
    scene.home.kube().patch_status(pools(), "home", &wrong).await?;
    counted(scene, "home", 1, 13).await?;
    scene.home.kube().delete(services(), "web").await?;
    counted(scene, "home", 0, 14).await
}

async fn c01_a_service_of_another_class_is_left_alone(scene: &mut Scene) -> Outcome {
    apply_pool(
        scene,
        "home",
        json!({"addresses": ["192.168.1.210-192.168.1.219"]}),
    )
    .await?;
    create(scene, "foreign", |object| {
        object["spec"]["loadBalancerClass"] = "foo".into();
    })
    .await?;
    let before = scene.home.kube().get(services(), "foreign").await?;
    create(scene, "ours", |_| {}).await?;
    has(scene, "ours", &["192.168.1.210"]).await?;
    tokio::time::sleep(OBSERVED).await;
    let after = scene.home.kube().get(services(), "foreign").await?;
    ensure!(after == before, "it was written: {after}");
    let events = scene.home.kube().events(APPS, "foreign").await?;
    ensure!(events.is_empty(), "{events:?}");
    Ok(())
}
