//! What a watch shows of all Services: when each was there, when it had its address, and how often it was written.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::super::service::NAMESPACE;
use crate::home::{Home, status_address};
use crate::kube::{Error, Event, SERVICES, Watch};

/// One Service.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sighting {
    /// It was there, or was listed.
    pub(super) first: Instant,
    /// It had an address.
    pub(super) addressed: Option<Instant>,
    pub(super) address: Option<Ipv4Addr>,
    /// Versions after the first one.
    pub(super) versions: u32,
}

/// A running watch and all that it has shown.
pub(super) struct Sight {
    watch: Watch,
    pub(super) services: BTreeMap<String, Sighting>,
}

impl Sight {
    /// Lists the Services and watches them from there.
    pub(super) async fn open(home: &Home) -> Result<Self> {
        let services = SERVICES.in_namespace(NAMESPACE);
        let list = home.kube().list_where(&services, &[]).await?;
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let watch = home
            .kube()
            .watch(
                &services,
                &[("resourceVersion", version), ("timeoutSeconds", "3600")],
            )
            .await?;
        let mut seen = BTreeMap::new();
        for object in list["items"].as_array().into_iter().flatten() {
            take(&mut seen, "ADDED", object, Instant::now());
        }
        Ok(Self {
            watch,
            services: seen,
        })
    }

    /// Reads until `done`, which is asked after each change.
    pub(super) async fn until(
        &mut self,
        bound: Duration,
        what: &str,
        done: impl Fn(&BTreeMap<String, Sighting>) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + bound;
        while !done(&self.services) {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.watch.next(left).await;
            let event = event.with_context(|| format!("waiting for {what}, for {} s", bound.as_secs()))?;
            self.take(event)?;
        }
        Ok(())
    }

    /// Reads until nothing has come for so long.
    pub(super) async fn quiet(&mut self, silence: Duration) -> Result<()> {
        loop {
            match self.watch.next(silence).await {
                Err(Error::Silent { .. }) => return Ok(()),
                event => self.take(event?)?,
            }
        }
    }

    fn take(&mut self, event: Option<Event>) -> Result<()> {
        let Some(event) = event else {
            bail!("the API server ended the watch of Services");
        };
        if event.kind == "ERROR" {
            bail!("the watch of Services broke: {}", event.object);
        }
        take(&mut self.services, &event.kind, &event.object, Instant::now());
        Ok(())
    }
}

/// Notes what was shown of one Service.
pub(super) fn take(seen: &mut BTreeMap<String, Sighting>, kind: &str, object: &Value, now: Instant) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if kind == "DELETED" {
        seen.remove(name);
        return;
    }
    let address = status_address(object);
    if let Some(service) = seen.get_mut(name) {
        service.versions += 1;
        service.address = address;
        if address.is_some() {
            service.addressed.get_or_insert(now);
        }
        return;
    }
    let service = Sighting {
        first: now,
        addressed: address.map(|_| now),
        address,
        versions: 0,
    };
    seen.insert(name.to_owned(), service);
}
