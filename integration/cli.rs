//! The lab's command line.

mod shell;
mod up;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;

use crate::home::Ranges;
use crate::peers::metallb;
use crate::story::Theatre;
use crate::{bench, binary, chart, cluster, demo, image, sandbox, story};

/// The sandbox of the demo, by which `shell` finds it.
const DEMO: &str = "demo";

/// That of the benches.
const BENCH: &str = "bench";

/// What the lab's own parts log, and the simulated router.
const LOG: &str = "LAB_LOG";

/// Where tiklb is shown, judged and measured: a LAN of network namespaces, a simulated MikroTik, a Kubernetes API.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    version,
    after_help = "Start here:\n  \
        cargo run --release -p lab -- demo          see what tiklb does, in half a minute\n  \
        cargo run --release -p lab -- demo --keep   the same, and it stays up to look around in\n  \
        cargo run --release -p lab -- shell client  a shell on a host of it, from another terminal\n  \
        cargo run --release -p lab -- bench         the numbers that are promised, measured here\n\n\
        Needs root or user namespaces, and nothing else; it says what to allow where neither is possible.\n\
        Nothing outside of its namespaces is touched, and nothing is left behind, whatever ends it.\n\
        LAB_LOG=info shows what the lab's own parts log."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows what tiklb does for a home: addresses, failover, and a router that agrees
    Demo(DemoArguments),
    /// A shell, or one command, on a host of the demo (started with --keep) or the cluster (`cluster up`) that runs
    Shell(ShellArguments),
    /// Plays the stories: what a person relies on, each in a home of its own
    Story(StoryArguments),
    /// Measures what is promised: failover, answers, idle speakers, false alarms, memory, router and more
    Bench(BenchArguments),
    /// Makes docs/measured.md from the benches' files in docs/measured
    Measured(MeasuredArguments),
    /// The real Kubernetes API for the stories
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Lints and renders the Helm chart, and compares deploy/manifests with it (needs Go; two minutes, once)
    #[command(after_help = "TIKLB_UPDATE=1 writes deploy/manifests and deploy/rbac anew.")]
    Chart,
    /// Builds tiklb as one static program and packs it as a container image, without a container engine
    Image(ImageArguments),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Builds a LAN with a router, three nodes, a client, a phone and a printer; starts tiklb; applies \
        manifests of deploy/examples/homelab; shows statuses, the router's tables, ARP answers and connections; cuts the cable of \
        the node that answers under a client that sends every millisecond; takes everything back and compares the \
        router with what it was. It fails, with the step and what was expected there, if anything is not as it should \
        be.\n\ntiklb is built first; TIKLB_BINARY=… names one that is there already."
)]
struct DemoArguments {
    /// Stays up after the failover, tells how to look around, and ends with Ctrl-C
    #[arg(long)]
    keep: bool,
    /// The router's pool at the start: 100-199 is one that a person has shrunk by hand, from which nothing is taken and
    /// to which nothing is given back
    #[arg(long, value_name = "RANGES", value_parser = demo::pool_at_start)]
    start: Option<Ranges>,
}

