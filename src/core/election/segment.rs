//! Liveness on each segment: a node that lives may still be cut off from one of its networks.
//!
//! ```text
//!           ┌──────────────── management ───────────────┐      A heartbeat leaves on every segment that two nodes share,
//!        node1 (owner)                                node2    and echoes what came by it.
//!           └──────╳───────────── LAN ──────────────────┘
//! ```
//! node1 is up, and node2 hears nothing of it on the LAN: not by heartbeats, not by questions to its kernel. node2 asks
//! it, by the other way, whether anything answers it on the LAN. If not, and node2's own link there works, node1 is gone
//! from that segment: its addresses there are claimed by others, and the rest stays.
//!
//! **Invariant.** Of two nodes that both see the segment alive, and not each other there, neither takes from the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};

use super::link::{WITNESS_FRESH, WITNESS_LONG};
use super::peer::{Condemned, Hearing, OUT_OF_HEARING, Peer};
use super::row::Row;
use super::talk::Sent;
use super::wire::{Body, Mention, WireInterface};
use super::{DOWN_AFTER, Election, Group, Output};
use crate::model::{Instant, NodeName};

/// Whoever asked us longer ago whether we are connected has judged by now.
const ASKED_LATELY: Duration = Duration::from_millis(250);
/// Hosts that are asked by ARP with one heartbeat, which a switch's limit must bear.
const ASKED_AT_ONCE: usize = 8;
/// What was asked within this is not asked again: whoever polls does so every 5 ms.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// Peers whose kernels are asked likewise.
const PEERS_ASKED: usize = 2;

/// Where a peer was never heard, one heartbeat in so many is sent: once a second.
const STRANGERS: u64 = 10;

/// What a frame of somebody else shows of our own link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Something arrives here.
    Heard,
    /// It answers a question of ours: what we send arrives, too.
    Answer,
}

/// IPv6 subnets that a node can announce in, each with the networks by which nodes know it on the same interfaces, which are of
/// IPv4 where it has that; none where nobody knows it there.
pub type SubnetsV6 = BTreeMap<Ipv6Net, BTreeSet<IpNet>>;

/// What this node knows of its own segments.
#[derive(Debug, Clone, Default)]
pub(super) struct Segments {
    /// By network of ours, answers by others than nodes to questions of ours.
    answers: BTreeMap<IpNet, Row>,
    /// Networks of ours from which we are cut off ourselves, as far as we can tell.
    cut: BTreeSet<IpNet>,
    /// Who wants to know whether we are connected to a segment, and since when.
    asked_by: BTreeMap<(NodeName, IpNet), Instant>,
    /// When something was last asked for their sake.
    asked: Option<Instant>,
    /// The network in which peers are to be asked for it, too.
    asking: Option<IpNet>,
    /// Heartbeats so far.
    beats: u64,
}

impl Segments {
    /// How many heartbeats have left, each on all segments.
    pub(super) const fn beats(&self) -> u64 {
        self.beats
    }
}

/// An interface of a peer, and the network of ours that it is in.
type Shared = (NodeName, WireInterface, IpNet);

impl Election {
    /// The network of ours that an address is in; `None`: behind a router.
    pub(super) fn segment_of(&self, address: IpAddr) -> Option<IpNet> {
        // Networks for containers have the same numbers on all nodes, and the same host.
        let ours = |interface: &WireInterface| interface.network.addr() == address;
        if self.interfaces.iter().any(ours) {
            return None;
        }
        let mut interfaces = self.interfaces.iter();
        let near = interfaces.find(|interface| interface.network.contains(&address))?;
        Some(near.network.trunc())
    }

    /// Where a peer's datagrams go: to its host's address, and to one of its interfaces on each other segment, once it was
    /// heard there; `strange`: also where it never was.
    pub(super) fn ways(&self, peer: &Peer, strange: bool) -> BTreeMap<Option<IpNet>, IpAddr> {
        let mut ways = BTreeMap::from([(self.segment_of(peer.address), peer.address)]);
        for interface in peer.interfaces() {
            let address = interface.network.addr();
            let segment = self.segment_of(address);
            if let Some(segment) = segment.filter(|segment| strange || peer.is_known_on(*segment)) {
                ways.entry(Some(segment)).or_insert(address);
            }
        }
        ways
    }

