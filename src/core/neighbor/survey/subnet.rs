//! One subnet's addresses, its questions and its rounds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::{
    ANSWER_WINDOW, Change, Finding, MAX_HOLDERS, PROXY_ABOVE, QUESTION_INTERVAL, ROUND, Round, SILENT_ROUNDS,
};
use crate::model::{Instant, MacAddr};
use crate::neighbor::rate::TokenBucket;
use crate::neighbor::{Arp, InterfaceIndex, Outgoing, Purpose};

/// What is known of a subnet while this node is its surveyor.
#[derive(Debug, Clone)]
pub(super) struct Subnet {
    pub(super) interface: InterfaceIndex,
    pub(super) mac: MacAddr,
    net: Ipv4Net,
    /// Where the minutes are counted from: addresses asked in one round stay together in the next.
    epoch: Instant,
    addresses: BTreeMap<Ipv4Addr, Asked>,
    due: BTreeSet<(Instant, Ipv4Addr)>,
    /// Open questions in the order in which they left; a second long, so at most six.
    windows: VecDeque<(Instant, Ipv4Addr)>,
    round: Option<Running>,
    proxies: BTreeSet<MacAddr>,
    rate: TokenBucket,
}

/// What is known of one address.
#[derive(Debug, Clone)]
struct Asked {
    /// When it is asked for next.
    due: Instant,
    /// Who spoke for it, proxies included.
    holders: BTreeMap<MacAddr, Holder>,
    /// Whom the last change named.
    reported: Option<MacAddr>,
    /// When the question left that nobody answered; `None` as soon as somebody speaks.
    silent_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    /// Spoke since the last window closed.
    heard: bool,
    /// Windows in a row without a word.
    missed: u8,
}

/// A round that is not complete.
#[derive(Debug, Clone)]
struct Running {
    began: Instant,
    asked: BTreeSet<Ipv4Addr>,
    covered: BTreeSet<Ipv4Addr>,
    silent: BTreeSet<Ipv4Addr>,
}

impl Subnet {
    pub(super) const fn new(net: Ipv4Net, interface: InterfaceIndex, mac: MacAddr, now: Instant) -> Self {
        Self {
            interface,
            mac,
            net,
            epoch: now,
            addresses: BTreeMap::new(),
            due: BTreeSet::new(),
            windows: VecDeque::new(),
            round: None,
            proxies: BTreeSet::new(),
            rate: TokenBucket::new(QUESTION_INTERVAL, 1),
        }
    }

    pub(super) fn set_addresses(&mut self, wanted: &BTreeSet<Ipv4Addr>, now: Instant) {
        self.addresses.retain(|address, _| wanted.contains(address));
        self.due.retain(|(_, address)| wanted.contains(address));
        self.windows.retain(|(_, address)| wanted.contains(address));
        for address in wanted {
            if !self.addresses.contains_key(address) {
                self.addresses.insert(*address, Asked::new(now));
                self.due.insert((now, *address));
            }
        }
        self.forget_quiet_proxies();
    }

    pub(super) fn hear(&mut self, address: Ipv4Addr, mac: MacAddr, found: &mut Vec<Finding>) {
        let Some(asked) = self.addresses.get_mut(&address) else {
            return;
        };
        let new = !asked.holders.contains_key(&mac);
        if new && asked.holders.len() >= MAX_HOLDERS {
            return;
        }
        asked.holders.insert(
            mac,
            Holder {
                heard: true,
                missed: 0,
            },
        );
        if new && !self.proxies.contains(&mac) && self.speaks_for(mac) > PROXY_ABOVE {
            self.proxies.insert(mac);
            let subnet = self.net;
            found.push(Finding::Change(Change::ProxyArp { subnet, mac }));
            let addresses: Vec<Ipv4Addr> = self.addresses.keys().copied().collect();
            for held in addresses {
                self.report(held, found);
            }
        } else {
            self.report(address, found);
        }
    }

    /// Forgets all that this MAC said.
    pub(super) fn disown(&mut self, mac: MacAddr, found: &mut Vec<Finding>) {
        let mut spoken_for = Vec::new();
        for (address, asked) in &mut self.addresses {
            if asked.holders.remove(&mac).is_some() {
                spoken_for.push(*address);
            }
        }
        for address in spoken_for {
            self.report(address, found);
        }
        self.forget_quiet_proxies();
    }

    pub(super) fn close_windows(&mut self, now: Instant, found: &mut Vec<Finding>) {
        while let Some((asked_at, address)) = self.windows.front().copied()
            && asked_at + ANSWER_WINDOW <= now
        {
            self.windows.pop_front();
            self.close(address, asked_at, found);
        }
    }

    pub(super) fn ask(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        while let Some((due, address)) = self.due.first().copied()
            && due <= now
            && !self.asked_this_round(address)
            && self.rate.take(now)
        {
            self.due.pop_first();
            let round = self.round.get_or_insert_with(|| Running::new(now));
            round.asked.insert(address);
            let next = next_minute(self.epoch, round.began);
            if let Some(asked) = self.addresses.get_mut(&address) {
                asked.due = next;
                self.due.insert((next, address));
            }
            self.windows.push_back((now, address));
            out.push(Outgoing {
                interface: self.interface,
                address: address.into(),
                purpose: Purpose::Probe,
                frame: Arp::probe(self.mac, address).frame(),
            });
        }
    }