#[derive(Debug, Args)]
struct MeasuredArguments {
    /// Takes the files of this folder over first, without what was seen in each single run
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
    KUBECONFIG is set. Examples:\n  \
        lab shell router\n  \
        lab shell client -- kubectl get services -A\n  \
        lab shell node1 -- ip neigh")]
struct ShellArguments {
    /// The host: client, router, control, node1, node2, node3, phone, printer, newcomer or switch
    #[arg(default_value = "client")]
    host: String,
    /// A command with its arguments; your shell if none is given
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
    Examples:\n  \
        lab story                              all of them, with the embedded API server\n  \
        lab story --cluster outage             on a real API server, those with outage in their name\n  \
        lab story --skip router:: --skip pin   all but those with one of these in their name\n  \
        lab story --list\n  \
        lab story --exact router::a_wrong_password\n\n\
    `cargo test --test stories` plays the same stories.")]
struct StoryArguments {
    /// On a real etcd, kube-apiserver and kube-proxy (see `lab cluster build`), as the service accounts of deploy/rbac
    #[arg(long)]
    cluster: bool,
    /// Only list their names
    #[arg(long)]
    list: bool,
    /// The filters are whole names
    #[arg(long)]
    exact: bool,
    /// Stories at once: 4 with the embedded API server and 2 on the real one, if not given
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// No stories with this in their name; may be given more than once
    #[arg(long, value_name = "TEXT")]
    skip: Vec<String>,
    /// Only stories with this in their name
    filter: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
    Each bench prints a table and writes its samples, one by one, to target/bench/NAME.json. It fails if a goal is \
        missed or a run failed, and says which. The load of the machine is told: close what is busy, or read the \
        numbers with it.\n\n\
    Goals:\n  \
        failover   longest silence at a client that sends every millisecond: p50 35 ms and p99 60 ms at most, and not\n             \
                   above keepalived's at 10 ms in the same run\n  \
        move       drain, shutdown and failback: no datagram of such a client is lost\n  \
        speaker    killed, stopped and continued, rollout: nothing lost, no connection broken, no move within 60 s, no\n             \
                   question answered twice\n  \
        connect    Service created -> first ARP answer, for an address known to be free: p50 60 ms at most; with\n             \
                   --metallb, p50 and p99 of that and of a first connection not above MetalLB's\n  \
        answer     p50 within 1.3 times the kernel's own and a bare program's; 100,000 answers a second of a processor; foreign frames: a\n             \
                   tenth of the processor time of a socket without a filter\n  \
        idle       100 addresses: 1 % of a processor at most with 5 nodes, 3 % with 50\n  \
        false-alarms\n             \
                   no move under load, and none with 100 link blips of 25 ms; one at most with pauses of 200 ms, and by a node\n             \
                   that stands still for as long\n  \
        demo       30 s at most\n  \
        memory     1,000 addresses: 16 MiB of a speaker at most\n  \
        router     1,000 Services in sync: no write, and 6 reads a poll at most on average\n  \
        allocator  p50 and p99 of an address not above MetalLB's; 1,000 at once: all within 1 s, one write each; a new\n             \
                   one within 1 s of a restart with 1,000, 3 s with 10,000; nothing rewritten; 48 MiB at most\n\n\
    Examples:\n  \
        lab bench                          all that need nothing but cargo, about an hour\n  \
        lab bench allocator                on a real API server, with MetalLB (built first, with Go): six minutes\n  \
        lab bench allocator --alone --part restart\n  \
        lab bench failover --runs 5        a quick look\n  \
        lab bench failover connect speaker --metallb\n  \
        lab bench false-alarms --minutes 60\n  \
        lab bench connect --out /tmp/a     to compare with another build's\n  \
        lab bench idle --image             the program that is installed, which takes minutes more to build\n\n\
    tiklb is built first; TIKLB_BINARY=… names one that is there already.")]
struct BenchArguments {
    /// Which ones; all but allocator if none is named
    #[arg(value_name = "NAME")]
    names: Vec<bench::Name>,
    /// How many runs of each [default: 30 failovers, 20 moves and as many back, 2 of each
    /// trouble of a speaker, 50 Services, 3 rounds of answer, 1 home of idle, 3 demos, 1
    /// home for memory, 11 polls of a router, 500
    /// Services of allocator]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: Option<u32>,
    /// How long idle and false-alarms watch [default: 1 for idle, 5 for false-alarms]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: Option<u32>,
    /// The folder for the JSON files [default: target/bench]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Measures tiklb as the image carries it: optimised as a whole, static
    #[arg(long)]
    image: bool,
    /// Has MetalLB beside tiklb in failover, connect and speaker, on a real API server (both built first, with Go)
    #[arg(long)]
    metallb: bool,
    #[command(flatten)]
    allocator: AllocatorArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Of allocator")]
struct AllocatorArguments {
    /// Only this part; may be given more than once
    #[arg(long = "part", value_name = "PART")]
    parts: Vec<bench::Part>,
    /// Services of a burst, and of the restart after it
    #[arg(long, value_name = "N", default_value_t = bench::Wish::default().services)]
    services: usize,
    /// Services of the part `many`
    #[arg(long, value_name = "N", default_value_t = bench::Wish::default().many)]
    many: usize,
    /// On the embedded API server, without MetalLB: needs no Go, and proves nothing
    #[arg(long)]
    embedded: bool,
    /// Without MetalLB
    #[arg(long)]
    alone: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
    It is an OCI image layout in a tar file: `ctr --namespace k8s.io images import FILE` brings it to a node, `k3s ctr \
        images import FILE` to one of k3s. deploy/Dockerfile makes the same with musl.")]
struct ImageArguments {
    /// The file [default: tiklb-VERSION-linux-ARCHITECTURE.tar in target/image]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
    With --kubelets, Pods run: a containerd and a kubelet in each node's namespace, the scheduler and the controllers, and tiklb, \
        installed by Helm from its image with the manifests of deploy/examples/homelab and Pods behind one of its Services. \
        Needs root, and what Debian calls containerd, runc, iptables, containernetworking-plugins and nftables. Without, \
        there are Nodes and kube-proxies, and no Pods.\n\n\
    `lab shell` leads into it. Ctrl-C (or SIGTERM) ends it: with 0 once all stood, with 130 (143) before; nothing is left \
        either way.")]
struct UpArguments {
    /// Nodes that run Pods, and tiklb installed on them
    #[arg(long)]
    kubelets: bool,
}

#[derive(Debug, Subcommand)]
enum ClusterCommand {
    /// Builds etcd, kube-apiserver, kube-proxy, kubectl, kubelet, scheduler and controllers from their Go modules, and what
    /// stories run beside them: Helm and MetalLB (needs Go; minutes, once)
    Build,
    /// A home on a real cluster that stays up to look around in, until Ctrl-C
    Up(UpArguments),
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    if let Some(code) = probed() {
        return code;
    }
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let outcome = match Cli::parse().command {
        Command::Demo(arguments) => show(arguments),
        Command::Shell(ShellArguments { host, command }) => shell::open(&[DEMO, up::TAG], &host, &command),
        Command::Story(arguments) => play(&arguments),
        Command::Bench(arguments) => measure(arguments),
        Command::Cluster(ClusterCommand::Build) => build_cluster(),
        Command::Cluster(ClusterCommand::Up(UpArguments { kubelets })) => up::run(kubelets),
        Command::Measured(arguments) => renew_page(&arguments),
        Command::Chart => check_chart(),
        Command::Image(ImageArguments { out }) => pack_image(out.as_deref()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        // Where the machine forbids the sandbox, a script can tell that from a failure.
        let forbidden = error.downcast_ref::<sandbox::Error>();
        forbidden.map_or(ExitCode::FAILURE, |error| ExitCode::from(error.exit_code()))
    })
}

/// [`sandbox::possible`] starts this program without arguments, to see whether it comes as far as the sandbox.
fn probed() -> Option<ExitCode> {
    if !sandbox::entered() || std::env::args_os().len() > 1 {
        return None;
    }
    let code = sandbox::enter(DEMO).map_or_else(|error| error.exit_code(), |_| 0);
    Some(ExitCode::from(code))
}

fn show(arguments: DemoArguments) -> Result<ExitCode> {
    if !sandbox::entered() {
        // Before minutes are spent on a build that would be for nothing.
        sandbox::possible()?;
    }
    let tiklb: PathBuf = binary::tiklb()?;
    let inside = sandbox::enter(DEMO)?;
    let options = demo::Options {
        tiklb,
        keep: arguments.keep,
        start: arguments.start,
    };
    let shown = demo::run(options, inside.dir());
    runtime()?.block_on(shown).context("the demo failed")?;
    Ok(ExitCode::SUCCESS)
}

fn play(arguments: &StoryArguments) -> Result<ExitCode> {
    let options = libtest_mimic::Arguments {
        list: arguments.list,
        exact: arguments.exact,
        test_threads: arguments.threads,
        filter: arguments.filter.clone(),
        skip: arguments.skip.clone(),
        ..libtest_mimic::Arguments::default()
    };
    let theatre = if arguments.cluster {
        Theatre::Real
    } else {
        Theatre::Embedded
    };
    let tiklb = if arguments.list {
        PathBuf::new()
    } else {
        binary::tiklb()?
    };
    Ok(story::play(&tiklb, theatre, options))
}

fn measure(arguments: BenchArguments) -> Result<ExitCode> {
    if !sandbox::entered() {
        // Before minutes are spent on a build that would be for nothing.
        sandbox::possible()?;
    }
    let wants_metallb = wants_metallb(&arguments)?;
    let tiklb = if arguments.image {
        binary::tiklb_of_the_image()?
    } else {
        binary::tiklb()?
    };
    let AllocatorArguments {
        parts,
        services,
        many,
        embedded,
        alone,
    } = arguments.allocator;
    let allocator = if arguments.names.contains(&bench::Name::Allocator) {
        let wish = bench::Wish {
            parts,
            services,
            many,
            embedded,
            alone,
        };
        Some(runtime()?.block_on(wish.prepare())?)
    } else {
        None
    };
    let beside = if wants_metallb {
        Some(runtime()?.block_on(bench::Beside::prepare())?)
    } else {
        None
    };
    let options = bench::Options {
        tiklb,
        names: arguments.names,
        allocator,
        beside,
        runs: arguments.runs,
        minutes: arguments.minutes,
        out: arguments.out,
    };
    sandbox::enter(BENCH)?;
    let met = runtime()?.block_on(bench::run(options))?;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Minutes of building are not for benches that do without.
fn wants_metallb(arguments: &BenchArguments) -> Result<bool> {
    use bench::Name::{Connect, Failover, Speaker};
    let names = &arguments.names;
    let named = names
        .iter()
        .any(|name| [Failover, Connect, Speaker].contains(name));
    ensure!(
        !arguments.metallb || named || names.is_empty(),
        "--metallb is for failover, connect and speaker, and none of them is named (allocator has MetalLB beside it anyway)"
    );
    Ok(arguments.metallb)
}

fn renew_page(arguments: &MeasuredArguments) -> Result<ExitCode> {
    let page = bench::page::renew(arguments.from.as_deref())?;
    writeln!(std::io::stdout(), "{}", page.display())?;
    Ok(ExitCode::SUCCESS)
}

fn build_cluster() -> Result<ExitCode> {
    let mut progress = std::io::stderr();
    let (binaries, helm, metallb) = runtime()?.block_on(async {
        let binaries = cluster::build(&mut progress).await?;
        let helm = chart::Helm::build(&mut progress).await?;
        anyhow::Ok((binaries, helm, metallb::build(&mut progress).await?))
    })?;
    let programs = [
        &binaries.etcd,
        &binaries.kube_apiserver,
        &binaries.kube_proxy,
        &binaries.kubectl,
        &binaries.kubelet,
        &binaries.kube_scheduler,
        &binaries.kube_controller_manager,
        helm.program(),
        &metallb.controller,
        &metallb.speaker,
    ];
    for program in programs {
        println!("{}", program.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn check_chart() -> Result<ExitCode> {
    runtime()?.block_on(async {
        let helm = chart::Helm::build(&mut std::io::stderr()).await?;
        chart::check(&helm).await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn pack_image(out: Option<&Path>) -> Result<ExitCode> {
    let made = image::make(out)?;
    // What the lab's own Pods run, for `lab cluster up --kubelets`.
    image::pod()?;
    println!("{}", made.file.display());
    println!("/tiklb  {:>9} bytes, static", made.program);
    println!("image   {:>9} bytes, {}", made.size, image::NAME);
    Ok(ExitCode::SUCCESS)
}

/// The lab's own thread; each host of a LAN has one of its own.
fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the lab's runtime")
}

#[cfg(test)]
mod tests;
