//! Many Services at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use serde::Serialize;

use super::super::service::NAMESPACE;
use super::sight::Sight;
use super::system::{System, service};
use crate::home::Home;
use crate::kube::{Kube, SERVICES};
use crate::wire::micros;

/// As many as the machine's API server takes without being asked to wait.
pub(super) const CONNECTIONS: usize = 8;

/// `MetalLB` takes 80 s for a thousand; a machine that is busy with something else takes its time.
pub(super) const GIVEN_UP: Duration = Duration::from_mins(6);

/// After the last address, a write that is still to come is counted.
const QUIET: Duration = Duration::from_secs(2);

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Burst {
    /// From the first POST to the answer to the last one.
    pub(super) posting_us: u64,
    /// From the answer to the last POST until all had addresses.
    pub(super) last_us: u64,
    /// For each Service, from its first sight to its address.
    pub(super) each_us: Vec<u64>,
    /// Versions of each after its creation.
    pub(super) versions: Vec<u32>,
    /// What the system wrote, by kind.
    pub(super) writes: BTreeMap<String, u64>,
    /// What it used of the processors.
    pub(super) processor_us: u64,
}

pub(super) async fn run(system: &System, services: usize) -> Result<Burst> {
    let mut sight = Sight::open(&system.home).await?;
    let (processor, writes) = (system.processor()?, system.writes()?);
    let begun = Instant::now();
    let created = async {
        create(&system.home, "burst", 0..services).await?;
        Ok(Instant::now())
    };
    let what = format!("{services} addresses");
    let all = |seen: &BTreeMap<_, super::sight::Sighting>| {
        seen.len() == services && seen.values().all(|seen| seen.address.is_some())
    };
    let (created, ()) = tokio::try_join!(created, sight.until(GIVEN_UP, &what, all))?;
    sight.quiet(QUIET).await?;
    let seen = || sight.services.values();
    let last = seen().filter_map(|seen| seen.addressed).max().unwrap_or(created);
    let each = seen().filter_map(|seen| Some(seen.addressed?.saturating_duration_since(seen.first)));
    Ok(Burst {
        posting_us: micros(created.saturating_duration_since(begun)),
        last_us: micros(last.saturating_duration_since(created)),
        each_us: each.map(micros).collect(),
        versions: seen().map(|seen| seen.versions).collect(),
        writes: since(system.writes()?, &writes),
        processor_us: micros(system.processor()?.saturating_sub(processor)),
    })
}

/// What was counted since.
fn since(mut now: BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    for (what, count) in &mut now {
        *count = count.saturating_sub(before.get(what).copied().unwrap_or(0));
    }
    now.retain(|_, count| *count > 0);
    now
}

/// Creates Services of these numbers by all connections at once, one after the other on each.
pub(super) async fn create(home: &Home, prefix: &str, numbers: Range<usize>) -> Result<()> {
    let host = home.lan().host("control")?;
    let connections = (0..CONNECTIONS).map(|first| {
        let numbers = numbers.clone().skip(first).step_by(CONNECTIONS);
        async move {
            let kube = Kube::new(home.control_plane().admin())?.at(host)?;
            let services = SERVICES.in_namespace(NAMESPACE);
            for number in numbers {
                let name = format!("{prefix}-{number}");
                kube.create(&services, &service(&name)).await?;
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    try_join_all(connections).await?;
    Ok(())
}
