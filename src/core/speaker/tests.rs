//! A speaker between the API and the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

mod conflict;
mod discovery;
mod interface;
mod ipv6;
mod withheld;

use ipnet::{IpNet, Ipv4Net};
use litemap::LiteMap;

use super::*;
use crate::election::{Group, candidate::Nobody, order};
use crate::model::{ObjectKey, Timestamp};
use crate::neighbor::Arp;

const ETH0: InterfaceIndex = InterfaceIndex(2);
const MINE: MacAddr = MacAddr(2, 0, 0, 0, 1, 11);
const CLIENT: MacAddr = MacAddr(2, 0, 0, 0, 1, 50);
const GATEWAY: MacAddr = MacAddr(2, 0, 0, 0, 1, 1);

fn lan(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, last)
}

fn link() -> Link {
    Link {
        index: ETH0,
        name: "eth0".to_owned(),
        mac: MINE,
        networks: vec![Ipv4Net::new(lan(11), 24).unwrap()],
        networks_v6: vec![],
        passing: BTreeSet::new(),
        gateways: vec![lan(1).into()],
        metric: None,
    }
}

fn group(last: u8, nodes: &[&str]) -> Group {
    let key = IpAddr::from(lan(last));
    let candidates: LiteMap<NodeName, i32> = nodes.iter().map(|n| (NodeName::from(*n), 0)).collect();
    Group {
        key,
        addresses: [key].into(),
        services: [ObjectKey::new("default", format!("s{last}"))].into(),
        order: order(candidates.iter().map(|(n, w)| (n, *w)), key)
            .into_iter()
            .cloned()
            .collect(),
        stand_ins: vec![],
        nobody: candidates.is_empty().then_some(Nobody::NoNode),
        candidates,
    }
}

/// One speaker and everything it did.
struct Desk {
    speaker: Speaker,
    now: Now,
    effects: Vec<(Instant, Effect)>,
}

impl Desk {
    fn new() -> Self {
        let now = Now {
            mono: Instant::at(Duration::from_secs(10)),
            wall: Timestamp(1_000),
        };
        let key = Key::new(&[7; 32]).unwrap();
        let speaker = Speaker::new(NodeName::from("node1"), BootId([1; 16]), key, now.mono);
        let mut desk = Self {
            speaker,
            now,
            effects: vec![],
        };
        desk.step(Event::Links(vec![link()]));
        desk
    }

    fn step(&mut self, event: Event<'_>) {
        let mut out = Vec::new();
        self.speaker.step(event, self.now, &mut || 5, &mut out);
        self.effects
            .extend(out.into_iter().map(|effect| (self.now.mono, effect)));
    }

    fn want(&mut self, assigned: &[u8]) {
        let groups = assigned
            .iter()
            .map(|last| (lan(*last).into(), group(*last, &["node1"])))
            .collect();
        let pools: RangeSet = (200..=204).map(|last| IpAddr::from(lan(last))).collect();
        let used: RangeSet = assigned.iter().map(|last| IpAddr::from(lan(*last))).collect();
        let wanted = Wanted {
            election: Arc::new(Desired {
                groups,
                peers: BTreeMap::new(),
                ..Desired::default()
            }),
            unassigned: pools.difference(&used),
            pools,
            ..Wanted::default()
        };
        self.step(Event::Wanted(Arc::new(wanted)));
    }

