//! From `MetalLB` to tiklb and back by the commands of `docs/migrate-from-metallb.md`, both as Pods: in each state between, the
//! doctor says which one it is and what comes next, and the Service keeps its address.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lab::chart::RELEASE;
use lab::home::{NAMESPACE, homelab, status_address};
use lab::image;
use lab::kube::SERVICES;
use lab::page::{self, Block};
use lab::peers::metallb::Metallb;
use lab::wait::until;
use lab::wire::who_has_every;
use serde_json::Value;

use crate::guide::{PHOTOS, PHOTOS_PORT, photos};
use crate::removal::{delete_services, release_by_marks};
use crate::stage::{FIRST_SYNC, Outcome, SOON, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![migration: the_doctor_tells_each_state_of_the_move_and_of_the_way_back]
}

/// On the page; here the chart of its Go module. Without FRR, of which there is no image, and with nobody who reaches the
/// webhook: the API server's host has no kube-proxy.
const CHART: &str = "metallb/metallb --version 0.15.2";
const VALUES: &str = "--set speaker.frr.enabled=false --set crds.validationFailurePolicy=Ignore";

/// The guide's Service that is moved.
const SERVICE: &str = "immich-server-lan";
/// Between two questions for its address, by somebody who has no entry of it.
const ASKING: Duration = Duration::from_millis(10);

/// Every kind of either, and with the kinds what people have written.
const KINDS: &str =
    "kubectl get crd -o name | grep -E 'metallb.io$|tiklb.io$' | xargs -r kubectl delete --timeout=120s";

/// A person with the page, whose chart of MetalLB lies here.
struct Mover<'a> {
    stage: &'a Stage,
    page: String,
    chart: String,
}

async fn the_doctor_tells_each_state_of_the_move_and_of_the_way_back(stage: &mut Stage) -> Outcome {
    nothing_installed(stage).await?;
    let metallb = Metallb::found().await?;
    for file in image::metallb_places(&metallb)? {
        stage.installation.cluster_mut()?.bring(&file).await?;
    }
    let text = page::read("docs/migrate-from-metallb.md")?;
    ensure!(text.contains(CHART), "the page is about another MetalLB");
    let chart = metallb.chart.display().to_string();
    let mover = Mover {
        stage,
        page: text.replace(CHART, &chart),
        chart,
    };
    let outcome = there_and_back(&mover).await;
    let words = stage.shell("kubectl get pods -A -o wide").await;
    nothing_installed(stage).await?;
    outcome.with_context(|| words.unwrap_or_default())
}

async fn there_and_back(mover: &Mover<'_>) -> Outcome {
    mover.begins().await?;
    mover.goes().await?;
    mover.returns().await
}

