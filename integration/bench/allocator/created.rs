//! One Service: created, addressed, deleted.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::super::service::NAMESPACE;
use super::sight::Sight;
use super::system::{System, service};
use crate::kube::SERVICES;
use crate::wire::micros;

/// A thousand times what it takes.
const GIVEN_UP: Duration = Duration::from_secs(20);

/// What was seen, counted from just before the POST was sent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Created {
    pub(super) posted_us: u64,
    /// A watch has shown it: what any controller has to wait for.
    pub(super) watched_us: u64,
    /// The same watch has shown it with its address.
    pub(super) addressed_us: u64,
    pub(super) versions: u32,
}

impl Created {
    pub(super) fn addressed_ms(&self) -> f64 {
        Duration::from_micros(self.addressed_us).as_secs_f64() * 1e3
    }
}

pub(super) async fn run(system: &System, number: u32) -> Result<Created> {
    let kube = system.home.kube();
    let services = SERVICES.in_namespace(NAMESPACE);
    let name = format!("created-{number}");
    let mut sight = Sight::open(&system.home).await?;
    let begun = Instant::now();
    let post = async {
        kube.create(&services, &service(&name)).await?;
        Ok(Instant::now())
    };
    let addressed = sight.until(GIVEN_UP, "an address", |seen| {
        seen.get(&name).is_some_and(|seen| seen.address.is_some())
    });
    let (posted, ()) = tokio::try_join!(post, addressed)?;
    kube.delete(&services, &name).await?;
    let gone = sight.services.get(&name).context("it was never seen")?.clone();
    sight
        .until(GIVEN_UP, "its end", |seen| !seen.contains_key(&name))
        .await?;
    let after = |at: Instant| micros(at.saturating_duration_since(begun));
    Ok(Created {
        posted_us: after(posted),
        watched_us: after(gone.first),
        addressed_us: after(gone.addressed.context("it has no address")?),
        versions: gone.versions,
    })
}
