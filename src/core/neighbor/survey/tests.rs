//! The survey against a small LAN: who answers what, and when the survey may say so.

use proptest::prelude::*;

use super::super::Arp;
use super::*;
use crate::neighbor::Purpose;

const ETH0: InterfaceIndex = InterfaceIndex(2);
const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const OTHER_NODE: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const CAMERA: MacAddr = MacAddr(2, 0, 0, 0, 9, 1);
const PROXY: MacAddr = MacAddr(2, 0, 0, 0, 9, 9);

fn subnet() -> Ipv4Net {
    "192.168.1.0/24".parse().unwrap()
}

fn address(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, host)
}

fn area(ranges: &[&str]) -> Area {
    Area {
        interface: ETH0,
        mac: OURS,
        addresses: ranges.iter().map(|r| AddressRange::parse(r).unwrap()).collect(),
    }
}

fn ms(after: u64) -> Instant {
    Instant::at(Duration::from_secs(500)) + Duration::from_millis(after)
}

/// A survey and the LAN around it.
struct Lan {
    survey: Survey,
    /// Who answers for which address, within a millisecond.
    hosts: BTreeMap<Ipv4Addr, Vec<MacAddr>>,
    asked: Vec<(u64, Ipv4Addr)>,
    found: Vec<Finding>,
}

impl Lan {
    fn of(ranges: &[&str], hosts: &[(u8, MacAddr)]) -> Self {
        let mut survey = Survey::new();
        survey.set_nodes([OURS, OTHER_NODE].into(), &mut Vec::new());
        survey.set(subnet(), Some(&area(ranges)), ms(0));
        let mut lan = Self {
            survey,
            hosts: BTreeMap::new(),
            asked: Vec::new(),
            found: Vec::new(),
        };
        for (host, mac) in hosts {
            lan.hosts.entry(address(*host)).or_default().push(*mac);
        }
        lan
    }

    /// Runs until `until`; what was found since the last call.
    fn run(&mut self, until: u64) -> Vec<Finding> {
        while let Some(now) = self.survey.next_deadline().filter(|due| *due <= ms(until)) {
            let now = now.max(ms(0));
            let mut out = Vec::new();
            self.survey.poll(now, &mut out, &mut self.found);
            for probe in out {
                let IpAddr::V4(asked) = probe.address else {
                    panic!("{probe:?}")
                };
                assert_eq!(probe.frame, Arp::probe(OURS, asked).frame());
                assert_eq!((probe.interface, probe.purpose), (ETH0, Purpose::Probe));
                let after = u64::try_from(now.since(ms(0)).as_millis()).unwrap();
                self.asked.push((after, asked));
                for mac in self.hosts.get(&asked).cloned().unwrap_or_default() {
                    let answer = Arp::probe(OURS, asked).answer(mac, mac);
                    self.survey.hear(ETH0, &answer, &mut self.found);
                }
            }
        }
        std::mem::take(&mut self.found)
    }

    fn hear(&mut self, arp: &Arp) -> Vec<Finding> {
        self.survey.hear(ETH0, arp, &mut self.found);
        std::mem::take(&mut self.found)
    }
}

fn changes(found: &[Finding]) -> Vec<Change> {
    let changes = found.iter().filter_map(|finding| match finding {
        Finding::Change(change) => Some(*change),
        Finding::Round(_) => None,
    });
    changes.collect()
}

fn rounds(found: &[Finding]) -> Vec<Round> {
    let rounds = found.iter().filter_map(|finding| match finding {
        Finding::Round(round) => Some(round.clone()),
        Finding::Change(_) => None,
    });
    rounds.collect()
}

fn occupied(host: u8, mac: MacAddr) -> Change {
    Change::Occupied {
        address: address(host),
        mac,
    }
}

fn silent(host: u8) -> Change {
    Change::Silent {
        address: address(host),
    }
}

