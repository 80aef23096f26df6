//! The move from `MetalLB`, and the way back, by the commands of `docs/migrate-from-metallb.md`: MetalLB's own chart, manifest,
//! controller and speakers, on the real cluster. The lab starts and ends the programs where kubelets would.

mod earlier;
mod page;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::doctor::{says, says_within};
use super::scene::{APPS, FIRST_SYNC, GRACE, PORT, SOON, Scene};
use super::{Outcome, Stage, Story, stories};
use crate::home::kind::IP_ADDRESS_POOLS;
use crate::home::{NAMESPACE, status_address};
use crate::kube::SERVICES;
use crate::peers::metallb::{Accounts, Metallb, Running};
use crate::wire::{PingReport, Pinger, who_has_every};
use page::Page;

pub(super) fn stories() -> Vec<Story> {
    let mut all = stories![migration:
        by_helm_and_back with crate::home::Plan::before_tiklb,
        by_manifests_and_back with crate::home::Plan::before_tiklb,
    ];
    all.extend(earlier::stories());
    all.into_iter().map(|story| story.only(Stage::Real)).collect()
}

/// The Services that are moved, each with its address.
const MOVED: [(&str, Ipv4Addr); 2] = [
    ("web", Ipv4Addr::new(192, 168, 1, 210)),
    ("mail", Ipv4Addr::new(192, 168, 1, 211)),
];

/// What the doctor says when tiklb has gone again, and has left nothing on a router.
const BACK: [&str; 2] = [
    "MetalLB runs, and tiklb has gone but for what it leaves (BackAtMetalLb)",
    "next: nothing of it is in the way",
];

/// Between two questions for an address, by somebody who has no entry of it.
const ASKING: Duration = Duration::from_millis(10);

/// An annotation of the lab's own.
const LAST: &str = "lab.tiklb.io/last";

/// Answers in a row, before the pinger's silence means anything.
const STEADY: u64 = 500;

/// The server tells all changes up to now at once, and ends the list of them after so many seconds.
const REPLAYED: &str = "2";

/// Datagrams that may be on their way when the client stops.
const UNDERWAY: usize = 100;

/// What is told of a change from one load balancer to the other.
struct Change {
    /// From the end of the one's last process to the first answer of the other.
    unanswered: Duration,
    /// What a client saw that had the address before.
    client: PingReport,
    /// Who answers for the addresses now.
    nodes: Vec<String>,
}

async fn by_helm_and_back(scene: &mut Scene) -> Outcome {
    let metallb = Metallb::found().await?;
    let page = Page::open(&scene.home, &metallb)?;
    // Nobody serves MetalLB's webhook here: the pools could not be written.
    let install = format!(
        "helm install metallb {} --namespace {NAMESPACE} --create-namespace --set speaker.frr.enabled=false \
         --set crds.validationFailurePolicy=Ignore",
        metallb.chart.display()
    );
    page.types(&scene.home, &install).await?;
    let running = Running::start(&scene.home, &metallb, Accounts::HELM).await?;
    let told = async {
        scene.apply_pool().await?;
        settle(scene).await
    };
    told.await.with_context(|| running.last_words())?;
    let alone = [
        "MetalLB runs: Deployment metallb-system/metallb-controller, DaemonSet metallb-system/metallb-speaker (MetalLbRuns)",
        "Helm release metallb-system/metallb owns ",
        "(NoSpeaker)",
        "(MetalLbAlone)",
    ];
    says(scene, &["doctor"], 2, &alone).await?;
    let before = state(scene).await?;

    let [free, change_over, clean] = blocks(&page, "With Helm")?;
    for line in &free {
        page.types(&scene.home, line).await?;
    }
    let found = scene.home.ask_tiklb(&["doctor"]).await?.text;
    ensure!(!found.contains("HelmOwnsDefinitions"), "{found}");
    let there = change(scene, &page, &change_over, running).await?;
    there.tell("MetalLB -> tiklb, by Helm");
    says(
        scene,
        &["doctor"],
        2,
        &[
            "bgppeers.metallb.io has a conversion webhook",
            "(MetalLbLeftOver)",
        ],
    )
    .await?;
    put_away(scene, &page, &clean).await?;
    unchanged(scene, &before).await?;

    let [back] = blocks(&page, "Back to MetalLB, with Helm")?;
    let back = change_back(scene, &page, &back, &metallb, Accounts::HELM).await?;
    back.tell("tiklb -> MetalLB, by Helm");
    // Helm takes tiklb's rights away with all the rest: its Lease is not given back, and has to lapse.
    says_within(FIRST_SYNC, scene, &["doctor"], 2, &BACK).await?;
    unchanged(scene, &before).await
}

