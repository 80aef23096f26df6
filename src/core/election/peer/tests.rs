//! When a peer is up, and what of it is believed.

use super::*;
use crate::model::MacAddr;

fn at(ms: u64) -> Instant {
    Instant::at(Duration::from_millis(1_000 + ms))
}

const BOOT: BootId = BootId([1; 16]);
const LATER: BootId = BootId([2; 16]);

fn beat() -> Heartbeat {
    Heartbeat {
        claims: ClaimsVersion {
            version: 0,
            digest: ClaimSet::default().digest(),
        },
        ..Heartbeat::default()
    }
}

fn peer() -> Peer {
    Peer::new("192.168.1.12".parse().unwrap())
}

/// State before, heartbeat (boot, sequence, echoes me freshly), milliseconds, what is heard, up after.
type Row = (&'static str, (BootId, u64, bool), u64, Heard, bool);

const NEWS: Heard = Heard::Accepted {
    arrived: true,
    changed: true,
};
/// The same start as before, after a silence.
const BACK: Heard = Heard::Accepted {
    arrived: true,
    changed: false,
};
const SAME: Heard = Heard::Accepted {
    arrived: false,
    changed: false,
};

/// Every transition of the diagram.
const TRANSITIONS: [Row; 12] = [
    ("unknown", (BOOT, 1, false), 0, Heard::Noticed, false),
    ("unknown", (BOOT, 1, true), 0, NEWS, true),
    ("noticed", (BOOT, 6, false), 100, Heard::Noticed, false),
    ("noticed", (BOOT, 6, true), 100, NEWS, true),
    ("noticed", (BOOT, 5, true), 100, NEWS, true),
    ("up", (BOOT, 6, true), 100, SAME, true),
    ("up", (BOOT, 6, false), 100, SAME, true),
    ("up", (BOOT, 5, true), 100, Heard::Replay, true),
    ("up", (LATER, 1, false), 100, Heard::Noticed, true),
    ("up", (LATER, 1, true), 100, NEWS, true),
    ("up", (BOOT, 6, false), 400, SAME, false),
    ("up", (BOOT, 6, true), 400, BACK, true),
];

#[test]
fn the_transition_table() {
    for row @ (state, (boot, sequence, fresh), ms, heard, up) in TRANSITIONS {
        let mut peer = peer();
        if state != "unknown" {
            peer.heartbeat(BOOT, 5, &beat(), (state == "up").then_some(at(0)), at(0));
        }
        assert_eq!(
            peer.heartbeat(boot, sequence, &beat(), fresh.then_some(at(ms)), at(ms)),
            heard,
            "{row:?}"
        );
        assert_eq!(peer.is_up(at(ms)), up, "{row:?}");
    }
}

#[test]
fn a_peer_is_down_350_ms_after_the_last_two_way_contact() {
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    peer.heartbeat(BOOT, 2, &beat(), None, at(100));
    assert!(peer.is_up(at(350)), "two datagrams in a row may be lost");
    assert!(
        !peer.is_up(at(351)),
        "being heard is not enough: it does not hear us"
    );
    assert_eq!(peer.down_at(at(200)), Some(at(350) + Duration::from_nanos(1)));
    assert_eq!(peer.silent_for(at(500)), Some(Duration::from_millis(500)));
}

#[test]
fn a_new_boot_is_echoed_before_it_is_believed() {
    let mut peer = peer();
    peer.heartbeat(BOOT, 9, &beat(), Some(at(0)), at(0));
    let echoes = |peer: &Peer| peer.echo(0, None, at(0)).collect::<Vec<_>>();
    assert_eq!(echoes(&peer), [(BOOT.short(), 9)]);
    peer.heartbeat(LATER, 1, &beat(), None, at(10));
    assert_eq!(
        echoes(&peer),
        [(LATER.short(), 1), (BOOT.short(), 9)],
        "so that it can echo us and be believed; and the old one, if the new one is a recording"
    );
    assert!(!peer.accepts(LATER, 2), "nothing else of it counts yet");
    peer.heartbeat(LATER, 3, &beat(), Some(at(20)), at(20));
    assert!(peer.accepts(LATER, 4));
    assert!(!peer.accepts(BOOT, 10), "the earlier boot is over");
}

#[test]
fn no_datagram_counts_twice_in_whatever_order() {
    let mut window = Window::default();
    for sequence in [1, 5, 3, 70, 7, 100] {
        assert!(window.accept(sequence), "{sequence}");
    }
    for sequence in [1, 5, 3, 70, 7, 100, 30] {
        let expected = sequence == 30 && 100 - 30 < 64;
        assert_eq!(window.accept(sequence), expected, "{sequence}");
    }
    assert!(window.accept(60));
    assert!(!window.accept(60));
}

#[test]
fn the_newest_and_the_63_before_it_are_told_apart() {
    for ahead in [1, 2, 63, 64, 65, 1_000] {
        let mut window = Window::default();
        assert!(window.accept(1_000));
        let newest = 1_000 + ahead;
        assert!(window.accept(newest), "{ahead}");
        assert!(!window.accept(1_000), "{ahead}: seen, or too long ago");
        assert!(!window.accept(newest - 64), "{ahead}");
        assert_eq!(window.accept(newest - 63), ahead != 63, "{ahead}");
        assert!(!window.accept(newest - 63) && !window.accept(newest), "{ahead}");
    }
}

fn part(version: u64, set: &ClaimSet, part: u16, parts: u16, entries: &[(IpAddr, u64)]) -> ClaimsPart {
    ClaimsPart {
        claims: ClaimsVersion {
            version,
            digest: set.digest(),
        },
        part,
        parts,
        entries: entries.to_vec(),
    }
}

#[test]
fn claims_count_when_the_set_is_whole() {
    let entries: Vec<(IpAddr, u64)> = (1u8..=3)
        .map(|i| (IpAddr::from([10, 0, 0, i]), u64::from(i)))
        .collect();
    let set: ClaimSet = entries.iter().copied().collect();
    let mut peer = peer();
    let mut announcing = beat();
    announcing.claims = ClaimsVersion {
        version: 4,
        digest: set.digest(),
    };
    peer.heartbeat(BOOT, 1, &announcing, Some(at(0)), at(0));
    assert!(!peer.is_synced());
    assert!(peer.wants_fetch(at(0)) && !peer.wants_fetch(at(10)) && peer.wants_fetch(at(60)));
    assert!(
        !peer.claims_part(&part(4, &set, 1, 2, &entries[2..])),
        "half of it"
    );
    assert_eq!(peer.claim(entries[0].0), None);
    assert!(peer.claims_part(&part(4, &set, 0, 2, &entries[..2])));
    assert!(peer.is_synced());
    assert_eq!(peer.claim(entries[0].0), Some(1));
    assert!(
        !peer.claims_part(&part(3, &ClaimSet::default(), 0, 1, &[])),
        "an older state"
    );
    assert!(
        !peer.claims_part(&part(5, &set, 0, 1, &entries[..1])),
        "content and digest differ"
    );
    assert_eq!(peer.claim(entries[2].0), Some(3));
}

#[test]
fn parts_of_two_states_are_not_put_together() {
    let entries: Vec<(IpAddr, u64)> = (1u8..=3)
        .map(|i| (IpAddr::from([10, 0, 0, i]), u64::from(i)))
        .collect();
    let set: ClaimSet = entries.iter().copied().collect();
    let before: ClaimSet = entries[..2].iter().copied().collect();
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    assert!(!peer.claims_part(&part(4, &before, 0, 2, &entries[..1])));
    // A later state, and the same one again, cut in another way.
    assert!(!peer.claims_part(&part(5, &set, 1, 2, &entries[1..])));
    assert!(peer.claims_part(&part(5, &set, 0, 2, &entries[..1])));
    assert!(!peer.claims_part(&part(6, &before, 0, 2, &entries[..1])));
    assert!(!peer.claims_part(&part(6, &before, 1, 3, &entries[1..2])));
    assert!(!peer.claims_part(&part(6, &before, 2, 3, &[])));
    assert!(peer.claims_part(&part(6, &before, 0, 3, &entries[..1])));
    assert_eq!(peer.claims().collect::<Vec<_>>(), entries[..2]);
    assert!(
        !peer.claims_part(&part(6, &before, 0, 1, &entries[..2])),
        "no news"
    );
    assert!(peer.claims_part(&part(7, &before, 0, 1, &entries[..2])));
}

#[test]
fn of_a_boot_that_is_not_known_yet_the_newest_heartbeat_is_echoed() {
    let mut peer = peer();
    for (sequence, newest) in [(4, 4), (7, 7), (5, 7)] {
        peer.heartbeat(LATER, sequence, &beat(), None, at(0));
        let echoed: Vec<_> = peer.echo(1, None, at(0)).collect();
        assert_eq!(echoed, [(LATER.short(), newest)]);
    }
}

#[test]
fn boots_that_are_not_known_yet_are_echoed_in_turns_the_last_eight_of_them() {
    let mut peer = peer();
    let boots: Vec<_> = (1..=9).map(|n| BootId([n; 16])).collect();
    for boot in &boots {
        assert_eq!(peer.heartbeat(*boot, 3, &beat(), None, at(0)), Heard::Noticed);
    }
    let turns = (0..16).flat_map(|beat| peer.echo(beat, None, at(0)));
    let expected = boots[1..].iter().cycle().take(16).map(|boot| (boot.short(), 3));
    assert!(turns.eq(expected), "the first one has had its turns");
}

#[test]
fn a_boot_that_another_one_has_followed_is_a_recording_unless_it_echoes_us() {
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    peer.heartbeat(LATER, 1, &beat(), Some(at(10)), at(10));
    assert_eq!(peer.heartbeat(BOOT, 2, &beat(), None, at(20)), Heard::Replay);
    assert_eq!(peer.echo(0, None, at(20)).count(), 1, "it is echoed to nobody");
    assert_eq!(peer.heartbeat(BOOT, 3, &beat(), Some(at(30)), at(30)), NEWS);
    assert_eq!(peer.heartbeat(LATER, 2, &beat(), None, at(40)), Heard::Replay);
    // Of two processes by one name the one that is left is not ignored for ever.
    assert_eq!(peer.heartbeat(LATER, 3, &beat(), None, at(10_030)), Heard::Replay);
    assert_eq!(
        peer.heartbeat(LATER, 4, &beat(), None, at(10_031)),
        Heard::Noticed
    );
}

#[test]
fn boots_that_are_known_to_be_over_take_no_place_from_a_new_one() {
    let mut peer = peer();
    let boots: Vec<_> = (1..=10).map(|n| BootId([n; 16])).collect();
    for (boot, ms) in boots[..9].iter().zip(0..) {
        peer.heartbeat(*boot, 1, &beat(), Some(at(ms)), at(ms));
    }
    // The last of them has been silent for long, and somebody plays the others.
    for boot in boots[..8].iter().chain(&boots[9..]).chain(&boots[..8]) {
        peer.heartbeat(*boot, 2, &beat(), None, at(20_000));
    }
    let turns = (0..8).filter_map(|turn| peer.noticed(turn, at(20_000)));
    let turns: BTreeSet<_> = turns.map(|boot| boot.id.0).collect();
    assert_eq!(turns.len(), 8);
    assert!(turns.contains(&boots[9].0), "{turns:?}");
}

/// Nor are heartbeats sent for long to where somebody played a recording.
#[test]
fn a_boot_that_is_not_heard_any_more_has_no_turn() {
    let mut peer = peer();
    let near: IpAddr = "10.0.0.12".parse().unwrap();
    for (boot, ms) in [(BOOT, 0), (LATER, 2_000)] {
        peer.heartbeat(boot, 1, &beat(), None, at(ms));
        peer.noticed_near(boot, Some(near));
    }
    let both = |ms| [0, 1].map(|turn| peer.noticed(turn, at(ms)).map(|boot| (boot.id, boot.near)));
    assert_eq!(both(3_000), [BOOT, LATER].map(|boot| Some((boot, Some(near)))));
    assert_eq!(both(3_001), [LATER, LATER].map(|boot| Some((boot, Some(near)))));
    assert_eq!(both(5_001), [None, None]);
}

#[test]
fn who_is_heard_and_does_not_hear_us_is_one_way_until_it_is_given_up() {
    let soon = Duration::from_nanos(1);
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    peer.heartbeat(BOOT, 2, &beat(), None, at(300));
    assert!(!peer.is_one_way(at(350)), "it is up");
    assert!(peer.is_one_way(at(351)));
    assert_eq!(
        peer.given_up_at(at(351)),
        Some(at(650) + soon),
        "when it is silent"
    );
    assert!(!peer.is_one_way(at(651)));
    peer.heartbeat(BOOT, 3, &beat(), None, at(1_800));
    assert!(peer.is_one_way(at(1_850)));
    assert_eq!(
        peer.given_up_at(at(1_850)),
        Some(at(1_850) + soon),
        "however much it is heard"
    );
    assert!(!peer.is_one_way(at(1_851)));
    assert_eq!(peer.given_up_at(at(1_851)), None);
}

#[test]
fn a_silent_speaker_is_stood_in_for_as_long_as_its_kernel_lives_and_for_a_minute_at_most() {
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    peer.kernel_seen(at(300));
    assert_eq!(peer.stood_in_for_until(at(350)), None, "it is up");
    assert_eq!(peer.stood_in_for_until(at(351)), Some(at(550)));
    assert_eq!(peer.stood_in_for_until(at(551)), None);
    peer.kernel_seen(at(59_900));
    assert_eq!(peer.stood_in_for_until(at(59_900)), Some(at(60_000)));
    let goodbye = Heartbeat {
        leaving: true,
        ..beat()
    };
    peer.heartbeat(BOOT, 2, &goodbye, None, at(59_900));
    assert_eq!(
        peer.stood_in_for_until(at(59_900)),
        None,
        "what it had is everybody's"
    );
}

const LAST: BootId = BootId([3; 16]);

fn network(text: &str) -> IpNet {
    text.parse::<IpNet>().unwrap().trunc()
}

fn with_networks(networks: &[&str]) -> Heartbeat {
    let interfaces = (1..).zip(networks).map(|(card, network)| WireInterface {
        mac: MacAddr(2, 0, 0, 0, 1, card),
        network: network.parse().unwrap(),
    });
    Heartbeat {
        interfaces: interfaces.collect(),
        ..beat()
    }
}

const LAN: &str = "192.168.1.12/24";

fn claimed() -> [(IpAddr, u64); 2] {
    [201, 202].map(|last| (IpAddr::from([192, 168, 1, last]), 7))
}

fn takes(peer: &mut Peer, version: u64, entries: &[(IpAddr, u64)]) {
    let set: ClaimSet = entries.iter().copied().collect();
    assert!(peer.claims_part(&part(version, &set, 0, 1, entries)));
}

/// Heard at 0, and claims both.
fn claimant() -> Peer {
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &with_networks(&[LAN]), Some(at(0)), at(0));
    takes(&mut peer, 1, &claimed());
    peer
}

