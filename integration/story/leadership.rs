//! Two replicas of the allocator: one leads, the other takes over, and the first writes nothing after that.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use routeros_sim::Menu;
use serde_json::Value;
use tokio::time::Instant;

use super::scene::{APPS, FIRST_SYNC, OBSERVED, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::apiserver::{Matcher, Verb};
use crate::home::NAMESPACE;
use crate::kube::LEASES;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![leadership:
        a_leader_that_is_stopped_with_a_request_in_flight_writes_nothing_when_it_goes_on,
        a_leader_that_is_told_to_stop_hands_over_at_once,
    ]
}

/// A standby leads within this time of a crash.
const TAKEOVER: Duration = Duration::from_secs(15);
/// How long the next leader leaves the router alone after the Lease has ended, and what its first reading takes.
const FENCE: Duration = Duration::from_secs(90);

/// What a request takes at the router: long enough to stop who waits for its answer.
const LOOK: Duration = Duration::from_millis(300);

const LEASE: &str = "tiklb-allocator";

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, last)
}

async fn leads(scene: &Scene, pod: &str, bound: Duration) -> Outcome {
    let fits = |lease: &Value| lease["spec"]["holderIdentity"] == pod;
    let what = format!("{pod} to lead");
    let leases = LEASES.in_namespace(NAMESPACE);
    scene
        .home
        .kube()
        .wait_for(leases, LEASE, bound, &what, fits)
        .await?;
    Ok(())
}

async fn a_leader_that_is_stopped_with_a_request_in_flight_writes_nothing_when_it_goes_on(
    scene: &mut Scene,
) -> Outcome {
    scene.apply_pool().await?;
    scene
        .apply_router(|spec| spec["pollInterval"] = "1s".into())
        .await?;
    scene.settle("web", address(210)).await?;
    scene.in_sync().await?;
    let standby = scene.home.start_standby().await?;
    scene.allocators = 2;

    stopped_between_look_and_write(scene).await?;
    let writes = || scene.home.router().journal().writes.len();
    let begun = Instant::now();
    leads(scene, "tiklb-allocator-standby", TAKEOVER + SOON).await?;
    // It was stopped up to two seconds after its last renewal, which began the time that the standby waits.
    ensure!(begun.elapsed() < TAKEOVER, "{:?}", begun.elapsed());
    for last in 211..216 {
        scene
            .home
            .service_address(APPS, &format!("web-{last}"), SOON)
            .await?;
    }

    // The new leader writes what was left, once its fence has gone by.
    let ours = || {
        let rows = scene.home.router().rows(Menu::Lease);
        let comments = rows.iter().filter_map(|row| row.get("comment"));
        comments.filter(|text| text.starts_with("tiklb/v1 home/")).count()
    };
    let (before, fence) = (writes(), Instant::now());
    until("six leases on the router", FENCE, async || {
        ensure!(ours() == 6, "{} leases", ours());
        Ok(())
    })
    .await?;
    ensure!(writes() > before, "the stopped leader wrote them itself");
    ensure!(fence.elapsed() > Duration::from_secs(55), "{:?}", fence.elapsed());
    scene.in_sync().await?;

    goes_on(scene).await?;
    leads(scene, "tiklb-allocator-standby", SOON).await?;
    ensure!(standby.ended().is_none(), "the standby has ended");
    Ok(())
}

/// Five leases are to be written, and the leader is stopped while it looks whether the first is still to be: what it
/// would send next is decided, and the answer that it waits for comes while it stands still.
async fn stopped_between_look_and_write(scene: &mut Scene) -> Outcome {
    scene.home.router().faults().work(LOOK);
    for last in 211..216 {
        scene.ask(&format!("web-{last}"), address(last)).await?;
    }
    let looks = |line: &str| line.contains("writing to the router") && line.contains("lease add");
    let beyond = |line: &str| looks(line) && !line.contains("lease add 192.168.1.210");
    scene.home.allocator()?.wait_for_log(beyond, FIRST_SYNC).await?;
    scene.home.allocator()?.stop().await?;
    scene.home.router().faults().work(Duration::ZERO);
    Ok(())
}

/// The old one goes on, in the middle of what it was doing. Nothing of it reaches the router any more.
async fn goes_on(scene: &Scene) -> Outcome {
    let writes = || scene.home.router().journal().writes.len();
    let before = writes();
    scene.home.allocator()?.resume()?;
    let words = "another replica leads";
    let follows = |line: &str| line.contains(words);
    scene.home.allocator()?.wait_for_log(follows, SOON).await?;
    tokio::time::sleep(OBSERVED).await;
    let after = writes();
    ensure!(after == before, "{} writes after the takeover", after - before);
    Ok(())
}

/// How often tiklb's allocators have listed Services, where the API keeps a journal.
fn lists(scene: &Scene) -> Option<usize> {
    let user = format!("system:serviceaccount:{NAMESPACE}:tiklb-allocator");
    let listing = Matcher::any().user(&user).verb(Verb::List).resource("services");
    let requests = scene.home.control_plane().embedded()?.requests();
    Some(requests.iter().filter(|request| listing.matches(request)).count())
}

async fn a_leader_that_is_told_to_stop_hands_over_at_once(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("web", address(210)).await?;
    let standby = scene.home.start_standby().await?;
    scene.allocators = 2;
    let before = lists(scene);
    scene.home.allocator()?.end(super::scene::GRACE).await?;
    let begun = Instant::now();
    leads(scene, "tiklb-allocator-standby", FIRST_SYNC).await?;
    // A Lease that ends by itself takes 13 s.
    ensure!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    scene.create_service("after", &[]).await?;
    scene.announced("after", SOON).await?;
    // Its watch may have lagged behind what the first one wrote: it decides on a list of its own.
    if let (Some(before), Some(after)) = (before, lists(scene)) {
        ensure!(after > before, "the standby decided on what its watch knew");
    }
    ensure!(standby.ended().is_none(), "the standby has ended");
    scene.address("web").await?.context("web has lost its address")?;
    Ok(())
}
