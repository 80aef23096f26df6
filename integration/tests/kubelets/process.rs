//! A process of tiklb's stops without a word, or is ended where that was not foreseen: what a client of the Service sees, and
//! who goes on.

use std::fs;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lab::home::NAMESPACE;
use lab::installation::{APPS, PORT};
use lab::kube::{LEASES, PODS};
use lab::wait::until;
use lab::wire::PingReport;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::failover::{begin, client, judge, lost, taken_over};
use crate::stage::{FIRST_SYNC, Outcome, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![process:
        a_speaker_that_stands_still_is_started_anew_by_the_kubelet,
        a_leader_that_is_killed_is_replaced,
        a_speaker_that_ends_on_a_cordoned_node_hands_over,
    ]
}

/// Three probes of 10 s each, the grace period of 15 s, and a busy machine.
const STARTED_ANEW: Duration = Duration::from_mins(3);
/// The Lease's term is 15 s; the rest is for the kubelets and the API server of a busy machine.
const REPLACED: Duration = Duration::from_secs(20);

/// A Pod's name, the ID of its container, and how often that was started anew.
struct Container {
    pod: String,
    id: String,
    restarts: u64,
}

impl Container {
    /// Of the first Pod that fits.
    async fn find(stage: &Stage, fits: impl Fn(&Value) -> bool) -> Result<Self> {
        let pods = stage.home().kube().list(PODS.in_namespace(NAMESPACE)).await?;
        let pod = pods
            .iter()
            .find(|pod| fits(pod))
            .context("there is no such Pod")?;
        let status = &pod["status"]["containerStatuses"][0];
        let id = status["containerID"]
            .as_str()
            .context("its container does not run")?;
        let id = id.rsplit('/').next().unwrap_or_default();
        ensure!(!id.is_empty(), "a container without an ID: {status}");
        Ok(Self {
            pod: pod["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            id: id.to_owned(),
            restarts: status["restartCount"].as_u64().unwrap_or_default(),
        })
    }

    async fn of_speaker(stage: &Stage, node: &str) -> Result<Self> {
        let fits = |pod: &Value| {
            pod["metadata"]["labels"]["component"] == "speaker" && pod["spec"]["nodeName"] == node
        };
        Self::find(stage, fits).await
    }

    /// Its only process. Containers share the machine's kernel, and its numbers.
    fn process(&self) -> Result<Pid> {
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            if cgroup.contains(&self.id) {
                return Ok(Pid::from_raw(pid));
            }
        }
        anyhow::bail!("no process is in container {} of {}", self.id, self.pod)
    }

    fn signal(&self, signal: Signal) -> Outcome {
        kill(self.process()?, signal).with_context(|| format!("sending {signal} to {}", self.pod))
    }
}

/// It has its sockets, and nobody reads them; its node forwards on. So nothing moves: another node answers in its place until
/// the kubelet, which gets no answer from /livez, has started it anew.
async fn a_speaker_that_stands_still_is_started_anew_by_the_kubelet(stage: &mut Stage) -> Outcome {
    let (target, node) = begin(stage).await?;
    let before = Container::of_speaker(stage, &node).await?;
    let pinger = client(stage, target, &node).await?;
    let began = Instant::now();
    before.signal(Signal::SIGSTOP)?;
    let anew = async {
        // For whoever has no entry of the address.
        let meanwhile = stage.installation.served(*target.ip(), PORT).await?;
        ensure!(meanwhile == node, "{meanwhile} took the address over");
        until("the kubelet to start it anew", STARTED_ANEW, async || {
            let now = Container::of_speaker(stage, &node).await?;
            ensure!(
                now.pod == before.pod && now.restarts == before.restarts + 1,
                "{} restarts",
                now.restarts
            );
            Ok(())
        })
        .await
    };
    let anew = anew.await;
    if anew.is_err() {
        // The next story is not to find it so.
        let _ = before.signal(Signal::SIGCONT);
    }
    anew?;
    let took = began.elapsed().as_secs_f64();
    stage.installation.settled().await?;
    ensure!(stage.installation.served(*target.ip(), PORT).await? == node);
    let what = format!("the speaker of {node} stood still, and was started anew after {took:.1} s");
    lost_nothing(&what, &pinger.stop()?)
}

