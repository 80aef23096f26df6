//! The image that `cargo run --release -p lab -- image` made: what is in it, and that it runs where nothing else is.
//!
//! Where it was not made, or this machine allows no sandbox, all tests show as ignored and stderr says why; with `CI_IMAGE=1`
//! that is a failure. Listing needs neither.

#![expect(
    clippy::unwrap_used,
    reason = "a test: clippy knows those by their harness, which this one has not"
)]

#[path = "image/layout.rs"]
mod layout;
#[path = "image/names.rs"]
mod names;
#[path = "image/root.rs"]
mod root;

use std::process::ExitCode;

use lab::{image, sandbox};
use libtest_mimic::{Arguments, Trial};

type Outcome = anyhow::Result<()>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials()).exit_code();
    }
    match prepare() {
        Ok(()) => libtest_mimic::run(&arguments, trials()).exit_code(),
        Err(missing) if std::env::var("CI_IMAGE").as_deref() == Ok("1") => {
            eprintln!("the image cannot be tested, and CI_IMAGE=1 asks for it: {missing}");
            ExitCode::FAILURE
        }
        Err(missing) => {
            eprintln!("all of these tests are ignored: {missing}");
            let ignored = trials().into_iter().map(|trial| trial.with_ignored_flag(true));
            libtest_mimic::run(&arguments, ignored.collect()).exit_code()
        }
    }
}

/// The image, and a network of the tests' own: a name server has a port that a machine has one of.
fn prepare() -> Result<(), String> {
    let file = image::place().map_err(|error| format!("{error:#}"))?;
    if !file.is_file() {
        return Err("it was not made: cargo run --release -p lab -- image".to_owned());
    }
    sandbox::enter("image-test").map_err(|error| error.to_string())?;
    Ok(())
}

fn trials() -> Vec<Trial> {
    vec![
        trial(
            "every_blob_is_what_its_digest_says",
            layout::every_blob_is_what_its_digest_says,
        ),
        trial("a_node_finds_it_by_its_name", layout::a_node_finds_it_by_its_name),
        trial(
            "one_layer_holds_one_static_program",
            layout::one_layer_holds_one_static_program,
        ),
        trial("it_is_small", layout::it_is_small),
        trial("it_runs_in_an_empty_root", root::it_runs_in_an_empty_root),
        trial(
            "a_router_is_reached_by_its_name",
            names::a_router_is_reached_by_its_name,
        ),
        trial(
            "no_server_is_asked_that_nobody_named",
            names::no_server_is_asked_that_nobody_named,
        ),
    ]
}

fn trial(name: &str, test: fn() -> Outcome) -> Trial {
    Trial::test(name, move || test().map_err(|error| format!("{error:#}").into()))
}
