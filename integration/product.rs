//! The binary that is shown, judged and measured: built by cargo, found beside this program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The binary's name.
const NAME: &str = "tiklb";

/// Where `cargo run -p lab` leaves the binary: beside the lab's own, built the same way.
///
/// # Errors
/// This program's own place cannot be found out.
pub fn path() -> Result<PathBuf> {
    let own = std::env::current_exe().context("finding this program's own file")?;
    // A test binary lies one folder deeper.
    let folder = own.parent().filter(|folder| !folder.ends_with("deps"));
    let folder = folder.or_else(|| own.parent()?.parent());
    Ok(folder.context("finding this program's own folder")?.join(NAME))
}

/// Builds the binary with the cargo that runs this program, in the same profile. Outside of cargo there is nothing to
/// build with: then the binary must be there.
///
/// # Errors
/// It does not compile, or is not there.
pub fn build() -> Result<PathBuf> {
    let path = path()?;
    let Some(cargo) = std::env::var_os("CARGO") else {
        ensure!(
            path.exists(),
            "{} is not there: build it with `cargo build --release --bin tiklb`, or run this by `cargo run --release -p lab`",
            path.display()
        );
        return Ok(path);
    };
    let mut command = Command::new(&cargo);
    command
        .args(["build", "--quiet", "--package", NAME, "--bin", NAME])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"),
        ])
        .stdin(Stdio::null());
    if let Some(profile) = profile(&path) {
        command.args(["--profile", &profile]);
    }
    let status = command
        .status()
        .with_context(|| format!("running {}", Path::new(&cargo).display()))?;
    ensure!(status.success(), "tiklb did not compile; see above");
    ensure!(
        path.exists(),
        "cargo built tiklb elsewhere than at {}: is a build target configured? Unset it for the lab",
        path.display()
    );
    Ok(path)
}

/// The cargo profile whose folder this is.
fn profile(path: &Path) -> Option<String> {
    let folder = path.parent()?.file_name()?.to_str()?;
    Some(if folder == "debug" { "dev" } else { folder }.to_owned())
}
