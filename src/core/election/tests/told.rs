//! What a speaker tells people and the rest of its process.

use std::net::IpAddr;
use std::time::Duration;

use super::segment::*;
use crate::election::{Because, Cause};
use crate::model::MacAddr;

#[test]
fn all_know_who_has_an_address_and_how_many_they_have_themselves() {
    let addresses = [200, 201, 202, 203];
    let lan = Segment::settled(3, &addresses, 1);
    for last in addresses {
        let owner = name(lan.answerers(last)[0]);
        for speaker in &lan.speakers {
            assert_eq!(speaker.election.owner(ip(last)), Some((&owner, 1)));
        }
    }
    assert_eq!(lan.speakers[0].election.owner(ip(99)), None);
    let had = lan.speakers.iter().map(|speaker| speaker.election.claims().len());
    assert_eq!(had.sum::<usize>(), addresses.len());
}

#[test]
fn a_frame_of_a_node_is_told_from_one_of_a_stranger() {
    let lan = Segment::settled(3, &[200], 1);
    for speaker in &lan.speakers {
        for node in 0..3 {
            assert_eq!(speaker.election.node_with(mac(node)), Some(&name(node)));
        }
        assert_eq!(speaker.election.node_with(MacAddr(2, 0, 0, 0, 9, 9)), None);
    }
}

#[test]
fn only_those_that_are_listed_and_not_up_are_silent() {
    let mut lan = Segment::settled(3, &[200], 1);
    let silent = |lan: &Segment| lan.speakers[0].election.silent(lan.now).collect::<Vec<IpAddr>>();
    assert_eq!(silent(&lan), [] as [IpAddr; 0]);
    lan.kill(2);
    lan.run_ms(500);
    assert_eq!(silent(&lan), [host(2)]);
    lan.desired.peers.remove(&name(2));
    lan.publish();
    assert_eq!(silent(&lan), [] as [IpAddr; 0]);
}

#[test]
fn people_read_why_an_address_has_moved() {
    let after = Duration::from_millis(351);
    let node2 = || name(1);
    for (because, words) in [
        (Because::First { candidates: 1 }, "the only candidate"),
        (Because::First { candidates: 3 }, "first of 3 candidates"),
        (
            Because::Silent { node: node2(), after },
            "node2 has been silent for 351 ms",
        ),
        (
            Because::Offered {
                by: node2(),
                cause: Cause::Leaving,
            },
            "node2 handed it over: its node is leaving",
        ),
        (Because::HandedOver { to: node2() }, "it was handed over to node2"),
        (
            Because::Beaten {
                by: node2(),
                epoch: 7,
            },
            "node2 announces it since epoch 7",
        ),
    ] {
        assert_eq!(because.to_string(), words);
    }
    let recorded = Because::Recorded {
        by: node2(),
        epoch: 7,
    }
    .to_string();
    assert!(recorded.contains("epoch 7 by its ServiceL2Status") && recorded.contains("UDP port"));
}
