//! The home that demo and stories share, as it is before tiklb comes: router, devices, Kubernetes API.
//!
//! Where this machine does not allow a sandbox, all tests show as ignored and stderr says why; with `CI=true` that is a
//! failure. Listing needs no sandbox.

#![expect(
    clippy::unwrap_used,
    reason = "a test: clippy knows those by their harness, which this one has not"
)]

#[path = "home/api.rs"]
mod api;
#[path = "home/devices.rs"]
mod devices;
#[path = "lan/ground.rs"]
#[expect(dead_code, reason = "the LAN's own tests use more of it")]
mod ground;
#[path = "home/program.rs"]
mod program;
#[path = "home/services.rs"]
mod services;

use std::process::ExitCode;

use libtest_mimic::Trial;

fn main() -> ExitCode {
    ground::run("home-test", trials)
}

/// reqwest wants a provider of TLS, and takes the program's; an error means that there is one already.
fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn trials() -> Vec<Trial> {
    let groups = [
        devices::trials(),
        api::trials(),
        services::trials(),
        program::trials(),
    ];
    groups.into_iter().flatten().collect()
}
