//! The program that is packed: linked with everything that it needs.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::binary;

/// The image's profile in Cargo.toml.
const PROFILE: &str = "dist";
/// Links the C library in. Only for the program itself: with `--target`, cargo leaves build scripts and macros as they are,
/// which a compiler loads and which therefore cannot be static.
const STATIC: &str = "-C target-feature=+crt-static";

fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// Where it is, once it was built.
pub(super) fn place(target_folder: &Path) -> PathBuf {
    target_folder.join(target()).join(PROFILE).join("tiklb")
}

pub(super) fn build() -> Result<PathBuf> {
    let target = target();
    let mut command = binary::building();
    command
        .args(["--profile", PROFILE, "--target", &target])
        .env("RUSTFLAGS", STATIC)
        // It would count instead.
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    binary::built(command)
}
