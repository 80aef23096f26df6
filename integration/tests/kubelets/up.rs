//! `lab -- cluster up --kubelets` as a person uses it: a cluster of its own, in a sandbox in this one. Of it nothing outlives it:
//! this sandbox has no other processes, so that whatever is left would show.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::installation::Parts;
use lab::sandbox;
use lab::wait::until;
use libtest_mimic::{Completion, Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::stage::{Outcome, SOON};

/// Of the sandbox, by which `lab -- shell` finds it.
const TAG: &str = "cluster";
/// In the environment of everything that runs in it: the folder of its cgroups.
const CGROUP: &str = "LAB_SANDBOX_CGROUP";

/// Three kubelets, an installation by Helm, and the first sync of the router, on a machine that builds beside it. It looks
/// besides whether the image is the checkout's, and builds it where it is not.
const STANDS: Duration = Duration::from_mins(12);
/// The lab's grace is 3 s, and the kernel is given as long to let go of the cgroups.
const ENDED: Duration = Duration::from_secs(20);

/// The last line before it only waits.
const STANDING: &str = "Ctrl-C here ends it.";

/// By the beginning of a line that it tells to type: what that shows.
const PROMISES: [(&str, &[&str]); 7] = [
    (
        "kubectl get pods",
        &["tiklb-allocator-", "tiklb-speaker-", "immich-server-"],
    ),
    (
        "kubectl get services",
        &["immich-server-lan", "192.168.1.203", "192.168.1.200"],
    ),
    (
        "kubectl -n metallb-system get mikrotikrouters",
        &["https://192.168.1.1", "immich-server-lan"],
    ),
    ("kubectl -n metallb-system logs", &["announcing"]),
    ("tiklb status", &["192.168.1.203"]),
    ("tiklb doctor", &["nothing found, "]),
    ("bash -c", &["node"]),
];

/// Before any other story: two clusters at once are more than a small machine has memory for.
pub(crate) fn trials(parts: &Result<Parts, String>) -> Vec<Trial> {
    macro_rules! trials {
        ($($test:ident),* $(,)?) => {
            vec![$(crate::trial(concat!("up::", stringify!($test)), parts, |_| played($test()))),*]
        };
    }
    trials![
        what_it_cannot_run_with_is_told_before_anything_starts,
        ended_while_it_starts_it_leaves_nothing,
        it_shows_what_it_promises_until_ctrl_c_and_leaves_nothing,
    ]
}

fn played(test: impl Future<Output = Outcome>) -> Result<Completion, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(test);
    outcome.map_err(|why| Failed::from(format!("{why:#}")))?;
    Ok(Completion::Completed)
}

fn lab(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(line.split_whitespace()).stdin(Stdio::null());
    command
}

/// It ends with 1, has started nothing, and says these words.
fn refuses(output: &Output, words: &[&str]) -> Outcome {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1) && output.stdout.is_empty(),
        "{output:?}"
    );
    for wanted in words {
        ensure!(said.contains(wanted), "no {wanted:?} in {said}");
    }
    Ok(())
}

async fn what_it_cannot_run_with_is_told_before_anything_starts() -> Outcome {
    /// Nobody's number.
    const NOBODY: u32 = 65_534;
    let before = Traces::now()?;
    // Nobody may not look into the folder that the program lies in: it comes as an open file.
    let program = File::open(env!("CARGO_BIN_EXE_lab"))?;
    let as_nobody = Command::new("/bin/sh")
        .args(["-c", "exec /proc/self/fd/0 cluster up --kubelets"])
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(program)
        .output()?;
    refuses(&as_nobody, &["a plain user may not", "run this as root (sudo)"])?;

    let folder = tempfile::tempdir_in(sandbox::dir().context("the sandbox")?)?;
    for program in ["nft", "ctr", "runc", "iptables"] {
        symlink(installed(program)?, folder.path().join(program))?;
    }
    let without = lab("cluster up --kubelets").env("PATH", folder.path()).output()?;
    let words = [
        "nodes that run Pods need containerd: install what is missing",
        "apt-get install --no-install-recommends containerd)",
    ];
    refuses(&without, &words)?;
    before.are_all().await
}

