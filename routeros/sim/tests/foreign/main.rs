//! Clients of RouterOS's REST API that nobody here wrote, against the simulator: rosrestpy and
//! mikrotik-rest-mcp-server, from `PyPI`, in a Python environment below `target/`.
//!
//! That they work shows that the simulator does what such clients take for granted; that it answers as RouterOS does,
//! they cannot show. What they say was answered is compared with literals, here and in the scripts.
//!
//! The first run needs `python3` with its module `venv`, and `PyPI`; the environment is kept for the next ones. Where it
//! cannot be made, the tests fail if `CI=true`, and are otherwise listed as ignored with the reason.

#[cfg(test)]
mod environment;
#[cfg(test)]
mod round_trip;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use round_trip::{MCP, ROSRESTPY, run};

/// Each client meets each of these: the oldest that is supported, one before and one after rows changed.
const VERSIONS: [&str; 3] = ["7.16.2", "7.20.8", "7.23.7"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let python = if arguments.list {
        Err("only listed".into())
    } else {
        environment::python()
    };
    let must_run = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let mut trials = Vec::new();
    for client in [&ROSRESTPY, &MCP] {
        for version in VERSIONS {
            let name = format!("{}_on_{}", client.name, version.replace('.', "_"));
            trials.push(match &python {
                Ok(python) => {
                    let python = python.clone();
                    Trial::test(name, move || run(&python, client, version))
                }
                Err(reason) => {
                    let reason: String = reason.clone();
                    Trial::ignorable_test(name, move || {
                        if must_run {
                            Err(Failed::from(reason))
                        } else {
                            Ok(Completion::ignored_with(reason))
                        }
                    })
                }
            });
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
