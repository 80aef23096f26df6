//! tiklb installed by Helm on real nodes: stories on one cluster of three kubelets, one after the other.
//!
//! It needs root, what `.ci/cluster` installs, and what `lab -- cluster build`, `lab -- chart` and `lab -- image` make. Without
//! `CI_KUBELETS=1` all tests show as ignored; with it, what is missing is a failure. Each story puts the
//! cluster in the state that it begins with, so that a filter may name any of them. Whether tiklb's accounts have a right
//! too many is judged when all of them were played.

#[path = "kubelets/failover.rs"]
mod failover;
#[path = "kubelets/guide.rs"]
mod guide;
#[path = "kubelets/installation.rs"]
mod installation;
#[path = "kubelets/migration.rs"]
mod migration;
#[path = "kubelets/process.rs"]
mod process;
#[path = "kubelets/records.rs"]
mod records;
#[path = "kubelets/release.rs"]
mod release;
#[path = "kubelets/removal.rs"]
mod removal;
#[path = "kubelets/rights.rs"]
mod rights;
#[path = "kubelets/stage.rs"]
mod stage;
#[path = "kubelets/trouble.rs"]
mod trouble;
#[path = "kubelets/up.rs"]
mod up;
#[path = "kubelets/waves.rs"]
mod waves;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use lab::installation::Parts;
use lab::peers::metallb::Metallb;
use lab::{image, sandbox};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use stage::{Stage, Story};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // There is one cluster.
    arguments.test_threads = Some(1);
    if arguments.list {
        return run(&arguments, &Err("only listed".to_owned()));
    }
    // An image that lies around may be of another state.
    if std::env::var("CI_KUBELETS").as_deref() != Ok("1") {
        let asked = "they take minutes, and an image of this state: CI_KUBELETS=1 plays them";
        return run(&arguments, &Err(asked.to_owned()));
    }
    match prepare() {
        Ok(parts) => run(&arguments, &Ok(parts)),
        Err(missing) => {
            eprintln!("kubelets cannot be tested, and CI_KUBELETS=1 asks for it: {missing}");
            ExitCode::FAILURE
        }
    }
}

/// The programs, and the sandbox around this process; or what is missing, in one line.
fn prepare() -> Result<Parts, String> {
    let one_line = |error: anyhow::Error| format!("{error:#}");
    if !sandbox::entered() {
        // It is compiled in a second, and so never an old one.
        image::pod().map_err(one_line)?;
        pack_metallb().map_err(one_line)?;
    }
    let parts = Parts::found().map_err(one_line)?;
    sandbox::enter("kubelets-test").map_err(|error| error.to_string())?;
    Ok(parts)
}

/// Of the programs that `lab -- cluster build` has made.
fn pack_metallb() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    image::metallb(&runtime.block_on(Metallb::found())?)
}

fn run(arguments: &Arguments, parts: &Result<Parts, String>) -> ExitCode {
    let stage = Arc::new(Mutex::new(None));
    let stories: [Vec<(&'static str, Story)>; 9] = [
        installation::stories(),
        guide::stories(),
        failover::stories(),
        process::stories(),
        trouble::stories(),
        records::stories(),
        release::stories(),
        removal::stories(),
        migration::stories(),
    ];
    let stories = stories.concat();
    let names: BTreeSet<&str> = stories.iter().map(|(name, _)| *name).collect();
    let unplayed = Arc::new(Mutex::new(names));
    let played = Arc::clone(&unplayed);
    let shared = Arc::clone(&stage);
    let trials = stories.into_iter().map(|(name, story)| {
        let played = Arc::clone(&played);
        let stage = Arc::clone(&shared);
        trial(name, parts, move |parts| {
            Stage::play(&stage, parts, story).map_err(|error| Failed::from(format!("{error:#}")))?;
            played.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            Ok(Completion::Completed)
        })
    });
    let rights = trial(rights::NAME, parts, move |_| {
        let unplayed = unplayed.lock().unwrap_or_else(PoisonError::into_inner);
        rights::completion(&stage, &unplayed)
    });
    let trials: Vec<Trial> = up::trials(parts)
        .into_iter()
        .chain(trials)
        .chain([rights])
        .collect();
    let conclusion = libtest_mimic::run(arguments, trials);
    if conclusion.num_filtered_out > 0 {
        eprintln!(
            "NOT JUDGED whether every right of tiklb's accounts is used: only some stories were played"
        );
    }
    conclusion.exit_code()
}

/// A test that is ignored where parts are missing.
fn trial(
    name: &str,
    parts: &Result<Parts, String>,
    run: impl FnOnce(&Parts) -> Result<Completion, Failed> + Send + 'static,
) -> Trial {
    let parts = parts.clone();
    Trial::ignorable_test(name, move || match parts {
        Ok(parts) => run(&parts),
        Err(missing) => Ok(Completion::ignored_with(missing)),
    })
}
