//! What a judge asks of a home.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use routeros_sim::{Menu, Row};
use serde_json::{Value, json};

use super::{BOUND, Home, NAMESPACE, NODES};
use crate::kube::{Resource, SERVICES};
use crate::lan::Mac;
use crate::wire::who_has;

/// `MikrotikRouters`.
pub const ROUTERS: Resource =
    Resource::namespaced("tiklb.io", "v1alpha1", "mikrotikrouters", "MikrotikRouter");
/// `AddressConflicts`.
pub const CONFLICTS: Resource =
    Resource::namespaced("tiklb.io", "v1alpha1", "addressconflicts", "AddressConflict");
/// `ServiceL2Statuses`.
pub const ANNOUNCEMENTS: Resource =
    Resource::namespaced("metallb.io", "v1beta1", "servicel2statuses", "ServiceL2Status");
/// `ConfigurationStates`.
pub const STATES: Resource = Resource::namespaced(
    "metallb.io",
    "v1beta1",
    "configurationstates",
    "ConfigurationState",
);
/// `IPAddressPools`.
pub const POOLS: Resource = Resource::namespaced("metallb.io", "v1beta1", "ipaddresspools", "IPAddressPool");

/// How long answers to one ARP question are waited for: a LAN answers within a millisecond, a busy machine within some.
const ANSWERS: Duration = Duration::from_millis(150);

/// Who answered an ARP question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    /// The host.
    pub host: String,
    /// Its hardware address.
    pub mac: Mac,
    /// How long it took.
    pub after: Duration,
}

impl Home {
    /// Waits until a Service has an address, and returns it.
    ///
    /// # Errors
    /// It has none within the bound: the error shows its events.
    pub async fn address(&self, namespace: &str, service: &str) -> Result<Ipv4Addr> {
        let services = SERVICES.in_namespace(namespace);
        let waited = self
            .kube
            .wait_for(&services, service, BOUND, "its address", |object| {
                first_address(object).is_some()
            })
            .await;
        let object = match waited {
            Ok(object) => object,
            Err(error) => {
                let events = self.kube.events(namespace, service).await.unwrap_or_default();
                let notes: Vec<String> = events.iter().map(|event| event["note"].to_string()).collect();
                return Err(error).with_context(|| format!("its events: {}", notes.join("; ")));
            }
        };
        first_address(&object).context("an address that is none")
    }

    /// The addresses in a Service's status now.
    ///
    /// # Errors
    /// There is no such Service.
    pub async fn address_now(&self, namespace: &str, service: &str) -> Result<Option<Ipv4Addr>> {
        let object = self.kube.get(SERVICES.in_namespace(namespace), service).await?;
        Ok(first_address(&object))
    }