impl Mover<'_> {
    /// MetalLB serves the guide's Service, and nothing of tiklb's has been here.
    async fn begins(&self) -> Outcome {
        let install = format!(
            "helm install metallb {} --namespace {NAMESPACE} --create-namespace {VALUES} --wait --timeout 4m",
            self.chart
        );
        self.stage.shell(&install).await?;
        for manifest in ["ipaddresspool", "l2advertisement"] {
            let apply = format!("kubectl apply -f {}", homelab(manifest).display());
            self.stage.shell(&apply).await?;
        }
        let services = fs::read_to_string(homelab("services"))?;
        let services: Vec<Value> = serde_saphyr::from_multiple(&services)?;
        let of_photos = |service: &&Value| service["metadata"]["name"] == SERVICE;
        let service = services.iter().find(of_photos).context("the guide's Service")?;
        self.stage.installation.run(photos()).await?;
        self.stage.home().kube().apply(service.clone()).await?;
        self.served("MetalLB").await?;
        let alone = [
            "MetalLB runs: Deployment metallb-system/metallb-controller, DaemonSet metallb-system/metallb-speaker (MetalLbRuns)",
            "Helm release metallb-system/metallb owns ",
            "(HelmOwnsDefinitions)",
            "fix: tiklb is not installed: helm install tiklb deploy/chart --namespace metallb-system --take-ownership",
            "(NoSpeaker)",
            "MetalLB runs, and tiklb is not installed (MetalLbAlone)",
            "next: let Helm leave the definitions and the pools (\"With Helm\")",
        ];
        self.says(2, &alone, &["(BothInstalled)"]).await
    }

    /// "With Helm", from the first line to the last.
    async fn goes(&self) -> Outcome {
        let [free, change_over, clean] = self.blocks("With Helm")?;
        for line in &free {
            self.types(line).await?;
        }
        let freed = [
            "(MetalLbAlone)",
            "next: take MetalLB's programs away and keep its pools",
        ];
        self.says(2, &freed, &["(HelmOwnsDefinitions)"]).await?;

        let [leave, arrive] = &change_over[..] else {
            anyhow::bail!("the change is two commands, the page has {change_over:?}");
        };
        self.types(leave).await?;
        let neither = [
            "neither MetalLB nor tiklb is: nobody gives addresses or answers for them (NeitherInstalled)",
            "next: helm install tiklb deploy/chart --namespace metallb-system --take-ownership",
            "fix: tiklb is not installed: ",
            "(NoLeader)",
            "(NoSpeaker)",
        ];
        self.says(2, &neither, &["(MetalLbRuns)"]).await?;
        self.unanswered("MetalLB -> tiklb", arrive).await?;
        self.stage.installation.settled().await?;
        self.served("tiklb").await?;
        let left_over = [
            "CustomResourceDefinition bgppeers.metallb.io has a conversion webhook: Service metallb-system/metallb-webhook-service does not exist (DeadConversion)",
            "fix: kubectl delete crd bgppeers.metallb.io",
            "something of it is still in the way (MetalLbLeftOver)",
            "next: what mends DeadConversion stands above",
        ];
        self.says(2, &left_over, &["(MetalLbRuns)", "(NoSpeaker)"])
            .await?;

        let (last, clean) = clean.split_last().context("the page puts nothing away")?;
        ensure!(last == "tiklb doctor", "the page ends with {last}");
        for line in clean {
            self.types(line).await?;
        }
        self.says(0, &["nothing found, "], &["MOVE FROM METALLB"]).await
    }

    /// With a router that has been told meanwhile, "Back to MetalLB, with Helm", by somebody who does the second thing first.
    async fn returns(&self) -> Outcome {
        self.stage.home().put_secrets().await?;
        let router = format!("kubectl apply -f {}", homelab("mikrotikrouter").display());
        self.stage.shell(&router).await?;
        self.stage.router_in_sync().await?;
        self.says(0, &["nothing found, "], &[]).await?;

        let [back] = self.blocks("Back to MetalLB, with Helm")?;
        let [leave, arrive] = &back[..] else {
            anyhow::bail!("the way back is two commands, the page has {back:?}");
        };
        self.types(&format!("{arrive} {VALUES}")).await?;
        let both = [
            "(MetalLbRuns)",
            "MetalLB runs, and tiklb is installed: two may answer for the same address (BothInstalled)",
            "kubectl -n metallb-system delete deployment metallb-controller && kubectl -n metallb-system delete daemonset metallb-speaker",
            "(by Helm: free the definitions first)",
        ];
        self.says(2, &both, &["(NoSpeaker)"]).await?;
        let began = Instant::now();
        self.types(leave).await?;
        self.served("MetalLB").await?;
        eprintln!(
            "tiklb -> MetalLB: served after {:.1} s",
            began.elapsed().as_secs_f64()
        );
        let back = [
            "MikrotikRouter router: the allocator has gone, and what it wrote on https://192.168.1.1 stays there (RouterLeftBehind)",
            "fix: where no Service has an address of its any more: tiklb release router, which needs no allocator",
            "tiklb release --router https://192.168.1.1 … gives the rows back",
            "MetalLB runs, and tiklb has gone but for what it leaves (BackAtMetalLb)",
        ];
        self.says(2, &back, &["(BothInstalled)", "(RouterUnreachable)"])
            .await?;
        release_by_marks(self.stage).await?;
        self.types(&self.rest_of("RouterLeftBehind").await?).await?;
        let kinds = "next: nothing of it is in the way: kubectl delete crd addressconflicts.tiklb.io";
        self.says(2, &["(BackAtMetalLb)", kinds], &["(RouterLeftBehind)"])
            .await?;
        self.stage.router_as_before()?;
        self.types(&self.next().await?).await?;
        self.says(2, &["(MetalLbAlone)"], &["(BackAtMetalLb)"]).await?;
        self.served("MetalLB").await
    }

    async fn types(&self, line: &str) -> Outcome {
        let folder = page::repository()?;
        self.stage
            .shell(&format!("cd {} && {line}", folder.display()))
            .await?;
        Ok(())
    }

    /// As many blocks of commands as the story has use for, line by line.
    fn blocks<const N: usize>(&self, heading: &str) -> Result<[Vec<String>; N]> {
        let blocks = page::blocks(&self.page, heading, Block::Shell)?;
        let many = blocks.len();
        let lines: Vec<Vec<String>> = blocks.iter().map(|block| page::lines(block)).collect();
        <[Vec<String>; N]>::try_from(lines)
            .ok()
            .with_context(|| format!("{heading:?} has {many} blocks of commands, and the story plays {N}"))
    }

    /// Waits until the doctor ends so, says all of this and nothing of that.
    async fn says(&self, code: i32, words: &[&str], never: &[&str]) -> Outcome {
        let doctor = format!("{} doctor", image::program()?.display());
        until("the doctor to say so", FIRST_SYNC, async || {
            let shown = self.stage.installation.try_shell(&doctor).await?;
            ensure!(shown.code == Some(code), "{:?}: {}", shown.code, shown.text);
            for words in words {
                ensure!(shown.text.contains(words), "no {words:?} in {}", shown.text);
            }
            for words in never {
                ensure!(!shown.text.contains(words), "{words:?} in {}", shown.text);
            }
            Ok(())
        })
        .await
    }

    /// The commands of a fix, behind its first step.
    async fn rest_of(&self, kind: &str) -> Result<String> {
        let document = self.document().await?;
        let mut findings = document["findings"].as_array().into_iter().flatten();
        let finding = findings.find(|finding| finding["kind"] == kind);
        let fix = finding.with_context(|| format!("no {kind} in {document}"))?["fix"].as_str();
        between(fix.unwrap_or_default(), "; then ", ". Or ")
    }

    /// The command of the phase in which nothing is in the way.
    async fn next(&self) -> Result<String> {
        let document = self.document().await?;
        let next = document["changeover"]["next"].as_str();
        between(
            next.unwrap_or_default(),
            "nothing of it is in the way: ",
            " where ",
        )
    }

    async fn document(&self) -> Result<Value> {
        let doctor = format!("{} doctor -o json", image::program()?.display());
        let shown = self.stage.installation.try_shell(&doctor).await?;
        serde_json::from_str(&shown.text).with_context(|| shown.text.clone())
    }

    /// The Service has its address, a node answers for it, and a connection is answered.
    async fn served(&self, by: &str) -> Outcome {
        let installation = &self.stage.installation;
        let served = installation.served(PHOTOS, PHOTOS_PORT).await;
        let node = served.with_context(|| format!("while {by} has it"))?;
        let services = SERVICES.in_namespace(photos().namespace);
        let service = self.stage.home().kube().get(services, SERVICE).await?;
        let address = status_address(&service);
        ensure!(
            address == Some(PHOTOS),
            "the Service has {address:?} while {by} has it"
        );
        eprintln!("{by}: {node} answers for {PHOTOS}");
        Ok(())
    }

    /// What somebody sees who has no entry of the address, from when the one is silent on.
    async fn unanswered(&self, what: &str, arrive: &str) -> Outcome {
        // Its grace is none: its Pods are gone before its processes are.
        until("MetalLB to be silent", SOON, async || {
            let answerers = self.stage.home().answerers(PHOTOS).await?;
            ensure!(answerers.is_empty(), "{answerers:?} answer");
            Ok(())
        })
        .await?;
        let gone = Instant::now();
        let printer = self.stage.home().lan().host("printer")?.clone();
        let asked = who_has_every(&printer, PHOTOS, ASKING, FIRST_SYNC);
        let (first, arrived) = tokio::join!(asked, self.types(arrive));
        arrived?;
        let first = first?.with_context(|| format!("nobody answered within {FIRST_SYNC:?}"))?;
        eprintln!(
            "{what}: unanswered for {:.1} s",
            first.at.saturating_duration_since(gone).as_secs_f64()
        );
        Ok(())
    }
}

