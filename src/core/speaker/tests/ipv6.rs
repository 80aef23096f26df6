//! Nodes that have IPv6 alone: they hear each other, ask each other's kernels, judge, take over and stand in.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;

use super::*;
use crate::neighbor::{Ndp, ndp};

const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x200);
const THEIRS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x50);
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const TURN: Duration = Duration::from_millis(1);

const fn mac(of: usize) -> MacAddr {
    if of == 0 { MINE } else { MacAddr(2, 0, 0, 0, 1, 12) }
}

const fn host(of: usize) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, if of == 0 { 0x11 } else { 0x12 })
}

fn six_alone(of: usize) -> Link {
    let local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, if of == 0 { 0x11 } else { 0x12 });
    Link {
        mac: mac(of),
        networks: vec![],
        networks_v6: [local, host(of)].map(|a| Ipv6Net::new(a, 64).unwrap()).into(),
        gateways: vec![ROUTER.into()],
        metric: None,
        ..link()
    }
}

/// What a kernel answers to an echo request (RFC 4443 section 4.2).
fn answered(request: &[u8]) -> Vec<u8> {
    let mut frame = request.to_vec();
    frame[0..6].copy_from_slice(&request[6..12]);
    frame[6..12].copy_from_slice(&request[0..6]);
    frame[22..38].copy_from_slice(&request[38..54]);
    frame[38..54].copy_from_slice(&request[22..38]);
    assert_eq!(frame[54], 128, "an echo request");
    frame[54] = 129;
    let sum = u16::from_be_bytes([frame[56], frame[57]]);
    // One type higher: the sum of the words is higher by 0x0100, its complement lower.
    let (sum, borrow) = sum.overflowing_sub(0x0100);
    frame[56..58].copy_from_slice(&(sum - u16::from(borrow)).to_be_bytes());
    frame
}

/// Two nodes and a router on a segment.
struct Segment {
    desks: [Desk; 2],
    /// Whose speaker runs, and whose kernel.
    speaks: [bool; 2],
    lives: [bool; 2],
    /// Solicitations that were sent to be answered, by who asked.
    asked: Vec<(usize, Ndp)>,
    probes: usize,
    told: Vec<(usize, Outgoing)>,
}

impl Segment {
    fn new() -> Self {
        let key = Key::new(&[7; 32]).unwrap();
        let desks = [0, 1].map(|of| {
            let mut desk = Desk::new();
            let name = NodeName::from(["node1", "node2"][of]);
            let boot = BootId([u8::try_from(of).unwrap() + 1; 16]);
            desk.speaker = Speaker::new(name, boot, key.clone(), desk.now.mono);
            desk.effects.clear();
            desk.step(Event::Links(vec![six_alone(of)]));
            desk.step(Event::Wanted(Arc::new(wanted())));
            desk
        });
        Self {
            desks,
            speaks: [true; 2],
            lives: [true; 2],
            asked: vec![],
            probes: 0,
            told: vec![],
        }
    }

    fn pass(&mut self, time: Duration) {
        for _ in 0..time.as_micros() / TURN.as_micros() {
            for from in 0..2 {
                self.turn(from);
            }
        }
    }

    fn turn(&mut self, from: usize) {
        if !self.speaks[from] {
            self.desks[from].now.mono = self.desks[from].now.mono + TURN;
            return;
        }
        self.desks[from].pass(TURN);
        for (_, effect) in std::mem::take(&mut self.desks[from].effects) {
            match effect {
                Effect::Datagram { to, bytes } => self.carry(from, to, &bytes),
                Effect::Probe { frame, .. } => {
                    self.probes += 1;
                    if self.lives[1 - from] {
                        let bytes = &answered(&frame);
                        let age = Duration::ZERO;
                        self.desks[from].step(Event::Echo { bytes, age });
                    }
                }
                Effect::Answer { frame, .. } => self.ask(from, &frame),
                Effect::Announce(outgoing) => self.told.push((from, outgoing)),
            }
        }
    }

    fn carry(&mut self, from: usize, to: IpAddr, bytes: &[u8]) {
        assert_eq!(to, IpAddr::from(host(1 - from)));
        if self.speaks[1 - from] {
            let source = IpAddr::from(host(from));
            self.desks[1 - from].step(Event::Datagram { from: source, bytes });
        }
    }