fn set(range: &str) -> RangeSet {
    AddressRange::parse(range).unwrap().into()
}

#[test]
fn each_address_is_asked_at_five_a_second_and_again_each_minute() {
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.202"], &[]);
    lan.run(125_000);
    let expected: Vec<(u64, Ipv4Addr)> = [0, 60_000, 120_000]
        .into_iter()
        .flat_map(|minute| (0..3u8).map(move |n| (minute + u64::from(n) * 200, address(200 + n))))
        .collect();
    assert_eq!(lan.asked, expected);
}

#[test]
fn a_round_says_when_it_began_and_what_it_covered() {
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.202"], &[(201, CAMERA)]);
    let found = lan.run(2_000);
    assert_eq!(changes(&found), [occupied(201, CAMERA)]);
    assert_eq!(
        rounds(&found),
        [Round {
            subnet: subnet(),
            began: ms(0),
            ended: ms(1_400),
            covered: set("192.168.1.200-192.168.1.202"),
            silent: [200, 202].map(|h| IpAddr::V4(address(h))).into_iter().collect(),
        }]
    );
}

#[test]
fn silence_is_known_after_the_answer_window_and_for_as_long_as_was_asked() {
    let mut lan = Lan::of(&["192.168.1.200/32"], &[]);
    let minute = Duration::from_mins(1);
    lan.run(999);
    assert!(
        !lan.survey.knows_silent(address(200), ms(999), minute),
        "the window is open"
    );
    lan.run(1_000);
    assert!(lan.survey.knows_silent(address(200), ms(1_000), minute));
    assert!(lan.survey.knows_silent(address(200), ms(60_000), minute));
    assert!(
        !lan.survey.knows_silent(address(200), ms(60_001), minute),
        "too old"
    );
    assert!(
        !lan.survey.knows_silent(address(201), ms(1_000), minute),
        "never asked"
    );
}

#[test]
fn any_frame_that_speaks_for_the_address_occupies_it_even_late() {
    let asks_for_something = Arp {
        target_ip: address(1),
        ..Arp::gratuitous(CAMERA, address(200))
    };
    let frames = [
        Arp::probe(OURS, address(200)).answer(CAMERA, CAMERA),
        Arp::gratuitous(CAMERA, address(200)),
        asks_for_something,
        Arp::probe(CAMERA, address(200)),
    ];
    for (n, frame) in frames.iter().enumerate() {
        let mut lan = Lan::of(&["192.168.1.200/32"], &[]);
        lan.run(5_000);
        assert_eq!(changes(&lan.hear(frame)), [occupied(200, CAMERA)], "frame {n}");
        assert_eq!(lan.survey.occupant(address(200)), Some(CAMERA));
        assert!(
            !lan.survey.knows_silent(address(200), ms(5_000), ROUND),
            "frame {n}"
        );
    }
}

/// Of speakers that start together each may ask before it has heard of the others.
#[test]
fn what_a_node_asked_before_it_was_known_to_be_one_is_forgotten() {
    let newcomer = MacAddr(2, 0, 0, 0, 0, 3);
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.205"], &[(205, CAMERA)]);
    lan.run(5_000);
    let mut found = lan.hear(&Arp::probe(newcomer, address(200)));
    assert_eq!(changes(&found), [occupied(200, newcomer)]);
    for host in 201..205 {
        found = lan.hear(&Arp::probe(newcomer, address(host)));
    }
    assert_eq!(lan.survey.proxies().len(), 1, "{found:?}");
    let mut found = Vec::new();
    lan.survey
        .set_nodes([OURS, OTHER_NODE, newcomer].into(), &mut found);
    assert_eq!(lan.survey.proxies().len(), 0);
    assert_eq!(lan.survey.occupant(address(200)), None);
    assert_eq!(lan.survey.occupant(address(205)), Some(CAMERA));
    // As one that speaks for so many it was no user any more.
    assert_eq!(changes(&found), []);

    let mut lan = Lan::of(&["192.168.1.200-192.168.1.205"], &[]);
    lan.hear(&Arp::probe(newcomer, address(200)));
    lan.survey
        .set_nodes([OURS, OTHER_NODE, newcomer].into(), &mut found);
    assert_eq!(changes(&found), [silent(200)]);
    assert_eq!(changes(&lan.hear(&Arp::probe(newcomer, address(200)))), []);
}