    /// Lets time pass, tick by tick as deadlines fall due.
    fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while self.now.mono < end {
            let next = self
                .speaker
                .next_deadline(self.now.mono)
                .max(self.now.mono + Duration::from_micros(100));
            self.now.mono = next.min(end);
            self.step(Event::Tick);
        }
    }

    fn hear(&mut self, arp: &Arp) {
        let mut out = Vec::new();
        let frame = arp.frame();
        let event = Event::Frame {
            interface: ETH0,
            bytes: &frame,
            age: Duration::ZERO,
        };
        self.speaker.step(event, self.now, &mut || 5, &mut out);
        self.effects
            .extend(out.into_iter().map(|effect| (self.now.mono, effect)));
    }

    fn sent(&self, purpose: Purpose) -> Vec<(Instant, Ipv4Addr)> {
        let frames = self.effects.iter().filter_map(|(at, effect)| match effect {
            Effect::Announce(frame) if frame.purpose == purpose => match frame.address {
                IpAddr::V4(address) => Some((*at, address)),
                IpAddr::V6(_) => None,
            },
            _ => None,
        });
        frames.collect()
    }

    fn answer_to(&mut self, last: u8) -> Option<Arp> {
        self.effects.clear();
        self.hear(&request(CLIENT, lan(50), lan(last)));
        self.effects.iter().find_map(|(_, effect)| match effect {
            Effect::Answer { frame, .. } => Some(Arp::parse(frame).unwrap()),
            _ => None,
        })
    }

    fn held(&self) -> BTreeSet<IpAddr> {
        self.speaker.published().held.keys().copied().collect()
    }
}

fn request(mac: MacAddr, from: Ipv4Addr, target: Ipv4Addr) -> Arp {
    Arp {
        op: Operation::Request,
        eth_src: mac,
        eth_dst: MacAddr::broadcast(),
        sender_mac: mac,
        sender_ip: from,
        target_mac: MacAddr::zero(),
        target_ip: target,
    }
}

fn reply(mac: MacAddr, from: Ipv4Addr) -> Arp {
    Arp {
        op: Operation::Reply,
        eth_src: mac,
        eth_dst: MINE,
        sender_mac: mac,
        sender_ip: from,
        target_mac: MINE,
        target_ip: lan(11),
    }
}

#[test]
fn an_address_is_asked_for_then_announced_then_answered() {
    let mut desk = Desk::new();
    desk.want(&[200]);
    let start = desk.now.mono;
    desk.pass(Duration::from_millis(50));
    assert!(
        desk.held().is_empty(),
        "not before the last answer's time is over"
    );
    desk.pass(Duration::from_millis(150));
    let probes: Vec<u64> = desk
        .sent(Purpose::Probe)
        .iter()
        .filter(|(_, a)| *a == lan(200))
        .map(|(at, _)| millis(*at, start))
        .collect();
    assert_eq!(probes, [0, 20, 40]);
    let takeover = desk.sent(Purpose::Takeover);
    assert_eq!(millis(takeover[0].0, start), 60, "{takeover:?}");
    assert_eq!(desk.held(), [lan(200).into()].into());
    let held = &desk.speaker.published().held[&lan(200).into()];
    assert_eq!(
        (held.interfaces.join(",").as_str(), held.mac, held.epoch),
        ("eth0", Some(MINE), 1)
    );
    assert_eq!(held.because.to_string(), "the only candidate");
    let answer = desk.answer_to(200).unwrap();
    assert_eq!(
        (answer.sender_mac, answer.sender_ip, answer.target_mac),
        (MINE, lan(200), CLIENT)
    );
    assert!(desk.answer_to(201).is_none(), "nothing else is answered for");
}

fn millis(at: Instant, since: Instant) -> u64 {
    u64::try_from(at.since(since).as_millis()).unwrap()
}

#[test]
fn what_the_survey_knows_needs_no_question() {
    let mut desk = Desk::new();
    desk.want(&[]);
    desk.pass(Duration::from_secs(10));
    let asked: BTreeSet<Ipv4Addr> = desk
        .sent(Purpose::Probe)
        .into_iter()
        .map(|(_, address)| address)
        .collect();
    assert_eq!(
        asked,
        (200..=204).map(lan).collect(),
        "every unassigned address was asked for"
    );
    let survey = &desk.speaker.published().surveys[&"192.168.1.0/24".parse().unwrap()];
    assert_eq!(survey.covered.to_string(), "192.168.1.200-192.168.1.204");
    assert!(survey.occupied.is_empty());
    desk.effects.clear();
    desk.want(&[203]);
    assert_eq!(desk.held(), [lan(203).into()].into(), "at once");
    let counters = desk.speaker.counters(desk.now.mono);
    let announced = counters.gratuitous.keys().copied();
    assert!(
        announced.eq([lan(203)]),
        "the survey's questions announce nothing"
    );
    assert!(desk.answer_to(203).is_some());
}