    /// Whoever has the address answers: the router, or the other node's kernel.
    fn ask(&mut self, from: usize, frame: &[u8]) {
        let asked = Ndp::parse(frame).expect("nodes with IPv6 alone send nothing else");
        self.asked.push((from, asked));
        let by = match asked.target {
            ROUTER => Some(GATEWAY),
            target if target == host(1 - from) && self.lives[1 - from] => Some(mac(1 - from)),
            _ => None,
        };
        if let Some(by) = by {
            self.hear(from, &asked.answer(by, by));
        }
    }

    fn hear(&mut self, at: usize, ndp: &Ndp) {
        let frame = ndp.frame();
        self.desks[at].step(Event::Frame {
            interface: ETH0,
            bytes: &frame,
            age: Duration::ZERO,
        });
    }

    fn holds(&self, of: usize) -> bool {
        self.desks[of].held().contains(&SIX.into())
    }

    /// Settles until one has the address and the other watches it: both.
    fn settled() -> (Self, usize, usize) {
        let mut segment = Self::new();
        segment.pass(Duration::from_secs(2));
        let owner = usize::from(segment.holds(1));
        let other = 1 - owner;
        assert!(segment.holds(owner) && !segment.holds(other));
        (segment, owner, other)
    }

    /// With which MAC address a node answers for the address, if it does.
    fn answers(&mut self, of: usize) -> Option<MacAddr> {
        self.desks[of].effects.clear();
        self.hear(of, &Ndp::question(CLIENT, THEIRS, SIX));
        let effects = std::mem::take(&mut self.desks[of].effects);
        effects.into_iter().find_map(|(_, effect)| match effect {
            Effect::Answer { frame, .. } => Ndp::parse(&frame).unwrap().link_layer,
            _ => None,
        })
    }
}

/// A Service with the address, and both speakers.
fn wanted() -> Wanted {
    let key = IpAddr::from(SIX);
    let nodes = ["node1", "node2"].map(NodeName::from);
    let mut six = group(200, &["node1", "node2"]);
    six.key = key;
    six.addresses = [key].into();
    six.order = order(nodes.iter().map(|name| (name, 0)), key)
        .into_iter()
        .cloned()
        .collect();
    let listed = |of: usize| election::Listed {
        address: host(of).into(),
        ready: true,
    };
    let peers = nodes.into_iter().enumerate();
    Wanted {
        election: Arc::new(Desired {
            groups: [(key, six)].into(),
            peers: peers.map(|(of, name)| (name, listed(of))).collect(),
            ..Desired::default()
        }),
        pools: [key].into_iter().collect(),
        ..Wanted::default()
    }
}

#[test]
fn a_node_that_dies_is_known_by_its_kernels_silence_and_succeeded() {
    let (mut segment, owner, other) = Segment::settled();
    segment.pass(Duration::from_secs(1));
    let counters = segment.desks[other]
        .speaker
        .counters(segment.desks[other].now.mono);
    assert_eq!(
        counters.detection.len(),
        1,
        "the owner's kernel is asked, and answers"
    );
    segment.speaks[owner] = false;
    segment.lives[owner] = false;
    let mut silent = Duration::ZERO;
    while !segment.holds(other) && silent < Duration::from_secs(2) {
        segment.pass(TURN);
        silent += TURN;
    }
    assert!(silent < Duration::from_millis(100), "{silent:?}");
    assert_eq!(segment.answers(other), Some(mac(other)));
    let host_asked = (other, Ndp::question(mac(other), host(other), host(owner)));
    assert!(
        segment.asked.contains(&host_asked),
        "the suspect is asked by NDP, too"
    );
}

#[test]
fn without_a_sign_from_elsewhere_nobody_is_succeeded() {
    let (mut segment, owner, other) = Segment::settled();
    segment.pass(Duration::from_secs(1));
    segment.speaks[owner] = false;
    segment.lives[owner] = false;
    // The router is as silent as the owner: it may be our own link.
    for _ in 0..2_000 {
        segment.desks[other].pass(TURN);
        segment.desks[other].effects.clear();
    }
    assert!(!segment.holds(other));
}

#[test]
fn who_stands_in_answers_with_the_silent_nodes_address() {
    let (mut segment, owner, other) = Segment::settled();
    segment.pass(Duration::from_secs(1));
    assert_eq!(segment.answers(other), None);
    segment.speaks[owner] = false;
    segment.pass(Duration::from_secs(3));
    assert!(!segment.holds(other), "its kernel lives, so nothing moves");
    assert_eq!(segment.answers(other), Some(mac(owner)));
    let poke = Ndp::poke(mac(other), host(other), mac(owner), SIX);
    assert!(
        segment.asked.contains(&(other, poke)),
        "it was asked itself before"
    );
    segment.speaks[owner] = true;
    segment.pass(Duration::from_secs(1));
    assert_eq!(segment.answers(other), None);
    assert_eq!(segment.answers(owner), Some(mac(owner)));
}

