//! What differs from run to run has a name; all else stays.

use serde_json::json;

use super::Names;
use crate::lan::Mac;

fn names() -> Names {
    let hosts = [(Mac([2, 0, 0, 0, 1, 0x0b]), "node1".to_owned())];
    Names::new(hosts.into()).unwrap()
}

#[test]
fn what_differs_gets_a_name_and_the_rest_stays() {
    let cases = [
        (
            "192.168.1.202 is at 02:00:00:00:01:0b",
            "192.168.1.202 is at node1",
        ),
        ("mac-address=02:00:00:00:01:0B", "mac-address=node1"),
        ("02:4C:C0:A8:01:CA of nobody", "02:4C:C0:A8:01:CA of nobody"),
        (
            "since 2026-11-28T07:46:39.454122Z, not 2026-11-28",
            "since <time>, not 2026-11-28",
        ),
        (
            "outcome=\"applied\" duration=8.978527ms",
            "outcome=\"applied\" duration=<time>",
        ),
        ("uid 1f5b2a80-603d-45e5-9455-402a689b6d5b", "uid <uid>"),
        ("tiklb/v1 home/1e3a4741 apps/web", "tiklb/v1 home/<uid> apps/web"),
        ("l2-9c6e92fd0144dcd5", "l2-<generated>"),
        ("web.18ec25e0f0a69b84", "web.<generated>"),
        ("metallb.io/service-name", "metallb.io/service-name"),
    ];
    for (run, trace) in cases {
        assert_eq!(names().plain(run), trace);
    }
}

#[test]
fn versions_go_by_their_key() {
    let document = json!({"metadata": {"resourceVersion": "77", "name": "web"}, "port": 77});
    let expected = json!({"metadata": {"resourceVersion": "<version>", "name": "web"}, "port": 77});
    assert_eq!(names().document(&document), expected);
}