#[test]
fn the_first_speaker_of_a_subnet_tells_of_it_at_once() {
    let mut desk = Desk::new();
    desk.want(&[200, 201, 202, 203, 204]);
    desk.pass(Duration::from_secs(3));
    let subnet: Ipv4Net = "192.168.1.0/24".parse().unwrap();
    assert_eq!(
        desk.speaker.published().networks,
        [(subnet, [lan(1)].into())].into()
    );
    let moved = Link {
        networks: vec!["10.0.0.5/8".parse().unwrap(), "169.254.3.4/16".parse().unwrap()],
        ..link()
    };
    desk.step(Event::Links(vec![moved]));
    desk.pass(Duration::from_millis(100));
    let subnet: Ipv4Net = "10.0.0.0/8".parse().unwrap();
    assert_eq!(
        desk.speaker.published().networks,
        [(subnet, BTreeSet::new())].into(),
        "its gateway is not there"
    );
}

#[test]
fn an_address_that_someone_uses_is_reported_and_not_announced() {
    let mut desk = Desk::new();
    desk.want(&[]);
    desk.pass(Duration::from_millis(250));
    desk.hear(&reply(CLIENT, lan(200)));
    desk.pass(Duration::from_secs(8));
    let survey = &desk.speaker.published().surveys[&"192.168.1.0/24".parse().unwrap()];
    assert_eq!(survey.occupied, [(lan(200), CLIENT)].into());
    desk.want(&[200]);
    desk.pass(Duration::from_secs(1));
    assert!(desk.held().is_empty());
    assert_eq!(
        desk.speaker.published().blocked,
        [(lan(200).into(), CLIENT)].into()
    );
}

#[test]
fn an_answer_to_the_question_blocks_the_claim() {
    let mut desk = Desk::new();
    desk.want(&[200]);
    desk.pass(Duration::from_millis(30));
    desk.hear(&reply(CLIENT, lan(200)));
    desk.pass(Duration::from_secs(2));
    assert!(desk.held().is_empty());
    assert!(desk.answer_to(200).is_none());
}

#[test]
fn a_lost_link_silences_and_a_new_one_announces_again() {
    let mut desk = Desk::new();
    desk.want(&[200]);
    desk.pass(Duration::from_secs(10));
    desk.effects.clear();
    desk.step(Event::Links(vec![]));
    assert!(desk.answer_to(200).is_none());
    desk.pass(Duration::from_secs(5));
    assert!(desk.sent(Purpose::Takeover).is_empty() && desk.sent(Purpose::Refresh).is_empty());
    let mut other = link();
    other.mac = MacAddr(2, 0, 0, 0, 1, 99);
    desk.effects.clear();
    desk.step(Event::Links(vec![other.clone()]));
    assert_eq!(desk.sent(Purpose::Takeover).len(), 1, "under its new address");
    assert_eq!(
        desk.speaker.published().held[&lan(200).into()].mac,
        Some(other.mac)
    );
}

#[test]
fn the_networks_of_its_interfaces_are_published_when_they_change() {
    let mut desk = Desk::new();
    let networks = |desk: &Desk| desk.speaker.published().interfaces.clone();
    let network = (link().name, [IpNet::from(link().networks[0])].into());
    assert_eq!(networks(&desk), Some([network].into()));
    let version = desk.speaker.published().version;
    desk.step(Event::Links(vec![link()]));
    assert_eq!(desk.speaker.published().version, version, "nothing changed");
    desk.step(Event::Links(vec![]));
    assert_eq!(networks(&desk), Some([].into()));
    assert!(desk.speaker.published().version > version);
}

