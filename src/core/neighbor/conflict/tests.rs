//! Disputes against a small LAN: who is heard for an address, what leaves because of it, and when it is over.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::super::Arp;
use super::*;
use crate::neighbor::Operation;

const ETH0: InterfaceIndex = InterfaceIndex(2);
const ETH1: InterfaceIndex = InterfaceIndex(3);
const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const OURS_TOO: MacAddr = MacAddr(2, 0, 0, 0, 1, 1);
const NODE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const CAMERA: MacAddr = MacAddr(2, 0, 0, 0, 9, 1);

fn address(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, host)
}

fn ms(after: u64) -> Instant {
    Instant::at(Duration::from_secs(500)) + Duration::from_millis(after)
}

fn node() -> Party {
    Party::Node(NodeName::from("node2"))
}

/// A claim as a device makes it that comes up: both addresses are the claimed one.
fn claim(mac: MacAddr, host: u8) -> Arp {
    Arp::gratuitous(mac, address(host))
}

/// An answer, to whoever asked.
fn answer(mac: MacAddr, host: u8) -> Arp {
    Arp {
        op: Operation::Reply,
        eth_dst: OURS,
        target_mac: OURS,
        target_ip: address(11),
        ..claim(mac, host)
    }
}

/// What happens in a LAN around one announced address or a few.
struct Lan {
    conflicts: Conflicts,
    now: u64,
    /// Who answers each question within a millisecond.
    answers: Vec<(u8, MacAddr, Party)>,
    sent: Vec<(u64, Purpose, u8)>,
}

