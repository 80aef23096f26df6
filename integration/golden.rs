//! The golden trace of the crate `lab`, with the binary that cargo has just built. `TIKLB_GOLDEN=renew` writes it anew.
//!
//! Where this machine does not allow a sandbox, the test shows as ignored and stderr says why; with `CI=true` that is a
//! failure. Listing needs no sandbox.

use std::process::ExitCode;

use lab::sandbox;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        return run(&arguments, false);
    }
    match sandbox::enter("golden") {
        Ok(_) => run(&arguments, false),
        Err(sandbox::Error::Impossible(obstacle)) if !is_ci() => {
            eprintln!("no trace is taken: {obstacle}");
            run(&arguments, true)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn is_ci() -> bool {
    std::env::var("CI").as_deref() == Ok("true")
}

fn run(arguments: &Arguments, ignored: bool) -> ExitCode {
    let trial = Trial::test("one_service", one_service).with_ignored_flag(ignored);
    libtest_mimic::run(arguments, vec![trial]).exit_code()
}

fn one_service() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let judged = runtime.block_on(lab::trace::judge(env!("CARGO_BIN_EXE_tiklb").into()));
    judged.map_err(|error| {
        let causes: Vec<String> = error.chain().rev().map(ToString::to_string).collect();
        causes.join("\n  ").into()
    })
}