#[test]
fn what_is_no_longer_wanted_falls_silent_and_is_published() {
    let mut desk = Desk::new();
    desk.want(&[200, 201]);
    desk.pass(Duration::from_secs(1));
    let version = desk.speaker.published().version;
    desk.want(&[201]);
    assert!(desk.answer_to(200).is_none());
    assert!(desk.answer_to(201).is_some());
    let published = desk.speaker.published();
    assert!(published.version > version);
    assert_eq!(
        published.gave_up.back().unwrap().because,
        election::Because::NotWanted
    );
    desk.effects.clear();
    desk.pass(Duration::from_secs(6));
    assert!(
        desk.sent(Purpose::Takeover)
            .iter()
            .all(|(_, address)| *address != lan(200))
    );
}

#[test]
fn the_gateway_is_asked_for_its_mac_and_hears_of_a_takeover_first() {
    let mut desk = Desk::new();
    let asked = desk.effects.iter().any(|(_, effect)| match effect {
        Effect::Answer { frame, .. } => Arp::parse(frame).unwrap() == request(MINE, lan(11), lan(1)),
        _ => false,
    });
    assert!(asked, "{:?}", desk.effects);
    desk.hear(&reply(GATEWAY, lan(1)));
    desk.hear(&request(CLIENT, lan(50), lan(200)));
    desk.want(&[200]);
    desk.pass(Duration::from_millis(90));
    let pokes: Vec<Arp> = desk
        .effects
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::Announce(frame) if frame.purpose == Purpose::Poke => {
                Some(Arp::parse(&frame.frame).unwrap())
            }
            _ => None,
        })
        .collect();
    let to: Vec<(MacAddr, Ipv4Addr)> = pokes.iter().map(|arp| (arp.eth_dst, arp.target_ip)).collect();
    assert_eq!(to, [(GATEWAY, lan(1)), (CLIENT, lan(50))]);
}

#[test]
fn the_interest_is_the_pools_and_our_own_address() {
    let mut desk = Desk::new();
    desk.want(&[200]);
    assert_eq!(
        desk.speaker.interest(&link()).to_string(),
        "192.168.1.11,192.168.1.200-192.168.1.204"
    );
}

#[test]
fn a_new_link_hears_the_answers_to_its_first_questions() {
    let now = Instant::at(Duration::from_secs(10));
    let key = Key::new(&[7; 32]).unwrap();
    let speaker = Speaker::new(NodeName::from("node1"), BootId([1; 16]), key, now);
    assert_eq!(speaker.interest(&link()).to_string(), "192.168.1.11");
}

#[test]
fn foreign_frames_are_counted_by_kind() {
    let mut desk = Desk::new();
    desk.want(&[200]);
    desk.pass(Duration::from_millis(100));
    desk.step(Event::Frame {
        interface: ETH0,
        bytes: &[0; 10],
        age: Duration::ZERO,
    });
    desk.hear(&request(CLIENT, lan(50), lan(200)));
    desk.hear(&request(CLIENT, lan(50), lan(77)));
    let counters = desk.speaker.counters(desk.now.mono);
    assert_eq!(counters.frames.get("answered_request"), Some(&1));
    assert_eq!(counters.frames.get("not_announced"), Some(&1));
    assert_eq!(counters.responses[&lan(200).into()], 1);
    assert_eq!(counters.frames.values().sum::<u64>(), 3);
}

/// Two speakers that hear each other, as `node1` and `node2`.
fn pair() -> [Desk; 2] {
    let peers: BTreeMap<NodeName, election::Listed> = (1..=2)
        .map(|n| {
            let listed = election::Listed {
                address: lan(10 + n).into(),
                ready: true,
            };
            (NodeName(format!("node{n}").into()), listed)
        })
        .collect();
    let mut other = Desk::new();
    let key = Key::new(&[7; 32]).unwrap();
    other.speaker = Speaker::new(NodeName::from("node2"), BootId([2; 16]), key, other.now.mono);
    let mut pair = [Desk::new(), other];
    for desk in &mut pair {
        desk.step(Event::Links(vec![link()]));
        let election = Arc::new(Desired {
            groups: BTreeMap::new(),
            peers: peers.clone(),
            ..Desired::default()
        });
        desk.step(Event::Wanted(Arc::new(Wanted {
            election,
            ..Wanted::default()
        })));
    }
    talk(&mut pair, 100);
    pair
}

