//! Comments: ours, nearly ours, everybody else's.

use proptest::prelude::*;

use crate::reservation::marker::{Marker, Owner, claim_mac};

fn owner() -> Owner {
    Owner {
        cluster: "home".to_owned(),
        uid: "1a2b3c4d".to_owned(),
        adopts: None,
    }
}

#[test]
fn only_exactly_our_marker_is_one() {
    for foreign in [
        "",
        "phone",
        "tiklb",
        "tiklb/v1",
        "tiklb/v1 home/1a2b3c4d",
        "tiklb/v1 home/1a2b3c4d ",
        "tiklb/v2 home/1a2b3c4d default/a",
        "tiklb/v1 home default/a",
        "tiklb/v1 /1a2b3c4d default/a",
        "tiklb/v1 home/1a2b3c4 default/a",
        "tiklb/v1 home/1a2b3c4g default/a",
        " tiklb/v1 home/1a2b3c4d default/a",
        "x tiklb/v1 home/1a2b3c4d default/a",
        "TIKLB/v1 home/1a2b3c4d default/a",
    ] {
        assert_eq!(Marker::parse(foreign), None, "{foreign:?}");
    }
}

#[test]
fn what_people_write_behind_it_is_a_note() {
    for (tail, subject, note) in [
        ("default/a", "default/a", ""),
        ("default/a +2", "default/a +2", ""),
        ("default/a ask Anna", "default/a", "ask Anna"),
        ("default/a | ask Anna", "default/a", "ask Anna"),
        ("default/a +2 | ask Anna", "default/a +2", "ask Anna"),
        ("default/a + more", "default/a", "+ more"),
        (
            "holds home; took 10.0.0.1 from p",
            "holds home; took 10.0.0.1 from p",
            "",
        ),
        (
            "holds home; took nothing | mine",
            "holds home; took nothing",
            "mine",
        ),
    ] {
        let marker = Marker::parse(&format!("tiklb/v1 home/1a2b3c4d {tail}")).unwrap();
        assert_eq!(
            (marker.subject.as_str(), marker.note.as_str()),
            (subject, note),
            "{tail}"
        );
        assert_eq!(marker.owner, owner());
    }
}

#[test]
fn the_claimed_mac_is_locally_administered_unicast_and_tells_the_address() {
    let mac = claim_mac("192.168.1.200".parse().unwrap());
    assert!(mac.is_local() && mac.is_unicast());
    assert_eq!(mac.to_string(), "02:4c:c0:a8:01:c8");
}

proptest! {
    #[test]
    fn a_comment_says_what_was_put_into_it(ns in "[a-z0-9-]{1,20}", name in "[a-z0-9-]{1,20}", note in "[ -~]{0,40}") {
        let subject = format!("{ns}/{name}");
        let first = Marker::comment(&owner(), &subject, "");
        prop_assert_eq!(&Marker::parse(&first).unwrap().subject, &subject);
        let with_note = format!("{first} | {}", note.trim());
        let rewritten = Marker::comment(&owner(), &subject, &with_note);
        let again = Marker::comment(&owner(), &subject, &rewritten);
        prop_assert_eq!(rewritten, again, "rewriting settles at once");
    }

    #[test]
    fn no_comment_panics(text in ".{0,80}") {
        let _ = Marker::parse(&text);
        let _ = Marker::parse(&format!("tiklb/v1 home/1a2b3c4d {text}"));
    }
}