#[test]
fn what_cannot_be_a_user_does_not_count() {
    let mut lan = Lan::of(&["192.168.1.200/32"], &[(200, OTHER_NODE)]);
    let not_users = [
        Arp::gratuitous(OURS, address(200)),
        Arp::probe(OURS, address(200)),
        Arp::probe(OTHER_NODE, address(200)),
        Arp::gratuitous(MacAddr::broadcast(), address(200)),
        Arp::gratuitous(MacAddr::zero(), address(200)),
        Arp::gratuitous(CAMERA, address(199)),
        // Somebody asks for it: that is a client's hope, not a user.
        Arp {
            sender_ip: address(50),
            ..Arp::gratuitous(CAMERA, address(200))
        },
    ];
    for frame in not_users {
        assert_eq!(lan.hear(&frame), [], "{frame:?}");
    }
    let on_another_interface = Arp::gratuitous(CAMERA, address(200));
    let mut found = Vec::new();
    lan.survey
        .hear(InterfaceIndex(9), &on_another_interface, &mut found);
    assert_eq!(found, []);
    assert_eq!(changes(&lan.run(1_000)), [], "another node's answer is no user's");
    assert!(lan.survey.knows_silent(address(200), ms(1_000), ROUND));
}

#[test]
fn an_occupied_address_is_free_after_two_silent_rounds() {
    let mut lan = Lan::of(&["192.168.1.200/32"], &[(200, CAMERA)]);
    assert_eq!(changes(&lan.run(2_000)), [occupied(200, CAMERA)]);
    lan.hosts.clear();
    let first = lan.run(119_999);
    assert_eq!(changes(&first), []);
    assert_eq!(
        rounds(&first)[0].silent,
        RangeSet::new(),
        "one silent round is not enough"
    );
    assert_eq!(lan.survey.occupant(address(200)), Some(CAMERA));
    let second = lan.run(121_000);
    assert_eq!(changes(&second), [silent(200)]);
    assert_eq!(rounds(&second)[0].silent, set("192.168.1.200/32"));
    assert!(lan.survey.knows_silent(address(200), ms(121_000), ROUND));
}

#[test]
fn one_missed_answer_between_two_changes_nothing() {
    let mut lan = Lan::of(&["192.168.1.200/32"], &[(200, CAMERA)]);
    lan.run(2_000);
    for minute in 1..6 {
        let answers = minute % 2 == 0;
        lan.hosts.clear();
        if answers {
            lan.hosts.insert(address(200), vec![CAMERA]);
        }
        let found = lan.run(minute * 60_000 + 2_000);
        assert_eq!(changes(&found), [], "minute {minute}");
    }
}

#[test]
fn another_user_is_said_again_and_two_at_once_do_not_flap() {
    let newer = MacAddr(2, 0, 0, 0, 8, 1);
    let mut lan = Lan::of(&["192.168.1.200/32"], &[(200, CAMERA)]);
    lan.run(2_000);
    lan.hosts.insert(address(200), vec![CAMERA, newer]);
    assert_eq!(changes(&lan.run(302_000)), [], "the first stays while it answers");
    lan.hosts.insert(address(200), vec![newer]);
    assert_eq!(changes(&lan.run(482_000)), [occupied(200, newer)]);
}