/// What a boot that is first heard then may take up, at a later moment.
fn left_to(peer: &mut Peer, boot: BootId, heard: u64, asked: u64) -> Vec<(IpAddr, u64)> {
    peer.heartbeat(boot, 1, &with_networks(&[LAN]), Some(at(heard)), at(heard));
    peer.inherited(at(asked)).collect()
}

#[test]
fn what_a_speaker_claimed_is_left_to_its_next_start_for_two_seconds() {
    let mut peer = claimant();
    assert_eq!(left_to(&mut peer, LATER, 1_000, 1_000), claimed());
    assert_eq!(peer.inherited(at(2_999)).collect::<Vec<_>>(), claimed());
    assert_eq!(peer.inherited(at(3_000)).next(), None);
    let [(first, epoch), _] = claimed();
    assert_eq!(peer.inherits(first, at(2_999)), Some((epoch, at(3_000))));
    assert_eq!(peer.inherits(first, at(3_000)), None);
    takes(&mut peer, 1, &claimed()[..1]);
    assert_eq!(
        peer.inherited(at(1_100)).collect::<Vec<_>>(),
        claimed()[1..],
        "it has the other one back"
    );
}

#[test]
fn what_a_start_had_no_time_to_take_up_is_left_to_the_one_after() {
    let mut peer = claimant();
    left_to(&mut peer, LATER, 1_000, 1_000);
    assert_eq!(left_to(&mut peer.clone(), LAST, 2_999, 2_999), claimed());
    assert_eq!(left_to(&mut peer, LAST, 3_000, 3_000), []);
}