/// Lets both speak, ten milliseconds a turn.
fn talk(pair: &mut [Desk; 2], turns: usize) {
    for _ in 0..turns {
        for from in 0..2 {
            let to = 1 - from;
            pair[from].pass(Duration::from_millis(10));
            let sent: Vec<Arc<[u8]>> = std::mem::take(&mut pair[from].effects)
                .into_iter()
                .filter_map(|(_, effect)| match effect {
                    Effect::Datagram { bytes, .. } => Some(bytes),
                    _ => None,
                })
                .collect();
            for bytes in sent {
                pair[to].step(Event::Datagram {
                    from: lan(11 + u8::try_from(from).unwrap()).into(),
                    bytes: &bytes,
                });
            }
        }
    }
}

#[test]
fn a_speaker_that_hears_nobody_asks_for_the_others_hosts_too() {
    let [mut desk, _] = pair();
    assert_eq!(desk.speaker.election().up().len(), 1);
    let questions = |desk: &Desk| -> Vec<Ipv4Addr> {
        let asked = desk.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Answer { frame, .. } => Some(Arp::parse(frame).unwrap().target_ip),
            _ => None,
        });
        asked.collect()
    };
    desk.effects.clear();
    desk.pass(Duration::from_millis(140));
    assert!(
        !questions(&desk).contains(&lan(12)),
        "one late heartbeat is no silence"
    );
    desk.pass(Duration::from_millis(300));
    let asked = questions(&desk);
    assert!(
        asked.contains(&lan(12)),
        "the kernel learns from its answer: {asked:?}"
    );
    assert!(
        asked.contains(&lan(1)),
        "and the gateway, as a witness: {asked:?}"
    );
}

fn want_groups(desk: &mut Desk, groups: Vec<Group>) {
    let pools: RangeSet = (200..=204).map(|last| IpAddr::from(lan(last))).collect();
    let used: RangeSet = groups.iter().map(|group| group.key).collect();
    let wanted = Wanted {
        election: Arc::new(Desired {
            groups: groups.into_iter().map(|group| (group.key, group)).collect(),
            peers: BTreeMap::new(),
            ..Desired::default()
        }),
        unassigned: pools.difference(&used),
        pools,
        ..Wanted::default()
    };
    desk.step(Event::Wanted(Arc::new(wanted)));
}

#[test]
fn services_join_and_leave_an_address_that_is_announced() {
    let mut desk = Desk::new();
    want_groups(&mut desk, vec![group(200, &["node1"])]);
    desk.pass(Duration::from_secs(2));
    let mut both = group(200, &["node1"]);
    both.services.insert(ObjectKey::new("default", "other"));
    let version = desk.speaker.published().version;
    want_groups(&mut desk, vec![both.clone()]);
    let held = desk.speaker.published().held[&lan(200).into()].clone();
    assert_eq!(held.services, both.services);
    assert!(desk.speaker.published().version > version, "it is told");
    want_groups(&mut desk, vec![group(200, &["node1"])]);
    let after = &desk.speaker.published().held[&lan(200).into()];
    assert_eq!((after.services.len(), after.epoch), (1, held.epoch));
}

#[test]
fn a_first_claim_that_an_answer_blocks_is_told() {
    let mut desk = Desk::new();
    desk.want(&[200]);
    while desk
        .effects
        .iter()
        .all(|(_, effect)| !matches!(effect, Effect::Announce(_)))
    {
        desk.pass(Duration::from_millis(1));
    }
    desk.hear(&reply(CLIENT, lan(200)));
    desk.pass(Duration::from_secs(2));
    assert!(desk.held().is_empty());
    let blocked = &desk.speaker.published().blocked;
    assert_eq!(*blocked, [(lan(200).into(), CLIENT)].into());
}

