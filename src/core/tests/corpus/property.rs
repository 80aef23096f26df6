//! What must hold whatever comes from the LAN. Shared by the fuzz targets and the replay of their corpus.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a broken property ends the run, and a fuzz target calls one of the four"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use ipnet::{Ipv4Net, Ipv6Net};
use sha2::{Digest as _, Sha256};
use tiklb_core::election::wire::{Datagram, MAX_LENGTH};
use tiklb_core::election::{BootId, Desired, Group, Key, Listed, MAX_PEERS, order};
use tiklb_core::model::{Instant, MacAddr, NodeName, Now, ObjectKey, Question, RangeSet, Timestamp};
use tiklb_core::neighbor::echo::{ECHO_LENGTH_V6, Echo};
use tiklb_core::neighbor::frame::FRAME_LENGTH;
use tiklb_core::neighbor::{
    Arp, InterfaceIndex, Message, Ndp, Operation, Outgoing, Peer, Purpose, Statement, ndp as discovery,
};
use tiklb_core::speaker::{Effect, Event, Link, Speaker, Wanted};

const ETH0: InterfaceIndex = InterfaceIndex(2);
const MINE: MacAddr = MacAddr(2, 0, 0, 0, 1, 11);
const SECRET: [u8; 32] = [7; 32];
/// Time between two frames or datagrams is a byte of these.
const STEP: Duration = Duration::from_millis(50);
/// Frames and datagrams of an input that are looked at: what follows says nothing new, and a run shall take milliseconds.
const MOST: usize = 64;
/// Datagrams that one datagram may bring about. Claims go out in parts, to one speaker; news go to all.
const ANSWERS: usize = 4 * MAX_PEERS;
/// RFC 5227, `DEFEND_INTERVAL`.
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// Announced beside 192.168.1.200.
const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x200);

const fn lan(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, last)
}

/// ARP frames, one after another.
pub(crate) fn arp(bytes: &[u8]) {
    let mut life = Life::announcing();
    for (wait, frame) in steps(bytes, FRAME_LENGTH) {
        life.pass(STEP * u32::from(wait));
        let read = Arp::parse(frame).ok();
        if let Some(arp) = read {
            assert_eq!(arp.frame()[..], *frame, "it is printed as it was read");
        }
        let before = life.answers;
        life.take(Event::Frame {
            interface: ETH0,
            bytes: frame,
            age: Duration::ZERO,
        });
        let asked = read.filter(|arp| arp.op == Operation::Request && arp.target_ip == lan(200));
        let most = u32::from(asked.is_some_and(|arp| !arp.sender_mac.is_multicast()));
        assert!(life.answers - before <= most, "{read:?} was answered");
        life.judge();
        assert!(life.announces(), "{read:?} moved the address");
    }
    life.judge_defence();
}

/// Neighbour solicitations and advertisements, one after another.
pub(crate) fn ndp(bytes: &[u8]) {
    let mut life = Life::announcing();
    for (wait, frame) in steps(bytes, discovery::FRAME_LENGTH) {
        life.pass(STEP * u32::from(wait));
        let read = Ndp::parse(frame).ok();
        if let Some(ndp) = read {
            assert_eq!(Ndp::parse(&ndp.frame()), Ok(ndp), "it is printed as it was read");
            assert_eq!((frame[21], frame[55]), (255, 0), "hop limit and code");
            assert!(!ndp.target.is_multicast());
        }
        let before = life.answers;
        life.take(Event::Frame {
            interface: ETH0,
            bytes: frame,
            age: Duration::ZERO,
        });
        let asked = read.filter(|ndp| ndp.kind == discovery::Kind::Solicitation && ndp.target == SIX);
        assert!(
            life.answers - before <= u32::from(asked.is_some()),
            "{read:?} was answered"
        );
        life.judge();
        assert!(life.announces(), "{read:?} moved the address");
    }
    life.judge_defence();
}

