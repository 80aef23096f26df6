//! The tiklb program: built by cargo, once, outside of the sandbox.
//!
//! Inside there is no way to a registry, and the build's output belongs to the person. So it is built first, and then
//! this program is executed again with the path in its environment, where every stage of the sandbox finds it.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

use crate::cluster::build::target_folder;
use crate::{image, sandbox};

/// The environment variable that names a program which is there already.
pub const GIVEN: &str = "TIKLB_BINARY";

/// The package and its binary.
const NAME: &str = "tiklb";

/// What `cargo run` tells the lab of its own package. Build scripts look at these too (ring's, under half of the tree), and
/// would run anew each time that they find others.
const OF_THE_LAB: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// The program's path, for the demo and whatever else needs it: the one that [`GIVEN`] names, else what cargo builds
/// now, in release where the lab is. Builds outside of the sandbox only, and does not return then: this program starts
/// again and finds the path. To be called before [`sandbox::enter`] and before any thread starts.
///
/// # Errors
/// cargo cannot be run or the build fails (cargo has said why); the file that is named is not there.
pub fn tiklb() -> Result<PathBuf> {
    tiklb_by(build)
}

/// The same, where cargo builds it as the image and the release carry it.
///
/// # Errors
/// As for [`tiklb`]; [`GIVEN`] names another program.
pub fn tiklb_of_the_image() -> Result<PathBuf> {
    let tiklb = tiklb_by(image::build)?;
    ensure!(
        tiklb == image::program()?.canonicalize()?,
        "{GIVEN} names {}, which is not the image's program: unset it, and that is built",
        tiklb.display()
    );
    Ok(tiklb)
}

fn tiklb_by(build: fn() -> Result<PathBuf>) -> Result<PathBuf> {
    if let Some(given) = env::var_os(GIVEN).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(given);
        ensure!(
            path.is_file(),
            "{GIVEN} is {}, and no such file is there: unset it to have tiklb built",
            path.display()
        );
        return path
            .canonicalize()
            .with_context(|| format!("finding {}", path.display()));
    }
    ensure!(
        !sandbox::entered(),
        "tiklb is built before the sandbox is entered, and {GIVEN} names it"
    );
    let path = build()?;
    let mut arguments = env::args_os();
    let mut again = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let why = again.args(arguments).env(GIVEN, &path).exec();
    Err(why).context("starting the lab again, after tiklb was built")
}

fn build() -> Result<PathBuf> {
    let mut command = building();
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    built(command)
}

/// `cargo build` of the program, in the profile that the caller adds.
pub(crate) fn building() -> Command {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .current_dir(&workspace)
        .args(["build", "--package", NAME, "--bin", NAME])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    for (name, _) in env::vars_os() {
        let told = |start: &&str| name.as_encoded_bytes().starts_with(start.as_bytes());
        if OF_THE_LAB.iter().any(told) {
            command.env_remove(&name);
        }
    }
    // Where the lab itself was built to, so that what both need is built once.
    if let Ok(target) = target_folder() {
        command.arg("--target-dir").arg(target);
    }
    command
}

/// Runs it. What cargo says to a person goes to stderr, as ever.
pub(crate) fn built(mut command: Command) -> Result<PathBuf> {
    let built = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .with_context(|| {
            let cargo = command.get_program().display();
            let folder = command.get_current_dir().unwrap_or(Path::new(".")).display();
            format!(
                "running {cargo} in {folder} to build {NAME}: is cargo installed, and the repository where this lab was built?"
            )
        })?;
    ensure!(
        built.status.success(),
        "building {NAME} failed ({}): see cargo's output above",
        built.status
    );
    executable(&String::from_utf8_lossy(&built.stdout))
        .ok_or_else(|| anyhow!("cargo built {NAME} and named no executable"))
}

/// The path that cargo's messages name for the binary, one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let binary = |message: &Value| {
        message["reason"] == "compiler-artifact"
            && message["target"]["name"] == NAME
            && message["target"]["kind"][0] == "bin"
    };
    let mut artifacts = messages.filter(binary);
    artifacts.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests;
