//! The stories of the crate `lab`, with the binary that cargo has just built. `cargo test --test stories -- --help`

use std::path::Path;
use std::process::ExitCode;

use lab::story::{Theatre, play};

fn main() -> ExitCode {
    let tiklb = Path::new(env!("CARGO_BIN_EXE_tiklb"));
    play(tiklb, Theatre::Embedded, libtest_mimic::Arguments::from_args())
}
