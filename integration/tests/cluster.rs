//! The real cluster in the lab: etcd, kube-apiserver and kube-proxy on the hosts of a LAN.
//!
//! It needs the programs that `cargo run -p lab -- cluster build` makes; with `TIKLB_CLUSTER=1` it builds them itself.
//! Where they, `nft` or the sandbox are missing, all tests show as ignored with the reason; with `CI_CLUSTER=1` that is
//! a failure. Listing needs none of them.

#[path = "cluster/chart.rs"]
mod chart;
#[path = "cluster/conformance.rs"]
mod conformance;
#[path = "cluster/control_plane.rs"]
mod control_plane;
#[path = "cluster/ground.rs"]
mod ground;
#[path = "cluster/home.rs"]
mod home;
#[path = "cluster/kubectl.rs"]
mod kubectl;
#[path = "cluster/traffic.rs"]
mod traffic;

use std::process::ExitCode;

use lab::cluster::Binaries;
use lab::cluster::build::Workshop;
use lab::sandbox;
use libtest_mimic::{Arguments, Completion, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        return run(&arguments, &Err("only listed".to_owned()));
    }
    match prepare() {
        Ok(binaries) => run(&arguments, &Ok(binaries)),
        Err(missing) if is_set("CI_CLUSTER") => {
            eprintln!("the real cluster cannot be tested, and CI_CLUSTER=1 asks for it: {missing}");
            ExitCode::FAILURE
        }
        Err(missing) => run(&arguments, &Err(missing)),
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).as_deref() == Ok("1")
}

/// The programs, and the sandbox around this process; or what is missing, in one line.
fn prepare() -> Result<Binaries, String> {
    let workshop = Workshop::of_this_checkout().map_err(|error| error.to_string())?;
    // Once, outside: the sandbox has no way to the modules.
    if is_set("TIKLB_CLUSTER") && !sandbox::entered() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime
            .block_on(workshop.build(&mut std::io::stderr()))
            .map_err(|error| error.to_string())?;
    }
    let binaries = workshop.found().map_err(|error| error.to_string())?;
    let binaries = binaries.ok_or("the programs are not built: cargo run -p lab -- cluster build")?;
    lab::cluster::check_nft().map_err(|error| error.to_string())?;
    sandbox::enter("cluster-test").map_err(|error| error.to_string())?;
    Ok(binaries)
}

fn run(arguments: &Arguments, binaries: &Result<Binaries, String>) -> ExitCode {
    let tests = [
        control_plane::tests(),
        conformance::tests(),
        traffic::tests(),
        home::tests(),
        chart::tests(),
    ];
    let trials = tests.into_iter().flatten().map(|(name, test)| {
        let binaries = binaries.clone();
        Trial::ignorable_test(name, move || match binaries {
            Ok(binaries) => ground::run(test(binaries)).map(|()| Completion::Completed),
            Err(missing) => Ok(Completion::ignored_with(missing)),
        })
    });
    libtest_mimic::run(arguments, trials.collect()).exit_code()
}
