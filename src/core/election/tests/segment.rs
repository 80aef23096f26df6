//! A segment on which several speakers run: datagrams with delay, loss and partitions, all from one seed. They may have a
//! second one between them, for management, that knows no fault of its own.

mod parcel;
mod place;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use litemap::LiteMap;

use self::parcel::{Parcel, Travelling};
pub(super) use self::parcel::{Random, Waiting};
pub(super) use self::place::{desk, host, lan_network, mac};
use self::place::{is_desk, management_mac, source};
use super::super::*;
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
}

/// The segment. Node i is `node<i+1>` at 192.168.1.11+i.
pub(super) struct Segment {
    pub(super) now: Instant,
    pub(super) speakers: Vec<Speaker>,
    pub(super) random: Random,
    /// Percent.
    pub(super) loss: u64,
    /// By up to this a speaker looks later than it is time to, in microseconds: others have the processor.
    pub(super) lag: u64,
    /// Pairs that do not reach each other, whoever else reaches both.
    pub(super) apart: BTreeSet<(usize, usize)>,
    /// Which side of a partition each node is on.
    pub(super) side: Vec<u8>,
    /// Nodes whose cable is out: no carrier.
    pub(super) unplugged: BTreeSet<usize>,
    /// Nodes that hear everything and reach nobody before this moment: a kernel that asked for its neighbours in vain asks
    /// again after a second.
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
            prefix: 24,
            firewall: false,
            failback: Failback::Never,
            gateway: Some(0),
            strangers: BTreeSet::new(),
            desired,
            history: vec![],
            overlap: BTreeMap::new(),
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

    /// Starts (or restarts) a speaker; it sees the API at once.
    pub(super) fn start(&mut self, node: usize) {
        self.dark.remove(&node);
        let speaker = &mut self.speakers[node];
        speaker.boots += 1;
        let mut boot = [u8::try_from(node).unwrap(); 16];
        boot[0] = speaker.boots;
        speaker.election = Election::new(name(node), BootId(boot), speaker.key.clone(), self.now);
        speaker.election.set_failback(self.failback);
        speaker.alive = true;
        speaker.withheld_until = None;
        speaker.held = false;
        speaker.standing.clear();
        speaker
            .election
            .set_desired(Arc::new(self.desired.clone()), self.now);
        self.relink(node);
    }

    pub(super) fn start_all(&mut self) {
        (0..self.speakers.len()).for_each(|node| self.start(node));
    }

    /// Its node loses power.
    pub(super) fn kill(&mut self, node: usize) {
        self.speakers[node].alive = false;
        self.dark.insert(node);
    }

    /// SIGKILL: the kernel lives on.
    pub(super) fn kill_speaker(&mut self, node: usize) {
        self.speakers[node].alive = false;
    }

    /// SIGSTOP.
    pub(super) fn stop(&mut self, node: usize) {
        self.stopped.insert(node, vec![]);
    }

    /// SIGCONT.
    pub(super) fn resume(&mut self, node: usize) {
        for (from, bytes) in self.stopped.remove(&node).unwrap_or_default() {
            self.act(node, |election, now, out| {
                let _ = election.receive(from, &bytes, now, out);
            });
        }
    }

    /// The whole machine stops, as a virtual one does that is moved. What is sent to it waits for it.
    pub(super) fn freeze(&mut self, node: usize) {
        self.stop(node);
        self.dark.insert(node);
    }

    /// And goes on.
    pub(super) fn thaw(&mut self, node: usize) {
        self.dark.remove(&node);
        self.resume(node);
    }

    /// What speakers write to the API about their claims reaches all of them. The owner of the higher epoch removes the
    /// records of lower ones.
    pub(super) fn record(&mut self) {
        let mut records: BTreeMap<IpAddr, BTreeMap<NodeName, u64>> = BTreeMap::new();
        for (node, speaker) in self.speakers.iter().enumerate() {
            for (key, epoch) in speaker.election.claims().iter() {
                records.entry(key).or_default().insert(name(node), epoch);
            }
        }
        for of in records.values_mut() {
            let highest = of.values().copied().max();
            of.retain(|_, epoch| Some(*epoch) == highest);
        }
        self.desired.records = records;
        self.publish();
    }

