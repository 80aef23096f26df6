//! An API server in bad weather: it refuses, is busy, forgets versions, hangs, and closes its watches every second. What
//! can go on goes on, and what cannot is tried again at a pace.
//!
//! On the real cluster nobody makes such weather: there the story says nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::Instant;

use super::scene::{APPS, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::apiserver::{ApiServer, Matcher, Request, Verb};
use crate::home::NAMESPACE;
use crate::kube::SERVICES;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![weather:
        services_come_and_go_while_the_api_server_fails,
        a_status_that_cannot_be_written_holds_up_no_other,
    ]
}

/// Conflict, a version that is gone, a refusal, too much to do, a fault of its own, no backend.
const FAULTS: [u16; 6] = [409, 410, 422, 429, 500, 503];
/// Requests that fail in each way, one after another.
const TIMES: u32 = 2;

/// Of these the ones that say when to come back (`Retry-After`), and when that is.
const ASKING: [u16; 2] = [429, 503];
const RETRY_AFTER: Duration = Duration::from_secs(1);

fn allocator() -> Matcher {
    Matcher::any().user(&format!("system:serviceaccount:{NAMESPACE}:tiklb-allocator"))
}

fn statuses() -> Matcher {
    allocator()
        .verb(Verb::Patch)
        .resource("services")
        .subresource("status")
}

/// The allocator's attempts at the status of a Service, in their order.
fn attempts(api: &ApiServer, service: &str) -> Vec<Request> {
    let of_it = statuses().name(service);
    let requests = api.requests().into_iter();
    requests.filter(|request| of_it.matches(request)).collect()
}

fn accepted(attempts: &[Request]) -> usize {
    attempts.iter().filter(|request| request.code < 300).count()
}

async fn services_come_and_go_while_the_api_server_fails(scene: &mut Scene) -> Outcome {
    let Some(api) = scene.home.control_plane().embedded().cloned() else {
        return Ok(());
    };
    scene.apply_pool().await?;
    scene.create_service("before", &[]).await?;
    let (address, _) = scene.announced("before", SOON).await?;
    let wind = async {
        loop {
            api.close_watches();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let played = async {
        for fault in FAULTS {
            round(scene, &api, fault).await?;
        }
        Ok(())
    };
    let played: Result<()> = tokio::select! {
        played = played => played,
        () = wind => Ok(()),
    };
    played?;
    api.clear_faults();
    let serving = scene.address("before").await?;
    ensure!(serving == Some(address), "{serving:?} instead of {address}");
    scene.serves(address).await?;
    Ok(())
}

/// One Service comes and one goes while every kind of request fails in this way.
async fn round(scene: &mut Scene, api: &ApiServer, fault: u16) -> Outcome {
    let name = format!("in-{fault}");
    api.fail_next(statuses(), TIMES, fault);
    api.fail_next(allocator().verb(Verb::Watch), TIMES, fault);
    api.fail_next(allocator().verb(Verb::List), TIMES, fault);
    api.fail_next(allocator().resource("leases.coordination.k8s.io"), 1, fault);
    api.compact();
    scene.create_service(&name, &[]).await?;
    scene.home.service_address(APPS, &name, SOON).await?;
    let attempts = attempts(api, &name);
    let codes: Vec<u16> = attempts.iter().map(|request| request.code).collect();
    ensure!(
        accepted(&attempts) == 1 && codes.len() <= 4,
        "attempts at the status of {name}: {codes:?}"
    );
    // Who asks for patience is left alone for as long as it asks.
    for pair in attempts.windows(2) {
        let waited = pair[1].at.saturating_sub(pair[0].at);
        let patient = !ASKING.contains(&pair[0].code) || waited >= RETRY_AFTER;
        ensure!(patient, "tried again {waited:?} after a {}", pair[0].code);
    }
    scene
        .home
        .kube()
        .delete(SERVICES.in_namespace(APPS), &name)
        .await?;
    Ok(())
}

async fn a_status_that_cannot_be_written_holds_up_no_other(scene: &mut Scene) -> Outcome {
    let Some(api) = scene.home.control_plane().embedded().cloned() else {
        return Ok(());
    };
    scene.apply_pool().await?;
    // The API server never answers for these: as many as the allocator has requests under way at most.
    let stuck: Vec<String> = (0..8).map(|at| format!("stuck-{at}")).collect();
    for name in &stuck {
        api.delay(statuses().name(name), Duration::from_hours(1));
        scene.create_service(name, &[]).await?;
    }
    let begun = Instant::now();
    scene.create_service("other", &[]).await?;
    scene.home.service_address(APPS, "other", SOON).await?;
    ensure!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for name in &stuck {
        scene.has_none(name).await?;
    }
    api.clear_faults();
    for name in &stuck {
        until("an address once the API server answers", SOON, async || {
            scene.home.service_address(APPS, name, SOON).await
        })
        .await?;
        let accepted = accepted(&attempts(&api, name));
        ensure!(accepted == 1, "{accepted} writes of the status of {name}");
    }
    Ok(())
}