#[test]
fn the_router_is_told_of_a_takeover_by_name() {
    let (segment, owner, _) = Segment::settled();
    let router_asked = segment.asked.iter().filter(|(_, asked)| asked.target == ROUTER);
    let local = six_alone(owner).networks_v6[0].addr();
    assert!(
        router_asked
            .into_iter()
            .any(|(by, asked)| *by == owner && asked.source == local)
    );
    let poke = Ndp::poke(mac(owner), SIX, GATEWAY, ROUTER).frame();
    let mut told = segment.told.iter();
    assert!(told.any(|(by, sent)| *by == owner && sent.purpose == Purpose::Poke && sent.frame == poke));
}

#[test]
fn the_network_by_which_it_is_known_is_published() {
    let segment = Segment::new();
    let published = segment.desks[0].speaker.published();
    let network = IpNet::new(host(0).into(), 64).unwrap();
    assert_eq!(
        published.interfaces,
        Some([("eth0".to_owned(), [network].into())].into())
    );
}

#[test]
fn answers_to_its_own_questions_come_through_its_filter() {
    let desk = Desk::new();
    let six = six_alone(0);
    let interest = desk.speaker.interest(&six);
    for own in six.networks_v6.iter().map(|network| IpAddr::from(network.addr())) {
        assert!(interest.contains(own), "{own}");
    }
    let both = Link {
        networks_v6: six.networks_v6,
        ..link()
    };
    let interest = desk.speaker.interest(&both);
    assert!(interest.contains(lan(11).into()));
    assert!(!interest.contains(host(0).into()), "it asks by IPv4 alone");
}

#[test]
fn a_node_with_both_families_says_and_asks_as_with_ipv4_alone() {
    let [mut with, mut without] = pair().map(|mut desk| {
        desk.effects.clear();
        desk
    });
    let both = Link {
        networks_v6: six_alone(0).networks_v6,
        gateways: vec![lan(1).into(), ROUTER.into()],
        metric: None,
        ..link()
    };
    with.step(Event::Links(vec![both]));
    without.step(Event::Links(vec![link()]));
    let interfaces = |desk: &Desk, me: &str| {
        desk.speaker
            .election()
            .interfaces_of(&NodeName::from(me))
            .to_vec()
    };
    assert_eq!(interfaces(&with, "node1"), interfaces(&without, "node2"));
    // Its neighbour falls silent, and signs are asked for.
    with.pass(Duration::from_secs(1));
    let mut questions = with.effects.iter().filter_map(|(_, effect)| match effect {
        Effect::Answer { frame, .. } => Some(frame[12..14].to_vec()),
        _ => None,
    });
    let first = questions.next().unwrap();
    assert_ne!(first, ndp::ETHER_TYPE);
    assert!(questions.all(|ether_type| ether_type == first));
}

/// By which a node that is gone from the one network is known to be gone from the other. A card may have several, and an
/// address alone that somebody else moves; a subnet may be on two cards.
#[test]
fn an_ipv6_subnet_belongs_to_the_networks_of_its_interfaces() {
    let six = |address: &str| Ipv6Net::new(address.parse().unwrap(), 64).unwrap();
    let virtual_address = "192.168.1.5/32".parse().unwrap();
    let lan = Link {
        networks: [vec![virtual_address], link().networks].concat(),
        networks_v6: vec![six("fd00::11"), six("fd00::99"), six("fe80::1")],
        ..link()
    };
    let beside = Link {
        index: InterfaceIndex(lan.index.0 + 1),
        networks: vec!["10.0.0.11/24".parse().unwrap()],
        networks_v6: vec![six("fd00::12"), six("fd01::12")],
        gateways: vec![],
        ..link()
    };
    let mut desk = Desk::new();
    desk.step(Event::Links(vec![beside.clone(), lan.clone()]));
    let subnets = desk.speaker.subnets_v6();
    let of = |subnet: &str| subnets[&subnet.parse().unwrap()].clone();
    let networks = |links: &[&Link]| -> BTreeSet<IpNet> {
        let all = links.iter().flat_map(|link| &link.networks);
        all.map(|network| IpNet::V4(network.trunc())).collect()
    };
    assert_eq!(subnets.len(), 2, "{subnets:?}");
    assert_eq!(of("fd00::/64"), networks(&[&lan, &beside]));
    assert_eq!(of("fd01::/64"), networks(&[&beside]));
}
