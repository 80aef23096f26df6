//! The schedule by the clock, the order within a round, the rates over a thousand addresses, and what stops it.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::super::{Arp, Frame, Peer};
use super::*;

const ETH0: InterfaceIndex = InterfaceIndex(2);
const ETH1: InterfaceIndex = InterfaceIndex(3);
const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const OURS_NEW: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);
const ROUTER: Peer = Peer {
    mac: MacAddr(2, 0, 0, 0, 1, 1),
    address: Ipv4Addr::new(192, 168, 1, 1),
};
const CLIENT: Peer = Peer {
    mac: MacAddr(2, 0, 0, 0, 1, 50),
    address: Ipv4Addr::new(192, 168, 1, 50),
};

fn start_of_time() -> Instant {
    Instant::at(Duration::from_secs(500))
}

fn ms(after: u64) -> Instant {
    start_of_time() + Duration::from_millis(after)
}

/// The middle of the jitter: refreshes come exactly a minute apart.
fn no_jitter() -> u64 {
    u64::try_from(REFRESH_JITTER.as_nanos()).unwrap()
}

/// Polls at each deadline up to `until`; what left, and when in milliseconds.
fn run(announcements: &mut Announcements, until: Instant) -> Vec<(u64, Outgoing)> {
    let mut sent = Vec::new();
    while let Some(now) = announcements.next_deadline().filter(|due| *due <= until) {
        let now = now.max(start_of_time());
        let mut out = Vec::new();
        announcements.poll(now, &mut no_jitter, &mut out);
        assert!(!out.is_empty(), "a deadline without a frame at {now:?}");
        let after = u64::try_from(now.since(start_of_time()).as_millis()).unwrap();
        sent.extend(out.into_iter().map(|frame| (after, frame)));
    }
    sent
}

fn started(gateways: &[Peer], talkers: &[Peer]) -> Announcements {
    let mut announcements = Announcements::new();
    assert!(start(&mut announcements, VIP, gateways, talkers));
    announcements
}

fn start(announcements: &mut Announcements, address: Ipv4Addr, gateways: &[Peer], talkers: &[Peer]) -> bool {
    let (gateways, talkers) = (gateways.iter().copied(), talkers.iter().copied());
    announcements.start(address, ETH0, OURS, gateways, talkers, start_of_time())
}

fn answer_of(peer: Peer) -> Arp {
    Arp::poke(OURS, VIP, peer).answer(peer.mac, peer.mac)
}

#[test]
fn a_takeover_repeats_for_4_4_seconds_and_is_refreshed_each_minute() {
    let mut announcements = started(&[], &[]);
    let sent = run(&mut announcements, ms(130_000));
    let times: Vec<u64> = sent.iter().map(|(after, _)| *after).collect();
    assert_eq!(times, [0, 100, 1_100, 2_200, 3_300, 4_400, 64_400, 124_400]);
    for (after, outgoing) in &sent {
        assert_eq!(outgoing.frame, Arp::gratuitous(OURS, VIP).frame());
        assert_eq!((outgoing.interface, outgoing.address), (ETH0, VIP.into()));
        let refresh = *after > 4_400;
        assert_eq!(outgoing.purpose == Purpose::Refresh, refresh, "at {after} ms");
    }
    let counters = announcements.counters();
    assert_eq!((counters.takeover, counters.refresh), (6, 2));
}

#[test]
fn the_jitter_reaches_both_ends_and_no_further() {
    let at_most = u64::try_from(2 * REFRESH_JITTER.as_nanos()).unwrap();
    assert_eq!(refresh_after(0), Duration::from_secs(54));
    assert_eq!(refresh_after(at_most), Duration::from_secs(66));
    assert_eq!(refresh_after(at_most + 1), Duration::from_secs(54));
}

#[test]
fn gateways_are_poked_before_talkers_after_the_broadcast() {
    let mut announcements = started(&[ROUTER], &[CLIENT, ROUTER]);
    let first: Vec<Frame> = run(&mut announcements, ms(0))
        .iter()
        .map(|(_, o)| o.frame)
        .collect();
    assert_eq!(
        first,
        [
            Arp::gratuitous(OURS, VIP).frame(),
            Arp::poke(OURS, VIP, ROUTER).frame(),
            Arp::poke(OURS, VIP, CLIENT).frame(),
        ],
        "the router is a talker too and is poked once"
    );
    assert_eq!(announcements.counters().pokes, 2);
}

#[test]
fn a_peer_is_poked_until_it_answers() {
    let mut announcements = started(&[ROUTER], &[CLIENT]);
    let pokes = |until: Instant, announcements: &mut Announcements| -> Vec<(u64, Frame)> {
        run(announcements, until)
            .into_iter()
            .filter(|(_, o)| o.purpose == Purpose::Poke)
            .map(|(after, o)| (after, o.frame))
            .collect()
    };
    let _ = pokes(ms(50), &mut announcements);
    let verified = announcements.hear(ETH0, &answer_of(ROUTER), ms(51)).unwrap();
    assert_eq!(
        verified,
        Verified {
            address: VIP.into(),
            peer: ROUTER.into(),
            after: Duration::from_millis(51)
        }
    );
    let later = pokes(ms(100_000), &mut announcements);
    let client = Arp::poke(OURS, VIP, CLIENT).frame();
    assert_eq!(
        later,
        [100, 1_100, 2_200, 3_300, 4_400].map(|after| (after, client)),
        "the router moved, the client did not say so"
    );
    let progress = announcements.progress(VIP, ETH0).unwrap();
    assert_eq!((progress.poked, progress.verified), (2, 1));
    assert_eq!(announcements.counters().verified, 1);
    assert_eq!(announcements.hear(ETH0, &answer_of(ROUTER), ms(52)), None, "once");
}