fn between(text: &str, begin: &str, end: &str) -> Result<String> {
    let behind = text.split_once(begin);
    let found = behind.and_then(|(_, behind)| behind.split_once(end));
    let (found, _) = found.with_context(|| format!("nothing between {begin:?} and {end:?} in {text:?}"))?;
    Ok(found.to_owned())
}

/// Neither of the two, nor anything that they leave.
async fn nothing_installed(stage: &Stage) -> Outcome {
    delete_services(stage).await?;
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    for line in [
        format!("helm uninstall {RELEASE} --namespace {NAMESPACE} --ignore-not-found --no-hooks --wait"),
        format!("helm uninstall metallb --namespace {NAMESPACE} --ignore-not-found --wait"),
        format!(
            "kubectl -n {NAMESPACE} get mikrotikrouters -o name --ignore-not-found 2>/dev/null | \
             xargs -r -I NAME kubectl -n {NAMESPACE} patch NAME --type=merge -p '{patch}'"
        ),
        KINDS.to_owned(),
        format!("kubectl create namespace {NAMESPACE} --dry-run=client -o yaml | kubectl apply -f -"),
        format!(
            "kubectl label namespace {NAMESPACE} --overwrite pod-security.kubernetes.io/enforce=privileged"
        ),
    ] {
        stage.shell(&line).await?;
    }
    stage.no_pod(FIRST_SYNC).await?;
    if stage.router_as_before().is_err() {
        release_by_marks(stage).await?;
    }
    stage.router_as_before()
}