#[test]
fn nothing_is_left_of_what_others_have_a_right_to() {
    let minute = 60_000;
    assert_eq!(left_to(&mut claimant(), LATER, minute, minute), claimed());
    assert_eq!(left_to(&mut claimant(), LATER, minute + 1, minute + 1), []);
    let mut gone = claimant();
    assert!(gone.condemn(network(LAN), BOOT.short(), Duration::from_millis(36), at(100)));
    assert_eq!(left_to(&mut gone, LATER, 200, 200), [], "its node was gone");
    let mut left = claimant();
    let goodbye = Heartbeat {
        leaving: true,
        ..with_networks(&[LAN])
    };
    left.heartbeat(BOOT, 2, &goodbye, Some(at(100)), at(100));
    assert_eq!(left_to(&mut left, LATER, 200, 200), [], "it gave it up");
}

const CONTAINERS: &str = "172.17.0.1/16";
const MANAGEMENT: &str = "10.0.0.12/24";

/// Heard on the LAN and, if so, elsewhere; the verdict on it once it is said to be gone from the LAN.
fn gone_from_the_lan(networks: &[&str], heard: &[Option<IpNet>]) -> Peer {
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &with_networks(networks), Some(at(0)), at(0));
    for segment in heard {
        peer.hearing(*segment, at(0)).unwrap().heartbeat(1, true, at(0));
    }
    let silence = Duration::from_millis(36);
    assert!(
        !peer.condemn(network("10.9.9.0/24"), BOOT.short(), silence, at(50)),
        "it is not there"
    );
    assert!(
        !peer.condemn(network(LAN), LATER.short(), silence, at(50)),
        "another start"
    );
    assert!(peer.condemn(network(LAN), BOOT.short(), silence, at(50)));
    assert!(
        !peer.condemn(network(LAN), BOOT.short(), silence, at(60)),
        "no news"
    );
    peer
}

