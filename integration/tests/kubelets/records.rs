//! What stands in the API is kept true: an event that happens again is counted, a conflict that is over goes.

use anyhow::ensure;
use lab::home::kind::{ADDRESS_CONFLICTS, SERVICE_L2_STATUSES};
use lab::home::{NAMESPACE, PRINTER, status_address};
use lab::kube::{EVENTS_V1, SERVICES};
use lab::wait::until;
use serde_json::{Value, json};

use crate::guide::{PHOTOS, PHOTOS_PORT, photos};
use crate::stage::{FIRST_SYNC, Outcome, SOON, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![records:
        an_event_that_happens_again_is_counted,
        a_conflict_that_is_over_goes,
    ]
}

/// The guide's Service, and its namespace.
const SERVICE: (&str, &str) = ("immich-server-lan", "immich");

async fn an_event_that_happens_again_is_counted(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    stage.installation.run(photos()).await?;
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    // Of four announcements on three nodes one node has made two.
    for _ in 0..3 {
        withdraw(stage).await?;
        turn_into(stage, "LoadBalancer").await?;
        stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    }
    for (reporter, reason) in [
        ("tiklb-allocator", "IPAllocated"),
        ("tiklb-speaker", "nodeAssigned"),
    ] {
        let counted = |event: &Value| {
            event["reportingController"] == reporter
                && event["reason"] == reason
                && event["regarding"]["name"] == SERVICE.0
                && event["series"]["count"].as_u64() >= Some(2)
        };
        let fits = |events: &[Value]| events.iter().any(counted);
        let what = format!("an event {reason} that is counted");
        let events = EVENTS_V1.in_namespace(SERVICE.1);
        stage.home().kube().wait_list(events, SOON, &what, fits).await?;
    }
    Ok(())
}

/// Makes the guide's Service one that nobody announces, and waits until it is.
pub(crate) async fn withdraw(stage: &Stage) -> Outcome {
    turn_into(stage, "ClusterIP").await?;
    let kube = stage.home().kube();
    let service = SERVICES.in_namespace(SERVICE.1);
    until("the address to be taken away", SOON, async || {
        let now = kube.get(&service, SERVICE.0).await?;
        ensure!(status_address(&now).is_none(), "{}", now["status"]);
        Ok(())
    })
    .await?;
    let none = |all: &[Value]| all.iter().all(|one| one["status"]["serviceName"] != SERVICE.0);
    let statuses = SERVICE_L2_STATUSES.in_namespace(NAMESPACE);
    kube.wait_list(statuses, SOON, "nobody to announce it", none)
        .await?;
    Ok(())
}

pub(crate) async fn turn_into(stage: &Stage, kind: &str) -> Outcome {
    let (name, namespace) = SERVICE;
    stage
        .shell(&format!(
            "kubectl patch service -n {namespace} {name} --type=merge --patch='{{\"spec\": {{\"type\": \"{kind}\"}}}}'"
        ))
        .await?;
    Ok(())
}

async fn a_conflict_that_is_over_goes(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    // It stands in the middle of the guide's pool.
    let printer = stage.home().lan().host("printer")?;
    let mac = printer.link(printer.interface()).await?.mac.to_string();
    let conflicts = ADDRESS_CONFLICTS.in_namespace(NAMESPACE);
    let told = |all: &[Value]| {
        all.iter()
            .any(|one| one["spec"]["address"] == PRINTER.to_string() && one["status"]["mac"] == mac)
    };
    let kube = stage.home().kube();
    let what = "an AddressConflict that names the printer";
    kube.wait_list(&conflicts, FIRST_SYNC, what, told).await?;

    // As a speaker leaves it whose node dies before the device goes: whoever surveys asks, and nobody answers.
    let left = "192.168.1.219";
    let object = json!({
        "apiVersion": "tiklb.io/v1alpha1",
        "kind": "AddressConflict",
        "metadata": {"name": left, "namespace": NAMESPACE},
        "spec": {"address": left},
    });
    kube.create(&conflicts, &object).await?;
    kube.wait_gone(&conflicts, left, FIRST_SYNC).await?;
    let still = kube.list(&conflicts).await?;
    ensure!(told(&still), "the printer's is gone, too: {still:?}");
    Ok(())
}