    /// Where the heartbeat goes that is due, by segment.
    pub(super) fn beat_ways(&mut self, now: Instant) -> BTreeMap<Option<IpNet>, Vec<IpAddr>> {
        self.segments.beats = self.segments.beats.wrapping_add(1);
        let strange = self.segments.beats % STRANGERS == 1;
        let peers = self.peers.values().filter(|peer| peer.listed || peer.is_up(now));
        let mut targets: BTreeMap<Option<IpNet>, Vec<IpAddr>> = BTreeMap::new();
        // Who is not up may have been started anew, and knows none of our addresses but the host's.
        let beat = self.segments.beats;
        let ways = peers.flat_map(|peer| {
            let mut ways = self.ways(peer, strange || !peer.is_up(now));
            // One that is not known yet and can hear us nowhere else.
            if let Some(near) = peer.noticed(beat, now).and_then(|boot| boot.near) {
                ways.entry(self.segment_of(near)).or_insert(near);
            }
            ways
        });
        for (segment, address) in ways {
            targets.entry(segment).or_default().push(address);
        }
        targets
    }

    /// Where a peer's datagrams go, by its name.
    pub(super) fn ways_to(&self, node: &NodeName) -> impl Iterator<Item = IpAddr> + use<> {
        let peer = self.peers.get(node);
        peer.map(|peer| self.ways(peer, false))
            .unwrap_or_default()
            .into_values()
    }

    /// A datagram of a peer came from there.
    pub(super) fn came(&mut self, node: &NodeName, from: IpAddr) {
        let mine = &self.interfaces;
        if let Some(peer) = self.peers.get_mut(node) {
            peer.came(from, |network| {
                mine.iter().any(|i| network.contains(&i.network.addr()))
            });
        }
    }

    /// What is heard of a peer on a segment.
    fn hearing(&mut self, node: &NodeName, segment: Option<IpNet>, now: Instant) -> Option<&mut Hearing> {
        self.peers.get_mut(node)?.hearing(segment, now)
    }

    /// A heartbeat came by a segment; what it echoes may have left by another one.
    pub(super) fn beat(
        &mut self,
        node: &NodeName,
        segment: Option<IpNet>,
        sequence: u64,
        echoed: Option<Sent>,
        now: Instant,
    ) {
        let two_way = echoed.is_some_and(|sent| sent.by == segment);
        if let Some(hearing) = self.hearing(node, segment, now) {
            hearing.heartbeat(sequence, two_way, now);
        }
        if two_way && let Some(segment) = segment {
            self.is_connected(segment);
        }
    }

    /// Something showed that this node itself is connected to a segment.
    fn is_connected(&mut self, segment: IpNet) {
        self.dirty |= self.segments.cut.remove(&segment);
    }

    /// A sign that a peer's node is connected to one of its networks, by an answer of its kernel or by hearsay.
    pub(super) fn sign_of(&mut self, node: &NodeName, address: IpAddr, ours: bool, now: Instant) {
        let segment = self.segment_of(address);
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        if let Some(hearing) = peer.hearing(segment, now) {
            if ours {
                hearing.answered(now);
            } else {
                hearing.sign(now);
            }
        }
        // Whoever is gone everywhere is back by its own word alone.
        if peer.condemned().is_none() {
            for (network, condemned) in peer.take_back(address) {
                self.disproved(node, network, condemned, now);
                self.dirty = true;
            }
        }
        if let Some(segment) = segment.filter(|_| ours) {
            self.is_connected(segment);
        }
    }

    /// Somebody hears a peer in one of its networks.
    pub(super) fn vouched(&mut self, node: &NodeName, on: IpNet, now: Instant) {
        let interfaces = self.peers.get(node).into_iter().flat_map(Peer::answering);
        let there: Vec<IpAddr> = interfaces
            .map(|interface| interface.network)
            .filter(|network| network.trunc() == on)
            .map(|network| network.addr())
            .collect();
        for address in there {
            self.sign_of(node, address, false, now);
        }
    }

    /// Something on a link that is no node of ours answered us.
    pub(super) fn note_answer(&mut self, near: &[IpNet], now: Instant) {
        for network in near.iter().map(IpNet::trunc) {
            let before = self.segments.answers.get(&network).copied();
            let row = Row::after(before, WITNESS_FRESH, now);
            self.segments.answers.insert(network, row);
            self.is_connected(network);
        }
    }

    /// Whether something shows that our own link to a segment has worked since somebody fell silent there.
    fn is_witnessed_on(&self, segment: IpNet, since: Instant, now: Instant) -> bool {
        // A link that is just back shows nothing of who was silent meanwhile.
        let long = |row: Row, fresh: Duration| {
            row.last >= since + WITNESS_LONG
                && row.length() + WITNESS_FRESH >= WITNESS_LONG
                && row.is_fresh(fresh, now)
        };
        let outside = self.segments.answers.get(&segment);
        // Not by hearsay: that says nothing of our link.
        let mut peers = self.peers.values().filter_map(|peer| peer.answers_on(segment));
        outside.is_some_and(|row| long(*row, WITNESS_FRESH)) || peers.any(|row| long(row, DOWN_AFTER))
    }

