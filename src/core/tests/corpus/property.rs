//! What must hold whatever comes from the LAN. Shared by the fuzz targets and the replay of their corpus.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a broken property ends the run, and a fuzz target calls one of the three"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use ipnet::Ipv4Net;
use sha2::{Digest as _, Sha256};
use tiklb_core::election::wire::{Datagram, MAX_LENGTH};
use tiklb_core::election::{BootId, Desired, Group, Key, Listed, MAX_PEERS, order};
use tiklb_core::model::{Instant, MacAddr, NodeName, Now, ObjectKey, Question, RangeSet, Timestamp};
use tiklb_core::neighbor::echo::{ECHO_LENGTH, Echo};
use tiklb_core::neighbor::frame::FRAME_LENGTH;
use tiklb_core::neighbor::{Arp, InterfaceIndex, Operation, Outgoing, Peer, Purpose};
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

/// Echo replies, one after another.
pub(crate) fn echo(bytes: &[u8]) {
    let mut life = Life::announcing();
    for (wait, frame) in steps(bytes, ECHO_LENGTH) {
        life.pass(STEP * u32::from(wait));
        if let Some(Echo { from, question }) = Echo::parse(frame) {
            let Peer { mac, address } = from;
            assert_eq!(mac.octets(), frame[6..12]);
            assert_eq!(address.octets(), frame[26..30]);
            let Question { token, .. } = question;
            assert_eq!(token.to_be_bytes(), frame[42..50]);
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
    defences: Vec<Instant>,
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
            defences: Vec::new(),
        };
        life.take(Event::Links(vec![Link {
            index: ETH0,
            name: "eth0".to_owned(),
            mac: MINE,
            networks: vec![Ipv4Net::new(lan(11), 24).unwrap()],
            gateways: vec![lan(1)],
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
        let arp = Arp::parse(frame).unwrap();
        assert_eq!(arp.eth_src, MINE);
        if arp.op == Operation::Reply {
            assert_eq!((arp.sender_ip, arp.sender_mac), (lan(200), MINE));
            assert!(!arp.eth_dst.is_multicast());
            self.answers += 1;
        } else {
            assert_eq!(arp.sender_ip, lan(11));
        }
    }

    fn judge_announcement(&mut self, outgoing: &Outgoing) {
        let arp = Arp::parse(&outgoing.frame).unwrap();
        assert!(arp.sender_mac == MINE && arp.eth_src == MINE);
        if outgoing.purpose != Purpose::Probe {
            assert_eq!(arp.sender_ip, lan(200));
        }
        if outgoing.purpose == Purpose::Defence {
            self.defences.push(self.now.mono);
        }
    }

    /// What it keeps is bounded, and it announces nothing that nobody wants.
    fn judge(&self) {
        let published = self.speaker.published();
        assert!(published.held.keys().all(|key| *key == lan(200)));
        assert!(published.disputes.keys().all(|key| *key == lan(200)));
        assert!(published.alive.len() <= MAX_PEERS);
        let counters = self.speaker.counters(self.now.mono);
        assert!(counters.frames.len() < 32 && counters.datagrams.len() < 16);
        for counted in [counters.requests, counters.responses, counters.gratuitous] {
            assert!(counted.keys().all(|address| *address == lan(200)));
        }
    }

    fn judge_defence(&self) {
        let apart = |pair: &[Instant]| pair[1].since(pair[0]) >= DEFEND_INTERVAL;
        assert!(self.defences.windows(2).all(apart), "{:?}", self.defences);
    }
}

fn wanted() -> Wanted {
    let key = IpAddr::from(lan(200));
    let candidates = [(NodeName::from("node1"), 0), (NodeName::from("node2"), 0)];
    let ordered = order(candidates.iter().map(|(node, weight)| (node, *weight)), key);
    let group = Group {
        key,
        addresses: [key].into(),
        services: [ObjectKey::new("default", "web")].into(),
        order: ordered.into_iter().cloned().collect(),
        nobody: None,
        candidates: candidates.into_iter().collect(),
    };
    let pools: RangeSet = (200..=204).map(|last| IpAddr::from(lan(last))).collect();
    let used: RangeSet = [key].into_iter().collect();
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
