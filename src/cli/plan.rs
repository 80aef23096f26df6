//! `tiklb plan`

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use routeros::client::{Observer, RequestReport, Timeouts};
use tiklb_core::allocator::{Allocator, Effect, Event, Settings};
use tiklb_core::model::ObjectKey;
use tiklb_core::reservation::condition::Truth;
use tiklb_core::reservation::{ConditionKind, Failure, FailureKind, Plan, Reading, RouterStatus};

use super::Cluster;
use super::daemon;
use super::view::{View, first};
use crate::allocator::router::connection::connection;
use crate::allocator::router::failure::failure;
use crate::allocator::router::reading::reading;
use crate::clock::Clock;
use crate::cluster::object::router::{RouterAccess, SeenRouter};
use crate::cluster::object::secret::SecretObject;

/// What `diff` and `terraform plan -detailed-exitcode` return for a difference.
const CHANGES: u8 = 2;
/// A person waits: a router that is off should not take half a minute to be called so.
const CONNECT: Duration = Duration::from_secs(5);
/// A Secret that is not listed within this may not be read with this kubeconfig.
const PATIENCE: Duration = Duration::from_secs(10);

/// Show what would be written to the router, row by row, and why. Writes nothing
///
/// Reads the cluster and each router once and compares. Needs the right to read the Secrets that MikrotikRouters name.
/// Ends with 0 where nothing is to be done, with 2 where something is, with 1 on an error.
#[derive(Debug, Args)]
pub(super) struct PlanVerb {
    #[command(flatten)]
    cluster: Cluster,

    /// Serve only Services of this loadBalancerClass; without it, only those that name none
    #[arg(long, env = "TIKLB_LB_CLASS", value_name = "CLASS")]
    lb_class: Option<String>,

    /// Only the MikrotikRouter of this name
    router: Option<String>,
}

impl PlanVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        daemon::runtime(1)?.block_on(self.show())
    }

    async fn show(self) -> Result<ExitCode> {
        let view = View::read(&self.cluster).await?;
        let wanted = |key: &ObjectKey| self.router.as_ref().is_none_or(|name| *name == key.name);
        let routers: Vec<&SeenRouter> = view
            .routers
            .iter()
            .map(|known| &known.value)
            .filter(|router| wanted(&router.object.key))
            .collect();
        if routers.is_empty() {
            bail!(
                "there is no MikrotikRouter{} in namespace {}: create one (deploy/examples/homelab/mikrotikrouter.yaml)",
                self.router
                    .as_ref()
                    .map_or(String::new(), |name| format!(" {name}")),
                self.cluster.namespace
            );
        }
        let mut allocator = Allocator::new(Settings {
            class: self.lb_class.clone(),
            cluster_uid: view.cluster_uid.short(),
        });
        let clock = Clock::start();
        allocator.step(view.events(), clock.now());
        let (mut changes, mut failed) = (0, false);
        for router in routers {
            let key = &router.object.key;
            let read = read(&view, router).await;
            let event = Event::RouterRead {
                router: key.clone(),
                result: Box::new(read.clone()),
            };
            let step = allocator.step([event], clock.now());
            let status = step.effects.into_iter().find_map(|effect| match effect {
                Effect::SetRouterStatus { router, status } if router == *key => Some(*status),
                _ => None,
            });
            let plan = allocator.plan(key, clock.now()).unwrap_or_default();
            print!("{}", told(router, &read, &plan, status.as_ref()));
            changes += plan.writes.len();
            failed |= read.is_err();
        }
        Ok(match (failed, changes) {
            (true, _) => ExitCode::FAILURE,
            (false, 0) => ExitCode::SUCCESS,
            (false, _) => ExitCode::from(CHANGES),
        })
    }
}

