//! tiklb's container image without a container engine: an OCI image layout in one tar file, which containerd imports
//! (`ctr images import`), and `skopeo` and `crane` push.
//!
//! One layer with one file, `/tiklb`. No certificates: the API server's comes with the service account, a router's with its
//! Secret or as a pin. No `/etc`: kubelet brings `resolv.conf` and `hosts`, and nothing asks for names of users.
//!
//! `deploy/Dockerfile` makes the same of a program that is linked with musl. Here it is linked with the C library that is
//! there, as statically: rustup's musl target is a download of its own.

mod elf;
mod layout;
mod metallb;
mod pod;
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::cluster::build::target_folder;
pub use elf::interpreter;
pub use layout::{MANIFEST, NAME};
pub use metallb::{metallb, metallb_places};
pub use pod::{PAUSE, pod, pod_place};

/// The largest image that is still quick to pull on a home's line, in bytes.
pub const LARGEST: u64 = 20_000_000;

/// What was made.
#[derive(Debug, Clone)]
pub struct Image {
    /// The tar file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The program's size in bytes.
    pub program: u64,
}

/// Where the image of this checkout is, once it was made.
///
/// # Errors
/// The cargo target folder cannot be told.
pub fn place() -> Result<PathBuf> {
    let file = format!(
        "tiklb-{}-linux-{}.tar",
        env!("CARGO_PKG_VERSION"),
        layout::architecture()
    );
    Ok(target_folder()?.join("image").join(file))
}

/// The program in it, once it was made.
///
/// # Errors
/// The cargo target folder cannot be told.
pub fn program() -> Result<PathBuf> {
    Ok(program::place(&target_folder()?))
}

/// Builds the program that is packed.
///
/// # Errors
/// cargo cannot be run or the build fails.
pub(crate) fn build() -> Result<PathBuf> {
    program::build()
}

/// Builds the program and packs it. What cargo says to a person goes to stderr.
///
/// # Errors
/// cargo cannot be run or the build fails; the program asks for a loader, or is too large; the file cannot be written.
pub fn make(out: Option<&Path>) -> Result<Image> {
    let built = program::build()?;
    let program = fs::read(&built).with_context(|| format!("reading {}", built.display()))?;
    if let Some(loader) = interpreter(&program).with_context(|| format!("reading {}", built.display()))? {
        anyhow::bail!(
            "{} is not static: it asks for {loader}, which an empty image has not",
            built.display()
        );
    }
    let file = out.map_or_else(place, |file| Ok(file.to_owned()))?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    let packed = layout::pack(&layout::tiklb(), &program)?;
    let size = packed.len() as u64;
    ensure!(
        size <= LARGEST,
        "the image has {size} bytes, and {LARGEST} are allowed"
    );
    write(&file, &packed)?;
    Ok(Image {
        file,
        size,
        program: program.len() as u64,
    })
}

/// Under its name only when it is whole.
fn write(file: &Path, packed: &[u8]) -> Result<()> {
    let partial = file.with_extension("partial");
    fs::write(&partial, packed).with_context(|| format!("writing {}", partial.display()))?;
    fs::rename(&partial, file).with_context(|| format!("moving {} into place", file.display()))
}

#[cfg(test)]
mod tests;
