//! The process ends and starts again, with many Services there.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::super::service::NAMESPACE;
use super::super::usage::Usage;
use super::burst::{self, GIVEN_UP};
use super::sight::{Sight, Sighting};
use super::system::{System, service};
use crate::kube::SERVICES;
use crate::wire::micros;

/// After the new address, a write of another Service that is still to come is counted.
const QUIET: Duration = Duration::from_secs(5);

/// Ten thousand are created in 100 s by a machine that has nothing else to do.
const FILLED: Duration = Duration::from_mins(10);

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Restart {
    pub(super) services: usize,
    /// From the start of the process until a Service that was created then has an address.
    pub(super) addressed_us: u64,
    /// Services of before with another version than before.
    pub(super) rewritten: usize,
    /// And with another address.
    pub(super) moved: usize,
    /// What the process used of the processors until all was quiet.
    pub(super) processor_us: u64,
    pub(super) usage: Usage,
}

/// Creates what is missing to so many Services, and waits until each has an address.
pub(super) async fn fill(system: &System, services: usize) -> Result<()> {
    let mut sight = Sight::open(&system.home).await?;
    let there = sight.services.len();
    let created = burst::create(&system.home, "many", there..services.max(there));
    let what = format!("{services} addresses");
    let all = |seen: &BTreeMap<_, Sighting>| {
        seen.len() >= services && seen.values().all(|seen| seen.address.is_some())
    };
    tokio::try_join!(created, sight.until(FILLED, &what, all))?;
    sight.quiet(QUIET).await
}

pub(super) async fn run(system: &mut System, services: usize) -> Result<Restart> {
    system.end().await?;
    let mut sight = Sight::open(&system.home).await?;
    let before: BTreeMap<String, Option<Ipv4Addr>> = sight
        .services
        .iter()
        .map(|(name, seen)| (name.clone(), seen.address))
        .collect();
    let name = format!("after-{services}");
    let begun = Instant::now();
    system.start().await?;
    let collection = SERVICES.in_namespace(NAMESPACE);
    system.home.kube().create(&collection, &service(&name)).await?;
    let addressed = sight.until(GIVEN_UP, "an address after the restart", |seen| {
        seen.get(&name).is_some_and(|seen| seen.address.is_some())
    });
    addressed.await?;
    sight.quiet(QUIET).await?;
    let (rewritten, moved) = changes(&before, &sight.services);
    let new = sight.services.get(&name).and_then(|seen| seen.addressed);
    let new = new.context("the new Service is gone")?;
    Ok(Restart {
        services: before.len(),
        addressed_us: micros(new.saturating_duration_since(begun)),
        rewritten,
        moved,
        processor_us: micros(system.processor()?),
        usage: system.usage("after the restart")?,
    })
}

/// Of the Services of before, how many were written since, and how many have another address.
pub(super) fn changes(
    before: &BTreeMap<String, Option<Ipv4Addr>>,
    now: &BTreeMap<String, Sighting>,
) -> (usize, usize) {
    let count = |differs: &dyn Fn(&Option<Ipv4Addr>, &Sighting) -> bool| {
        let all = before.iter();
        all.filter(|(name, address)| now.get(*name).is_none_or(|now| differs(address, now)))
            .count()
    };
    (
        count(&|_, now| now.versions > 0),
        count(&|address, now| now.address != *address),
    )
}
