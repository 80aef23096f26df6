//! A segment on which several speakers run: datagrams with delay, loss and partitions, all from one seed. They may have a
//! second one between them, for management, that knows no fault of its own.

mod carriage;
mod parcel;
mod place;
mod power;
mod sight;
mod wiring;
mod wish;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::IpAddr;
use std::time::Duration;

use litemap::LiteMap;

use self::parcel::Travelling;
pub(super) use self::parcel::{Random, Waiting};
pub(super) use self::place::{desk, host, lan_network, mac};
pub(super) use self::wiring::Place;
use super::super::*;
use super::judge::Judge;
use crate::model::ObjectKey;

pub(super) fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 168, 1, last])
}

pub(super) struct Speaker {
    pub(super) election: Election,
    pub(super) alive: bool,
    pub(super) withheld_until: Option<Instant>,
    pub(super) held: bool,
    /// For whom it answers with that one's MAC address.
    pub(super) standing: BTreeMap<IpAddr, NodeName>,
    boots: u8,
    key: Key,
    deadline: Instant,
    /// By so much its clock is behind: it stood still while its machine did.
    behind: Duration,
}

/// The segment. Node i is `node<i+1>` at 192.168.1.11+i.
pub(super) struct Segment {
    pub(super) now: Instant,
    pub(super) speakers: Vec<Speaker>,
    pub(super) random: Random,
    /// Percent.
    pub(super) loss: u64,
    /// Before this moment so many percent get lost instead.
    pub(super) squall: Option<(u64, Instant)>,
    /// Percent of what a node sends on the segment to another, or to the gateway, that gets lost besides. What comes back
    /// does not.
    pub(super) faint: BTreeMap<(usize, Place), u64>,
    /// Percent of the datagrams and echoes that arrive twice.
    pub(super) doubled: u64,
    /// By up to so many microseconds one in four is later than usual, so that others overtake it.
    pub(super) scatter: u64,
    /// By up to this a speaker looks later than it is time to, in microseconds: others have the processor.
    pub(super) lag: u64,
    /// Pairs that do not reach each other, whoever else reaches both.
    pub(super) apart: BTreeSet<(usize, usize)>,
    /// Which side of a partition each node is on.
    pub(super) side: Vec<u8>,
    /// Nodes whose cable is out: no carrier.
    pub(super) unplugged: BTreeSet<usize>,
    /// Nodes that hear everything and whose kernel reaches nobody before this moment: it asked for its neighbours in vain, and
    /// asks again after a second. What leaves by a packet socket, echo requests and ARP, needs no neighbour entry and
    /// arrives; the kernel's own answers to echoes do not. Whose frames do not leave at all is [faint](Self::faint).
    pub(super) muffled: BTreeMap<usize, Instant>,
    /// Nodes whose kernel's answers do not arrive.
    pub(super) mute: BTreeSet<usize>,
    /// Nodes whose kernel does not answer pings, by a firewall.
    pub(super) unpingable: BTreeSet<usize>,
    /// Nodes that nothing reaches, though what they send arrives.
    pub(super) deaf: BTreeSet<usize>,
    /// Nodes whose card was exchanged.
    pub(super) exchanged: BTreeSet<usize>,
    /// Nodes without power.
    pub(super) dark: BTreeSet<usize>,
    /// There is a second segment, in which the speakers' hosts are.
    pub(super) managed: bool,
    /// Nodes that are cut off from it.
    pub(super) unmanaged: BTreeSet<usize>,
    /// Nodes whose port at the segment's switch is dead, though they see carrier.
    pub(super) severed: BTreeSet<usize>,
    /// Nodes whose speaker is stopped, and what waits in its sockets.
    pub(super) stopped: BTreeMap<usize, Waiting>,
    /// Those of them whose whole machine is, without its clock's notice, and since when.
    pub(super) paused: BTreeMap<usize, Instant>,
    /// Nodes whose watches of the API stand still: they do not hear of what changes.
    pub(super) stale: BTreeSet<usize>,
    /// Nodes for which news of the API waits, because their speaker is stopped.
    unread: BTreeSet<usize>,
    /// Length of the prefix that the nodes' interfaces have.
    pub(super) prefix: u8,
    /// A firewall on every node drops the heartbeats.
    pub(super) firewall: bool,
    /// What speakers are started with.
    pub(super) failback: Failback,
    /// The gateway is on this side; no witness for the others.
    pub(super) gateway: Option<u8>,
    /// Addresses that strangers answer for.
    pub(super) strangers: BTreeSet<IpAddr>,
    pub(super) desired: Desired,
    /// Everything claimed and yielded: time, node, key, epoch, reason.
    pub(super) history: Vec<(Instant, usize, IpAddr, Option<u64>, Because)>,
    /// Longest time for which two nodes on one side answered for one address.
    pub(super) overlap: BTreeMap<IpAddr, (Option<Instant>, Duration)>,
    /// Looks on, if anybody does.
    pub(super) judge: Option<Judge>,
    /// So much of the history it has been told.
    told: usize,
    queue: BinaryHeap<Reverse<Travelling>>,
    serial: u64,
}

