//! tiklb as a person installs it: by Helm, from its image, on a cluster whose nodes run Pods.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lab::home::Plan;
//! use lab::installation::{Installation, Parts};
//!
//! let parts = Parts::build(&mut std::io::stderr()).await?; // outside of the sandbox
//! let installation = Installation::build(Plan::default(), &parts).await?;
//! installation.install(&[]).await?;
//! println!("{}", installation.shell("kubectl get pods -A").await?);
//! # Ok(())
//! # }
//! ```

mod person;
mod workload;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::chart::{self, Helm, RELEASE};
use crate::cluster::build::Workshop;
use crate::cluster::{self, Binaries, Images, Options};
use crate::home::{Api, Home, NAMESPACE, Plan};
use crate::image;

pub use person::PATIENCE;
pub use workload::{APPS, ECHO, PHOTOS, PHOTOS_ADDRESS, PORT, Workload};

/// All that is built before, outside of the sandbox.
#[derive(Debug, Clone)]
pub struct Parts {
    binaries: Binaries,
    helm: PathBuf,
    images: Images,
}

impl Parts {
    /// Builds what is missing, and the image as the checkout has it.
    ///
    /// # Errors
    /// This machine cannot run kubelets; a build fails.
    pub async fn build(progress: &mut (dyn Write + Send)) -> Result<Self> {
        cluster::check_workers()?;
        cluster::build(progress).await?;
        Helm::build(progress).await?;
        image::make(None)?;
        image::pod()?;
        Self::found()
    }

    /// What was built before.
    ///
    /// # Errors
    /// This machine cannot run kubelets; names the command that builds what is missing.
    pub fn found() -> Result<Self> {
        cluster::check_workers()?;
        let binaries = Workshop::of_this_checkout()?.found()?;
        let binaries =
            binaries.context("the programs are not built: cargo run --release -p lab -- cluster build")?;
        let helm = Helm::found()?.context("helm is not built: cargo run --release -p lab -- chart")?;
        let tiklb = image::place()?;
        ensure!(
            tiklb.is_file(),
            "there is no image at {}: cargo run --release -p lab -- image",
            tiklb.display()
        );
        Ok(Self {
            binaries,
            helm: helm.program().to_owned(),
            images: Images {
                pause: image::pod_place()?,
                others: vec![tiklb],
            },
        })
    }
}

/// A home on a cluster of kubelets, where tiklb is or will be installed.
pub struct Installation {
    /// The LAN, the router, the cluster.
    pub home: Home,
    parts: Parts,
}

impl Installation {
    /// Builds it, without tiklb. To be called in the [sandbox](crate::sandbox).
    ///
    /// # Errors
    /// Names what could not be made, and why.
    pub async fn build(plan: Plan, parts: &Parts) -> Result<Self> {
        let options = Options::new(parts.binaries.clone()).workers(parts.images.clone());
        let home = Home::build(plan.api(Api::Real(options))).await?;
        Ok(Self {
            home,
            parts: parts.clone(),
        })
    }

    /// Installs the chart as docs/install.md says, or upgrades it, with these values besides; returns when its Pods are ready.
    ///
    /// # Errors
    /// What Helm says.
    pub async fn install(&self, values: &[&str]) -> Result<String> {
        self.home.put_secrets().await?;
        self.shell(&format!(
            "kubectl label namespace {NAMESPACE} --overwrite pod-security.kubernetes.io/enforce=privileged"
        ))
        .await?;
        let sets: Vec<String> = values.iter().map(|value| format!(" --set {value}")).collect();
        self.shell(&format!(
            "helm upgrade --install {RELEASE} {} --namespace {NAMESPACE} --take-ownership --reset-values --wait --timeout 4m{}",
            chart::folder().display(),
            sets.concat()
        ))
        .await
    }

    /// Waits until every node is ready, every Pod of tiklb's runs, and the speakers hear each other.
    ///
    /// # Errors
    /// Which of them does not come.
    pub async fn settled(&self) -> Result<()> {
        self.shell("kubectl wait --for=condition=Ready nodes --all --timeout=120s")
            .await?;
        for workload in [
            format!("-n {NAMESPACE} daemonset/tiklb-speaker"),
            format!("-n {NAMESPACE} deployment/tiklb-allocator"),
        ] {
            self.shell(&format!("kubectl rollout status {workload} --timeout=120s"))
                .await?;
        }
        self.home.all_hear_each_other().await
    }

    /// The cluster.
    ///
    /// # Errors
    /// Never: an installation has a real one.
    pub fn cluster_mut(&mut self) -> Result<&mut cluster::Cluster> {
        let cluster = self.home.control_plane_mut().real_mut();
        cluster.context("an installation stands on a real cluster")
    }

    /// The last lines of kubelets and controllers, and of tiklb's Pods.
    pub async fn last_words(&self) -> String {
        let cluster = self.home.control_plane().real().map(cluster::Cluster::last_words);
        let pods = "kubectl get pods -A -o wide; kubectl get events -A | tail -20; \
            kubectl logs -n metallb-system -l app=metallb --tail=15 --prefix";
        let pods = self.shell(pods).await.unwrap_or_else(|why| format!("{why:#}"));
        format!("{}\n{pods}", cluster.unwrap_or_default())
    }
}
