//! What a speaker does that was not given what it needs.

use std::process::{Command, Output};

use caps::{CapSet, Capability};

/// A speaker, started by a thread that may not hand `CAP_NET_RAW` on. Capabilities are a thread's own.
fn without_raw_sockets() -> Output {
    let started = std::thread::spawn(|| {
        // Whoever may take it from the bounding set might also have it; whoever may not has none to begin with.
        let bounding = caps::read(None, CapSet::Bounding).unwrap();
        let permitted = caps::read(None, CapSet::Permitted).unwrap();
        if bounding.contains(&Capability::CAP_NET_RAW) && permitted.contains(&Capability::CAP_SETPCAP) {
            caps::drop(None, CapSet::Bounding, Capability::CAP_NET_RAW).unwrap();
        }
        Command::new(env!("CARGO_BIN_EXE_tiklb"))
            .args(["speaker", "--node-name=node1", "--pod-name=speaker-1"])
            .output()
            .unwrap()
    });
    started.join().unwrap()
}

#[test]
fn a_speaker_that_may_not_open_packet_sockets_ends_and_says_how_it_may() {
    let output = without_raw_sockets();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("needs the capability NET_RAW"), "{said}");
    assert!(said.contains("securityContext.capabilities.add"), "{said}");
}