impl Lan {
    fn announcing(hosts: &[u8]) -> Self {
        let mut conflicts = Conflicts::new();
        for host in hosts {
            conflicts.watch(address(*host), address(*host).into(), &[(ETH0, OURS)], ms(0));
        }
        Self {
            conflicts,
            now: 0,
            answers: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn hear(&mut self, arp: &Arp, party: Party) {
        assert!(self.conflicts.concerns(ETH0, arp).is_some(), "{arp:?}");
        self.conflicts.hear(ETH0, arp, party, ms(self.now));
        self.poll();
    }

    fn poll(&mut self) {
        let mut out = Vec::new();
        self.conflicts.poll(ms(self.now), &mut out);
        for frame in out {
            let IpAddr::V4(address) = frame.address else {
                panic!("{frame:?}")
            };
            let host = address.octets()[3];
            self.sent.push((self.now, frame.purpose, host));
            if frame.purpose == Purpose::Probe {
                let answers = self.answers.iter().filter(|(about, ..)| *about == host);
                for (_, mac, party) in answers {
                    let heard = answer(*mac, host);
                    self.conflicts.hear(ETH0, &heard, party.clone(), ms(self.now));
                }
            }
        }
    }

    /// Lets time pass, from deadline to deadline.
    fn until(&mut self, end: u64) {
        while self.now < end {
            let next = self.conflicts.next_deadline().unwrap_or(ms(end));
            let next = u64::try_from(next.since(ms(0)).as_nanos().div_ceil(1_000_000)).unwrap();
            self.now = next.clamp(self.now + 1, end);
            self.poll();
        }
    }

    fn dispute(&self, host: u8) -> Option<Dispute> {
        let mut all = self.conflicts.disputes();
        all.find(|(about, _)| *about == address(host)).map(|(_, it)| it)
    }

    fn times(&self, purpose: Purpose) -> Vec<u64> {
        let sent = self.sent.iter().filter(|(_, which, _)| *which == purpose);
        sent.map(|(at, ..)| *at).collect()
    }
}

#[test]
fn an_undisputed_address_is_asked_for_once_a_minute_and_never_defended() {
    let mut lan = Lan::announcing(&[200]);
    lan.until(200_000);
    assert_eq!(lan.times(Purpose::Probe), [15_000, 75_000, 135_000, 195_000]);
    assert!(lan.times(Purpose::Defence).is_empty());
    assert!(!lan.conflicts.take_changed());
}

#[test]
fn what_concerns_an_address() {
    let mut lan = Lan::announcing(&[200]);
    let both = [(ETH0, OURS), (ETH1, OURS_TOO)];
    lan.conflicts
        .watch(address(201), address(200).into(), &both, ms(0));
    let group = Some(IpAddr::from(address(200)));
    let request = |mac: MacAddr, host: u8| Arp {
        target_ip: address(50),
        ..claim(mac, host)
    };
    let table = [
        ("a claim", ETH0, claim(CAMERA, 200), group),
        ("an answer", ETH0, answer(CAMERA, 200), group),
        ("a question from the address", ETH0, request(CAMERA, 200), group),
        ("another address of the group", ETH1, claim(CAMERA, 201), group),
        ("a question for it", ETH0, Arp::probe(CAMERA, address(200)), None),
        ("another address", ETH0, claim(CAMERA, 199), None),
        ("another interface", ETH1, claim(CAMERA, 200), None),
        ("our own", ETH0, claim(OURS, 200), None),
        ("our other interface's", ETH0, claim(OURS_TOO, 201), None),
        ("no MAC", ETH0, claim(MacAddr::zero(), 200), None),
        ("everybody's MAC", ETH0, claim(MacAddr::broadcast(), 200), None),
    ];
    for (what, interface, arp, expected) in table {
        assert_eq!(lan.conflicts.concerns(interface, &arp), expected, "{what}");
    }
    lan.conflicts.unwatch(address(200));
    assert_eq!(lan.conflicts.concerns(ETH0, &claim(CAMERA, 200)), None);
}

#[test]
fn a_stranger_is_told_at_once_and_defended_against_at_the_rate_of_the_rfc() {
    let mut lan = Lan::announcing(&[200]);
    lan.until(1_000);
    // It shouts once a second.
    for second in 1..=25 {
        lan.until(second * 1_000);
        lan.hear(&claim(CAMERA, 200), Party::Stranger);
    }
    lan.until(60_000);
    assert_eq!(
        lan.times(Purpose::Defence),
        [1_000, 11_000, 21_000, 31_000],
        "the last word is ours"
    );
    let dispute = lan.dispute(200).unwrap();
    assert_eq!((dispute.stranger, dispute.nodes.len()), (Some(CAMERA), 0));
}

#[test]
fn a_stranger_that_only_answers_is_found_by_asking_and_stays_as_long_as_it_answers() {
    let mut lan = Lan::announcing(&[200]);
    lan.answers = vec![(200, CAMERA, Party::Stranger)];
    lan.until(14_999);
    assert_eq!(lan.dispute(200), None);
    lan.until(200_000);
    assert_eq!(lan.dispute(200).unwrap().stranger, Some(CAMERA));
    let defences = lan.times(Purpose::Defence);
    assert!(
        defences.windows(2).all(|pair| pair[1] - pair[0] >= 10_000),
        "{defences:?}"
    );
    assert!(defences.len() >= 15, "it goes on: {defences:?}");
}

#[test]
fn a_dispute_ends_a_minute_after_the_stranger_was_heard_last() {
    let mut lan = Lan::announcing(&[200]);
    lan.hear(&claim(CAMERA, 200), Party::Stranger);
    assert!(lan.conflicts.take_changed());
    lan.until(59_999);
    assert!(lan.dispute(200).is_some() && !lan.conflicts.take_changed());
    assert_eq!(
        lan.times(Purpose::Probe),
        [10_000, 20_000, 30_000, 40_000, 50_000]
    );
    lan.until(60_000);
    assert_eq!(lan.dispute(200), None);
    assert!(lan.conflicts.take_changed());
    lan.until(121_000);
    assert_eq!(
        lan.times(Purpose::Probe)[5..],
        [60_000, 120_000],
        "back to once a minute"
    );
    assert_eq!(lan.times(Purpose::Defence), [0]);
}

#[test]
fn silence_counts_only_after_questions_that_left() {
    let mut lan = Lan::announcing(&[200]);
    lan.hear(&claim(CAMERA, 200), Party::Stranger);
    lan.conflicts.hold(true);
    assert_eq!(lan.conflicts.next_deadline(), None);
    lan.until(300_000);
    assert!(lan.dispute(200).is_some());
    lan.conflicts.hold(false);
    for _ in 0..30 {
        lan.until(lan.now + 10_000);
        lan.conflicts.not_sent(&Outgoing {
            interface: ETH0,
            address: address(200).into(),
            purpose: Purpose::Probe,
            frame: Arp::probe(OURS, address(200)).frame(),
        });
    }
    assert!(lan.dispute(200).is_some(), "none of them left");
}

#[test]
fn while_answers_are_withheld_nothing_is_defended() {
    let mut lan = Lan::announcing(&[200]);
    lan.conflicts.withhold_until(ms(300));
    lan.hear(&claim(CAMERA, 200), Party::Stranger);
    assert_eq!(lan.conflicts.next_deadline(), Some(ms(300)));
    lan.until(1_000);
    assert_eq!(lan.times(Purpose::Defence), [300]);
}

#[test]
fn a_node_is_told_only_when_it_still_answers_two_seconds_later_and_is_never_defended_against() {
    let mut lan = Lan::announcing(&[200]);
    // A frame of an owner that just gave the address up.
    lan.hear(&answer(NODE, 200), node());
    lan.until(1_500);
    lan.hear(&claim(NODE, 200), node());
    lan.until(13_000);
    assert_eq!(lan.times(Purpose::Probe), [2_000, 12_000]);
    assert_eq!(lan.dispute(200), None);
    lan.answers = vec![(200, NODE, node())];
    lan.until(80_000);
    let dispute = lan.dispute(200).unwrap();
    assert_eq!((dispute.stranger, dispute.nodes), (None, ["node2".into()].into()));
    assert!(lan.times(Purpose::Defence).is_empty());
    lan.answers.clear();
    lan.until(160_000);
    assert_eq!(lan.dispute(200), None, "repaired");
}

#[test]
fn a_mac_that_turns_out_to_be_a_nodes_is_no_stranger_any_more() {
    let mut lan = Lan::announcing(&[200]);
    lan.hear(&claim(NODE, 200), Party::Stranger);
    assert_eq!(lan.dispute(200).unwrap().stranger, Some(NODE));
    lan.until(5_000);
    lan.hear(&claim(NODE, 200), node());
    let dispute = lan.dispute(200).unwrap();
    assert_eq!((dispute.stranger, dispute.nodes), (None, ["node2".into()].into()));
}

#[test]
fn the_first_stranger_is_named_until_it_is_silent() {
    let mut lan = Lan::announcing(&[200]);
    lan.hear(&claim(CAMERA, 200), Party::Stranger);
    assert!(lan.conflicts.take_changed());
    let other = MacAddr(2, 0, 0, 0, 9, 2);
    lan.answers = vec![(200, other, Party::Stranger)];
    lan.until(50_000);
    assert_eq!(lan.dispute(200).unwrap().stranger, Some(CAMERA));
    lan.until(80_000);
    assert_eq!(lan.dispute(200).unwrap().stranger, Some(other));
}

#[test]
fn another_mac_of_ours_begins_anew_and_the_same_one_does_not() {
    let mut lan = Lan::announcing(&[200]);
    lan.hear(&claim(CAMERA, 200), Party::Stranger);
    let group = address(200).into();
    lan.conflicts.watch(address(200), group, &[(ETH0, OURS)], ms(10));
    assert!(lan.dispute(200).is_some());
    lan.conflicts.take_changed();
    lan.conflicts
        .watch(address(200), group, &[(ETH0, OURS_TOO)], ms(20));
    assert_eq!(lan.dispute(200), None);
    assert!(lan.conflicts.take_changed());
    lan.conflicts.watch(address(200), group, &[], ms(30));
    assert_eq!(lan.conflicts.next_deadline(), None);
}

#[test]
fn a_thousand_addresses_are_asked_for_two_a_second() {
    let mut lan = Lan::announcing(&(0..=255).collect::<Vec<u8>>());
    lan.until(15_000 + 60_000);
    let asked = lan.times(Purpose::Probe);
    assert!((120..=125).contains(&asked.len()), "{}", asked.len());
    // Who is disputed waits for none of them.
    lan.hear(&claim(CAMERA, 7), Party::Stranger);
    assert_eq!(lan.sent.last(), Some(&(75_000, Purpose::Defence, 7)));
}

#[test]
fn strangers_and_nodes_are_remembered_some_of_each() {
    let mut lan = Lan::announcing(&[200]);
    let heard = |lan: &mut Lan, kind: u8, party: &dyn Fn(u8) -> Party| {
        for number in 0..9 {
            lan.hear(&claim(MacAddr(2, 0, 0, 0, kind, number), 200), party(number));
        }
        lan.conflicts.watched[&IpAddr::from(address(200))].claimants.len()
    };
    let stranger = |_| Party::Stranger;
    let node = |number| Party::Node(NodeName::from(format!("node{number}").as_str()));
    assert_eq!(heard(&mut lan, 9, &stranger), MAX_CLAIMANTS);
    // Who floods the LAN with MAC addresses does not hide a node that answers too, and the other way round.
    assert_eq!(heard(&mut lan, 8, &node), 2 * MAX_CLAIMANTS);
    assert_eq!(heard(&mut lan, 7, &stranger), 2 * MAX_CLAIMANTS);
    let mut lan = Lan::announcing(&[200]);
    assert_eq!(heard(&mut lan, 8, &node), MAX_CLAIMANTS);
    assert_eq!(heard(&mut lan, 9, &stranger), 2 * MAX_CLAIMANTS);
}

#[test]
fn a_node_that_answers_too_is_asked_before_all_that_wait_for_their_turn() {
    let mut lan = Lan::announcing(&(0..=255).collect::<Vec<u8>>());
    lan.answers.push((250, NODE, node()));
    // All are to be asked by now, and most wait for their turn.
    lan.until(20_000);
    lan.sent.clear();
    lan.hear(&answer(NODE, 250), node());
    lan.until(30_000);
    let asked: Vec<u64> = lan
        .sent
        .iter()
        .filter(|(.., host)| *host == 250)
        .map(|(at, ..)| *at)
        .collect();
    assert_eq!(asked, [20_000, 30_000]);
    assert!(lan.dispute(250).is_some(), "it still answers ten seconds later");
}

/// One step of a flood.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Forge { host: u8, mac: u8, is_node: bool },
    Withhold(u64),
    Hold(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0u64..15_000).prop_map(Step::Wait),
        8 => (0u8..40, any::<u8>(), any::<bool>())
            .prop_map(|(host, mac, is_node)| Step::Forge { host, mac, is_node }),
        1 => (0u64..500).prop_map(Step::Withhold),
        1 => any::<bool>().prop_map(Step::Hold),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_forged_memory_and_frames_are_bounded_and_it_ends(steps in steps()) {
        let mut lan = Lan::announcing(&(0..30).collect::<Vec<u8>>());
        for step in steps {
            match step {
                Step::Wait(time) => lan.until(lan.now + time),
                Step::Withhold(time) => lan.conflicts.withhold_until(ms(lan.now + time)),
                Step::Hold(held) => lan.conflicts.hold(held),
                Step::Forge { host, mac, is_node } => {
                    let arp = claim(MacAddr(2, 0, 0, 0, 8, mac), host);
                    let party = if is_node { node() } else { Party::Stranger };
                    prop_assert_eq!(lan.conflicts.concerns(ETH0, &arp).is_some(), host < 30);
                    lan.conflicts.hear(ETH0, &arp, party, ms(lan.now));
                    lan.poll();
                }
            }
            prop_assert!(lan.conflicts.watched.len() == 30);
            prop_assert_eq!(lan.conflicts.routine.len() + lan.conflicts.urgent.len(), 30);
            for watched in lan.conflicts.watched.values() {
                prop_assert!(watched.claimants.len() <= 2 * MAX_CLAIMANTS);
            }
        }
        for host in 0..30 {
            let of = lan.sent.iter().filter(|(_, purpose, about)| {
                *purpose == Purpose::Defence && *about == host
            });
            let times: Vec<u64> = of.map(|(at, ..)| *at).collect();
            prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 10_000), "{:?}", times);
        }
        lan.conflicts.hold(false);
        lan.until(lan.now + 120_000);
        prop_assert_eq!(lan.conflicts.disputes().count(), 0, "nobody speaks any more");
    }
}