    /// Whether it is by an interface of this network that an address is announced. Heartbeats do not say on which of a peer's
    /// interfaces an IPv6 subnet is: on that which shares the segment of ours that has it.
    pub(super) fn carries(&self, network: IpNet, address: IpAddr) -> bool {
        if network.contains(&address) {
            return true;
        }
        let subnets = self.networks_v6.iter();
        let near = subnets.filter(|(subnet, _)| IpNet::V6(**subnet).contains(&address));
        let nearest = near.max_by_key(|(subnet, _)| subnet.prefix_len());
        nearest.is_some_and(|(_, segments)| {
            let mut segments = segments.iter();
            segments.any(|segment| segment.contains(&network.addr()))
        })
    }

    /// The verdict that takes an address from a peer: it is gone from wherever it would announce it.
    pub(super) fn lost(&self, node: &NodeName, address: IpAddr) -> Option<Condemned> {
        self.peers
            .get(node)?
            .lost(|network| self.carries(network, address))
    }

    /// The verdict that takes a group from a peer that lives: it is gone from the network of one of its addresses.
    pub(super) fn cut_off(&self, node: &NodeName, group: &Group) -> Option<Condemned> {
        let mut addresses = group.addresses.iter();
        addresses.find_map(|address| self.lost(node, *address))
    }

    /// Whether a group is to be taken from a peer that lives, by this node: it has the link that the peer has lost.
    pub(super) fn is_taken_from(&self, node: &NodeName, group: &Group) -> bool {
        let mut addresses = group.addresses.iter();
        addresses.any(|address| self.lost(node, *address).is_some() && self.has_link(&self.me, *address))
    }

    /// Whether a peer is cut off from one of its own networks.
    pub(super) fn is_gone_from(&self, node: &NodeName, network: IpNet) -> bool {
        let peer = self.peers.get(node);
        peer.is_some_and(|peer| peer.is_gone_from(network))
    }

    /// Whether we are cut off ourselves from the network of one of a group's addresses: then nothing new is claimed there.
    /// What is ours stays until somebody else has claimed it: all may be cut off, by a switch that died.
    pub(super) fn are_cut_off(&self, group: &Group) -> bool {
        let mut cut = self.segments.cut.iter();
        cut.any(|network| {
            let mut addresses = group.addresses.iter();
            addresses.any(|address| self.carries(*network, *address))
        })
    }

    /// Whether a peer is heard on a segment of ours other than these.
    pub(super) fn is_heard_beside(&self, node: &NodeName, these: &BTreeSet<IpNet>, now: Instant) -> bool {
        let Some(peer) = self.peers.get(node) else {
            return false;
        };
        let segments = self.interfaces.iter().map(|interface| interface.network.trunc());
        let mut others = segments.filter(|segment| !these.contains(segment));
        others.any(|segment| {
            peer.answered_on(segment)
                .is_some_and(|sign| now.since(sign) <= DOWN_AFTER)
        })
    }

    /// Looks, with each heartbeat, at whom of those that live nothing is heard on a segment: they are asked there, and by
    /// every other way.
    pub(super) fn watch_segments(
        &mut self,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
        out: &mut Vec<Output>,
    ) {
        let here: BTreeSet<IpNet> = self.interfaces.iter().map(|i| i.network.trunc()).collect();
        self.segments.answers.retain(|network, _| here.contains(network));
        self.segments.cut.retain(|network| here.contains(network));
        for peer in self.peers.values_mut() {
            peer.retain_hearings(|segment| segment.is_none_or(|segment| here.contains(&segment)));
        }
        let mut hosts = Vec::new();
        let shared = self.shared(now);
        for (node, theirs, segment) in &shared {
            let (network, segment) = (theirs.network.trunc(), *segment);
            let gone = self.is_gone_from(node, network);
            let Some(hearing) = self.hearing(node, Some(segment), now) else {
                continue;
            };
            if !hearing.asks(gone, now) {
                continue;
            }
            let (since, over) = (hearing.silent_since(), hearing.is_over(now));
            let again = hearing.is_asked_again();
            self.ask_kernel(&(node.clone(), theirs.network.addr()), now, random, out);
            // Most answer a ping, which only they hear.
            if again && hosts.len() < ASKED_AT_ONCE {
                hosts.push(theirs.network.addr());
            }
            if again && !gone {
                self.ask_itself(node, network, out);
            }
            if !gone && over && self.is_witnessed_on(segment, since, now) {
                self.condemn_on(node, network, now.since(since), now);
            }
        }
        if !hosts.is_empty() {
            out.push(Output::AskHosts(hosts));
        }
        self.judge_ourselves(&shared, now);
    }