fn installed(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let mut files = folders.map(|folder| folder.join(program));
    let found = files.find(|file| file.is_file());
    found.with_context(|| format!("{program} is not installed"))
}

async fn ended_while_it_starts_it_leaves_nothing() -> Outcome {
    let before = Traces::now()?;
    let mut up = Up::start()?;
    up.says("Starting etcd").await?;
    // From here on there are containers.
    let cgroup = until("cgroups of its nodes", STANDS, async || cgroup()).await?;
    let code = up.interrupted().await?.0;
    // As a shell has it: 128, and the signal's number.
    ensure!(code == Some(130), "it ended with {code:?}");
    before.are_all().await?;
    no_cgroup(&cgroup).await
}

async fn it_shows_what_it_promises_until_ctrl_c_and_leaves_nothing() -> Outcome {
    let before = Traces::now()?;
    let mut up = Up::start()?;
    let said = up.says(STANDING).await?;
    let cgroup = cgroup()?;
    ensure!(
        said.iter().any(|line| line.ends_with("-- shell client")),
        "{said:?}"
    );
    let mut typed = said.iter().skip_while(|line| *line != "and in there:").skip(1);
    let typed: Vec<&String> = typed.by_ref().filter(|line| !line.is_empty()).collect();
    let (last, typed) = typed.split_last().context("it tells nothing to type")?;
    ensure!(*last == STANDING && typed.len() == PROMISES.len(), "{typed:?}");
    for (line, (begin, wanted)) in typed.iter().zip(PROMISES) {
        ensure!(line.starts_with(begin), "{line:?} is not {begin:?}");
        until(&format!("`{line}` to show it"), SOON, async || {
            shows(line, wanted)
        })
        .await?;
    }
    everything_runs()?;

    let second = lab("cluster up --kubelets").output()?;
    let words = ["a cluster of yours is up already", "-- shell client`", "`kill "];
    refuses(&second, &words)?;
    let (code, rest) = up.interrupted().await?;
    ensure!(code == Some(0), "it ended with {code:?}, saying {rest:?}");
    let end = rest.last().map(String::as_str);
    ensure!(
        end == Some("Ended: the cluster and everything on it is gone."),
        "{rest:?}"
    );
    before.are_all().await?;
    no_cgroup(&cgroup).await
}

/// A line typed on the client: it ends well, and shows these words.
fn shows(line: &str, wanted: &[&str]) -> Result<String> {
    let output = lab("shell client -- sh -c").arg(line).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{line}: {output:?}");
    for words in wanted {
        ensure!(text.contains(words), "no {words:?} in {text}");
    }
    Ok(text)
}

/// Each Pod does, and each `LoadBalancer` has an address.
fn everything_runs() -> Outcome {
    let pods = shows("kubectl get pods -A --no-headers", &[])?;
    let idle: Vec<&str> = pods.lines().filter(|pod| !pod.contains(" Running ")).collect();
    // Two allocators, and on each of three nodes a speaker and one of the guide's Service.
    ensure!(idle.is_empty() && pods.lines().count() == 8, "{pods}");
    let services = shows("kubectl get services -A --no-headers", &[])?;
    let balanced = services.lines().filter(|line| line.contains(" LoadBalancer "));
    let balanced: Vec<&str> = balanced.collect();
    ensure!(
        balanced.len() == 3 && balanced.iter().all(|line| line.contains(" 192.168.1.2")),
        "{services}"
    );
    Ok(())
}

/// It runs; killed when dropped, and all of it with it.
struct Up {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Up {
    fn start() -> Result<Self> {
        let mut command = tokio::process::Command::from(lab("cluster up --kubelets"));
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = child.stdout.take().context("stdout")?;
        let lines = BufReader::new(output).lines();
        Ok(Self { child, lines })
    }

