//! What a speaker tells people and the rest of its process.

use super::super::talk::Dropped;
use super::super::wire::{Body, Datagram};
use super::super::*;
use super::segment::*;

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

/// Metrics, statuses and what people have built on them carry these.
#[test]
fn each_reason_has_a_name_of_its_own_that_stays() {
    let node = || name(1);
    let after = Duration::from_millis(351);
    let cause = Cause::Order;
    for (because, reason) in [
        (Because::First { candidates: 3 }, "FirstInOrder"),
        (Because::Silent { node: node(), after }, "OwnerSilent"),
        (Because::GivenUp, "OwnerGaveUp"),
        (Because::Resumed, "Resumed"),
        (Because::Offered { by: node(), cause }, "OwnerOffered"),
        (Because::HandedOver { to: node() }, "HandedOver"),
        (Because::NotCandidate, "NotCandidate"),
        (Because::NotWanted, "NotWanted"),
        (Because::NoCarrier, "NoCarrier"),
        (Because::Leaving, "Leaving"),
    ] {
        assert_eq!(because.reason(), reason);
    }
    for (error, name) in [
        (WireError::Foreign, "foreign"),
        (WireError::Version(2), "version"),
        (WireError::OtherKey(7), "other_key"),
        (WireError::Signature, "signature"),
        (WireError::Malformed, "malformed"),
    ] {
        assert_eq!(error.as_str(), name);
        assert_eq!(Dropped::Wire(error).as_str(), name);
    }
    assert_eq!(Dropped::NotAccepted.as_str(), "not_accepted");
    assert_eq!(Dropped::Own.as_str(), "own");
    assert_eq!(Dropped::TooManyPeers.as_str(), "too_many_peers");
}

/// Before the API has said to whom, nothing was listened to; and what it had before it may take up again for a while.
#[test]
fn a_speaker_has_listened_for_600_ms_at_most_and_is_settled_two_seconds_later() {
    let began = Instant::at(Duration::from_secs(1_000));
    let mut election = Election::new(name(0), BootId([1; 16]), key("shared"), began);
    election.poll(began, &mut || 0, &mut Vec::new());
    assert!(!election.has_listened());
    election.set_desired(Arc::new(Segment::new(2, &[200], 1).desired), began);
    for (ms, expected) in [
        (0, (false, false)),
        (599, (false, false)),
        (600, (true, false)),
        (2_599, (true, false)),
        (2_600, (true, true)),
    ] {
        let now = began + Duration::from_millis(ms);
        election.poll(now, &mut || 0, &mut Vec::new());
        let told = (election.has_listened(), election.is_settled(now));
        assert_eq!(told, expected, "after {ms} ms");
    }
}

#[test]
fn only_those_that_are_ready_and_not_up_are_missing() {
    let mut lan = Segment::settled(3, &[200], 1);
    let missing = |lan: &Segment| lan.speakers[0].election.missing().cloned().collect::<Vec<_>>();
    assert_eq!(missing(&lan), []);
    lan.kill(2);
    lan.run_ms(500);
    assert_eq!(missing(&lan), [name(2)]);
    lan.desired.peers.get_mut(&name(2)).unwrap().ready = false;
    lan.publish();
    assert_eq!(missing(&lan), [], "it is being replaced");
}

/// Its place is taken by somebody whom this one may not hear either.
#[test]
fn an_answer_for_what_a_silent_speaker_has_on_record_may_be_in_its_place_for_a_minute() {
    let began = Instant::at(Duration::from_secs(1_000));
    let mut election = Election::new(name(0), BootId([1; 16]), key("shared"), began);
    let mut desired = Segment::new(2, &[200, 201], 1).desired;
    desired.records = [(ip(200), [(name(1), 3)].into())].into();
    election.set_desired(Arc::new(desired), began);
    let may_be = |election: &Election, last, now| election.may_be_stood_in_for(ip(last), now);
    assert!(!may_be(&election, 200, began), "it is listened for");
    let listened = began + LISTEN;
    election.poll(listened, &mut || 0, &mut Vec::new());
    let over = listened + Duration::from_mins(1);
    assert!(may_be(&election, 200, listened) && may_be(&election, 200, over));
    assert!(!may_be(&election, 200, over + Duration::from_millis(1)));
    assert!(!may_be(&election, 201, listened), "nobody has had it");
    let mut lan = Segment::settled(2, &[200], 1);
    lan.record();
    lan.publish();
    let owner = lan.answerers(200)[0];
    let other = &lan.speakers[1 - owner].election;
    assert!(!may_be(other, 200, lan.now), "it was heard");
}

/// Anybody on the LAN can send such a datagram.
#[test]
fn a_datagram_under_another_key_says_for_ten_seconds_why_whoever_should_be_there_is_missing() {
    let now = Instant::at(Duration::from_secs(1_000));
    let mut election = Election::new(name(0), BootId([1; 16]), key("shared"), now);
    let mut desired = Segment::new(3, &[200], 1).desired;
    desired.peers.get_mut(&name(2)).unwrap().ready = false;
    election.set_desired(Arc::new(desired), now);
    let datagram = Datagram {
        boot: BootId([2; 16]),
        sequence: 1,
        node: name(1),
        body: Body::Fetch,
    };
    let bytes = datagram.encode(&key("other"), 0);
    let mut told = |from, after| {
        let dropped = election.receive(from, &bytes, now, &mut Vec::new());
        assert!(matches!(dropped, Err(Dropped::Wire(WireError::OtherKey(_)))));
        election.missing_have_another_key(now + after)
    };
    let ten_seconds = Duration::from_secs(10);
    assert!(!told(host(7), Duration::ZERO), "no speaker is there");
    assert!(
        !told(host(2), Duration::ZERO),
        "it is not ready, and nobody misses it"
    );
    assert!(told(host(1), ten_seconds));
    assert!(!told(host(1), ten_seconds + Duration::from_millis(1)));
}
