//! When a peer is up, and what of it is believed.

use super::*;

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
    let echoes = |peer: &Peer| peer.echo(None, at(0)).collect::<Vec<_>>();
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
