//! `step(event, now) -> effects` of the speaker: composes [`election`] and
//! [`neighbor`](crate::neighbor) for the thread that owns the sockets.
//!
//! What the API wants comes in as one value, the latest of which counts; frames, datagrams and link changes come in as
//! they happen. Frames and datagrams to send go out. What this node announces is kept as one value, [`Published`],
//! which the API side turns into objects, events and log lines at its own pace: nothing here waits for it.

mod conflict;
mod first_claim;
mod interface;
mod link;
mod membership;
mod node;
pub mod proxy;
pub mod published;
mod reach;
mod surveying;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

pub use link::Link;
pub use published::{Held, Move, Published, SurveyState};

use self::first_claim::FirstClaims;
use self::node::NodeMacs;
use self::surveying::Surveying;
use crate::election::talk::Dropped;
use crate::election::{
    self, BootId, DOWN_AFTER, Departure, Desired, Election, Failback, Group, Key, Output, Serving, Sign,
    WireInterface,
};
use crate::model::{AddressRange, Family, Instant, MacAddr, NodeName, Now, RangeSet};
use crate::neighbor::announcement::{TAKEOVER_ROUNDS, Verified};
use crate::neighbor::echo::EchoFrame;
use crate::neighbor::responder::AnswerWith;
use crate::neighbor::{
    Announcements, Conflicts, Frame, FrameError, InterfaceIndex, Message, Neighbor, Operation, Outgoing,
    Purpose, Responder, Statement, Talkers, Verdict, ndp,
};

/// What the API wants of this speaker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Groups and peers.
    pub election: Arc<Desired>,
    /// All addresses of the pools: what frames are listened for.
    pub pools: RangeSet,
    /// Addresses of the pools that no Service has: what the survey asks for.
    pub unassigned: RangeSet,
    /// By group, the only interfaces of this node that it is announced on, where its advertisements name any.
    pub interfaces: BTreeMap<IpAddr, BTreeSet<String>>,
}

/// What happens to a speaker.
#[derive(Debug)]
pub enum Event<'a> {
    /// The API wants something else.
    Wanted(Arc<Wanted>),
    /// Interfaces came, went or changed.
    Links(Vec<Link>),
    /// A frame was read.
    Frame {
        /// Where it came in.
        interface: InterfaceIndex,
        /// Its bytes.
        bytes: &'a [u8],
        /// How long it lay in the kernel.
        age: Duration,
    },
    /// An IPv4 packet was read that may answer a question to a peer's kernel.
    Echo {
        /// Its bytes, from the Ethernet header on.
        bytes: &'a [u8],
        /// How long it lay in the kernel.
        age: Duration,
    },
    /// A datagram was read.
    Datagram {
        /// Its source address.
        from: IpAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A frame could not be sent.
    NotSent(Outgoing),
    /// The heartbeat key was replaced.
    Key(Key),
    /// What the health check of this node's proxy says changed.
    Serving(Serving),
    /// The process is stopping.
    Leave(Departure),
    /// The clock moved on.
    Tick,
}

/// What the speaker wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An answer to a frame that was read, or a question of this node.
    Answer {
        /// Where.
        interface: InterfaceIndex,
        /// Its bytes.
        frame: Frame,
    },
    /// An unsolicited frame.
    Announce(Outgoing),
    /// A question to a peer's kernel.
    Probe {
        /// Where.
        interface: InterfaceIndex,
        /// Its bytes.
        frame: EchoFrame,
    },
    /// A datagram to another speaker.
    Datagram {
        /// The speaker's address.
        to: IpAddr,
        /// Its bytes.
        bytes: Arc<[u8]>,
    },
}

/// Counts of what was received, by what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// ARP and NDP frames by the name of their verdict or error.
    pub frames: BTreeMap<&'static str, u64>,
    /// Datagrams by the reason why they were dropped, or `accepted`.
    pub datagrams: BTreeMap<&'static str, u64>,
    /// Questions for an announced address, by address.
    pub requests: BTreeMap<IpAddr, u64>,
    /// Answers sent, by address.
    pub responses: BTreeMap<IpAddr, u64>,
    /// Gratuitous frames sent, by address.
    pub gratuitous: BTreeMap<IpAddr, u64>,
    /// Those of them that defended an address against a stranger.
    pub defences: u64,
    /// For each peer that is watched here, how long its kernel may be silent before its node counts as gone.
    pub detection: BTreeMap<NodeName, Duration>,
}