async fn read(view: &View, router: &SeenRouter) -> Result<Reading, Failure> {
    let Some(access) = &router.access else {
        let why = router.object.spec.as_ref().err().cloned().unwrap_or_default();
        return Err(Failure {
            kind: FailureKind::InvalidSpec,
            message: why,
        });
    };
    let mut secrets: BTreeMap<String, SecretObject> = BTreeMap::new();
    for name in RouterAccess::secrets(access) {
        let found = tokio::time::timeout(PATIENCE, first(view.source.secret(name), "Secrets"));
        let found = found
            .await
            .map_err(|_| unreadable(&router.object.key.namespace, name))?;
        let found = found.unwrap_or_default();
        secrets.extend(found.into_iter().map(|secret| (name.to_owned(), secret)));
    }
    let connection = connection(&router.object.key.namespace, access, &secrets)?;
    let timeouts = Timeouts {
        connect: CONNECT,
        ..Timeouts::default()
    };
    let client = connection
        .peer
        .client(connection.credentials, timeouts, Arc::new(Silent))?;
    let read = client.reading().await;
    client.idle().await;
    read.map(|read| reading(&read)).map_err(|error| failure(&error))
}

fn unreadable(namespace: &str, secret: &str) -> Failure {
    Failure {
        kind: FailureKind::SecretMissing,
        message: format!(
            "the Secret {namespace}/{secret} could not be read within 10 s: try `kubectl get secret -n {namespace} {secret}`"
        ),
    }
}

/// Nobody counts a person's requests.
struct Silent;

impl Observer for Silent {
    fn request(&self, _: RequestReport) {}
}

/// What a person reads.
fn told(
    router: &SeenRouter,
    read: &Result<Reading, Failure>,
    plan: &Plan,
    status: Option<&RouterStatus>,
) -> String {
    let (name, url) = (&router.object.key.name, url(router));
    let mut lines = vec![match read {
        Ok(read) => format!(
            "MikrotikRouter {name}: {} ({}, RouterOS {}) at {url}",
            read.identity, read.board, read.version
        ),
        Err(failure) => format!(
            "MikrotikRouter {name} at {url} cannot be read: {}",
            failure.message
        ),
    }];
    for planned in &plan.writes {
        lines.push(format!("  {}", planned.write));
        lines.push(format!("      because {}", planned.because));
    }
    lines.extend(
        plan.obstacles
            .iter()
            .map(|obstacle| format!("  in the way: {obstacle}")),
    );
    lines.extend(status.into_iter().flat_map(refusals));
    if let Some(held) = status.map(|status| &status.conflicts) {
        let others = held
            .entries
            .iter()
            .map(|holder| format!("  left alone: {holder}"));
        lines.extend(others);
        if held.truncated > 0 {
            lines.push(format!("  left alone: {} addresses more", held.truncated));
        }
    }
    if read.is_ok() {
        lines.push(match plan.writes.len() {
            0 => "  nothing to be done".to_owned(),
            1 => "  1 write to be made; nothing was written now".to_owned(),
            many => format!("  {many} writes to be made, one after another; nothing was written now"),
        });
    }
    lines.join("\n") + "\n"
}

fn url(router: &SeenRouter) -> &str {
    router
        .access
        .as_ref()
        .map_or("an unknown place", |access| &access.url)
}

/// Conditions that keep a range or every write from happening.
fn refusals(status: &RouterStatus) -> Vec<String> {
    let speaks = |kind: ConditionKind, reasons: &[&str]| {
        let condition = status.conditions.get(&kind)?;
        let said = condition.truth != Truth::True && !reasons.contains(&condition.reason);
        said.then(|| format!("  not done: {} ({})", condition.message, condition.reason))
    };
    let pools = speaks(
        ConditionKind::PoolsExcluded,
        &["Pending", "Reading", "DryRun", "Paused"],
    );
    let rows = speaks(
        ConditionKind::ReservationsInSync,
        &["Writing", "Reading", "DryRun", "Paused", "ForeignRow"],
    );
    pools.into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests;