    /// Waits for an event about an object with this reason whose note fits.
    ///
    /// # Errors
    /// None comes within the bound: the error lists those that did.
    pub async fn event(&self, namespace: &str, object: &str, reason: &str, part: &str) -> Result<Value> {
        let deadline = tokio::time::Instant::now() + BOUND;
        loop {
            let events = self.kube.events(namespace, object).await?;
            let note = |event: &Value| -> String {
                let text = event.get("note").or_else(|| event.get("message"));
                text.and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let fits = |event: &&Value| event["reason"] == reason && note(event).contains(part);
            if let Some(found) = events.iter().find(fits) {
                return Ok(found.clone());
            }
            ensure!(
                tokio::time::Instant::now() < deadline,
                "no event {reason} about {namespace}/{object} says {part:?}; there are: {:#?}",
                events
                    .iter()
                    .map(|event| format!("{}: {}", event["reason"], note(event)))
                    .collect::<Vec<_>>()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a condition of a MikrotikRouter says this reason, and returns its message.
    ///
    /// # Errors
    /// It does not within the bound.
    pub async fn condition(&self, router: &str, kind: &str, reason: &str) -> Result<String> {
        let routers = ROUTERS.in_namespace(NAMESPACE);
        let what = format!("{kind} to be {reason}");
        let fits = |object: &Value| condition(object, kind).is_some_and(|found| found["reason"] == reason);
        let object = self.kube.wait_for(&routers, router, BOUND, &what, fits).await?;
        let found = condition(&object, kind).context("a condition that went away")?;
        Ok(found["message"].as_str().unwrap_or_default().to_owned())
    }

    /// Who answers for an address when the client asks.
    ///
    /// # Errors
    /// The kernel refuses the question, or a MAC address is no host's.
    pub async fn who_answers(&self, address: Ipv4Addr) -> Result<Vec<Answerer>> {
        let answers = who_has(self.lan.host("client")?, address, ANSWERS).await?;
        let mut answerers = Vec::new();
        for answer in answers {
            answerers.push(Answerer {
                host: self.host_of(answer.mac).await?,
                mac: answer.mac,
                after: answer.after,
            });
        }
        Ok(answerers)
    }

    /// Waits until exactly one node answers for an address.
    ///
    /// # Errors
    /// None does within the bound, or two do.
    pub async fn announcer(&self, address: Ipv4Addr) -> Result<Answerer> {
        let deadline = tokio::time::Instant::now() + BOUND;
        loop {
            let answers = self.who_answers(address).await?;
            let hosts: BTreeSet<&str> = answers.iter().map(|answer| answer.host.as_str()).collect();
            ensure!(hosts.len() < 2, "{address} is answered for by {hosts:?}");
            if let Some(answer) = answers.into_iter().next() {
                return Ok(answer);
            }
            ensure!(
                tokio::time::Instant::now() < deadline,
                "nobody answers for {address} after {BOUND:?}"
            );
        }
    }

    /// Asks for a while and makes sure that nobody answers.
    ///
    /// # Errors
    /// Somebody does.
    pub async fn nobody_answers(&self, address: Ipv4Addr) -> Result<()> {
        let answers = self.who_answers(address).await?;
        ensure!(answers.is_empty(), "{address} is answered for: {answers:?}");
        Ok(())
    }

    /// The host with this hardware address.
    ///
    /// # Errors
    /// It is nobody's.
    pub async fn host_of(&self, mac: Mac) -> Result<String> {
        for host in self.lan.hosts() {
            if host
                .link(host.interface())
                .await
                .is_ok_and(|link| link.mac == mac)
            {
                return Ok(host.name().to_owned());
            }
        }
        anyhow::bail!("{mac} is no host's MAC address")
    }

    /// The router's rows of a menu that carry our marker.
    pub fn marked(&self, menu: Menu) -> Vec<Row> {
        let rows = self.router.rows(menu);
        let ours = |row: &Row| {
            row.get("comment")
                .is_some_and(|comment| comment.starts_with("tiklb/"))
        };
        rows.into_iter().filter(ours).collect()
    }

    /// Waits until the router fits.
    ///
    /// # Errors
    /// It does not within the bound: the error shows its writes.
    pub async fn router_until(&self, what: &str, fits: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = tokio::time::Instant::now() + BOUND;
        while !fits(self) {
            ensure!(
                tokio::time::Instant::now() < deadline,
                "waited {BOUND:?} for {what}; the writes so far: {:#?}",
                self.router
                    .journal()
                    .applied()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The ranges of a pool on the router.
    pub fn pool_ranges(&self, pool: &str) -> Option<String> {
        let rows = self.router.rows(Menu::Pool);
        let row = rows.into_iter().find(|row| row.get("name") == Some(pool))?;
        row.get("ranges").map(str::to_owned)
    }

    /// What every story must leave true: the router saw nothing that it should not have, and no gap of the embedded API
    /// server was met.
    ///
    /// # Errors
    /// It is not so.
    pub fn check(&self) -> Result<()> {
        let violations = self.router.violations();
        ensure!(
            violations.is_empty(),
            "requests that the router must never see: {violations:?}"
        );
        let most = self.router.journal().most_in_flight;
        ensure!(most <= 1, "{most} requests to the router were in flight at once");
        let unsupported = self.control.unsupported();
        ensure!(
            unsupported.is_empty(),
            "the embedded API server cannot answer: {unsupported:?}"
        );
        Ok(())
    }

    /// A Service of type LoadBalancer in `namespace` with a TCP and a UDP port of this number, whose traffic stays on the
    /// node that receives it. `annotations` may ask for an address.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn service(
        &self,
        namespace: &str,
        name: &str,
        port: u16,
        annotations: &[(&str, &str)],
    ) -> Result<()> {
        let annotations: serde_json::Map<String, Value> = annotations
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        let target = port + 10_000;
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
            "spec": {
                "type": "LoadBalancer", "selector": {"app": name}, "externalTrafficPolicy": "Local",
                "ports": [
                    {"name": "tcp", "port": port, "targetPort": target, "protocol": "TCP"},
                    {"name": "udp", "port": port, "targetPort": target, "protocol": "UDP"},
                ],
            },
        });
        self.kube
            .create(SERVICES.in_namespace(namespace), &service)
            .await?;
        self.endpoints(namespace, name, port).await
    }

    /// The nodes besides this one.
    pub fn others(node: &str) -> Vec<&'static str> {
        NODES.into_iter().filter(|other| *other != node).collect()
    }
}

fn first_address(service: &Value) -> Option<Ipv4Addr> {
    service["status"]["loadBalancer"]["ingress"][0]["ip"]
        .as_str()?
        .parse()
        .ok()
}

/// A condition of an object, by its type.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}