/// One node's speaker.
#[derive(Debug)]
pub struct Speaker {
    me: NodeName,
    election: Election,
    responder: Responder,
    talkers: Talkers,
    announcements: Announcements,
    conflicts: Conflicts,
    node_macs: NodeMacs,
    surveying: Surveying,
    first_claims: FirstClaims,
    links: BTreeMap<InterfaceIndex, Link>,
    /// By which addresses other nodes know this one.
    hosts: BTreeMap<InterfaceIndex, Vec<IpNet>>,
    gateways: BTreeMap<(InterfaceIndex, IpAddr), MacAddr>,
    gateways_asked: Option<Instant>,
    wanted: Option<Arc<Wanted>>,
    /// The addresses of its groups.
    assigned: BTreeSet<IpAddr>,
    published: Published,
    nowhere: BTreeMap<IpAddr, Instant>,
    counters: Counters,
    outputs: Vec<Output>,
    outgoing: Vec<Outgoing>,
    /// Set once a speaker stops for good.
    gone_at: Option<Instant>,
}

/// The gateways' MAC addresses are asked for again this often, so that a takeover finds them known.
const GATEWAYS_AGAIN: Duration = Duration::from_mins(1);
/// After the last claim of a speaker that stops for good is another node's: until that one has told the LAN for the last
/// time, and that frame has arrived.
const LAST_REPEAT: Duration =
    TAKEOVER_ROUNDS[TAKEOVER_ROUNDS.len() - 1].saturating_add(Duration::from_millis(100));
/// Silent speakers that are asked for at once: every 50 ms while all are silent, which a switch's ARP limit must bear.
const POLLED_PEERS: usize = 8;
/// LAN talkers that are asked for a sign that our link works, besides the gateways.
const WITNESS_TALKERS: usize = 8;

impl Speaker {
    /// A speaker that just started. `boot` is random.
    pub fn new(me: NodeName, boot: BootId, key: Key, now: Instant) -> Self {
        Self {
            election: Election::new(me.clone(), boot, key, now),
            me,
            // A request that lay longer than others wait before they take over may concern an address that is theirs.
            responder: Responder::new(DOWN_AFTER),
            talkers: Talkers::new(),
            announcements: Announcements::new(),
            conflicts: Conflicts::new(),
            node_macs: NodeMacs::default(),
            surveying: Surveying::default(),
            first_claims: FirstClaims::default(),
            links: BTreeMap::new(),
            hosts: BTreeMap::new(),
            gateways: BTreeMap::new(),
            gateways_asked: None,
            wanted: None,
            assigned: BTreeSet::new(),
            published: Published::default(),
            nowhere: BTreeMap::new(),
            counters: Counters::default(),
            outputs: Vec::new(),
            outgoing: Vec::new(),
            gone_at: None,
        }
    }

    /// How addresses go back to whoever comes first in order.
    pub fn set_failback(&mut self, failback: Failback) {
        self.election.set_failback(failback);
    }

    /// When a speaker that stops for good may end: its claims are with others, and these have told the LAN.
    pub fn gone_at(&self) -> Option<Instant> {
        self.gone_at.filter(|_| self.election.has_left())
    }

    /// Takes one event in; what is to be done is appended to `out`. Between events that are already there and the
    /// next [`Event::Tick`] nothing is decided twice: hand over everything that was received, then tick.
    pub fn step(
        &mut self,
        event: Event<'_>,
        now: Now,
        random: &mut dyn FnMut() -> u64,
        out: &mut Vec<Effect>,
    ) {
        self.election.wake(now.mono, &mut self.outputs);
        if !self.outputs.is_empty() {
            self.act(now, out);
        }
        match event {
            Event::Wanted(wanted) => self.want(wanted, now.mono),
            Event::Links(links) => self.relink(links, now.mono),
            Event::Frame {
                interface,
                bytes,
                age,
            } => return self.frame(interface, bytes, age, now, out),
            Event::Echo { bytes, age } => return self.echo(bytes, age, now.mono),
            Event::Datagram { from, bytes } => return self.datagram(from, bytes, now.mono),
            Event::NotSent(frame) => {
                self.surveying.not_sent(&frame, now.mono);
                self.conflicts.not_sent(&frame);
            }
            Event::Key(key) => self.election.set_key(key),
            Event::Serving(serving) => self.election.set_serving(serving, now.mono),
            Event::Leave(departure) => {
                self.gone_at = Some(now.mono);
                self.election.leave(departure, now.mono, &mut self.outputs);
            }
            Event::Tick => {}
        }
        self.turn(now, random, out);
    }