    /// Interfaces of peers that are heard, with the segment of ours that they are on. Who is late everywhere may be gone
    /// altogether; that is another question.
    fn shared(&self, now: Instant) -> Vec<Shared> {
        let up = self
            .up
            .iter()
            .filter_map(|name| Some((name, self.peers.get(name)?)));
        let interfaces = up
            .filter(|(_, peer)| !peer.is_late(now))
            .flat_map(|(name, peer)| peer.answering().map(move |theirs| (name, theirs)));
        let shared = interfaces.filter_map(|(name, theirs)| {
            let segment = self.segment_of(theirs.network.addr())?;
            Some((name.clone(), theirs, segment))
        });
        shared.collect()
    }

    /// Who hears no peer on a segment where peers are, and nobody else there, is cut off itself. Where nobody but nodes ever
    /// answered it may as well be the others.
    fn judge_ourselves(&mut self, shared: &[Shared], now: Instant) {
        let mut over: BTreeMap<IpNet, bool> = BTreeMap::new();
        for (node, _, segment) in shared {
            let hearing = self.hearing(node, Some(*segment), now);
            let silent = hearing.is_some_and(|hearing| hearing.is_out_of_hearing(now));
            *over.entry(*segment).or_insert(true) &= silent;
        }
        for (segment, _) in over.into_iter().filter(|(_, silent)| *silent) {
            let answer = self.segments.answers.get(&segment);
            if answer.is_some_and(|row| !row.is_fresh(OUT_OF_HEARING, now)) {
                self.dirty |= self.segments.cut.insert(segment);
            }
        }
    }

    /// Asks a peer, by every way but the silent one, whether it is connected there.
    pub(super) fn ask_itself(&mut self, node: &NodeName, network: IpNet, out: &mut Vec<Output>) {
        let ways = self.ways_to(node).filter(|address| !network.contains(address));
        if let Some(about) = self.mention(node, network) {
            for to in ways {
                self.send(to, Body::Poll(about.clone()), out);
            }
        }
    }

    /// A peer wants to know whether this node is connected to a segment: whatever answers there shows it.
    pub(super) fn asked_ourselves(
        &mut self,
        by: &NodeName,
        about: &Mention,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        if about.boot != self.boot.short() {
            return;
        }
        // Of many who ask, each gets the same answer.
        let asked = self.segments.asked.filter(|at| now.since(*at) <= ASK_AGAIN);
        // One that asks again has had no answer yet: a heartbeat of another node may be it, and comes ten times a second.
        let asks = self.segments.asked_by.entry((by.clone(), about.on));
        asks.or_insert(asked.unwrap_or(now));
        if asked.is_none() {
            self.segments.asked = Some(now);
            self.segments.asking = Some(about.on);
            out.push(Output::AskLink);
        }
    }

    /// Whether somebody but this peer has answered us in a network since then: anybody on the LAN, or another node.
    fn are_connected_since(&self, network: IpNet, since: Instant, but: &NodeName) -> bool {
        let interfaces = self.interfaces.iter().map(|interface| interface.network);
        let mut segments = interfaces
            .filter(|mine| network.contains(&mine.addr()))
            .map(|mine| mine.trunc());
        segments.any(|segment| {
            let mut others = self.peers.iter().filter(|(name, _)| *name != but);
            let outside = self.segments.answers.get(&segment);
            outside.is_some_and(|row| row.last >= since)
                || others.any(|(_, peer)| peer.answered_on(segment).is_some_and(|last| last >= since))
        })
    }

    /// Tells whoever asked, as soon as a sign has come.
    pub(super) fn answer_for_ourselves(
        &mut self,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
        out: &mut Vec<Output>,
    ) {
        if let Some(network) = self.segments.asking.take() {
            let peers = self
                .up
                .iter()
                .filter(|name| !self.segments.asked_by.contains_key(&((*name).clone(), network)));
            let ways = peers.filter_map(|name| {
                let theirs = self
                    .peers
                    .get(name)?
                    .answering()
                    .find(|i| i.network.trunc() == network)?;
                Some((name.clone(), theirs.network.addr()))
            });
            for way in ways.take(PEERS_ASKED).collect::<Vec<_>>() {
                self.ask_kernel(&way, now, random, out);
            }
        }
        let asked = std::mem::take(&mut self.segments.asked_by);
        for ((by, network), since) in asked {
            if self.are_connected_since(network, since, &by) {
                let me = self.me.clone();
                self.say_contact(&by, &me, network, out);
            } else if now.since(since) <= ASKED_LATELY {
                self.segments.asked_by.insert((by, network), since);
            }
        }
    }
}