#[test]
fn a_mac_that_answers_for_more_than_four_is_proxy_arp_and_holds_nothing() {
    let everybody: Vec<(u8, MacAddr)> = (200..210).map(|host| (host, PROXY)).collect();
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.209"], &everybody);
    let found = lan.run(3_500);
    let mut expected: Vec<Change> = (200..204).map(|host| occupied(host, PROXY)).collect();
    expected.push(Change::ProxyArp {
        subnet: subnet(),
        mac: PROXY,
    });
    expected.extend((200..204).map(silent));
    assert_eq!(changes(&found), expected);
    assert!(lan.survey.knows_silent(address(209), ms(3_500), ROUND));

    // The next rounds say nothing more, and a real user behind the proxy is still seen.
    lan.hosts.entry(address(205)).or_default().push(CAMERA);
    assert_eq!(changes(&lan.run(190_000)), [occupied(205, CAMERA)]);

    // Silent for two rounds it is forgotten, and reported when it returns.
    let hosts = std::mem::take(&mut lan.hosts);
    assert_eq!(changes(&lan.run(370_000)), [silent(205)]);
    lan.hosts = hosts;
    let back = changes(&lan.run(430_000));
    let reported = back.iter().filter(|c| matches!(c, Change::ProxyArp { .. }));
    assert_eq!(reported.count(), 1);
}

#[test]
fn exactly_four_addresses_are_a_user_with_four_addresses() {
    let four: Vec<(u8, MacAddr)> = (200..204).map(|host| (host, CAMERA)).collect();
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.209"], &four);
    let expected: Vec<Change> = (200..204).map(|host| occupied(host, CAMERA)).collect();
    assert_eq!(changes(&lan.run(3_500)), expected);
}

#[test]
fn a_new_address_is_asked_at_once_and_known_ones_keep_what_is_known() {
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.201"], &[(200, CAMERA)]);
    lan.run(10_000);
    let wider = area(&["192.168.1.200-192.168.1.202"]);
    lan.survey.set(subnet(), Some(&wider), ms(10_000));
    let found = lan.run(11_000);
    assert_eq!(lan.asked.last(), Some(&(10_000, address(202))));
    assert_eq!(rounds(&found)[0].covered, set("192.168.1.202/32"));
    assert_eq!(lan.survey.occupant(address(200)), Some(CAMERA));
    lan.asked.clear();
    lan.run(62_000);
    let hosts: Vec<Ipv4Addr> = lan.asked.iter().map(|(_, a)| *a).collect();
    assert_eq!(
        hosts,
        [200, 201, 202].map(address),
        "one round for all from then on"
    );
}

#[test]
fn an_assigned_address_is_no_longer_asked_or_reported() {
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.201"], &[(200, CAMERA)]);
    lan.run(300);
    lan.survey
        .set(subnet(), Some(&area(&["192.168.1.201/32"])), ms(300));
    lan.asked.clear();
    let found = lan.run(130_000);
    assert_eq!(changes(&found), []);
    assert!(lan.asked.iter().all(|(_, a)| *a == address(201)));
    assert_eq!(lan.survey.occupant(address(200)), None);
}

#[test]
fn a_round_whose_last_question_vanished_still_ends() {
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.201"], &[]);
    lan.run(1_150);
    lan.survey
        .set(subnet(), Some(&area(&["192.168.1.200/32"])), ms(1_150));
    let found = lan.run(2_000);
    assert_eq!(rounds(&found)[0].covered, set("192.168.1.200/32"));
}

#[test]
fn only_the_surveyor_asks_and_a_new_link_starts_over() {
    let mut lan = Lan::of(&["192.168.1.200/32"], &[]);
    lan.run(2_000);
    lan.survey.set(subnet(), None, ms(2_000));
    assert_eq!(lan.survey.next_deadline(), None);
    assert!(!lan.survey.knows_silent(address(200), ms(2_000), ROUND));

    let mut moved = Lan::of(&["192.168.1.200/32"], &[]);
    moved.run(2_000);
    let elsewhere = Area {
        interface: InterfaceIndex(3),
        ..area(&["192.168.1.200/32"])
    };
    moved.survey.set(subnet(), Some(&elsewhere), ms(2_000));
    assert!(!moved.survey.knows_silent(address(200), ms(2_000), ROUND));
    assert_eq!(moved.survey.next_deadline(), Some(ms(2_000)));
}