    /// When the next [`Event::Tick`] is due.
    pub fn next_deadline(&self, now: Instant) -> Instant {
        let others = [
            self.announcements.next_deadline(),
            self.conflicts.next_deadline(),
            self.surveying.next_deadline(),
            self.first_claims.next_deadline(),
            self.gateways_asked.map(|at| at + GATEWAYS_AGAIN),
        ];
        others
            .into_iter()
            .flatten()
            .fold(self.election.next_deadline(now), Instant::min)
    }

    /// What this node announces and found out, for the API side.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// What was received and sent, and what was learned of the peers.
    pub fn counters(&self, now: Instant) -> Counters {
        let times = self.election.detection_times(now).into_iter();
        Counters {
            detection: times.map(|(node, time)| (node.clone(), time)).collect(),
            defences: self.conflicts.defences(),
            ..self.counters.clone()
        }
    }

    /// The election, for metrics and diagnosis.
    pub fn election(&self) -> &Election {
        &self.election
    }

    /// The number in this process's echo requests, for a kernel filter.
    pub fn echo_id(&self) -> u16 {
        self.election.echo_id()
    }

    /// The addresses whose frames are worth waking up for: the pools, and the link's own ones, whose answers show that it
    /// works. The link need not be known yet: whoever opens its socket must hear the answers to the first questions.
    pub fn interest(&self, link: &Link) -> RangeSet {
        let pools = self
            .wanted
            .as_ref()
            .map(|wanted| wanted.pools.clone())
            .unwrap_or_default();
        let own = link.asks_from().into_iter();
        let own: RangeSet = own.map(AddressRange::single).collect();
        let announced = self
            .published
            .held
            .values()
            .flat_map(|held| held.addresses.iter().copied());
        pools.union(&own).union(&announced.collect())
    }

