//! The Python environment with the clients, made once for each list of requirements.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The environment's interpreter. `Err` says why there is none and what to do.
pub(crate) fn python() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    REQUIREMENTS.hash(&mut hasher);
    let name = format!("foreign-clients-{:016x}", hasher.finish());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    let python = folder.join("bin/python");
    if python.exists() {
        return Ok(python);
    }
    // Made under another name and renamed when it is whole, so that one that was interrupted is not taken for done.
    let unfinished = folder.with_file_name(format!("{name}.{}", std::process::id()));
    let made = make(&unfinished).and_then(|()| {
        std::fs::rename(&unfinished, &folder)
            .map_err(|error| format!("renaming {}: {error}", unfinished.display()))
    });
    let _ = std::fs::remove_dir_all(&unfinished);
    match made {
        Ok(()) => Ok(python),
        // Another run was faster.
        Err(_) if python.exists() => Ok(python),
        Err(error) => Err(error),
    }
}

fn make(folder: &Path) -> Result<(), String> {
    said(
        Command::new("python3").args(["-m", "venv"]).arg(folder),
        "making a Python environment: install python3 and python3-venv",
    )?;
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/requirements.txt");
    said(
        Command::new(folder.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ])
            .args([
                "--require-hashes",
                "--no-deps",
                "--only-binary",
                ":all:",
                "--retries",
                "2",
                "--timeout",
                "20",
            ])
            .arg("--requirement")
            .arg(list),
        "installing the clients: run once where pip reaches PyPI",
    )
}

fn said(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{what} ({}: {error})", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    // The last line is the one that says what happened.
    let last = errors
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    Err(format!("{what} ({last})"))
}
