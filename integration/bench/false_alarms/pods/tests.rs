//! Weights as a kubelet would write them.

use super::*;

#[test]
fn a_request_weighs_what_a_kubelet_gives_it() {
    assert_eq!(weight(Version::One, 1_000), ("cpu.shares", 1_024));
    assert_eq!(weight(Version::One, 100), ("cpu.shares", 102));
    assert_eq!(weight(Version::One, 1), ("cpu.shares", 2));
    assert_eq!(weight(Version::Two, 1_000), ("cpu.weight", 39));
    assert_eq!(weight(Version::Two, 100), ("cpu.weight", 4));
    assert_eq!(weight(Version::Two, 0), ("cpu.weight", 1));
}

#[test]
fn the_speakers_request_is_that_of_the_manifest() {
    let manifest = fs::read_to_string(deployed(MANIFEST)).unwrap();
    assert!((10..1_000).contains(&speakers_request(&manifest).unwrap()));
    for (manifest, why) in [
        ("kind: Deployment", "no DaemonSet"),
        ("kind: DaemonSet", "no processor time"),
        (
            "kind: DaemonSet\nspec: {template: {spec: {containers: [{resources: {requests: {cpu: '1'}}}]}}}",
            "not for thousandths",
        ),
    ] {
        let error = speakers_request(manifest).unwrap_err().to_string();
        assert!(error.contains(why), "{manifest}: {error}");
    }
}