#[test]
fn what_is_no_answer_to_our_poke_verifies_nobody() {
    let mut announcements = started(&[ROUTER], &[]);
    let before_any_poke = announcements.hear(ETH0, &answer_of(ROUTER), ms(0));
    assert_eq!(before_any_poke, None);
    run(&mut announcements, ms(0));
    let answer = answer_of(ROUTER);
    let others = [
        answer_of(CLIENT),
        Arp {
            op: Operation::Request,
            ..answer
        },
        Arp {
            target_mac: OURS_NEW,
            ..answer
        },
        Arp {
            target_ip: CLIENT.address,
            ..answer
        },
        Arp {
            sender_mac: CLIENT.mac,
            ..answer
        },
    ];
    for other in others {
        assert_eq!(announcements.hear(ETH0, &other, ms(1)), None, "{other:?}");
    }
    assert_eq!(
        announcements.hear(ETH1, &answer, ms(1)),
        None,
        "another interface"
    );
}

#[test]
fn we_never_poke_ourselves() {
    let us = Peer {
        mac: OURS,
        address: Ipv4Addr::new(192, 168, 1, 11),
    };
    let itself = Peer {
        mac: CLIENT.mac,
        address: VIP,
    };
    let mut announcements = started(&[us], &[itself]);
    assert_eq!(run(&mut announcements, ms(0)).len(), 1, "the broadcast alone");
}

#[test]
fn a_reconcile_is_no_takeover() {
    let mut announcements = started(&[ROUTER], &[]);
    run(&mut announcements, ms(10_000));
    let deadline = announcements.next_deadline();
    let again = announcements.start(VIP, ETH0, OURS, [ROUTER, CLIENT], [], ms(10_000));
    assert!(!again);
    assert_eq!(announcements.next_deadline(), deadline);
    assert_eq!(run(&mut announcements, ms(60_000)), []);
}

#[test]
fn a_new_mac_starts_over_and_the_old_schedule_is_gone() {
    let mut announcements = started(&[ROUTER], &[]);
    run(&mut announcements, ms(1_000));
    assert!(announcements.start::<Peer>(VIP, ETH0, OURS_NEW, [], [], ms(1_000)));
    let sent = run(&mut announcements, ms(20_000));
    let times: Vec<u64> = sent.iter().map(|(after, _)| *after).collect();
    assert_eq!(times, [1_000, 1_100, 2_100, 3_200, 4_300, 5_400]);
    let new = Arp::gratuitous(OURS_NEW, VIP).frame();
    assert!(sent.iter().all(|(_, o)| o.frame == new));
}

#[test]
fn stop_forgets_every_due_frame_of_that_address_alone() {
    let other = Ipv4Addr::new(192, 168, 1, 201);
    let mut announcements = started(&[ROUTER], &[CLIENT]);
    announcements.start(VIP, ETH1, OURS_NEW, [ROUTER], [], start_of_time());
    start(&mut announcements, other, &[ROUTER], &[]);
    announcements.stop(VIP);
    let sent = run(&mut announcements, ms(100_000));
    assert!(!sent.is_empty() && sent.iter().all(|(_, o)| o.address == other));
    announcements.stop(other);
    assert_eq!(announcements.next_deadline(), None);
    assert_eq!(announcements.progress(other, ETH0), None);
}

#[test]
fn a_removed_interface_sends_no_more() {
    let mut announcements = started(&[ROUTER], &[]);
    announcements.start(VIP, ETH1, OURS_NEW, [ROUTER], [], start_of_time());
    announcements.remove_interface(ETH0);
    let sent = run(&mut announcements, ms(100_000));
    assert!(!sent.is_empty() && sent.iter().all(|(_, o)| o.interface == ETH1));
}

#[test]
fn held_it_is_silent_and_afterwards_says_everything_once() {
    let mut announcements = started(&[ROUTER], &[]);
    announcements.hold(true);
    assert_eq!(announcements.next_deadline(), None);
    let mut out = Vec::new();
    announcements.poll(ms(3_000), &mut no_jitter, &mut out);
    assert_eq!(out, []);
    announcements.hold(false);
    announcements.poll(ms(3_000), &mut no_jitter, &mut out);
    let purposes: Vec<Purpose> = out.iter().map(|o| o.purpose).collect();
    assert_eq!(
        purposes,
        [Purpose::Takeover, Purpose::Poke],
        "missed rounds are not caught up"
    );
    assert_eq!(announcements.next_deadline(), Some(ms(3_300)));
}

