//! Who plays the stories: `cargo test`, and `lab story`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use super::Story;
use crate::cluster::Options;
use crate::cluster::build::Workshop;
use crate::home::Api;
use crate::lan::Loss;
use crate::sandbox;

/// Homes at once with the embedded API server. A story mostly waits; this many leave two cores time to spare.
const EMBEDDED_AT_ONCE: usize = 4;
/// A real API server takes half a core while it starts.
const REAL_AT_ONCE: usize = 2;

/// Where stories are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theatre {
    /// With the embedded API server.
    Embedded,
    /// On the real cluster, whose programs `lab cluster build` makes.
    Real,
}

/// Plays the stories that the arguments choose, and says how it went. To be called before any thread is started.
///
/// Where this machine does not allow a sandbox, the stories show as ignored and stderr says why; with `CI=true`, and on
/// the real cluster, that is a failure. Stories that only one kind of cluster can play show as ignored
/// on the other.
/// Listing needs no sandbox.
pub fn play(tiklb: &Path, theatre: Theatre, mut arguments: Arguments) -> ExitCode {
    if arguments.list {
        return run(&arguments, tiklb, &Api::Embedded, false);
    }
    let api = match stage(theatre) {
        Ok(api) => api,
        Err(missing) => {
            eprintln!("no story was played: {missing:#}");
            return ExitCode::FAILURE;
        }
    };
    arguments.test_threads = arguments.test_threads.or(Some(match theatre {
        Theatre::Embedded => EMBEDDED_AT_ONCE,
        Theatre::Real => REAL_AT_ONCE,
    }));
    match sandbox::enter("story") {
        Ok(_) => run(&arguments, tiklb, &api, false),
        Err(sandbox::Error::Impossible(obstacle)) if theatre == Theatre::Embedded && !is_ci() => {
            eprintln!("no story is played: {obstacle}");
            run(&arguments, tiklb, &api, true)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// The API that the homes get.
fn stage(theatre: Theatre) -> anyhow::Result<Api> {
    if theatre == Theatre::Embedded {
        return Ok(Api::Embedded);
    }
    let found = Workshop::of_this_checkout()?.found()?;
    let binaries = found.ok_or_else(|| {
        anyhow::anyhow!(
            "the real cluster's programs are not built: cargo run --release -p lab -- cluster build"
        )
    })?;
    crate::cluster::check_nft()?;
    Ok(Api::Real(Options::new(binaries)))
}

fn is_ci() -> bool {
    std::env::var("CI").as_deref() == Ok("true")
}

fn run(arguments: &Arguments, tiklb: &Path, api: &Api, ignored: bool) -> ExitCode {
    let lossless = !Loss::is_possible() && !is_ci();
    if lossless {
        eprintln!("stories of a LAN that loses frames are not played: install nftables");
    }
    let stories = Story::all().into_iter().map(|story| {
        let (tiklb, api) = (tiklb.to_owned(), api.clone());
        let elsewhere = !story.fits(&api) || (story.loses && lossless);
        Trial::test(story.name, move || tell(story, tiklb, api)).with_ignored_flag(ignored || elsewhere)
    });
    libtest_mimic::run(arguments, stories.collect()).exit_code()
}

/// On a runtime of its own: a story that blocks delays no other.
fn tell(story: Story, tiklb: PathBuf, api: Api) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = runtime.block_on(story.tell(tiklb, api));
    told.map_err(|error| {
        let causes: Vec<String> = error.chain().rev().map(ToString::to_string).collect();
        causes.join("\n  ").into()
    })
}