    /// The multicast groups in which questions for what is answered for on an interface arrive (RFC 4291 section 2.7.1):
    /// switches and network cards pass on what somebody has joined.
    pub fn groups(&self, interface: InterfaceIndex) -> BTreeSet<Ipv6Addr> {
        let announced = self.responder.announced_on(interface);
        let groups = announced.filter_map(|address| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(ndp::solicited_node(v6)),
        });
        groups.collect()
    }

    fn want(&mut self, wanted: Arc<Wanted>, now: Instant) {
        let groups = wanted.election.groups.values();
        self.assigned = groups.flat_map(|group| &group.addresses).copied().collect();
        let before = self.wanted.replace(wanted);
        self.stand(now);
        self.regroup(before.as_deref(), now);
        self.unblock();
        let before = before.as_ref().map(|wanted| &wanted.interfaces);
        if before != self.wanted.as_ref().map(|wanted| &wanted.interfaces) {
            self.announce_all(now);
        }
    }

    /// What is wanted announced under a key.
    fn group(&self, key: IpAddr) -> Option<&Group> {
        self.wanted.as_ref()?.election.groups.get(&key)
    }

    fn relink(&mut self, links: Vec<Link>, now: Instant) {
        let links: BTreeMap<InterfaceIndex, Link> =
            links.into_iter().map(|link| (link.index, link)).collect();
        let stays =
            |index: &InterfaceIndex, mac: MacAddr| links.get(index).is_some_and(|link| link.mac == mac);
        for link in self.links.values().filter(|link| !stays(&link.index, link.mac)) {
            self.responder.remove_interface(link.index);
            self.announcements.remove_interface(link.index);
            self.gateways.retain(|(index, _), _| *index != link.index);
        }
        for link in links.values() {
            self.responder.set_interface(link.index, link.mac);
        }
        if self.links != links {
            self.gateways_asked = None;
        }
        self.links = links;
        self.hosts = link::hosts(&self.links);
        self.publish_interfaces();
        // Of two in one subnet the one that answers is the first: that is the one whose silence means something.
        let mut links: Vec<&Link> = self.links.values().collect();
        links.sort_by_key(|link| link.precedence());
        let subnets = self.subnets_v6();
        let interfaces = links.into_iter().flat_map(|link| {
            let hosts = self.hosts_on(link.index).iter();
            hosts.map(|network| WireInterface {
                mac: link.mac,
                network: *network,
            })
        });
        self.election
            .set_interfaces(interfaces.collect(), now, &mut self.outputs);
        self.election.set_networks_v6(subnets, now);
        if self
            .wanted
            .as_ref()
            .is_some_and(|wanted| !wanted.interfaces.is_empty())
        {
            self.stand(now);
        }
        self.announce_all(now);
    }

    /// Everything that follows from what came in.
    fn turn(&mut self, now: Now, random: &mut dyn FnMut() -> u64, out: &mut Vec<Effect>) {
        self.ask_gateways(now.mono, out);
        for (key, by) in self.first_claims.poll(now.mono, &mut self.outgoing) {
            self.answered(key, by, now.mono);
        }
        // A question that the survey has answered already brings the claim in the same turn.
        for _ in 0..2 {
            self.election.poll(now.mono, random, &mut self.outputs);
            self.act(now, out);
        }
        self.survey(now, out);
        self.announcements.poll(now.mono, random, &mut self.outgoing);
        self.note_macs(now.mono);
        self.conflicts.poll(now.mono, &mut self.outgoing);
        for frame in self.outgoing.drain(..) {
            // Not the survey's questions: they name every address of the pools, and claim none.
            if matches!(
                frame.purpose,
                Purpose::Takeover | Purpose::Refresh | Purpose::Defence
            ) {
                *self.counters.gratuitous.entry(frame.address).or_default() += 1;
            }
            out.push(Effect::Announce(frame));
        }
        self.publish_trouble(now.mono);
        self.publish_conflicts();
        self.publish_nowhere(now.mono);
    }

    fn act(&mut self, now: Now, out: &mut Vec<Effect>) {
        for output in std::mem::take(&mut self.outputs) {
            match output {
                Output::Send { to, bytes } => out.push(Effect::Datagram { to, bytes }),
                Output::Ask { key } => self.ask_first(key, now.mono),
                Output::AskWitness => self.ask_witness(now.mono, out),
                Output::AskLink => self.ask_link(now.mono, out),
                Output::AskHosts(hosts) => self.ask_hosts(&hosts, now.mono, out),
                Output::Probe(probe) => out.extend(self.probe(&probe)),
                Output::Claimed { key, epoch, because } => self.claimed(key, epoch, because, now),
                Output::Yielded { key, because } => self.yielded(key, &because, now),
                Output::StandIn { key, owner } => self.stand_in(key, &owner),
                Output::StandDown { key } => self.stand_down(key),
                Output::AskOwner { key, owner } => out.extend(self.ask_owner(key, &owner)),
                Output::CaughtUp => self.answer_late(now.mono, out),
                Output::Withhold(until) => {
                    let until = until.unwrap_or(Instant::ZERO);
                    self.responder.withhold_until(until);
                    self.conflicts.withhold_until(until);
                }
                Output::Hold(held) => {
                    self.announcements.hold(held);
                    self.conflicts.hold(held);
                }
            }
        }
    }

    fn claimed(&mut self, key: IpAddr, epoch: u64, because: election::Because, now: Now) {
        let Some(group) = self.group(key).cloned() else {
            return;
        };
        let (interfaces, mac) = self.answering_on(key);
        let held = Held {
            addresses: group.addresses,
            services: group.services,
            epoch,
            because,
            since: now.wall,
            interfaces,
            mac,
        };
        self.published.moved(Move {
            at: held.since,
            key,
            began: true,
            because: held.because.clone(),
        });
        self.published.held.insert(key, held);
        self.published.standing.remove(&key);
        self.published.touch();
        self.unblock();
        self.announce(key, now.mono);
    }

    fn yielded(&mut self, key: IpAddr, because: &election::Because, now: Now) {
        // Whoever missed the heir's first frame still sends here, and the node must go on to forward it.
        if let (Some(gone_at), election::Because::HandedOver { .. }) = (&mut self.gone_at, because) {
            *gone_at = (*gone_at).max(now.mono + LAST_REPEAT);
        }
        let Some(held) = self.published.held.remove(&key) else {
            return;
        };
        for address in &held.addresses {
            self.silence(*address);
        }
        self.published.moved(Move {
            at: now.wall,
            key,
            began: false,
            because: because.clone(),
        });
        self.published.yielded(key, held, because.clone());
    }

    fn announce_all(&mut self, now: Instant) {
        for key in self.published.held.keys().copied().collect::<Vec<_>>() {
            let (interfaces, mac) = self.answering_on(key);
            if let Some(held) = self.published.held.get_mut(&key) {
                // Without a link the last one stays named: that is where it was, and will be again.
                if mac.is_some() && (held.mac != mac || held.interfaces != interfaces) {
                    (held.interfaces, held.mac) = (interfaces, mac);
                    self.published.touch();
                }
            }
            self.announce(key, now);
        }
        for (key, owner) in self.published.standing.clone() {
            self.stand_in(key, &owner);
        }
    }

    /// Answers for a group's addresses from now on, and tells the LAN where they are. What is announced already is
    /// left alone.
    fn announce(&mut self, key: IpAddr, now: Instant) {
        let Some(held) = self.published.held.get(&key) else {
            return;
        };
        for address in held.addresses.iter().copied() {
            let links = self
                .links_for(key, address)
                .into_iter()
                .map(|link| (link.index, link.mac));
            let links: Vec<(InterfaceIndex, MacAddr)> = links.collect();
            self.announcements
                .keep(address, |at| links.iter().any(|(index, _)| *index == at));
            self.responder
                .announce(address, links.iter().map(|(index, _)| (*index, AnswerWith::Own)));
            self.conflicts.watch(address, key, &links, now);
            for (index, mac) in links {
                let gateways = self.gateways.iter().filter(|((at, _), _)| *at == index);
                let gateways = gateways.map(|((_, address), mac)| Neighbor {
                    mac: *mac,
                    address: *address,
                });
                let talkers = self
                    .talkers
                    .recent(address, now)
                    .filter(|talker| talker.interface == index);
                let talkers = talkers.map(|talker| talker.peer);
                self.announcements
                    .start(address, index, mac, gateways, talkers, now);
            }
        }
    }

    fn frame(
        &mut self,
        interface: InterfaceIndex,
        bytes: &[u8],
        age: Duration,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => return self.count_frame(FrameError::kind(error)),
        };
        let said = Statement::from(&message);
        let verdict = self.responder.receive(interface, message, age, now.mono);
        self.count_frame(verdict.as_str());
        if self.responder.announces(said.target_ip) && said.op == Operation::Request {
            *self.counters.requests.entry(said.target_ip).or_default() += 1;
        }
        if let Verdict::Answer { reply, .. } = verdict {
            *self.counters.responses.entry(said.target_ip).or_default() += 1;
            out.push(Effect::Answer {
                interface,
                frame: reply,
            });
        }
        self.overhear(interface, &said, now.mono);
    }

    /// Answers what was asked while answers were withheld. That it was asked was counted when it came.
    fn answer_late(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for late in self.responder.catch_up(now) {
            *self.counters.responses.entry(late.address).or_default() += 1;
            out.push(Effect::Answer {
                interface: late.interface,
                frame: late.reply,
            });
        }
    }

    /// What a frame tells besides its question.
    fn overhear(&mut self, interface: InterfaceIndex, said: &Statement, now: Instant) {
        // An IPv6 pool has more addresses than could be remembered: who scans it would have all talkers forgotten.
        if said.target_ip.is_ipv4() || self.assigned.contains(&said.target_ip) {
            self.talkers.hear(interface, said, now);
        }
        if let Some(Verified { .. }) = self.announcements.hear(interface, said, now) {
            self.published.verified += 1;
        }
        self.surveying.hear(interface, said);
        self.first_claims.hear(interface, said);
        self.hear_claimant(interface, said, now);
        // An advertisement that nobody asked for is a reply by its form.
        let answers = said.op == Operation::Reply && !said.is_gratuitous();
        let sign = if answers { Sign::Answer } else { Sign::Heard };
        self.hear_host(interface, said, sign, now);
        if self.node_with(said.sender_mac).is_none() {
            let near = self.hosts.get(&interface).map_or(&[][..], Vec::as_slice);
            self.election.witness(near, sign, now);
        // Only an answer to a question: one that answers everybody may be a stand-in's.
        } else if answers && self.group(said.sender_ip).is_some() {
            self.election.owner_answered(said.sender_mac, now);
        }
    }

    /// A gateway or another node's host speaks for itself.
    fn hear_host(&mut self, interface: InterfaceIndex, said: &Statement, sign: Sign, now: Instant) {
        let (address, mac) = (said.sender_ip, said.sender_mac);
        let gateway = (interface, address);
        if let Some(known) = self.gateways.get_mut(&gateway) {
            *known = mac;
        } else if self
            .links
            .get(&interface)
            .is_some_and(|link| self.routers(link).any(|router| router == address))
        {
            self.gateways.insert(gateway, mac);
        }
        self.election.neighbor(address, mac, sign, now);
    }

    fn count_frame(&mut self, kind: &'static str) {
        *self.counters.frames.entry(kind).or_default() += 1;
    }

    fn datagram(&mut self, from: IpAddr, bytes: &[u8], now: Instant) {
        let kind = match self.election.receive(from, bytes, now, &mut self.outputs) {
            Ok(report) => {
                if let Some((_, report)) = report {
                    self.surveying.report(&report, now);
                }
                "accepted"
            }
            Err(dropped) => Dropped::as_str(dropped),
        };
        *self.counters.datagrams.entry(kind).or_default() += 1;
    }

    /// Learns the gateways' MAC addresses before they are needed.
    fn ask_gateways(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.gateways_asked.is_some_and(|at| now < at + GATEWAYS_AGAIN) || self.links.is_empty() {
            return;
        }
        self.gateways_asked = Some(now);
        let asked: Vec<_> = self
            .links
            .values()
            .flat_map(|link| self.routers(link).map(move |router| (link, router)))
            .collect();
        out.extend(
            asked
                .into_iter()
                .filter_map(|(link, gateway)| question(link, gateway)),
        );
    }

    /// Asks the gateways and recent talkers for a sign that our link works; and the silent speakers' hosts, whose answers
    /// tell our own kernel where they are. It asks for a neighbour that it lost once a second only, and what it has to
    /// send waits for that: after a short cut of the link we would hear everybody and reach nobody.
    fn ask_witness(&self, now: Instant, out: &mut Vec<Effect>) {
        let silent: Vec<IpAddr> = self.election.silent(now).take(POLLED_PEERS).collect();
        self.ask_for_signs(&silent, WITNESS_TALKERS, now, out);
    }

    /// Asks the gateways, these hosts and so many talkers, each on the link whose network it is in.
    fn ask_for_signs(&self, hosts: &[IpAddr], talkers: usize, now: Instant, out: &mut Vec<Effect>) {
        for link in self.links.values() {
            let held = self.published.held.values();
            let recent = held
                .flat_map(|held| held.addresses.iter())
                .filter(|address| Family::of(**address) == link.family())
                .flat_map(|address| self.talkers.recent(*address, now))
                .filter(|talker| talker.interface == link.index);
            let recent = recent.map(|talker| talker.peer.address);
            let recent: BTreeSet<IpAddr> = recent.take(talkers).collect();
            let asked = self.routers(link).chain(hosts.iter().copied()).chain(recent);
            let asked: BTreeSet<IpAddr> = asked.collect();
            out.extend(asked.into_iter().filter_map(|target| question(link, target)));
        }
    }

    fn publish_interfaces(&mut self) {
        let mut interfaces: BTreeMap<String, BTreeSet<IpNet>> = BTreeMap::new();
        for link in self.links.values() {
            interfaces
                .entry(link.name.clone())
                .or_default()
                .extend(self.hosts_on(link.index));
        }
        if self.published.interfaces.as_ref() != Some(&interfaces) {
            self.published.interfaces = Some(interfaces);
            self.published.touch();
        }
    }

    fn publish_trouble(&mut self, now: Instant) {
        let settled = self.election.is_settled(now);
        if self.published.settled != settled {
            self.published.settled = settled;
            self.published.touch();
        }
        let missing: BTreeSet<NodeName> = self.election.missing().cloned().collect();
        let other_keys = self.election.missing_have_another_key(now);
        let same = self.published.missing == missing && self.published.other_keys == other_keys;
        if !same || self.published.alive != *self.election.up() {
            self.published.alive.clone_from(self.election.up());
            self.published.missing = missing;
            self.published.other_keys = other_keys;
            self.published.touch();
        }
    }
}

/// An ordinary question of this node for a neighbour's MAC address, from its own address in the neighbour's network.
fn question(link: &Link, target: IpAddr) -> Option<Effect> {
    Some(Effect::Answer {
        interface: link.index,
        frame: Message::question(link.mac, link.asks(target)?, target)?.frame(),
    })
}

#[cfg(test)]
mod tests;
