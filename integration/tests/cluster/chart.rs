//! Chart and manifests on a real API server, which judges what a rendering only claims: fields that there are, values that are
//! allowed, selectors that match. There are no kubelets, and so no Pods.

use anyhow::{Context as _, bail, ensure};
use lab::chart::{self, Helm, RELEASE};
use lab::cluster::{Binaries, Cluster};
use lab::home::{NAMESPACE, deployed};
use lab::lan::Lan;
use serde_json::json;

use crate::ground::{self, Outcome, Test};
use crate::kubectl::{Kubectl, printed};

pub(crate) fn tests() -> Vec<(&'static str, Test)> {
    vec![
        ("chart::manifests_are_accepted_as_they_stand", |binaries| {
            Box::pin(manifests(binaries))
        }),
        ("chart::helm_installs_upgrades_and_keeps_the_kinds", |binaries| {
            Box::pin(installation(binaries))
        }),
    ]
}

async fn manifests(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let cluster = ground::cluster(&lan, &[], binaries).await?;
    let kubectl = Kubectl::admin(&lan, &cluster)?;
    let file = deployed("manifests/tiklb.yaml");
    let apply = format!("apply --server-side --validate=strict -f {}", file.display());
    let first = kubectl.run(&apply).await?;
    ensure!(!first.contains("Warning"), "{first}");
    let before = versions(&kubectl).await?;
    kubectl.run(&apply).await?;
    let after = versions(&kubectl).await?;
    ensure!(
        before == after,
        "a second time changed something: {before:?}, {after:?}"
    );

    let folder = deployed("manifests");
    let built = kubectl.run(&format!("kustomize {}", folder.display())).await?;
    let objects = built.matches("\nkind: ").count();
    let text = std::fs::read_to_string(&file)?;
    ensure!(
        objects == text.matches("\nkind: ").count(),
        "kustomize builds {objects} objects"
    );
    everything(&kubectl).await
}

/// What is rendered with every value set would be accepted in its place, but for the kinds of the Prometheus operator, whose
/// definitions are not here.
async fn everything(kubectl: &Kubectl) -> Outcome {
    let mut items = chart::everything()?;
    items.retain(|item| item["apiVersion"] != "monitoring.coreos.com/v1");
    let count = items.len();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let apply = "apply --server-side --force-conflicts --validate=strict --dry-run=server";
    let judged = kubectl.on(apply, &list).await?;
    ensure!(!judged.contains("Warning"), "{judged}");
    let accepted = judged
        .lines()
        .filter(|line| line.ends_with("serverside-applied (server dry run)"));
    ensure!(
        accepted.count() == count,
        "of {count} objects not all were judged: {judged}"
    );
    Ok(())
}

/// Generations of the two workloads: a change of the Pods would start all of them anew.
async fn versions(kubectl: &Kubectl) -> anyhow::Result<[String; 2]> {
    let mut versions = [const { String::new() }; 2];
    for (version, workload) in versions
        .iter_mut()
        .zip(["deployment/tiklb-allocator", "daemonset/tiklb-speaker"])
    {
        let object = kubectl.get(&format!("-n {NAMESPACE} {workload}")).await?;
        *version = object["metadata"]["generation"].to_string();
    }
    Ok(versions)
}

/// Helm on the client host, as the administrator.
struct Release<'a> {
    lan: &'a Lan,
    helm: Helm,
    kubeconfig: String,
}

impl<'a> Release<'a> {
    fn new(lan: &'a Lan, cluster: &Cluster) -> anyhow::Result<Self> {
        let helm = Helm::found()?.context("helm is not built: cargo run -p lab -- chart")?;
        let kubeconfig = cluster.kubeconfig("helm", &cluster.admin())?;
        Ok(Self {
            lan,
            helm,
            kubeconfig: kubeconfig.display().to_string(),
        })
    }

    async fn run(&self, line: &str) -> anyhow::Result<String> {
        let place = format!("--kubeconfig={} --namespace={NAMESPACE}", self.kubeconfig);
        let words = line.split(' ').chain(place.split(' ')).map(str::to_owned);
        printed(self.lan.host("client")?, self.helm.program(), words).await
    }
}

async fn installation(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let cluster = ground::cluster(&lan, &[], binaries).await?;
    let kubectl = Kubectl::admin(&lan, &cluster)?;
    let release = Release::new(&lan, &cluster)?;
    let chart = chart::folder();
    // A kind that is there already, as MetalLB leaves it.
    let kind = deployed("crds/metallb.io_ipaddresspools.yaml");
    kubectl.run(&format!("apply -f {}", kind.display())).await?;
    let install = format!("install {RELEASE} {} --create-namespace", chart.display());
    match release.run(&install).await {
        Ok(printed) => bail!("a kind that is not its own was taken in silence: {printed}"),
        Err(error) => ensure!(
            error.to_string().contains("ipaddresspools.metallb.io")
                && error.to_string().contains("ownership"),
            "{error:#}"
        ),
    }
    // A failed installation leaves nothing; the flag is what docs/install.md says.
    let notes = release.run(&format!("{install} --take-ownership")).await?;
    for words in [
        "pod-security.kubernetes.io/enforce=privileged",
        "Open UDP port 7946",
        "logs -l component=speaker",
        "tiklb router enroll",
        "gives the router back first",
    ] {
        ensure!(notes.contains(words), "no {words:?} in {notes}");
    }
    let before = versions(&kubectl).await?;
    release
        .run(&format!("upgrade {RELEASE} {}", chart.display()))
        .await?;
    let after = versions(&kubectl).await?;
    ensure!(
        before == after,
        "an upgrade without a change restarts Pods: {before:?}, {after:?}"
    );

    // The configuration outlives the release. The hook needs a kubelet.
    let pool = deployed("examples/homelab/config/tiklb/manifests/ipaddresspool.yaml");
    kubectl.run(&format!("apply -f {}", pool.display())).await?;
    release.run(&format!("uninstall {RELEASE} --no-hooks")).await?;
    let pools = format!("get ipaddresspools -n {NAMESPACE} homelab-pool");
    kubectl.run(&pools).await?;
    let gone = format!("get daemonset -n {NAMESPACE} tiklb-speaker");
    kubectl.fails(&gone, "not found").await?;
    // And it comes back over what it left.
    release
        .run(&format!("install {RELEASE} {}", chart.display()))
        .await?;
    kubectl.run(&pools).await?;
    Ok(())
}
