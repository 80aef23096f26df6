//! `lab cluster up`: a home on a real cluster that stays.

use std::process::ExitCode;

use anyhow::Result;

use super::runtime;
use crate::cluster::{self, Options};
use crate::home::{Api, Home, Plan, guide};
use crate::installation::{Installation, Parts};
use crate::sandbox::{self, Inside};
use crate::wait::Termination;

/// Its sandbox, by which `shell` finds it.
pub(super) const TAG: &str = "cluster";

/// Builds what is missing, brings it up, and stays until Ctrl-C.
pub(super) fn run(kubelets: bool) -> Result<ExitCode> {
    if !sandbox::entered() {
        // Before minutes are spent on a build that would be for nothing.
        sandbox::possible()?;
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

/// Without kubelets.
async fn bare(inside: &Inside) -> Result<()> {
    let binaries = cluster::build(&mut std::io::stderr()).await?;
    let plan = Plan::default().open_at(inside.dir());
    let home = Home::build(plan.api(Api::Real(Options::new(binaries)))).await?;
    stay(&home).await
}

/// With kubelets, and tiklb installed.
async fn whole(inside: &Inside) -> Result<()> {
    let parts = Parts::found()?;
    println!("Starting etcd, the API server, and containerd and kubelet on three nodes …");
    let installation = Installation::build(Plan::default().open_at(inside.dir()), &parts).await?;
    println!("Installing deploy/chart …");
    installation.install(&[]).await?;
    let manifests = format!("kubectl apply -f {}", guide().display());
    installation.shell(&manifests).await?;
    println!("{}", installation.shell("kubectl get pods -A -o wide").await?);
    stay(&installation.home).await
}

async fn stay(home: &Home) -> Result<()> {
    let mut end = Termination::listen()?;
    let hosts: Vec<&str> = home.lan().hosts().map(crate::lan::Host::name).collect();
    println!(
        "\nIt stays up until Ctrl-C; in another terminal, from this folder:\n\n\
         cargo run --release -p lab -- shell client\n(or {}),\n\nand in there: kubectl get pods -A",
        hosts.join(", ")
    );
    end.comes().await;
    println!("\nEnded: the cluster and everything on it is gone.");
    Ok(())
}