#[test]
fn a_probe_that_did_not_leave_proves_nothing_and_is_repeated() {
    let mut survey = Survey::new();
    survey.set(subnet(), Some(&area(&["192.168.1.200/32"])), ms(0));
    let (mut out, mut found) = (Vec::new(), Vec::new());
    survey.poll(ms(0), &mut out, &mut found);
    survey.not_sent(&out[0], ms(0));
    survey.poll(ms(900), &mut Vec::new(), &mut found);
    survey.poll(ms(1_000), &mut out, &mut found);
    assert!(!survey.knows_silent(address(200), ms(1_000), ROUND));
    assert_eq!(out.len(), 2, "asked again a second later");
    survey.poll(ms(2_000), &mut out, &mut found);
    assert!(survey.knows_silent(address(200), ms(2_000), ROUND));
    assert_eq!(rounds(&found).len(), 1, "what covers nothing is no round");
}

#[test]
fn a_repeated_question_belongs_to_its_round_and_not_to_the_next_minute() {
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.209"], &[]);
    lan.run(100);
    let mut out = Vec::new();
    lan.survey.poll(ms(200), &mut out, &mut lan.found);
    lan.survey.not_sent(&out[0], ms(200));
    let found = lan.run(125_000);
    let asked: Vec<u64> = lan
        .asked
        .iter()
        .filter_map(|(after, a)| (*a == address(201)).then_some(*after))
        .collect();
    assert_eq!(asked, [2_000, 60_200, 120_200], "behind the others that were due");
    let covered: Vec<RangeSet> = rounds(&found).into_iter().map(|round| round.covered).collect();
    assert_eq!(covered, vec![set("192.168.1.200-192.168.1.209"); 3]);
}

#[test]
fn silence_while_nobody_listened_proves_nothing() {
    let mut lan = Lan::of(&["192.168.1.200/32"], &[]);
    lan.run(100);
    lan.survey
        .set(subnet(), Some(&area(&["192.168.1.201/32"])), ms(100));
    lan.hear(&Arp::gratuitous(CAMERA, address(200)));
    lan.survey
        .set(subnet(), Some(&area(&["192.168.1.200/32"])), ms(300));
    lan.run(1_000);
    assert!(!lan.survey.knows_silent(address(200), ms(1_000), ROUND));
    lan.run(1_300);
    assert!(lan.survey.knows_silent(address(200), ms(1_300), ROUND));
}

#[test]
fn our_own_frames_that_come_back_are_no_user_even_unknown_as_a_node() {
    let mut survey = Survey::new();
    survey.set(subnet(), Some(&area(&["192.168.1.200/32"])), ms(0));
    let mut found = Vec::new();
    survey.hear(ETH0, &Arp::probe(OURS, address(200)), &mut found);
    assert_eq!(found, []);
}

#[test]
fn of_many_macs_for_one_address_four_are_remembered() {
    let mut lan = Lan::of(&["192.168.1.200-192.168.1.204"], &[]);
    for host in 200..205 {
        for n in 0..4 {
            lan.hear(&Arp::gratuitous(MacAddr(2, 0, 0, 1, host, n), address(host)));
        }
    }
    let found: Vec<Finding> = (200..205)
        .flat_map(|host| lan.hear(&Arp::gratuitous(PROXY, address(host))))
        .collect();
    assert_eq!(found, [], "the fifth is not even counted as a proxy");
}

