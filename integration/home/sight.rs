//! What a story asks of a home: what is on the wire, in the API, on the router.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use routeros_sim::{Menu, Row};
use serde_json::Value;

use super::kind::{ADDRESS_CONFLICTS, MIKROTIK_ROUTERS};
use super::{Home, NAMESPACE, Ranges};
use crate::kube::SERVICES;
use crate::lan::Mac;
use crate::wait::until;
use crate::wire::{self, ArpAnswer};

/// How long a question for an address listens, so that a second answerer is seen. Answers come within a millisecond.
const LISTEN: Duration = Duration::from_millis(200);

/// Who answers for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    /// The host whose MAC address was given; the address itself where no host has it.
    pub host: String,
    /// The answer.
    pub answer: ArpAnswer,
}

impl Home {
    /// Waits for a Service's address, as its status tells.
    ///
    /// # Errors
    /// When it has none within `bound`.
    pub async fn service_address(&self, namespace: &str, service: &str, bound: Duration) -> Result<Ipv4Addr> {
        let what = format!("an address of the Service {namespace}/{service}");
        let services = SERVICES.in_namespace(namespace);
        let fits = |service: &Value| status_address(service).is_some();
        let found = self.kube.wait_for(services, service, bound, &what, fits).await?;
        status_address(&found).context(what)
    }

    /// All who answer the client's question for an address, asked once.
    ///
    /// # Errors
    /// When the question cannot be sent.
    pub async fn answerers(&self, address: Ipv4Addr) -> Result<Vec<Answerer>> {
        let answers = wire::who_has(self.client()?, address, LISTEN).await?;
        Ok(answers
            .into_iter()
            .map(|answer| Answerer {
                host: self.host_with(answer.mac),
                answer,
            })
            .collect())
    }

    /// Waits until exactly one answers for an address, and says who.
    ///
    /// # Errors
    /// When nobody does within `bound`, or more than one at its end.
    pub async fn announcer(&self, address: Ipv4Addr, bound: Duration) -> Result<Answerer> {
        let what = format!("exactly one answer to who has {address}");
        until(&what, bound, async || {
            let mut answerers = self.answerers(address).await?;
            match (answerers.pop(), answerers.pop()) {
                (Some(only), None) => Ok(only),
                (None, _) => bail!("nobody answers for {address}"),
                (Some(one), Some(other)) => {
                    bail!("{} and {} both answer for {address}", other.host, one.host)
                }
            }
        })
        .await
    }

    /// The host with a MAC address; the MAC address as text where none has it.
    pub fn host_with(&self, mac: Mac) -> String {
        self.macs.get(&mac).map_or_else(|| mac.to_string(), Clone::clone)
    }

    /// The addresses in a pool of the router.
    ///
    /// # Errors
    /// When there is no pool of this name.
    pub fn pool(&self, name: &str) -> Result<Ranges> {
        let row = self.row(Menu::Pool, "name", name);
        let row = row.with_context(|| format!("the router has no pool {name}"))?;
        Ok(row.get("ranges").unwrap_or_default().parse()?)
    }

    /// The first row of a menu of the router whose `key` has this value.
    pub fn row(&self, menu: Menu, key: &str, value: &str) -> Option<Row> {
        let rows = self.router.rows(menu);
        rows.into_iter().find(|row| row.get(key) == Some(value))
    }

    /// The addresses that others hold, as the API tells.
    ///
    /// # Errors
    /// When the list was refused.
    pub async fn conflicts(&self) -> Result<Vec<Value>> {
        let conflicts = ADDRESS_CONFLICTS.in_namespace(NAMESPACE);
        Ok(self.kube.list(conflicts).await?)
    }

    /// Waits until a condition of a `MikrotikRouter` has a status, and returns the condition.
    ///
    /// # Errors
    /// When it has not within `bound`; the error shows the object.
    pub async fn router_condition(
        &self,
        router: &str,
        kind: &str,
        status: &str,
        bound: Duration,
    ) -> Result<Value> {
        let what = format!("condition {kind} of the MikrotikRouter {router} to be {status}");
        let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
        let fits = |object: &Value| condition(object, kind).is_some_and(|found| found["status"] == status);
        let found = self.kube.wait_for(routers, router, bound, &what, fits).await?;
        condition(&found, kind).cloned().context(what)
    }
}

/// The IPv4 address in a Service's status.
pub fn status_address(service: &Value) -> Option<Ipv4Addr> {
    let entries = service["status"]["loadBalancer"]["ingress"].as_array()?;
    entries
        .iter()
        .find_map(|entry| entry["ip"].as_str()?.parse().ok())
}

/// A condition of an object, by its type.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = object["status"]["conditions"].as_array()?;
    all.iter().find(|condition| condition["type"] == kind)
}