pub(super) fn name(node: usize) -> NodeName {
    NodeName(format!("node{}", node + 1).into())
}

/// Which node has this name.
pub(super) fn index(name: &NodeName) -> usize {
    name.0[4..].parse::<usize>().unwrap() - 1
}

pub(super) fn key(secret: &str) -> Key {
    Key::new(format!("{secret:-<32}").as_bytes()).unwrap()
}

impl Speaker {
    /// One that was not started yet.
    fn new(node: usize, now: Instant) -> Self {
        Self {
            election: Election::new(name(node), BootId([0; 16]), key("shared"), now),
            alive: false,
            withheld_until: None,
            held: false,
            standing: BTreeMap::new(),
            boots: 0,
            key: key("shared"),
            deadline: now,
            behind: Duration::ZERO,
        }
    }
}

impl Segment {
    pub(super) fn new(nodes: usize, addresses: &[u8], seed: u64) -> Self {
        let candidates: LiteMap<NodeName, i32> = (0..nodes).map(|n| (name(n), 0)).collect();
        let group = |last: u8| Group {
            order: order(candidates.iter().map(|(n, w)| (n, *w)), ip(last))
                .into_iter()
                .cloned()
                .collect(),
            key: ip(last),
            addresses: [ip(last)].into(),
            services: [ObjectKey::new("default", format!("s{last}"))].into(),
            candidates: candidates.clone(),
            stand_ins: vec![],
            nobody: None,
        };
        let peers = (0..nodes).map(|n| (name(n), listed(n))).collect();
        let desired = Desired {
            groups: addresses.iter().map(|a| (ip(*a), group(*a))).collect(),
            peers,
            records: BTreeMap::new(),
        };
        let mut segment = Self {
            now: Instant::at(Duration::from_secs(1_000)),
            speakers: vec![],
            random: Random(seed),
            loss: 0,
            squall: None,
            faint: BTreeMap::new(),
            doubled: 0,
            scatter: 0,
            lag: 0,
            apart: BTreeSet::new(),
            side: vec![0; nodes],
            unplugged: BTreeSet::new(),
            muffled: BTreeMap::new(),
            mute: BTreeSet::new(),
            unpingable: BTreeSet::new(),
            deaf: BTreeSet::new(),
            exchanged: BTreeSet::new(),
            dark: BTreeSet::new(),
            managed: false,
            unmanaged: BTreeSet::new(),
            severed: BTreeSet::new(),
            stopped: BTreeMap::new(),
            paused: BTreeMap::new(),
            stale: BTreeSet::new(),
            unread: BTreeSet::new(),
            prefix: 24,
            firewall: false,
            failback: Failback::Never,
            gateway: Some(0),
            strangers: BTreeSet::new(),
            desired,
            history: vec![],
            overlap: BTreeMap::new(),
            judge: None,
            told: 0,
            queue: BinaryHeap::new(),
            serial: 0,
        };
        segment.speakers = (0..nodes).map(|node| Speaker::new(node, segment.now)).collect();
        segment
    }

    /// With a segment for management, which the API's addresses are of.
    pub(super) fn managed(nodes: usize, addresses: &[u8], seed: u64) -> Self {
        let mut segment = Self::new(nodes, addresses, seed);
        segment.managed = true;
        for (node, listed) in (0..nodes).map(|node| (node, name(node))) {
            segment.desired.peers.insert(
                listed,
                Listed {
                    address: desk(node),
                    ready: true,
                },
            );
        }
        segment
    }