#[test]
fn who_is_gone_from_each_network_in_which_it_was_heard_is_gone() {
    let lan = Some(network(LAN));
    let management = Some(network(MANAGEMENT));
    let gone = gone_from_the_lan(&[LAN, CONTAINERS], &[lan]);
    assert!(
        gone.condemned().is_some(),
        "no node hears another one's containers"
    );
    assert!(!gone.is_up(at(50)));
    let routed = gone_from_the_lan(&[LAN, CONTAINERS], &[lan, None]);
    assert_eq!(routed.condemned(), None, "a router may reach it");
    let mut managed = gone_from_the_lan(&[LAN, MANAGEMENT], &[lan, management]);
    assert!(managed.condemned().is_none() && managed.is_up(at(50)));
    assert!(managed.is_gone_from(network(LAN)));
    managed.retain_hearings(|segment| segment == lan);
    assert!(
        managed.condemned().is_some(),
        "this node has no interface there any more"
    );
}

/// Rollouts of fifty nodes and more, and whoever has the key must not fill memory.
#[test]
fn of_the_boots_that_it_said_to_be_at_rest_five_hundred_are_remembered() {
    let boot = |n: u64| n.to_be_bytes();
    let mut peer = peer();
    assert!(!peer.name_at_rest(&[boot(0)].into()), "it was never heard");
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    for n in 0..=512 {
        assert!(peer.name_at_rest(&[boot(n)].into()), "{n}");
    }
    assert!(peer.knows_at_rest(boot(0)) && peer.knows_at_rest(boot(512)));
    assert!(!peer.knows_at_rest(boot(513)));
    assert!(!peer.name_at_rest(&[boot(0)].into()), "no news");
    assert!(peer.knows_at_rest(boot(0)));
    assert!(
        !peer.knows_at_rest(boot(512)),
        "those that are at rest it says again"
    );
}

