//! Services of two families: allocation alone, on a LAN without IPv6.

use serde_json::{Value, json};

use super::{Outcome, apply_pool, create, delete_pool, edit, from, has, pools};
use crate::story::Story;
use crate::story::scene::{APPS, Scene};
use crate::story::stories;

pub(super) fn stories() -> Vec<Story> {
    stories![assignment:
        a13_a14_a15_who_prefers_both_families_goes_where_both_are with |plan| plan.without_phone(),
        a16_a17_a_pool_that_grows_a_family_adds_an_address with |plan| plan.without_phone(),
        a18_a19_who_has_one_family_stays_and_who_loses_one_moves with |plan| plan.without_phone(),
    ]
}

/// Of two families, as the policy has it.
fn dual(policy: &str, families: [&str; 2]) -> impl FnOnce(&mut Value) {
    let (policy, families) = (json!(policy), json!(families));
    move |object| {
        object["spec"]["ipFamilyPolicy"] = policy;
        object["spec"]["ipFamilies"] = families;
    }
}

const FOUR_FIRST: [&str; 2] = ["IPv4", "IPv6"];
const SIX_FIRST: [&str; 2] = ["IPv6", "IPv4"];

fn policy(policy: &str) -> Value {
    json!({"spec": {"ipFamilyPolicy": policy}})
}

async fn pool(scene: &Scene, name: &str, addresses: &[&str]) -> Outcome {
    apply_pool(scene, name, json!({"addresses": addresses})).await
}

/// Waits until the pool is known to the allocator, as its counters show.
async fn known(scene: &Scene, name: &str, available: [i64; 2]) -> Outcome {
    let what = format!("{name} to count {available:?} free addresses");
    let fits = |pool: &Value| {
        let status = &pool["status"];
        [&status["availableIPv4"], &status["availableIPv6"]] == available.map(Value::from).each_ref()
    };
    let kube = scene.home.kube();
    kube.wait_for(pools(), name, super::COUNTED, &what, fits).await?;
    Ok(())
}

async fn a13_a14_a15_who_prefers_both_families_goes_where_both_are(scene: &mut Scene) -> Outcome {
    pool(scene, "a-four", &["192.168.1.210/32"]).await?;
    pool(scene, "b-six", &["fd00:0:0:6::1/128"]).await?;
    pool(scene, "c-both", &["192.168.1.212/31", "fd00::1-fd00::2"]).await?;
    known(scene, "c-both", [2, 2]).await?;
    create(scene, "prefers", dual("PreferDualStack", FOUR_FIRST)).await?;
    has(scene, "prefers", &["192.168.1.212", "fd00::1"]).await?;
    from(scene, "prefers", Some("c-both")).await?;
    create(scene, "requires", dual("RequireDualStack", SIX_FIRST)).await?;
    has(scene, "requires", &["192.168.1.213", "fd00::2"]).await?;
    // Nobody else has both: one goes on with one, the other with none.
    delete_pool(scene, "c-both").await?;
    has(scene, "prefers", &["192.168.1.210"]).await?;
    from(scene, "prefers", Some("a-four")).await?;
    has(scene, "requires", &[]).await?;
    scene.event(APPS, "requires", "ClearAssignment").await?;
    create(scene, "six-first", dual("PreferDualStack", SIX_FIRST)).await?;
    has(scene, "six-first", &["fd00:0:0:6::1"]).await?;
    from(scene, "six-first", Some("b-six")).await
}

async fn a16_a17_a_pool_that_grows_a_family_adds_an_address(scene: &mut Scene) -> Outcome {
    let four = "192.168.1.210-192.168.1.219";
    pool(scene, "home", &[four]).await?;
    create(scene, "web", dual("PreferDualStack", FOUR_FIRST)).await?;
    has(scene, "web", &["192.168.1.210"]).await?;
    edit(scene, "web", &policy("RequireDualStack")).await?;
    has(scene, "web", &[]).await?;
    edit(scene, "web", &policy("PreferDualStack")).await?;
    has(scene, "web", &["192.168.1.210"]).await?;
    pool(scene, "home", &[four, "fd00::1-fd00::9"]).await?;
    let both = ["192.168.1.210", "fd00::1"];
    has(scene, "web", &both).await?;
    edit(scene, "web", &policy("RequireDualStack")).await?;
    known(scene, "home", [9, 8]).await?;
    has(scene, "web", &both).await?;
    // The API server takes the second family away, and with it goes its address.
    edit(scene, "web", &policy("SingleStack")).await?;
    has(scene, "web", &both[..1]).await
}

async fn a18_a19_who_has_one_family_stays_and_who_loses_one_moves(scene: &mut Scene) -> Outcome {
    pool(scene, "four", &["192.168.1.210/32"]).await?;
    create(scene, "early", dual("PreferDualStack", FOUR_FIRST)).await?;
    has(scene, "early", &["192.168.1.210"]).await?;
    pool(scene, "both", &["192.168.1.212/32", "fd00::1/128"]).await?;
    create(scene, "late", dual("PreferDualStack", FOUR_FIRST)).await?;
    has(scene, "late", &["192.168.1.212", "fd00::1"]).await?;
    // Who came before that pool has seen it by now, and stayed.
    has(scene, "early", &["192.168.1.210"]).await?;
    pool(scene, "spare", &["192.168.1.214/32", "fd00:0:0:1::1/128"]).await?;
    known(scene, "spare", [1, 1]).await?;
    has(scene, "late", &["192.168.1.212", "fd00::1"]).await?;
    pool(scene, "both", &["192.168.1.212/32"]).await?;
    has(scene, "late", &["192.168.1.214", "fd00:0:0:1::1"]).await?;
    from(scene, "late", Some("spare")).await?;
    has(scene, "early", &["192.168.1.210"]).await
}