async fn by_manifests_and_back(scene: &mut Scene) -> Outcome {
    let metallb = Metallb::found().await?;
    let page = Page::open(&scene.home, &metallb)?;
    let running = install_by_manifest(scene, &metallb).await?;
    settle(scene).await.with_context(|| running.last_words())?;
    let alone = [
        "(MetalLbAlone)",
        "next: take MetalLB's programs away and keep its pools",
    ];
    says(scene, &["doctor"], 2, &alone).await?;
    let before = state(scene).await?;

    let [change_over, clean] = blocks(&page, "With manifests")?;
    // Somebody who does the second thing first.
    let apply = change_over.last().context("the page applies nothing")?;
    page.types(&scene.home, apply).await?;
    let both = [
        "MetalLB runs: Deployment metallb-system/controller, DaemonSet metallb-system/speaker (MetalLbRuns)",
        "the 7 CustomResourceDefinitions are those of this version",
        "(BothInstalled)",
    ];
    says(scene, &["doctor"], 2, &both).await?;
    let there = change(scene, &page, &change_over, running).await?;
    there.tell("MetalLB -> tiklb, by manifests");
    let left_over = [
        "Service metallb-system/metallb-webhook-service has no ready endpoint",
        "(DeadWebhook)",
        "(DeadConversion)",
        "next: what mends DeadWebhook, DeadConversion stands above",
    ];
    says(scene, &["doctor"], 2, &left_over).await?;
    put_away(scene, &page, &clean).await?;
    unchanged(scene, &before).await?;

    let [back] = blocks(&page, "Back to MetalLB, with manifests")?;
    let back = change_back(scene, &page, &back, &metallb, Accounts::MANIFEST).await?;
    back.tell("tiklb -> MetalLB, by manifests");
    says(scene, &["doctor"], 2, &BACK).await?;
    unchanged(scene, &before).await
}

/// The pool is written before the webhook is, which nobody serves here.
async fn install_by_manifest(scene: &Scene, metallb: &Metallb) -> Result<Running> {
    let objects = metallb.objects()?;
    for object in objects.others {
        scene.home.kube().apply(object).await?;
    }
    scene.apply_pool().await?;
    for object in objects.webhooks {
        scene.home.kube().apply(object).await?;
    }
    Running::start(&scene.home, metallb, Accounts::MANIFEST).await
}

/// The page's last commands, which end with the doctor: it is asked until what others write has followed.
async fn put_away(scene: &Scene, page: &Page, lines: &[String]) -> Outcome {
    let (last, lines) = lines.split_last().context("the page puts nothing away")?;
    ensure!(last == "tiklb doctor", "the page ends with {last}");
    for line in lines {
        page.types(&scene.home, line).await?;
    }
    says(scene, &["doctor"], 0, &["nothing found, "]).await
}

/// As many blocks as the story has use for.
fn blocks<const N: usize>(page: &Page, heading: &str) -> Result<[Vec<String>; N]> {
    let blocks = page.blocks(heading)?;
    let many = blocks.len();
    <[Vec<String>; N]>::try_from(blocks)
        .ok()
        .with_context(|| format!("{heading:?} has {many} blocks of commands, and the story plays {N}"))
}

/// The Services, and a connection to each.
async fn settle(scene: &mut Scene) -> Outcome {
    for (name, address) in MOVED {
        scene.settle(name, address).await?;
    }
    announcers(scene).await?;
    Ok(())
}

/// Who answers for each Service, and gets its connections.
async fn announcers(scene: &Scene) -> Result<Vec<String>> {
    let mut nodes = Vec::new();
    for (_, address) in MOVED {
        nodes.push(scene.serves(address).await?);
    }
    Ok(nodes)
}

/// What is to outlive the moves.
struct State {
    /// From here on every change of a Service is looked at.
    version: String,
    /// The pools as objects: one that was deleted and made again is another one.
    pools: Vec<(Value, Value)>,
}

async fn state(scene: &Scene) -> Result<State> {
    let kube = scene.home.kube();
    let services = kube.list_where(SERVICES.in_namespace(APPS), &[]).await?;
    let version = services["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    Ok(State {
        version: version.to_owned(),
        pools: pools(scene).await?,
    })
}

async fn pools(scene: &Scene) -> Result<Vec<(Value, Value)>> {
    let pools = scene
        .home
        .kube()
        .list(IP_ADDRESS_POOLS.in_namespace(NAMESPACE))
        .await?;
    let kept = |pool: &Value| (pool["metadata"]["uid"].clone(), pool["spec"].clone());
    Ok(pools.iter().map(kept).collect())
}

