//! The image of the lab's own Pods: what holds a Pod's namespaces open, and what stands behind a Service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::layout::{self, Recipe};
use crate::cluster::build::target_folder;

/// Its name: of both uses, which its arguments tell apart.
pub const PAUSE: &str = "tiklb.io/lab-pod:lab";

/// The file, beside that of tiklb's image.
const FILE: &str = "lab-pod.tar";

/// The source, of the standard library alone.
const SOURCE: &str = "pod/main.rs";

/// Where it is, once it was made.
///
/// # Errors
/// It was not: names the command that makes it. The cargo target folder cannot be told.
pub fn pod_place() -> Result<PathBuf> {
    let file = target_folder()?.join("image").join(FILE);
    ensure!(
        file.is_file(),
        "there is no image at {}: cargo run --release -p lab -- image",
        file.display()
    );
    Ok(file)
}

/// Compiles and packs it (a second), and says where it is.
///
/// # Errors
/// rustc cannot be run or fails; the file cannot be written.
pub fn pod() -> Result<PathBuf> {
    let folder = target_folder()?.join("image");
    fs::create_dir_all(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let program = folder.join("lab-pod");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiled = Command::new(&rustc)
        .args(["--edition=2024", "-O", "-C", "panic=abort", "-C", "strip=symbols"])
        .args(["-C", "target-feature=+crt-static", "--crate-name", "lab_pod"])
        .arg("-o")
        .arg(&program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(SOURCE))
        .status()
        .with_context(|| format!("running {}: is Rust installed?", rustc.display()))?;
    ensure!(compiled.success(), "compiling {SOURCE} failed ({compiled})");
    let bytes = fs::read(&program).with_context(|| format!("reading {}", program.display()))?;
    let recipe = Recipe {
        name: PAUSE,
        file: "pod",
        user: "65534:65534",
        labels: json!({}),
    };
    let file = folder.join(FILE);
    super::write(&file, &layout::pack(&recipe, &bytes)?)?;
    Ok(file)
}
