//! `memory`: what tiklb's processes hold resident: at their start, with the guide's three Services, with some dozens, and with
//! a thousand more, whose addresses are of IPv6: the LAN's IPv4 network has no room for them.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Stage;
use super::ground::{self, FIRST_SYNC, SOON};
use super::measure::{Goal, Measure, Statistic, Unit};
use super::record::{Findings, recorded};
use super::service::{NAMESPACE as BENCH, add_endpoints, make_namespace, pool, pool_named, service};
use super::usage::{Usage, usage};
use crate::home::kind::SERVICE_L2_STATUSES;
use crate::home::{Home, Plan, status_address};
use crate::kube::SERVICES;
use crate::wire;

/// One home each.
const RUNS: u32 = 1;

/// What is promised of each speaker with a thousand addresses, in MiB. The allocator's promise is about 10,000 Services:
/// `bench allocator` judges it.
const RESIDENT: f64 = 16.0;

/// Whose memory is told.
const ROLES: [&str; 2] = ["allocator", "speaker"];

/// Services beside the guide's three; the guide's pool and the one below have room for 50.
const MORE: usize = 45;

/// The guide's pool has 21 addresses. These 34 lie behind it, in the router's pool as well.
const MORE_ADDRESSES: &str = "192.168.1.221-192.168.1.254";

/// And so many of IPv6 after them, with a pool that has room for just these.
const MANY: usize = 1_000;
const MANY_ADDRESSES: &str = "fd00:0:0:1::1:0-fd00:0:0:1::1:3e7";
const MANY_POOL: &str = "bench-ipv6";

/// Each is created, addressed, claimed and recorded, on two processors.
const MANY_SETTLED: Duration = Duration::from_mins(3);

/// Between two questions for an address.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// When memory is read.
const MOMENTS: [&str; 4] = [
    "at its start",
    "with 3 Services",
    "with 48 Services",
    "with 1,048 Services",
];

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let mut usages = Vec::new();
    let mut failures = Vec::new();
    for number in 1..=runs {
        match fill(stage, number).await {
            Ok(found) => usages.extend(found),
            Err(why) if number > 1 => failures.push(format!("run {number}: {why:#}")),
            Err(why) => return Err(why),
        }
    }
    findings(&usages, failures)
}

/// Reads the memory of a home while it fills.
async fn fill(stage: &mut Stage, run: u32) -> Result<Vec<Usage>> {
    let plan = Plan::default().ipv6().tiklb(&stage.tiklb);
    let mut home = ground::build(&mut stage.screen, plan).await?;
    let mut usages = usage(&home, run, MOMENTS[0])?;
    ground::apply_homelab(&mut stage.screen, &mut home).await?;
    usages.extend(usage(&home, run, MOMENTS[1])?);
    let more = add_services(&home);
    let what = format!("{MORE} more Services to have addresses (the router's pool is cut once more)");
    stage.screen.watch(&home, &what, more).await?;
    usages.extend(usage(&home, run, MOMENTS[2])?);
    let many = add_many(&home);
    let what = format!("{MANY} more Services to be announced");
    stage.screen.watch(&home, &what, many).await?;
    usages.extend(usage(&home, run, MOMENTS[3])?);
    Ok(usages)
}

/// Adds a pool and Services that take what they get, and waits until each is answered for.
async fn add_services(home: &Home) -> Result<()> {
    let kube = home.kube();
    make_namespace(home).await?;
    for object in pool(MORE_ADDRESSES) {
        kube.apply(object).await?;
    }
    let services = SERVICES.in_namespace(BENCH);
    for number in 0..MORE {
        let name = format!("{BENCH}-{number}");
        kube.create(&services, &service(&name, None)).await?;
        add_endpoints(home, &name).await?;
    }
    let all = |found: &[Value]| found.iter().filter_map(status_address).count() == MORE;
    let what = format!("{MORE} Services with addresses");
    let found = kube.wait_list(&services, FIRST_SYNC, &what, all).await?;
    for address in found.iter().filter_map(status_address) {
        let answered = wire::who_has_every(home.client()?, address, ASK_EVERY, SOON).await?;
        ensure!(answered.is_some(), "nobody answers for {address}");
    }
    ground::in_sync(home).await
}

/// Adds a pool of IPv6 and its Services, and waits until each has an announcer on record.
async fn add_many(home: &Home) -> Result<()> {
    let kube = home.kube();
    for object in pool_named(MANY_POOL, MANY_ADDRESSES) {
        kube.apply(object).await?;
    }
    let announced = kube.list(SERVICE_L2_STATUSES).await?.len();
    let services = SERVICES.in_namespace(BENCH);
    for number in 0..MANY {
        let name = format!("{MANY_POOL}-{number}");
        let mut object = service(&name, None);
        object["spec"]["ipFamilyPolicy"] = json!("SingleStack");
        object["spec"]["ipFamilies"] = json!(["IPv6"]);
        object["spec"]["allocateLoadBalancerNodePorts"] = json!(false);
        kube.create(&services, &object).await?;
        add_endpoints(home, &name).await?;
    }
    let all = |records: &[Value]| records.len() == announced + MANY;
    let what = format!("{MANY} more records of announcers");
    kube.wait_list(SERVICE_L2_STATUSES, MANY_SETTLED, &what, all)
        .await?;
    Ok(())
}

fn findings(usages: &[Usage], failures: Vec<String>) -> Result<Findings> {
    let mut measures = Vec::new();
    for role in ROLES {
        for moment in MOMENTS {
            let of = || {
                usages
                    .iter()
                    .filter(move |usage| usage.role == role && usage.moment == moment)
            };
            let mut resident = Measure::new(format!("{role} {moment}"), Unit::Mebibytes);
            resident.samples = of().map(|usage| Some(usage.resident_mib())).collect();
            if moment != MOMENTS[0] {
                resident = resident.against(&format!("{role} {}", MOMENTS[0]));
            }
            if role == "speaker" && moment == MOMENTS[3] {
                resident = resident.goal(Goal::at_most(Statistic::Max, RESIDENT));
            }
            let mut anonymous = Measure::new("of it anonymous", Unit::Mebibytes).part();
            anonymous.samples = of().map(|usage| Some(usage.anonymous_mib())).collect();
            measures.extend([resident, anonymous]);
        }
    }
    Ok(Findings {
        notes: vec![
            "What is not anonymous is the program's own file, which all its processes on a machine share, and which the \
             kernel takes back when memory is short."
                .to_owned(),
        ],
        measures,
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "figure": "VmRSS and RssAnon of proc(5)",
            "services": [0, 3, 3 + MORE, 3 + MORE + MANY],
        }),
        runs: usages.iter().map(recorded).collect::<Result<Vec<_>>>()?,
        failures,
        ..Findings::default()
    })
}

#[cfg(test)]
mod tests;
