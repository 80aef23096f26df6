//! `memory`: what tiklb's processes hold resident: at their start, with the guide's three Services, with some dozens.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Stage;
use super::ground::{self, FIRST_SYNC, SOON};
use super::measure::{Measure, Unit};
use super::record::{Findings, recorded};
use super::service::{NAMESPACE as BENCH, add_endpoints, make_namespace, pool, service};
use super::usage::{Usage, usage};
use crate::home::{Home, Plan, status_address};
use crate::kube::SERVICES;
use crate::wire;

/// One home each.
const RUNS: u32 = 1;

/// Roles, and what is planned for each: MiB, with so much to do. Some dozens of Services are no proof of that, so it is
/// told and not judged.
const PLANNED: [(&str, f64, &str); 2] = [
    ("allocator", 48.0, "10,000 Services"),
    ("speaker", 16.0, "1,000 addresses"),
];

/// Services beside the guide's three; the guide's pool and the one below have room for 50.
const MORE: usize = 45;

/// The guide's pool has 21 addresses. These 34 lie behind it, in the router's pool as well.
const MORE_ADDRESSES: &str = "192.168.1.221-192.168.1.254";

/// Between two questions for an address.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// When memory is read.
const MOMENTS: [&str; 3] = ["at its start", "with 3 Services", "with 48 Services"];

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
    let plan = Plan::default().tiklb(&stage.tiklb);
    let mut home = ground::build(&mut stage.screen, plan).await?;
    let mut usages = usage(&home, run, MOMENTS[0])?;
    ground::apply_homelab(&mut stage.screen, &mut home).await?;
    usages.extend(usage(&home, run, MOMENTS[1])?);
    let more = add_services(&home);
    let what = format!("{MORE} more Services to have addresses (the router's pool is cut once more)");
    stage.screen.watch(&home, &what, more).await?;
    usages.extend(usage(&home, run, MOMENTS[2])?);
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

fn findings(usages: &[Usage], failures: Vec<String>) -> Result<Findings> {
    let mut measures = Vec::new();
    for (role, ..) in PLANNED {
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
            let mut anonymous = Measure::new("of it anonymous", Unit::Mebibytes).part();
            anonymous.samples = of().map(|usage| Some(usage.anonymous_mib())).collect();
            measures.extend([resident, anonymous]);
        }
    }
    Ok(Findings {
        notes: notes(&measures),
        measures,
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "figure": "VmRSS and RssAnon of proc(5)",
            "services": [0, 3, 3 + MORE],
        }),
        runs: usages.iter().map(recorded).collect::<Result<Vec<_>>>()?,
        failures,
        ..Findings::default()
    })
}

fn notes(measures: &[Measure]) -> Vec<String> {
    let plans = PLANNED.map(|(role, limit, load)| {
        let last = format!("{role} {}", MOMENTS[2]);
        let found = measures.iter().find(|measure| measure.name == last);
        let most = found.and_then(|measure| measure.distribution().max());
        let most = most.map_or("unknown".to_owned(), |most| format!("{most:.1} MiB"));
        format!(
            "Not judged here: {role} {limit} MiB at most with {load}; {most} {}.",
            MOMENTS[2]
        )
    });
    let rest = "What is not anonymous is the program's own file, which all its processes on a machine share.";
    plans.into_iter().chain([rest.to_owned()]).collect()
}

#[cfg(test)]
mod tests;