/// A thousand addresses, each with a gateway and 32 talkers, taken over at once.
fn thousand() -> Announcements {
    let mut announcements = Announcements::new();
    let talkers: Vec<Peer> = (0..32u8)
        .map(|n| Peer {
            mac: MacAddr(2, 0, 0, 0, 2, n),
            address: Ipv4Addr::new(192, 168, 2, n),
        })
        .collect();
    for n in 0..1_000 {
        start(&mut announcements, address(n), &[ROUTER], &talkers);
    }
    announcements
}

fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + n)
}

/// The most frames within any second, in microseconds resolution.
fn most_in_a_second(times: &[Instant]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, time) in times.iter().enumerate() {
        while time.since(times[first]) >= Duration::from_secs(1) {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

#[test]
fn a_thousand_addresses_keep_both_rates_and_none_waits_for_anothers_repeat() {
    let mut announcements = thousand();
    let (mut broadcasts, mut pokes) = (Vec::new(), Vec::new());
    let mut order = Vec::new();
    while let Some(now) = announcements.next_deadline().filter(|due| *due <= ms(12_000)) {
        let now = now.max(start_of_time());
        let mut out = Vec::new();
        announcements.poll(now, &mut no_jitter, &mut out);
        for outgoing in out {
            let times = match outgoing.purpose {
                Purpose::Poke => &mut pokes,
                _ => &mut broadcasts,
            };
            times.push(now);
            order.push(outgoing);
        }
    }
    let (most_broadcasts, most_pokes) = (most_in_a_second(&broadcasts), most_in_a_second(&pokes));
    assert!((990..=1_000).contains(&most_broadcasts), "{most_broadcasts}");
    assert!((4_950..=5_000).contains(&most_pokes), "{most_pokes}");
    assert!(broadcasts[999] <= ms(1_010), "all are told within a second");

    let told = order.iter().filter(|o| o.purpose == Purpose::Takeover);
    let first_round: BTreeSet<IpAddr> = told.take(1_000).map(|o| o.address).collect();
    assert_eq!(
        first_round.len(),
        1_000,
        "nobody is repeated before everybody was told"
    );
    let to_router = |o: &&Outgoing| o.purpose == Purpose::Poke;
    let first_pokes: Vec<&Outgoing> = order.iter().filter(to_router).take(1_000).collect();
    let routers = first_pokes
        .iter()
        .filter(|o| o.frame == Message::poke(OURS, o.address, ROUTER.into()).unwrap().frame())
        .count();
    assert_eq!(
        routers, 1_000,
        "every address pokes the router before any pokes a talker"
    );
}

#[test]
fn peers_are_bounded() {
    let many: Vec<Peer> = (0..100u8)
        .map(|n| Peer {
            mac: MacAddr(2, 0, 0, 0, 3, n),
            address: Ipv4Addr::new(192, 168, 3, n),
        })
        .collect();
    let mut announcements = started(&many, &many);
    let first = run(&mut announcements, ms(0));
    assert_eq!(first.len(), 1 + MAX_PEERS);
    let mut gateways_alone = started(&many, &[]);
    assert_eq!(run(&mut gateways_alone, ms(0)).len(), 1 + MAX_GATEWAYS);
}

#[derive(Debug, Clone)]
enum Step {
    Start(u32, u8),
    Stop(u32),
    Hold(bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u32..6, 0u8..2).prop_map(|(n, mac)| Step::Start(n, mac)),
        (0u32..6).prop_map(Step::Stop),
        any::<bool>().prop_map(Step::Hold),
        (0u64..8_000).prop_map(Step::Wait),
        (0u64..8_000).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_only_announced_addresses_are_told_and_never_while_held(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut announcements = Announcements::new();
        let mut model: BTreeMap<IpAddr, MacAddr> = BTreeMap::new();
        let (mut now, mut held) = (start_of_time(), false);
        for step in steps {
            match step {
                Step::Start(n, mac) => {
                    let mac = MacAddr(2, 0, 0, 0, 0, mac);
                    let before = model.insert(address(n).into(), mac);
                    let began = announcements.start(address(n), ETH0, mac, [ROUTER], [CLIENT], now);
                    prop_assert_eq!(began, before != Some(mac));
                }
                Step::Stop(n) => {
                    model.remove(&address(n).into());
                    announcements.stop(address(n));
                }
                Step::Hold(value) => {
                    held = value;
                    announcements.hold(value);
                }
                Step::Wait(ms) => now = now + Duration::from_millis(ms),
            }
            let mut out = Vec::new();
            announcements.poll(now, &mut no_jitter, &mut out);
            prop_assert!(!held || out.is_empty());
            for outgoing in out {
                let mac = model.get(&outgoing.address);
                let said = Arp::parse(&outgoing.frame).unwrap();
                prop_assert_eq!(Some(&said.sender_mac), mac);
                prop_assert_eq!(said.sender_ip, outgoing.address);
            }
            let idle = held || model.is_empty();
            prop_assert_eq!(announcements.next_deadline().is_none(), idle);
            if let Some(deadline) = announcements.next_deadline() {
                prop_assert!(deadline > now, "everything due was sent");
            }
        }
    }
}