    /// Everybody reaches the gateway, and no node another one.
    pub(super) fn separate(&mut self) {
        let nodes = self.speakers.len();
        let pairs = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b)));
        self.apart = pairs.collect();
    }

    /// SIGTERM on a node that is drained: its speaker ends when others have what it had.
    pub(super) fn leave(&mut self, node: usize) {
        self.act_leave(node);
        for _ in 0..1_000 {
            if self.speakers[node].election.has_left() {
                break;
            }
            self.run_ms(1);
        }
        self.kill_speaker(node);
    }

    /// The beginning of that.
    pub(super) fn act_leave(&mut self, node: usize) {
        self.act(node, |election, now, out| {
            election.leave(Departure::ForGood, now, out);
        });
    }

    /// SIGTERM of a rollout.
    pub(super) fn rest(&mut self, node: usize) {
        self.act(node, |election, now, out| {
            election.leave(Departure::BackSoon, now, out);
        });
        self.act(node, |_, _, _| {});
        self.kill_speaker(node);
    }

    /// Carrier goes or comes.
    pub(super) fn unplug(&mut self, node: usize, out: bool) {
        if out {
            self.unplugged.insert(node)
        } else {
            self.unplugged.remove(&node)
        };
        if self.speakers[node].alive {
            self.relink(node);
        }
    }

    pub(super) fn only_candidates(&mut self, last: u8, nodes: &[usize]) {
        let Some(group) = self.desired.groups.get_mut(&ip(last)) else {
            return;
        };
        group.candidates = nodes.iter().map(|n| (name(*n), 0)).collect();
        let ordered = order(group.candidates.iter().map(|(n, w)| (n, *w)), group.key);
        group.order = ordered.into_iter().cloned().collect();
    }

    /// What the L2Advertisements prefer.
    pub(super) fn weigh(&mut self, last: u8, weights: &[(usize, i32)]) {
        let Some(group) = self.desired.groups.get_mut(&ip(last)) else {
            return;
        };
        for (_, weight) in &mut group.candidates {
            *weight = 0;
        }
        group
            .candidates
            .extend(weights.iter().map(|(node, weight)| (name(*node), *weight)));
        let ordered = order(group.candidates.iter().map(|(n, w)| (n, *w)), group.key);
        group.order = ordered.into_iter().cloned().collect();
    }

    /// The first in order, whoever lives.
    pub(super) fn first(&self, last: u8) -> usize {
        self.order(last)[0]
    }

    /// All that may have it, in their order.
    pub(super) fn order(&self, last: u8) -> Vec<usize> {
        self.desired.groups[&ip(last)].order.iter().map(index).collect()
    }

    /// What the health check of a node's proxy says.
    pub(super) fn serve(&mut self, node: usize, serving: Serving) {
        self.act(node, |election, now, _| election.set_serving(serving, now));
    }

    /// Anybody on the LAN sends a datagram in the name of a node.
    pub(super) fn inject(&mut self, to: usize, from: usize, bytes: &[u8]) {
        self.act(to, |election, now, out| {
            let _ = election.receive(host(from), bytes, now, out);
        });
    }

    /// What the API wants reaches one node.
    pub(super) fn tell(&mut self, node: usize, desired: &Arc<Desired>) {
        let desired = desired.clone();
        self.act(node, |election, now, _| election.set_desired(desired, now));
    }

    pub(super) fn publish(&mut self) {
        let desired = Arc::new(self.desired.clone());
        for node in 0..self.speakers.len() {
            let desired = desired.clone();
            self.act(node, |election, now, _| election.set_desired(desired, now));
        }
    }

    /// The MAC address of the card that it has now.
    fn mac(&self, node: usize) -> MacAddr {
        let mut card = mac(node);
        card.4 += u8::from(self.exchanged.contains(&node));
        card
    }

    /// Its speaker hears of the card that it has now.
    pub(super) fn relink(&mut self, node: usize) {
        let interface = WireInterface {
            mac: self.mac(node),
            network: IpNet::new(host(node), self.prefix).unwrap(),
        };
        let management = WireInterface {
            mac: management_mac(node),
            network: IpNet::new(desk(node), 24).unwrap(),
        };
        let plugged = (!self.unplugged.contains(&node)).then_some(interface);
        let managed = self.managed.then_some(management);
        let interfaces = plugged.into_iter().chain(managed).collect();
        self.act(node, |election, now, out| {
            election.set_interfaces(interfaces, now, out);
        });
    }

    pub(super) fn act(&mut self, node: usize, f: impl FnOnce(&mut Election, Instant, &mut Vec<Output>)) {
        if !self.speakers[node].alive || self.stopped.contains_key(&node) {
            return;
        }
        let mut out = Vec::new();
        let random = &mut self.random;
        let election = &mut self.speakers[node].election;
        election.wake(self.now, &mut out);
        f(election, self.now, &mut out);
        election.poll(self.now, &mut || random.next(), &mut out);
        let late = if self.lag == 0 {
            0
        } else {
            self.random.below(self.lag)
        };
        let due = self.speakers[node].election.next_deadline(self.now);
        self.speakers[node].deadline = due + Duration::from_micros(late);
        let mut answers_changed = false;
        for output in out {
            answers_changed |= !matches!(
                output,
                Output::Send { .. }
                    | Output::Ask { .. }
                    | Output::AskWitness
                    | Output::AskLink
                    | Output::AskHosts(_)
                    | Output::AskOwner { .. }
                    | Output::Probe(_)
            );
            self.carry_out(node, output);
        }
        if answers_changed {
            self.note_overlap();
        }
    }

    fn carry_out(&mut self, node: usize, output: Output) {
        match output {
            Output::Send { to, bytes } => {
                let delay = self.delay();
                let muffled = self.muffled.get(&node).is_some_and(|until| self.now < *until);
                if self.random.below(100) >= self.loss && (!muffled || is_desk(to)) {
                    self.post(
                        delay,
                        Parcel::Datagram {
                            from: node,
                            to,
                            bytes,
                        },
                    );
                }
            }
            Output::Ask { key } => {
                let boots = self.speakers[node].boots;
                self.post(Duration::from_millis(60), Parcel::Asked { node, boots, key });
            }
            Output::AskHosts(hosts) => {
                self.post(Duration::from_micros(300), Parcel::Witness { node });
                self.ask_hosts(node, |host| hosts.contains(&host));
            }
            Output::AskWitness | Output::AskLink => {
                if self.random.below(100) >= self.loss {
                    self.post(Duration::from_micros(300), Parcel::Witness { node });
                    self.ask_suspects(node);
                }
            }
            Output::Probe(probe) => {
                let delay = self.delay();
                if self.random.below(100) >= self.loss {
                    self.post(delay, Parcel::Ping { from: node, probe });
                }
            }
            Output::StandIn { key, owner } => {
                self.speakers[node].standing.insert(key, owner);
            }
            Output::AskOwner { key, owner } => {
                let delay = self.delay();
                self.post(
                    delay,
                    Parcel::Owner {
                        from: node,
                        key,
                        owner,
                    },
                );
            }
            Output::StandDown { key } => {
                assert!(self.speakers[node].standing.remove(&key).is_some());
            }
            Output::Claimed { key, epoch, because } => {
                self.speakers[node].standing.remove(&key);
                self.history.push((self.now, node, key, Some(epoch), because));
            }
            Output::Yielded { key, because } => self.history.push((self.now, node, key, None, because)),
            Output::Withhold(until) => self.speakers[node].withheld_until = until,
            Output::Hold(held) => self.speakers[node].held = held,
        }
    }

    /// The kernels that are suspect are asked by ARP, too.
    fn ask_suspects(&mut self, node: usize) {
        let suspects = self.speakers[node].election.suspects();
        self.ask_hosts(node, |host| suspects.contains(&host));
    }

    fn ask_hosts(&mut self, node: usize, which: impl Fn(IpAddr) -> bool) {
        for of in (0..self.speakers.len()).filter(|n| *n != node) {
            if which(host(of)) {
                self.post(Duration::from_micros(400), Parcel::Neighbor { to: node, of });
            }
        }
    }

    fn delay(&mut self) -> Duration {
        Duration::from_micros(100 + self.random.below(900))
    }

    /// A speaker that is asked for an address that it claims answers, whether or not its heartbeats arrive.
    fn answer_for_itself(&mut self, from: usize, key: IpAddr, owner: &NodeName) {
        let Some(target) = (0..self.speakers.len()).find(|node| name(*node) == *owner) else {
            return;
        };
        let claims = self.speakers[target].election.claims().epoch(key).is_some();
        if claims && self.neighbors(from, target) && self.answers(target, key) {
            self.act(from, |election, now, _| election.owner_answered(mac(target), now));
        }
    }

    /// A kernel answers whatever its speaker does, if there is power.
    fn answer_ping(&mut self, from: usize, probe: reach::Probe) {
        let to = probe.theirs.network.addr();
        let target = self.owner_of(to);
        let hears = |target: &usize| {
            let mac = if is_desk(to) {
                management_mac(*target)
            } else {
                self.mac(*target)
            };
            self.passes(from, *target, to)
                && !self.dark.contains(target)
                && (is_desk(to) || self.neighbors(from, *target))
                && mac == probe.theirs.mac
                && !self.unpingable.contains(target)
                && self.muffled.get(target).is_none_or(|until| *until <= self.now)
        };
        let Some(_) = target.filter(hears) else { return };
        let delay = self.delay();
        if self.random.below(100) >= self.loss {
            let arrived = self.now + delay;
            self.post(
                delay,
                Parcel::Echo {
                    to: from,
                    probe,
                    arrived,
                },
            );
        }
    }

    fn post(&mut self, delay: Duration, parcel: Parcel) {
        self.serial += 1;
        self.queue
            .push(Reverse(Travelling(self.now + delay, self.serial, parcel)));
    }

    fn connected(&self, a: usize, b: usize) -> bool {
        let apart = self.apart.contains(&(a, b)) || self.apart.contains(&(b, a));
        let severed = self.severed.contains(&a) || self.severed.contains(&b);
        !apart
            && !severed
            && self.side[a] == self.side[b]
            && !self.unplugged.contains(&a)
            && !self.unplugged.contains(&b)
    }

    /// Whose address it is.
    fn owner_of(&self, address: IpAddr) -> Option<usize> {
        (0..self.speakers.len()).find(|node| [host(*node), desk(*node)].contains(&address))
    }

    /// Whether what one sends to this address of the other arrives.
    fn passes(&self, from: usize, to: usize, address: IpAddr) -> bool {
        if is_desk(address) {
            let cut = self.unmanaged.contains(&from) || self.unmanaged.contains(&to);
            return self.managed && !cut && !self.dark.contains(&from);
        }
        self.connected(from, to)
    }

    /// Whether what one asks reaches the other's kernel, and the answer comes back.
    fn neighbors(&self, from: usize, to: usize) -> bool {
        let deaf = self.deaf.contains(&to) || self.deaf.contains(&from);
        let mute = self.mute.contains(&to) || self.mute.contains(&from);
        self.connected(from, to) && !self.dark.contains(&to) && !deaf && !mute
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Datagram { from, to, bytes } => {
                let deaf = |target: &usize| self.deaf.contains(target) && !is_desk(to);
                let heard = |target: &usize| self.passes(from, *target, to) && !deaf(target);
                let target = self.owner_of(to);
                let Some(target) = target.filter(heard).filter(|_| !self.firewall) else {
                    return;
                };
                if let Some(waiting) = self.stopped.get_mut(&target) {
                    return waiting.push((source(from, to), bytes));
                }
                self.act(target, |election, now, out| {
                    let _ = election.receive(source(from, to), &bytes, now, out);
                });
            }
            Parcel::Asked { node, boots, key } => {
                if self.speakers[node].boots != boots {
                    return;
                }
                // Whoever stands in answers with the MAC address of the one that asks.
                let stands = |n: usize| self.speakers[n].standing.get(&key) == Some(&name(node));
                let ours = (0..self.speakers.len())
                    .any(|n| n != node && self.connected(n, node) && self.answers(n, key) && !stands(n));
                let answer = if self.strangers.contains(&key) || ours {
                    Answer::Occupied
                } else {
                    Answer::Silent
                };
                self.act(node, |election, now, _| election.asked(key, answer, now));
            }
            Parcel::Neighbor { to, of } => {
                if self.neighbors(to, of) {
                    let mac = self.mac(of);
                    self.act(to, |election, now, _| {
                        election.neighbor(host(of), mac, Sign::Answer, now);
                    });
                }
            }
            Parcel::Owner { from, key, owner } => self.answer_for_itself(from, key, &owner),
            Parcel::Ping { from, probe } => self.answer_ping(from, probe),
            Parcel::Echo { to, probe, arrived } => {
                let from = (probe.theirs.network.addr(), probe.theirs.mac);
                if !self.stopped.contains_key(&to) && self.speakers[to].alive {
                    let now = self.now;
                    let mut out = Vec::new();
                    self.speakers[to]
                        .election
                        .echo(from, probe.question, arrived, now, &mut out);
                    for output in out {
                        self.carry_out(to, output);
                    }
                }
            }
            Parcel::Witness { node } => self.hear_gateway(node),
        }
    }

    /// Who reaches nobody hears others ask each other.
    fn hear_gateway(&mut self, node: usize) {
        let cut = self.unplugged.contains(&node) || self.severed.contains(&node);
        if self.gateway != Some(self.side[node]) || cut {
            return;
        }
        let muffled = self.muffled.get(&node).is_some_and(|until| self.now < *until);
        let sign = if muffled { Sign::Heard } else { Sign::Answer };
        self.act(node, |election, now, _| {
            election.witness(&[lan_network()], sign, now);
        });
    }

    /// Runs for a while.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.note_overlap();
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
                self.note_overlap();
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
        let speaker = &self.speakers[node];
        speaker.alive
            && !self.stopped.contains_key(&node)
            && !self.unplugged.contains(&node)
            && (speaker.election.claims().epoch(address).is_some() || speaker.standing.contains_key(&address))
            && speaker.withheld_until.is_none_or(|until| until <= self.now)
    }

    /// Who answers for an address, of the nodes on one side.
    pub(super) fn answerers(&self, last: u8) -> Vec<usize> {
        (0..self.speakers.len())
            .filter(|node| self.answers(*node, ip(last)))
            .collect()
    }

    fn note_overlap(&mut self) {
        let keys: Vec<IpAddr> = self.desired.groups.keys().copied().collect();
        for key in keys {
            let who: Vec<usize> = (0..self.speakers.len())
                .filter(|n| self.answers(*n, key))
                .collect();
            let double = who
                .iter()
                .any(|a| who.iter().any(|b| a < b && self.connected(*a, *b)));
            let entry = self.overlap.entry(key).or_default();
            let began = *entry.0.get_or_insert(self.now);
            entry.1 = entry.1.max(self.now.since(began));
            if !double {
                entry.0 = None;
            }
        }
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