fn lost_nothing(what: &str, report: &PingReport) -> Outcome {
    judge(what, report)?;
    ensure!(lost(report) == 0, "{what}: {} datagrams were lost", lost(report));
    Ok(())
}

async fn a_leader_that_is_killed_is_replaced(stage: &mut Stage) -> Outcome {
    let (target, node) = begin(stage).await?;
    let leader = leader(stage).await?;
    let killed = Container::find(stage, |pod| pod["metadata"]["name"] == leader.as_str()).await?;
    let began = Instant::now();
    // One that is killed alone is started anew in its Pod within a second, and leads on under the Pod's name. This one does not
    // hear that it is to end, and so keeps its Lease.
    killed.signal(Signal::SIGSTOP)?;
    let pod = &killed.pod;
    stage
        .shell(&format!(
            "kubectl -n {NAMESPACE} delete pod {pod} --force --grace-period=0 --wait=false"
        ))
        .await?;
    until("another allocator to lead", REPLACED, async || {
        let now = self::leader(stage).await?;
        ensure!(now != leader, "{leader} leads");
        Ok(())
    })
    .await?;
    let led = began.elapsed().as_secs_f64();
    let service = "service loadbalancer fresh --tcp=80";
    stage
        .shell(&format!("kubectl create -n {APPS} {service}"))
        .await?;
    let given = stage.home().service_address(APPS, "fresh", FIRST_SYNC).await;
    stage
        .shell(&format!("kubectl delete -n {APPS} service fresh"))
        .await?;
    eprintln!(
        "the leader was killed: another leads after {led:.1} s, a new Service has {} after {:.1} s",
        given?,
        began.elapsed().as_secs_f64()
    );
    stage.installation.settled().await?;
    let now = stage.installation.served(*target.ip(), PORT).await?;
    ensure!(
        now == node,
        "{node} announced {}, and {now} does now",
        target.ip()
    );
    Ok(())
}

/// Who holds the allocator's Lease: the name of its Pod.
async fn leader(stage: &Stage) -> Result<String> {
    let leases = LEASES.in_namespace(NAMESPACE);
    let lease = stage.home().kube().get(leases, "tiklb-allocator").await?;
    let holder = lease["spec"]["holderIdentity"].as_str();
    let holder = holder.filter(|holder| !holder.is_empty());
    Ok(holder.context("nobody leads")?.to_owned())
}

/// A drain leaves the DaemonSet's Pod alone. When that ends, the node is about to go: what it has is handed over, and the
/// speaker that the DaemonSet makes anew takes nothing back.
async fn a_speaker_that_ends_on_a_cordoned_node_hands_over(stage: &mut Stage) -> Outcome {
    let (target, node) = begin(stage).await?;
    let moved = hand_over(stage, target, &node).await;
    stage.shell(&format!("kubectl uncordon {node}")).await?;
    moved
}

async fn hand_over(stage: &Stage, target: SocketAddrV4, node: &str) -> Outcome {
    let drain = format!("kubectl drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=120s");
    stage.shell(&drain).await?;
    let pinger = client(stage, target, node).await?;
    let on_it = format!("--field-selector spec.nodeName={node}");
    stage
        .shell(&format!(
            "kubectl -n {NAMESPACE} delete pod -l component=speaker {on_it}"
        ))
        .await?;
    let (heir, report) = taken_over(pinger, node).await?;
    lost_nothing(
        &format!("the speaker of {node} ended, cordoned, {heir} took over"),
        &report,
    )?;
    stage.installation.settled().await?;
    let now = stage.installation.served(*target.ip(), PORT).await?;
    ensure!(now == heir, "{heir} took over, and {now} answers");
    Ok(())
}