#[test]
fn each_thing_that_others_act_on_is_a_change() {
    let mut peer = peer();
    let mut said = with_networks(&[LAN]);
    peer.heartbeat(BOOT, 1, &said, Some(at(0)), at(0));
    let mut hears = |sequence, said: &Heartbeat| peer.heartbeat(BOOT, sequence, said, Some(at(50)), at(50));
    assert_eq!(hears(2, &said), SAME);
    let changed = Heard::Accepted {
        arrived: false,
        changed: true,
    };
    said.interfaces.clear();
    assert_eq!(hears(3, &said), changed);
    said.networks_v6 = vec!["fd00::1/64".parse().unwrap()];
    assert_eq!(hears(4, &said), changed);
    said.claims.version += 1;
    assert_eq!(hears(5, &said), changed);
    said.serving = Serving::Proven;
    assert_eq!(hears(6, &said), changed);
    said.failback = 7;
    assert_eq!(hears(7, &said), SAME);
}

#[test]
fn whoever_has_no_interface_in_a_network_any_more_is_not_gone_from_it() {
    let lan = Some(network(LAN));
    let management = Some(network(MANAGEMENT));
    let mut peer = gone_from_the_lan(&[LAN, MANAGEMENT], &[lan, management]);
    peer.heartbeat(BOOT, 2, &with_networks(&[LAN, MANAGEMENT]), Some(at(60)), at(60));
    assert!(peer.is_gone_from(network(LAN)));
    peer.heartbeat(BOOT, 3, &with_networks(&[MANAGEMENT]), Some(at(70)), at(70));
    assert!(!peer.is_gone_from(network(LAN)));
}