/// Every state that a Service was ever in has its address, and the pools are the same objects.
async fn unchanged(scene: &Scene, before: &State) -> Outcome {
    let services = SERVICES.in_namespace(APPS);
    for (name, _) in MOVED {
        // With this each Service's changes end: a list that shows nothing at all would prove nothing.
        for value in [Value::Null, json!("change")] {
            let last = json!({"metadata": {"annotations": {LAST: value}}});
            scene.home.kube().merge_patch(&services, name, &last).await?;
        }
    }
    let query = [
        ("resourceVersion", before.version.as_str()),
        ("timeoutSeconds", REPLAYED),
    ];
    let mut replay = scene.home.kube().watch(&services, &query).await?;
    let (mut changes, mut ends) = (0, 0);
    while let Some(event) = replay.next(SOON).await? {
        let object = &event.object;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let wanted = MOVED.iter().find(|(moved, _)| *moved == name);
        ensure!(
            event.kind == "MODIFIED" && wanted.map(|(_, address)| *address) == status_address(object),
            "{name} was without its address meanwhile: {event:?}"
        );
        changes += 1;
        ends += usize::from(object["metadata"]["annotations"][LAST].is_string());
    }
    ensure!(
        ends >= MOVED.len(),
        "{ends} of the lab's own changes are among {changes}"
    );
    println!("{changes} changes of the Services' objects with the lab's own, their addresses in all of them");
    ensure!(
        !before.pools.is_empty() && pools(scene).await? == before.pools,
        "the pools are others than before"
    );
    for (name, address) in MOVED {
        ensure!(
            scene.address(name).await? == Some(address),
            "{name} lost {address}"
        );
    }
    Ok(())
}

/// The page's commands from `MetalLB` to tiklb: the last of them brings tiklb, the one before takes `MetalLB` away.
async fn change(scene: &mut Scene, page: &Page, lines: &[String], running: Running) -> Result<Change> {
    let [leave, arrive] = lines else {
        anyhow::bail!("the change is two commands, the page has {lines:?}");
    };
    let pinger = steady(scene).await?;
    page.types(&scene.home, leave).await?;
    running.end(&scene.home).await?;
    let unanswered = until_answered(scene, async |scene| {
        page.types(&scene.home, arrive).await?;
        scene.home.move_in().await?;
        scene.home.start_allocator().await?;
        scene.home.start_speakers().await
    });
    let unanswered = unanswered.await?;
    Change::seen(scene, pinger, unanswered).await
}

/// The page's commands from tiklb to `MetalLB`.
async fn change_back(
    scene: &mut Scene,
    page: &Page,
    lines: &[String],
    metallb: &Metallb,
    accounts: Accounts,
) -> Result<Change> {
    let [leave, arrive] = lines else {
        anyhow::bail!("the change is two commands, the page has {lines:?}");
    };
    let pinger = steady(scene).await?;
    page.types(&scene.home, leave).await?;
    scene.home.move_out(GRACE).await?;
    let mut running = None;
    let unanswered = until_answered(scene, async |scene| {
        page.types(&scene.home, arrive).await?;
        running = Some(Running::start(&scene.home, metallb, accounts).await?);
        Ok(())
    });
    let unanswered = unanswered.await?;
    let seen = Change::seen(scene, pinger, unanswered).await;
    seen.with_context(|| running.map_or(String::new(), |running| running.last_words()))
}

/// A client that has the first Service's address, and gets its answers.
async fn steady(scene: &Scene) -> Result<Pinger> {
    let (_, address) = MOVED[0];
    let pinger = Pinger::start(scene.home.client()?, SocketAddrV4::new(address, PORT))?;
    pinger.wait_for(|answer| answer.sequence >= STEADY, SOON).await?;
    Ok(pinger)
}

/// How long from now until somebody answers a host that has no entry of the address.
async fn until_answered(
    scene: &mut Scene,
    arrives: impl AsyncFnOnce(&mut Scene) -> Result<()>,
) -> Result<Duration> {
    let (_, address) = MOVED[0];
    let gone = Instant::now();
    let printer = scene.home.lan().host("printer")?.clone();
    let asked = who_has_every(&printer, address, ASKING, FIRST_SYNC);
    let (first, arrived) = tokio::join!(asked, arrives(scene));
    arrived?;
    let first = first?.with_context(|| format!("nobody answered for {address} within {FIRST_SYNC:?}"))?;
    Ok(first.at.saturating_duration_since(gone))
}

impl Change {
    async fn seen(scene: &Scene, pinger: Pinger, unanswered: Duration) -> Result<Self> {
        let nodes = announcers(scene).await?;
        Ok(Self {
            unanswered,
            client: pinger.stop()?,
            nodes,
        })
    }

    fn tell(&self, what: &str) {
        let client = &self.client;
        let settled = client.samples.len().saturating_sub(UNDERWAY);
        println!(
            "{what}: asked anew, unanswered for {:?}; a client that had the address: {} of {} datagrams lost, longest \
             silence {:?} (its own lateness {:?}); {} answer now",
            self.unanswered,
            client.lost_but_for(UNDERWAY),
            settled,
            client.silence.length(),
            client.lateness,
            self.nodes.join(" and "),
        );
    }
}
