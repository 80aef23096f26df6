//! The devices that ask the router for their addresses.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::lan::Host;
use crate::wire::{DhcpClient, DhcpLease, KeptLease};

/// A router probes an address for half a second before it offers it, and a busy machine takes its time.
const LEASED: Duration = Duration::from_secs(15);

/// A phone renews at half of its lease time. This is often enough to see within a story that it goes on.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// What the phone and the newcomer call themselves.
const NAMES: (&str, &str) = ("annas-phone", "bens-laptop");

/// A phone that took its address long ago and keeps it.
#[derive(Debug)]
pub struct Phone {
    lease: DhcpLease,
    kept: KeptLease,
}

impl Phone {
    /// Gets exactly `wanted` from the router, over the wire, and renews it from then on.
    pub(super) async fn settle(host: &Host, wanted: Ipv4Addr) -> Result<Self> {
        let mut client = DhcpClient::new(host).await?.hostname(NAMES.0);
        let lease = client.acquire_wanting(Some(wanted), LEASED).await?;
        let given = lease.address.addr();
        ensure!(
            given == wanted,
            "the phone asked the router for {wanted} and was given {given}: is {wanted} in the router's pool?"
        );
        client.configure().await?;
        Ok(Self {
            lease,
            kept: client.keep_renewing(RENEW_EVERY),
        })
    }

    /// Its address.
    pub fn address(&self) -> Ipv4Addr {
        self.lease.address.addr()
    }

    /// The lease as it was first given.
    pub fn lease(&self) -> &DhcpLease {
        &self.lease
    }

    /// Its renewals.
    pub fn kept(&self) -> &KeptLease {
        &self.kept
    }
}

/// A device that was never here takes what it is given.
pub(super) async fn newcomer(host: &Host) -> Result<DhcpClient> {
    let mut client = DhcpClient::new(host).await?.hostname(NAMES.1);
    client
        .acquire(LEASED)
        .await
        .context("a newcomer asking the router for an address")?;
    client.configure().await?;
    Ok(client)
}