#[test]
fn a_heartbeat_is_late_after_one_period_and_a_half() {
    let mut peer = peer();
    assert!(!peer.is_late(at(0)), "it was never heard");
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    assert!(!peer.is_late(at(150)) && peer.is_late(at(151)));
}

/// It may have said so before it heard that we are back.
#[test]
fn whoever_echoes_what_was_sent_then_was_reached_since() {
    let mut peer = peer();
    assert!(!peer.was_reached_since(at(0)));
    peer.heartbeat(BOOT, 1, &beat(), Some(at(40)), at(50));
    assert!(peer.was_reached_since(at(40)) && !peer.was_reached_since(at(41)));
    peer.heartbeat(BOOT, 2, &beat(), Some(at(30)), at(60));
    assert!(peer.was_reached_since(at(40)), "the newest of them counts");
}

#[test]
fn whoever_has_something_new_is_asked_for_it_at_once() {
    let mut peer = peer();
    peer.heartbeat(BOOT, 1, &beat(), Some(at(0)), at(0));
    assert!(!peer.wants_fetch(at(0)), "all of it is known");
    let mut announcing = beat();
    announcing.claims.version = 1;
    peer.heartbeat(BOOT, 2, &announcing, Some(at(10)), at(10));
    assert!(peer.wants_fetch(at(10)));
    assert!(!peer.wants_fetch(at(59)) && peer.wants_fetch(at(60)));
}

/// Two nodes need not have written the same prefix.
#[test]
fn whoever_was_heard_in_a_part_of_its_network_was_heard_there() {
    for (its, ours) in [("10.0.0.12/16", "10.0.0.0/24"), ("10.0.0.12/24", "10.0.0.0/16")] {
        let peer = gone_from_the_lan(&[LAN, its], &[Some(network(LAN)), Some(network(ours))]);
        assert_eq!(peer.condemned(), None, "{its}");
    }
}

/// Where heartbeats are dropped an answer is all that shows it.
#[test]
fn whoever_is_seen_in_a_network_again_is_not_gone_from_it() {
    let management = Some(network(MANAGEMENT));
    let mut peer = gone_from_the_lan(&[LAN, MANAGEMENT], &[Some(network(LAN)), management]);
    assert_eq!(
        peer.take_back("10.0.0.12".parse().unwrap()),
        [],
        "that was elsewhere"
    );
    assert!(peer.is_gone_from(network(LAN)));
    let silence = Duration::from_millis(36);
    let verdict = Condemned { at: at(50), silence };
    let back = peer.take_back("192.168.1.12".parse().unwrap());
    assert_eq!(back, [(network(LAN), verdict)]);
    assert!(!peer.is_gone_from(network(LAN)));
}