/// Echo replies, one after another.
pub(crate) fn echo(bytes: &[u8]) {
    let mut life = Life::announcing();
    for (wait, frame) in steps(bytes, ECHO_LENGTH_V6) {
        life.pass(STEP * u32::from(wait));
        if let Some(Echo { from, question }) = Echo::parse(frame) {
            let Peer { mac, address } = from;
            assert_eq!(mac.octets(), frame[6..12]);
            let token_at = match address {
                IpAddr::V4(address) => {
                    assert_eq!(address.octets(), frame[26..30]);
                    42
                }
                IpAddr::V6(address) => {
                    assert_eq!(address.octets(), frame[22..38]);
                    62
                }
            };
            let Question { token, .. } = question;
            assert_eq!(token.to_be_bytes(), frame[token_at..token_at + 8]);
        }
        life.take(Event::Echo {
            bytes: frame,
            age: Duration::ZERO,
        });
        life.judge();
        assert!(life.announces(), "it moved the address");
    }
}

/// Datagrams, one after another. With the key a speaker may talk another one out of an address; without it, nothing moves.
pub(crate) fn heartbeat(bytes: &[u8]) {
    let mut life = Life::announcing();
    let mut rest = bytes;
    let mut authentic = false;
    for _ in 0..MOST {
        let Some(([wait, signed, high, low], after)) = rest.split_first_chunk::<4>() else {
            break;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low])) % (MAX_LENGTH + 64);
        let (content, after) = after.split_at(length.min(after.len()));
        rest = after;
        let datagram = if *signed % 2 == 1 {
            sign(content)
        } else {
            content.to_vec()
        };
        life.pass(STEP * u32::from(*wait));
        authentic |= reads_as_it_prints(&datagram);
        let before = life.datagrams;
        life.take(Event::Datagram {
            from: lan(12).into(),
            bytes: &datagram,
        });
        assert!(life.datagrams - before <= ANSWERS, "it brings about too much");
        life.judge();
        assert!(
            authentic || life.announces(),
            "it moved the address without a key"
        );
    }
}

/// Whether it is authentic and readable.
fn reads_as_it_prints(datagram: &[u8]) -> bool {
    let key = Key::new(&SECRET).unwrap();
    let Ok(read) = Datagram::decode(datagram, &key) else {
        return false;
    };
    let printed = read.encode(&key, 0);
    assert!(printed.len() <= MAX_LENGTH);
    assert_eq!(Datagram::decode(&printed, &key).as_ref(), Ok(&read), "{read:?}");
    true
}

/// Kind and body as a datagram that is signed with the speaker's own key.
fn sign(content: &[u8]) -> Vec<u8> {
    let (kind, body) = content.split_first().unwrap_or((&0, &[]));
    let id = Sha256::new_with_prefix(b"tiklb heartbeat key id")
        .chain_update(SECRET)
        .finalize();
    let mut bytes = [b"TKLB", &[1, *kind, 0, 0][..], &id[..4], body].concat();
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(&bytes);
    bytes.extend_from_slice(&mac.finalize().into_bytes());
    bytes
}

/// Each a wait and so many bytes; what is left over is one that was cut short.
fn steps(bytes: &[u8], length: usize) -> impl Iterator<Item = (u8, &[u8])> {
    let chunks = bytes.chunks(length + 1).take(MOST);
    chunks.filter_map(|chunk| chunk.split_first().map(|(wait, frame)| (*wait, frame)))
}

/// A speaker that announces 192.168.1.200, and what it did.
struct Life {
    speaker: Speaker,
    now: Now,
    answers: u32,
    datagrams: usize,
    defences: BTreeMap<IpAddr, Vec<Instant>>,
}