#[test]
fn a_block_ends_with_the_stranger_and_with_the_wish() {
    let mut desk = Desk::new();
    let blocked = |desk: &mut Desk| {
        desk.want(&[]);
        desk.pass(Duration::from_millis(650));
        desk.hear(&reply(CLIENT, lan(200)));
        desk.pass(Duration::from_secs(8));
        desk.want(&[200]);
        desk.pass(Duration::from_secs(1));
        desk.speaker.published().blocked.len()
    };
    assert_eq!(blocked(&mut desk), 1);
    desk.want(&[]);
    assert_eq!(
        desk.speaker.published().blocked.len(),
        0,
        "nobody wants it any more"
    );

    let mut desk = Desk::new();
    assert_eq!(blocked(&mut desk), 1);
    desk.pass(Duration::from_mins(5));
    assert_eq!(desk.held().len(), 1, "the stranger has left");
    assert_eq!(desk.speaker.published().blocked.len(), 0);
}

#[test]
fn a_proxy_is_told_until_it_is_silent() {
    let mut desk = Desk::new();
    desk.want(&[]);
    desk.pass(Duration::from_millis(650));
    for last in 200..=204 {
        desk.hear(&reply(CLIENT, lan(last)));
    }
    desk.pass(Duration::from_secs(8));
    assert_eq!(desk.speaker.published().proxies.len(), 1);
    desk.pass(Duration::from_mins(10));
    assert_eq!(desk.speaker.published().proxies.len(), 0);
}

/// Questions for a sign that our link works, in ten seconds.
fn witness_questions(desk: &mut Desk) -> usize {
    desk.effects.clear();
    desk.pass(Duration::from_secs(10));
    let asked = desk.effects.iter().filter(|(_, effect)| match effect {
        Effect::Answer { frame, .. } => Arp::parse(frame).unwrap().target_ip == lan(1),
        _ => false,
    });
    asked.count()
}

#[test]
fn a_node_that_stays_alone_leaves_the_gateway_in_peace() {
    let [mut desk, _] = pair();
    desk.pass(Duration::from_secs(5));
    // The other one died; then its node is taken out of the cluster.
    let asked = witness_questions(&mut desk);
    assert!(asked <= 40, "{asked} questions in ten seconds");
    desk.want(&[]);
    desk.pass(Duration::from_mins(10));
    let asked = witness_questions(&mut desk);
    assert!(asked <= 1, "{asked} questions in ten seconds, ten minutes later");
}

#[test]
fn another_key_is_told_while_it_explains_who_is_missing() {
    let mut desk = Desk::new();
    let key = Key::new(&[8; 32]).unwrap();
    let mut other = Election::new(NodeName::from("node2"), BootId([2; 16]), key, desk.now.mono);
    let listed = |last: u8| election::Listed {
        address: lan(last).into(),
        ready: true,
    };
    let peers = [(NodeName::from("node1"), listed(11))].into();
    let wanted = Desired {
        groups: BTreeMap::new(),
        peers,
        ..Desired::default()
    };
    other.set_desired(Arc::new(wanted), desk.now.mono);
    let mut out = Vec::new();
    other.poll(desk.now.mono, &mut || 5, &mut out);
    let heartbeat = out.into_iter().find_map(|output| match output {
        Output::Send { bytes, .. } => Some(bytes),
        _ => None,
    });
    let heartbeat = heartbeat.unwrap();
    let hear = |desk: &mut Desk, last: u8| {
        let from = lan(last).into();
        desk.step(Event::Datagram {
            from,
            bytes: &heartbeat,
        });
        desk.step(Event::Tick);
        desk.speaker.published().other_keys
    };
    assert!(!hear(&mut desk, 12), "nobody is missing there");
    let wanted = Wanted {
        election: Arc::new(Desired {
            groups: BTreeMap::new(),
            peers: [(NodeName::from("node2"), listed(12))].into(),
            ..Desired::default()
        }),
        ..Wanted::default()
    };
    desk.step(Event::Wanted(Arc::new(wanted)));
    assert!(!hear(&mut desk, 13), "anyone on the LAN can send that");
    assert!(hear(&mut desk, 12));
    desk.pass(Duration::from_secs(20));
    assert!(!desk.speaker.published().other_keys, "it has stopped");
}
