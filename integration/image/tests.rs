//! Programs that need a loader, and an image that is the same each time. What is in a real one is read by `tests/image.rs`.

use super::*;

#[test]
fn a_loader_is_found_where_one_is_asked_for() {
    // Cargo builds tests for the machine as it is, with its dynamic loader.
    let ours = fs::read("/proc/self/exe").unwrap();
    let loader = interpreter(&ours).unwrap().unwrap();
    assert!(loader.contains("ld-linux"), "{loader}");
    let cut = &ours[..80];
    assert!(interpreter(cut).unwrap_err().to_string().contains("cut off"));
    assert!(interpreter(b"#!/bin/sh\n").is_err());
    // A header of its own without program headers.
    let mut bare = b"\x7fELF\x02\x01\x01".to_vec();
    bare.resize(64, 0);
    assert_eq!(interpreter(&bare).unwrap(), None);
}

#[test]
fn the_same_program_makes_the_same_image() {
    let first = layout::pack(&layout::tiklb(), b"program").unwrap();
    assert_eq!(first, layout::pack(&layout::tiklb(), b"program").unwrap());
    assert_ne!(first, layout::pack(&layout::tiklb(), b"another").unwrap());
}
