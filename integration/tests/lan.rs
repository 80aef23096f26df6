//! The lab's own ground: the sandbox, the LAN, the judge's eyes. Each test runs inside a sandbox, on a LAN of its own.
//!
//! Where this machine does not allow a sandbox, all tests show as ignored and stderr says why; with `CI=true` that is a
//! failure. Listing needs no sandbox.

#![expect(
    clippy::unwrap_used,
    reason = "a test: clippy knows those by their harness, which this one has not"
)]

#[path = "lan/clients.rs"]
mod clients;
#[path = "lan/dhcp_server.rs"]
mod dhcp_server;
#[path = "lan/floods.rs"]
mod floods;
#[path = "lan/frames.rs"]
mod frames;
#[path = "lan/ground.rs"]
mod ground;
#[path = "lan/hosts.rs"]
mod hosts;
#[path = "lan/leases.rs"]
mod leases;
#[path = "lan/parts.rs"]
mod parts;
#[path = "lan/processes.rs"]
mod processes;
#[path = "lan/sandboxes.rs"]
mod sandboxes;

use std::process::ExitCode;

use libtest_mimic::Trial;

fn main() -> ExitCode {
    // The sandbox's tests start this program again, to look at it from outside.
    if let Some(code) = parts::play() {
        return code;
    }
    ground::run("lab-test", trials)
}

fn trials() -> Vec<Trial> {
    let groups = [
        sandboxes::trials(),
        hosts::trials(),
        processes::trials(),
        frames::trials(),
        floods::trials(),
        clients::trials(),
        leases::trials(),
    ];
    groups.into_iter().flatten().collect()
}