#[test]
fn of_too_many_addresses_the_lowest_300_are_asked_and_rounds_follow_each_other() {
    let mut survey = Survey::new();
    let wide: Ipv4Net = "10.0.0.0/16".parse().unwrap();
    let addresses = set("10.0.1.0-10.0.3.255").union(&set("fd00::/64"));
    let area = Area {
        interface: ETH0,
        mac: OURS,
        addresses: addresses.union(&set("192.168.9.0/24")),
    };
    survey.set(wide, Some(&area), ms(0));
    let (mut asked, mut found) = (Vec::new(), Vec::new());
    while let Some(now) = survey.next_deadline().filter(|due| *due <= ms(200_000)) {
        let mut out = Vec::new();
        survey.poll(now.max(ms(0)), &mut out, &mut found);
        asked.extend(out.into_iter().map(|o| (now.max(ms(0)), o.address)));
    }
    let rounds = rounds(&found);
    assert_eq!(rounds.len(), 3);
    for round in &rounds {
        assert_eq!(round.covered, set("10.0.1.0-10.0.2.43"));
        assert_eq!(round.covered.count(), MAX_ADDRESSES as u128);
        assert!(round.ended.since(round.began) <= Duration::from_secs(61));
    }
    assert!(
        asked
            .windows(2)
            .all(|pair| pair[1].0.since(pair[0].0) >= QUESTION_INTERVAL)
    );
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Speak(u8, u8),
    Ask(u8, u8),
    NotSent,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u64..3_000).prop_map(Step::Wait),
        1 => (0u64..70_000).prop_map(Step::Wait),
        3 => (200u8..206, 0u8..3).prop_map(|(host, mac)| Step::Speak(host, mac)),
        1 => (200u8..206, 0u8..6).prop_map(|(first, more)| Step::Ask(first, more)),
        1 => Just(Step::NotSent),
    ]
}

proptest! {
    #[test]
    fn no_order_of_events_stalls_it_or_lets_it_call_a_speaking_address_silent(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut survey = Survey::new();
        survey.set(subnet(), Some(&area(&["192.168.1.200-192.168.1.205"])), ms(0));
        let mut now = ms(0);
        let (mut out, mut found) = (Vec::new(), Vec::new());
        let mut asked_anew = false;
        let mut spoke: BTreeMap<Ipv4Addr, Instant> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Wait(ms) => now = now + Duration::from_millis(ms),
                Step::Speak(host, mac) => {
                    let mac = MacAddr(2, 0, 0, 0, 7, mac);
                    spoke.insert(address(host), now);
                    survey.hear(ETH0, &Arp::gratuitous(mac, address(host)), &mut found);
                }
                Step::Ask(first, more) => {
                    asked_anew = true;
                    let last = address(first.saturating_add(more));
                    let range = format!("{}-{last}", address(first));
                    survey.set(subnet(), Some(&area(&[&range])), now);
                }
                Step::NotSent => {
                    if let Some(probe) = out.pop() {
                        survey.not_sent(&probe, now);
                    }
                }
            }
            let before = out.len();
            survey.poll(now, &mut out, &mut found);
            prop_assert!(out.len() <= before + 1, "five a second");
            let deadline = survey.next_deadline();
            prop_assert!(deadline.is_none_or(|due| due > now), "a poll leaves nothing behind");
            for (address, when) in &spoke {
                let silent = survey.knows_silent(*address, now, ROUND);
                prop_assert!(!silent || survey.occupant(*address).is_none(), "{address} is both");
                // A word is forgotten after two questions that nobody answered, so not within a second.
                let proxied = found.iter().any(|f| matches!(f, Finding::Change(Change::ProxyArp { .. })));
                let fresh = now.since(*when) < ANSWER_WINDOW;
                prop_assert!(!(silent && fresh) || proxied || asked_anew, "{address} spoke just now");
            }
        }
        let mut rounds = found.iter().filter_map(|finding| match finding {
            Finding::Round(round) => Some(round),
            Finding::Change(_) => None,
        });
        prop_assert!(rounds.all(|round| round.covered.contains_all(&round.silent)));
    }
}