impl Life {
    fn announcing() -> Self {
        let now = Now {
            mono: Instant::at(Duration::from_secs(10)),
            wall: Timestamp(1_000),
        };
        let key = Key::new(&SECRET).unwrap();
        let mut life = Self {
            speaker: Speaker::new(NodeName::from("node1"), BootId([1; 16]), key, now.mono),
            now,
            answers: 0,
            datagrams: 0,
            defences: BTreeMap::new(),
        };
        life.take(Event::Links(vec![Link {
            index: ETH0,
            name: "eth0".to_owned(),
            mac: MINE,
            networks: vec![Ipv4Net::new(lan(11), 24).unwrap()],
            networks_v6: vec![Ipv6Net::new(Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x11), 64).unwrap()],
            passing: BTreeSet::new(),
            gateways: vec![lan(1).into()],
            metric: None,
        }]));
        life.take(Event::Wanted(Arc::new(wanted())));
        life.pass(Duration::from_secs(2));
        assert!(life.announces());
        life
    }

    fn announces(&self) -> bool {
        self.speaker.published().held.contains_key(&lan(200).into())
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while self.now.mono < end {
            let next = self.speaker.next_deadline(self.now.mono);
            // A speaker that is due at once for ever would never let time pass.
            self.now.mono = next.max(self.now.mono + Duration::from_millis(1)).min(end);
            self.take(Event::Tick);
        }
    }

    fn take(&mut self, event: Event<'_>) {
        let mut effects = Vec::new();
        self.speaker.step(event, self.now, &mut || 5, &mut effects);
        for effect in effects {
            match effect {
                Effect::Answer { frame, .. } => self.judge_answer(&frame),
                Effect::Announce(outgoing) => self.judge_announcement(&outgoing),
                Effect::Datagram { bytes, .. } => {
                    assert!(bytes.len() <= MAX_LENGTH);
                    self.datagrams += 1;
                }
                Effect::Probe { interface, .. } => assert_eq!(interface, ETH0),
            }
        }
    }

    /// An answer for the announced address, or a question of our own.
    fn judge_answer(&mut self, frame: &[u8]) {
        let said = Statement::from(&Message::parse(frame).unwrap());
        assert_eq!(said.eth_src, MINE);
        if said.op == Operation::Reply {
            assert!(ours(&said.sender_ip) && said.sender_mac == MINE);
            // Who detects duplicates has no address yet, and is answered before all.
            assert!(!said.eth_dst.is_multicast() || said.is_gratuitous());
            self.answers += 1;
        } else {
            assert_eq!(said.sender_ip, lan(11));
        }
    }

    fn judge_announcement(&mut self, outgoing: &Outgoing) {
        let said = Statement::from(&Message::parse(&outgoing.frame).unwrap());
        assert!(said.sender_mac == MINE && said.eth_src == MINE);
        if outgoing.purpose != Purpose::Probe {
            assert!(ours(&said.sender_ip), "{said:?}");
        }
        if outgoing.purpose == Purpose::Defence {
            self.defences
                .entry(outgoing.address)
                .or_default()
                .push(self.now.mono);
        }
    }

    /// What it keeps is bounded, and it announces nothing that nobody wants.
    fn judge(&self) {
        let published = self.speaker.published();
        assert!(published.held.keys().all(|key| *key == lan(200)));
        assert!(published.disputes.keys().all(ours));
        assert!(published.alive.len() <= MAX_PEERS);
        let counters = self.speaker.counters(self.now.mono);
        assert!(counters.frames.len() < 32 && counters.datagrams.len() < 16);
        for counted in [counters.requests, counters.responses, counters.gratuitous] {
            assert!(counted.keys().all(ours));
        }
    }

    fn judge_defence(&self) {
        let apart = |pair: &[Instant]| pair[1].since(pair[0]) >= DEFEND_INTERVAL;
        let mut all = self.defences.values();
        assert!(
            all.all(|times| times.windows(2).all(apart)),
            "{:?}",
            self.defences
        );
    }
}

/// The announced addresses.
fn ours(address: &IpAddr) -> bool {
    *address == lan(200) || *address == SIX
}

fn wanted() -> Wanted {
    let key = IpAddr::from(lan(200));
    let candidates = [(NodeName::from("node1"), 0), (NodeName::from("node2"), 0)];
    let ordered = order(candidates.iter().map(|(node, weight)| (node, *weight)), key);
    let group = Group {
        key,
        addresses: [key, SIX.into()].into(),
        services: [ObjectKey::new("default", "web")].into(),
        order: ordered.into_iter().cloned().collect(),
        stand_ins: vec![],
        nobody: None,
        candidates: candidates.into_iter().collect(),
    };
    let pools: RangeSet = (200..=204)
        .map(|last| IpAddr::from(lan(last)))
        .chain([SIX.into()])
        .collect();
    let used: RangeSet = [key, SIX.into()].into_iter().collect();
    let other = Listed {
        address: lan(12).into(),
        ready: false,
    };
    Wanted {
        election: Arc::new(Desired {
            groups: [(key, group)].into(),
            peers: [(NodeName::from("node2"), other)].into(),
            ..Desired::default()
        }),
        unassigned: pools.difference(&used),
        pools,
        ..Wanted::default()
    }
}