    /// All run for long enough that every kernel can be judged by its silence.
    pub(super) fn settled(nodes: usize, addresses: &[u8], seed: u64) -> Self {
        let mut segment = Self::new(nodes, addresses, seed);
        segment.start_all();
        segment.run_ms(3_000);
        segment
    }

    pub(super) fn with_key(&mut self, node: usize, secret: &str) {
        self.speakers[node].key = key(secret);
    }

    /// Anybody on the LAN sends a datagram in the name of a node.
    pub(super) fn inject(&mut self, to: usize, from: usize, bytes: &[u8]) {
        self.act(to, |election, now, out| {
            let _ = election.receive(host(from), bytes, now, out);
        });
    }

    pub(super) fn act(&mut self, node: usize, f: impl FnOnce(&mut Election, Instant, &mut Vec<Output>)) {
        if !self.speakers[node].alive || self.stopped.contains_key(&node) {
            return;
        }
        let mut out = Vec::new();
        let random = &mut self.random;
        let behind = self.speakers[node].behind;
        let now = self.now - behind;
        let election = &mut self.speakers[node].election;
        election.wake(now, &mut out);
        f(election, now, &mut out);
        election.poll(now, &mut || random.next(), &mut out);
        let late = if self.lag == 0 {
            0
        } else {
            self.random.below(self.lag)
        };
        let due = self.speakers[node].election.next_deadline(now) + behind;
        self.speakers[node].deadline = due + Duration::from_micros(late);
        for output in out {
            self.carry_out(node, output);
        }
        self.look();
    }

    /// Runs for a while.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.see();
        self.look();
        loop {
            let parcel = self.queue.peek().map(|Reverse(t)| t.0);
            let running = |(node, s): &(usize, &Speaker)| s.alive && !self.stopped.contains_key(node);
            let timer = self
                .speakers
                .iter()
                .enumerate()
                .filter(running)
                .map(|(_, s)| s.deadline)
                .min();
            let next = [parcel, timer].into_iter().flatten().min().unwrap_or(end);
            if next > end || self.now >= end {
                self.now = end;
                self.look();
                return;
            }
            self.now = self.now.max(next);
            if parcel.is_some_and(|at| at <= self.now) {
                let Some(Reverse(Travelling(_, _, parcel))) = self.queue.pop() else {
                    return;
                };
                self.deliver(parcel);
            } else {
                for node in 0..self.speakers.len() {
                    let runs = self.speakers[node].alive && !self.stopped.contains_key(&node);
                    if runs && self.speakers[node].deadline <= self.now {
                        self.act(node, |_, _, _| {});
                    }
                }
                // A deadline that stays due must not stop the clock.
                self.now = self.now + Duration::from_micros(50);
            }
        }
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        self.run(Duration::from_millis(ms));
    }

    /// Whether this node would answer a request for the address now.
    pub(super) fn answers(&self, node: usize, address: IpAddr) -> bool {
        self.answers_at_all(node) && self.has(node, address)
    }

    fn answers_at_all(&self, node: usize) -> bool {
        let speaker = &self.speakers[node];
        speaker.alive
            && !self.stopped.contains_key(&node)
            && !self.unplugged.contains(&node)
            && speaker.withheld_until.is_none_or(|until| until <= self.now)
    }

    fn has(&self, node: usize, address: IpAddr) -> bool {
        let speaker = &self.speakers[node];
        speaker.election.claims().epoch(address).is_some() || speaker.standing.contains_key(&address)
    }

    /// Who answers for an address, of the nodes on one side.
    pub(super) fn answerers(&self, last: u8) -> Vec<usize> {
        (0..self.speakers.len())
            .filter(|node| self.answers(*node, ip(last)))
            .collect()
    }

    pub(super) fn longest_overlap(&self) -> Duration {
        self.overlap
            .values()
            .map(|(_, longest)| *longest)
            .max()
            .unwrap_or_default()
    }

    pub(super) fn moves_of(&self, last: u8) -> Vec<(usize, u64)> {
        let claims = self
            .history
            .iter()
            .filter(|(_, _, key, epoch, _)| *key == ip(last) && epoch.is_some());
        claims
            .map(|(_, node, _, epoch, _)| (*node, epoch.unwrap()))
            .collect()
    }
}

fn listed(node: usize) -> Listed {
    Listed {
        address: host(node),
        ready: true,
    }
}