    /// Ends the round when no window is open: questions follow each other faster than windows close, so that
    /// everything that was due with it has been asked by then.
    pub(super) fn complete_round(&mut self, now: Instant, found: &mut Vec<Finding>) {
        if !self.windows.is_empty() {
            return;
        }
        if let Some(round) = self.round.take()
            && !round.covered.is_empty()
        {
            found.push(Finding::Round(Round {
                subnet: self.net,
                began: round.began,
                ended: now,
                covered: round.covered.into_iter().map(IpAddr::V4).collect(),
                silent: round.silent.into_iter().map(IpAddr::V4).collect(),
            }));
        }
    }

    pub(super) fn not_sent(&mut self, address: Ipv4Addr, now: Instant) {
        let Some(window) = self.windows.iter().rposition(|(_, open)| *open == address) else {
            return;
        };
        self.windows.remove(window);
        if let Some(round) = &mut self.round {
            round.asked.remove(&address);
        }
        if let Some(asked) = self.addresses.get_mut(&address) {
            self.due.remove(&(asked.due, address));
            asked.due = now + ANSWER_WINDOW;
            self.due.insert((asked.due, address));
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let window = self.windows.front().map(|(asked, _)| *asked + ANSWER_WINDOW);
        let first = self.due.first();
        let first = first.filter(|(_, address)| !self.asked_this_round(*address));
        let question = first.map(|(due, _)| (*due).max(self.rate.ready_at()));
        // Nothing is open any more (the last question was taken back): by then the next one leaves, or the round
        // is over.
        let ends = self.round.is_some() && self.windows.is_empty();
        let completion = ends.then(|| self.rate.ready_at());
        [window, question, completion].into_iter().flatten().min()
    }

    pub(super) fn occupant(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.addresses.get(&address)?.reported
    }

    pub(super) fn silent_since_question(&self, address: Ipv4Addr) -> Option<Instant> {
        self.addresses.get(&address)?.silent_since
    }

    /// Judges one question: who spoke is kept, who was silent twice is forgotten.
    fn close(&mut self, address: Ipv4Addr, asked_at: Instant, found: &mut Vec<Finding>) {
        let Some(asked) = self.addresses.get_mut(&address) else {
            return;
        };
        asked.holders.retain(|_, holder| {
            holder.missed = if holder.heard { 0 } else { holder.missed + 1 };
            holder.heard = false;
            holder.missed < SILENT_ROUNDS
        });
        let silent = asked.holders.keys().all(|mac| self.proxies.contains(mac));
        asked.silent_since = silent.then_some(asked_at);
        if let Some(round) = &mut self.round {
            round.covered.insert(address);
            if silent {
                round.silent.insert(address);
            }
        }
        self.report(address, found);
        self.forget_quiet_proxies();
    }

    /// Says who uses an address now if that is somebody else than was said before.
    fn report(&mut self, address: Ipv4Addr, found: &mut Vec<Finding>) {
        let Some(asked) = self.addresses.get_mut(&address) else {
            return;
        };
        let mut users = asked.holders.keys().filter(|mac| !self.proxies.contains(*mac));
        let stays = asked
            .reported
            .filter(|mac| asked.holders.contains_key(mac) && !self.proxies.contains(mac));
        let user = stays.or_else(|| users.next().copied());
        if user.is_some() {
            asked.silent_since = None;
        }
        if user != asked.reported {
            asked.reported = user;
            found.push(Finding::Change(match user {
                Some(mac) => Change::Occupied { address, mac },
                None => Change::Silent { address },
            }));
        }
    }

    fn speaks_for(&self, mac: MacAddr) -> usize {
        let holders = self.addresses.values();
        holders.filter(|asked| asked.holders.contains_key(&mac)).count()
    }

    pub(super) fn proxies(&self) -> impl Iterator<Item = MacAddr> + '_ {
        self.proxies.iter().copied()
    }

    fn forget_quiet_proxies(&mut self) {
        let addresses = &self.addresses;
        self.proxies
            .retain(|mac| addresses.values().any(|asked| asked.holders.contains_key(mac)));
    }

    fn asked_this_round(&self, address: Ipv4Addr) -> bool {
        self.round
            .as_ref()
            .is_some_and(|round| round.asked.contains(&address))
    }
}

impl Asked {
    const fn new(due: Instant) -> Self {
        Self {
            due,
            holders: BTreeMap::new(),
            reported: None,
            silent_since: None,
        }
    }
}

impl Running {
    const fn new(began: Instant) -> Self {
        Self {
            began,
            asked: BTreeSet::new(),
            covered: BTreeSet::new(),
            silent: BTreeSet::new(),
        }
    }
}

/// The first full minute after `epoch` that lies behind `began`.
fn next_minute(epoch: Instant, began: Instant) -> Instant {
    let minutes = began.since(epoch).as_secs() / ROUND.as_secs() + 1;
    epoch + ROUND * u32::try_from(minutes).unwrap_or(u32::MAX)
}
