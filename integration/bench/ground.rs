//! The ground that benches measure on: a home with the guide's repository applied, its router in sync.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::demo::HOMELAB;
use crate::home::{Home, NAMESPACE, Plan, Ranges, homelab};
use crate::kube::LEASES;
use crate::screen::Screen;
use crate::wait::until;

/// What takes milliseconds when all is well, on a machine that is busy with something else.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// A first sync of the router takes about 12 s by design, and a survey of 21 addresses 5 s.
pub(super) const FIRST_SYNC: Duration = Duration::from_mins(1);

/// The `MikrotikRouter` of `deploy/examples/homelab`.
const MIKROTIK_ROUTER: &str = "router";

/// Speakers write what they asked for into Leases with this label, and annotate them with the addresses.
const SURVEYS: (&str, &str) = ("labelSelector", "tiklb.io/survey");
const COVERED: &str = "tiklb.io/covered";
const OCCUPIED: &str = "tiklb.io/occupied";

/// A Service that was applied.
#[derive(Debug, Clone)]
pub(super) struct Applied {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) port: u16,
}

/// Builds a home with tiklb's processes ready and nothing applied.
pub(super) async fn build(screen: &mut Screen, plan: Plan) -> Result<Home> {
    let built = async {
        let mut home = Home::build(plan).await?;
        home.start_allocator().await?;
        home.start_speakers().await?;
        Ok(home)
    };
    screen.wait("a home with tiklb in it", built).await
}

/// Applies `deploy/examples/homelab`, gives each Service a pod on every node, and waits until all have their addresses
/// and the router is in sync.
pub(super) async fn apply_homelab(screen: &mut Screen, home: &mut Home) -> Result<Vec<Applied>> {
    let mut services = Vec::new();
    for file in HOMELAB {
        let path = homelab(file);
        let applied = home.kube().apply_file(&path).await?;
        services.extend(applied.iter().filter_map(service));
    }
    for Applied { namespace, name, .. } in &services {
        home.put_endpoints_everywhere(namespace, name).await?;
    }
    let home = &*home;
    let synced = async {
        for Applied { namespace, name, .. } in &services {
            home.service_address(namespace, name, FIRST_SYNC).await?;
        }
        in_sync(home).await
    };
    let what = "the first sync of the router (12 s by design)";
    screen.watch(home, what, synced).await?;
    Ok(services)
}

/// A home in which a client can be served: the first of the guide's Services, behind which every node answers.
pub(super) async fn served(screen: &mut Screen, plan: Plan) -> Result<(Home, SocketAddrV4)> {
    let mut home = build(screen, plan).await?;
    let services = apply_homelab(screen, &mut home).await?;
    let first = services.first().context("the examples have no Service")?;
    let address = home.service_address(&first.namespace, &first.name, SOON).await?;
    home.serve(address, first.port).await?;
    Ok((home, SocketAddrV4::new(address, first.port)))
}

/// Waits until the router holds all that it should.
pub(super) async fn in_sync(home: &Home) -> Result<()> {
    for kind in ["PoolsExcluded", "ReservationsInSync"] {
        home.router_condition(MIKROTIK_ROUTER, kind, "True", FIRST_SYNC)
            .await?;
    }
    Ok(())
}

/// Waits until a survey has asked for all of these and heard nothing: nothing is left to find out when a Service wants
/// one of them.
pub(super) async fn known_free(home: &Home, addresses: &[Ipv4Addr]) -> Result<()> {
    let what = format!("a survey to find {addresses:?} free");
    until(&what, FIRST_SYNC, async || {
        let leases = LEASES.in_namespace(NAMESPACE);
        let list = home.kube().list_where(leases, &[SURVEYS]).await?;
        let (covered, occupied) = surveyed(&list)?;
        let open = addresses
            .iter()
            .find(|address| !covered.contains(**address) || occupied.contains(**address));
        ensure!(
            open.is_none(),
            "expected a survey to have found {open:?} free; asked for were {covered}, and {occupied} answered"
        );
        Ok(())
    })
    .await
}

/// Which addresses the Leases say were asked for, and which answered.
fn surveyed(list: &Value) -> Result<(Ranges, Ranges)> {
    let ranges = |annotation: &str| -> Result<Ranges> {
        let leases = list["items"].as_array().into_iter().flatten();
        let texts = leases.filter_map(|lease| lease["metadata"]["annotations"][annotation].as_str());
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        if texts.is_empty() {
            return Ok(Ranges::default());
        }
        let text = texts.join(",");
        text.parse()
            .with_context(|| format!("reading the annotation {annotation} of the survey's Leases"))
    };
    Ok((ranges(COVERED)?, ranges(OCCUPIED)?))
}

fn service(object: &Value) -> Option<Applied> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (object["kind"] == "Service").then_some(())?;
    Some(Applied {
        namespace: text(&object["metadata"]["namespace"])?,
        name: text(&object["metadata"]["name"])?,
        port: object["spec"]["ports"][0]["port"].as_u64()?.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests;
