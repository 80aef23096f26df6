//! `lab cluster up`: a home on a real cluster that stays.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::runtime;
use crate::cluster::{self, Options};
use crate::demo::LAB;
use crate::home::{Api, Home, NAMESPACE, Plan, guide, homelab};
use crate::installation::{Installation, PHOTOS, PHOTOS_ADDRESS, Parts};
use crate::lan::Host;
use crate::sandbox::{self, Inside};
use crate::wait::Termination;

/// Its sandbox, by which `shell` finds it.
pub(super) const TAG: &str = "cluster";

/// Before an address is given the router is read twice, its pool cut, and the LAN asked: half a minute, beside builds more.
const ADDRESSED: Duration = Duration::from_mins(2);

/// What a person may type at a home without Pods.
const BARE: [&str; 2] = ["kubectl get nodes -o wide", "kubectl get services -A"];

/// Builds what is missing, brings it up, and stays until Ctrl-C.
pub(super) fn run(kubelets: bool) -> Result<ExitCode> {
    if !sandbox::entered() {
        // Before minutes are spent on a build that would be for nothing.
        if kubelets {
            cluster::check_workers()?;
        }
        sandbox::possible()?;
        only_one()?;
        runtime()?.block_on(async {
            if kubelets {
                Parts::build(&mut std::io::stderr()).await?;
            } else {
                cluster::build(&mut std::io::stderr()).await?;
            }
            anyhow::Ok(())
        })?;
    }
    let inside = sandbox::enter(TAG)?;
    runtime()?.block_on(async {
        if kubelets {
            whole(&inside).await
        } else {
            bare(&inside).await
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A shell joins one of them, and nobody could tell which; and each takes a gigabyte.
fn only_one() -> Result<()> {
    let running = sandbox::find_running(TAG).context("looking for a cluster that runs")?;
    if let Some(running) = running {
        bail!(
            "a cluster of yours is up already: `{LAB} shell client` leads into it; to have a new one, end it first, with Ctrl-C \
             at its terminal or `kill {}`",
            running.pid
        );
    }
    Ok(())
}

/// Without kubelets.
async fn bare(inside: &Inside) -> Result<()> {
    let binaries = cluster::build(&mut std::io::stderr()).await?;
    let plan = Plan::default().open_at(inside.dir());
    let home = Home::build(plan.api(Api::Real(Options::new(binaries)))).await?;
    stay(&home, &BARE.map(str::to_owned)).await
}

/// With kubelets, and tiklb installed.
async fn whole(inside: &Inside) -> Result<()> {
    let parts = Parts::found()?;
    println!("Starting etcd, the API server, and containerd and kubelet on three nodes …");
    let installation = Installation::build(Plan::default().open_at(inside.dir()), &parts).await?;
    if let Err(why) = install(&installation).await {
        eprintln!("{}", installation.last_words().await);
        return Err(why);
    }
    stay(&installation.home, &looks()).await
}

/// Until what is promised is there: addresses, and one that is answered.
async fn install(installation: &Installation) -> Result<()> {
    println!("Installing deploy/chart …");
    installation.install(&[]).await?;
    println!("Applying deploy/examples/homelab, and running Pods behind one of its Services …");
    let apply = format!("kubectl apply -f {}", guide().display());
    installation.shell(&apply).await?;
    installation.run(PHOTOS).await?;
    addressed(&installation.home).await?;
    installation.served(PHOTOS_ADDRESS, PHOTOS.port).await?;
    for table in ["kubectl get pods -A -o wide", "kubectl get services -A"] {
        println!("\n{}", installation.shell(table).await?);
    }
    Ok(())
}

/// Waits until each of the guide's Services has an address.
async fn addressed(home: &Home) -> Result<()> {
    let file = homelab("services");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(&text).with_context(|| format!("reading {}", file.display()))?;
    for object in objects.iter().filter(|object| object["kind"] == "Service") {
        let word = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        home.service_address(word("namespace"), word("name"), ADDRESSED)
            .await?;
    }
    Ok(())
}

/// What shows a person that tiklb does its work.
fn looks() -> Vec<String> {
    vec![
        "kubectl get pods -A".to_owned(),
        "kubectl get services -A".to_owned(),
        format!("kubectl -n {NAMESPACE} get mikrotikrouters,servicel2statuses"),
        format!("kubectl -n {NAMESPACE} logs -l component=speaker --tail=-1 | grep announcing"),
        "tiklb status".to_owned(),
        "tiklb doctor".to_owned(),
        // The Pods say on which node they are; nothing but bash is needed to hear it.
        format!("bash -c 'head -n 1 < /dev/tcp/{PHOTOS_ADDRESS}/{}'", PHOTOS.port),
    ]
}

async fn stay(home: &Home, looks: &[String]) -> Result<()> {
    let mut end = Termination::listen()?;
    let hosts = home.lan().hosts().map(Host::name);
    let others: Vec<&str> = hosts.filter(|name| *name != "client").collect();
    println!(
        "\nIt stays up until Ctrl-C; in another terminal, from this folder:\n\n\
         {LAB} shell client\n(or {}),\n\nand in there:\n\n{}\n\nCtrl-C here ends it.",
        others.join(", "),
        looks.join("\n")
    );
    end.comes().await;
    println!("\nEnded: the cluster and everything on it is gone.");
    Ok(())
}