    /// Its lines up to the one that begins so.
    async fn says(&mut self, begin: &str) -> Result<Vec<String>> {
        let mut said = Vec::new();
        let read = async {
            while let Some(line) = self.lines.next_line().await? {
                said.push(line);
                if said.last().is_some_and(|line| line.starts_with(begin)) {
                    return anyhow::Ok(());
                }
            }
            anyhow::bail!("it ended before")
        };
        let read = timeout(STANDS, read).await;
        let read = read.with_context(|| format!("{begin:?} did not come within {STANDS:?}"));
        read.flatten()
            .with_context(|| format!("waiting for {begin:?}, after {said:?}"))?;
        Ok(said)
    }

    /// As by Ctrl-C: its exit code, and what it says yet.
    async fn interrupted(mut self) -> Result<(Option<i32>, Vec<String>)> {
        let pid = self.child.id().context("it has ended already")?;
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT)?;
        let end = async {
            let mut rest = Vec::new();
            while let Some(line) = self.lines.next_line().await? {
                rest.push(line);
            }
            anyhow::Ok((self.child.wait().await?.code(), rest))
        };
        let end = timeout(ENDED, end).await;
        end.with_context(|| format!("it did not end within {ENDED:?}"))?
    }
}

/// The folder of the cgroups of the cluster that runs, once a node's is in it.
fn cgroup() -> Result<String> {
    let running = sandbox::find_running(TAG)?.context("no cluster runs")?;
    let environment = fs::read(format!("/proc/{}/environ", running.pid))?;
    let mut variables = environment.split(|byte| *byte == 0);
    let folder = variables.find_map(|variable| variable.strip_prefix(format!("{CGROUP}=").as_bytes()));
    let folder = String::from_utf8(folder.context("it has no cgroups")?.to_vec())?;
    let hierarchies = sandbox::cgroup_hierarchies()?;
    let made = hierarchies
        .iter()
        .any(|top| top.join(&folder).join("node1").is_dir());
    ensure!(made, "no cgroup of a node in {folder}");
    Ok(folder)
}

/// None of its folders is left.
async fn no_cgroup(folder: &str) -> Outcome {
    until("its cgroups to be gone", SOON, async || {
        let folders = sandbox::cgroup_hierarchies()?
            .into_iter()
            .map(|top| top.join(folder));
        let left: Vec<PathBuf> = folders.filter(|folder| folder.exists()).collect();
        ensure!(left.is_empty(), "left: {left:?}");
        Ok(())
    })
    .await
}

/// What a cluster could leave behind, as this sandbox shows it.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    processes: BTreeSet<i32>,
    /// Of the kinds that the lab makes. Those without a process are held by mounts.
    namespaces: BTreeSet<PathBuf>,
    mounts: String,
    interfaces: BTreeSet<String>,
    /// Where containerd, network plugins and kubelets keep what they know.
    folders: Vec<(&'static str, bool)>,
}

impl Traces {
    fn now() -> Result<Self> {
        let numbers = fs::read_dir("/proc")?.flatten();
        let processes = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let processes: BTreeSet<i32> = processes.collect();
        let kinds = ["cgroup", "mnt", "net", "pid", "user", "uts", "ipc"];
        let namespaces = processes
            .iter()
            .flat_map(|pid| kinds.map(|kind| format!("/proc/{pid}/ns/{kind}")))
            // It may end while we look.
            .filter_map(|link| fs::read_link(link).ok());
        let devices = fs::read_to_string("/proc/net/dev")?;
        let devices = devices.lines().filter_map(|line| line.split_once(':'));
        let folders = [
            "/run/containerd",
            "/run/netns",
            "/var/lib/cni",
            "/var/lib/kubelet",
            "/var/log/containers",
            "/var/log/pods",
        ];
        Ok(Self {
            namespaces: namespaces.collect(),
            processes,
            mounts: fs::read_to_string("/proc/self/mountinfo")?,
            interfaces: devices.map(|(name, _)| name.trim().to_owned()).collect(),
            folders: folders.map(|folder| (folder, Path::new(folder).exists())).into(),
        })
    }

    /// There are no others.
    async fn are_all(&self) -> Outcome {
        until("nothing to be left of it", SOON, async || {
            let now = Self::now()?;
            ensure!(now == *self, "before: {self:#?}\nnow: {now:#?}");
            Ok(())
        })
        .await
    }
}
