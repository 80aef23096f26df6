//! Who else speaks for an address that is announced here, and the defence against it (RFC 5227 section 2.4).
//!
//! ```text
//!                  15 s, then each minute            each 10 s                 5 questions unanswered
//!   announced ───────────────────────────▶ asked ──────────────▶ asked again ─────────────────────────▶ alone
//!       │                                    ▲
//!       └── a frame with its address and another MAC ──▶ disputed ──▶ one announcement at once, and as long as
//!                                                                     it is heard one each 10 s
//! ```
//!
//! A stranger is a dispute from its first frame on. One of our own nodes is one when it still speaks for the address
//! two seconds later, asked once more, and its speaker does not claim it: then something else on that node answers.
//! Nodes are never defended against: two of ours must not outshout each other.
//!
//! Whoever holds the address sees the answers to other hosts' questions no more than we do, so that listening alone
//! would not find it: hence the questions. They are ARP probes, or those of duplicate address detection, which change no
//! cache. Silence counts only after a
//! question that really left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::rate::TokenBucket;
use super::{InterfaceIndex, Message, Outgoing, Purpose, Statement};
use crate::model::{Instant, MacAddr, NodeName};

/// RFC 5227 section 1.1, `DEFEND_INTERVAL`: no address is defended more often.
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
/// A newly announced address is asked for after this: the takeover's frames are out (4.4 s), and another node that just
/// gave it up has said so.
pub const FIRST_QUESTION: Duration = Duration::from_secs(15);
/// How often an address is asked for that nobody disputes: as the survey does for the unassigned ones.
pub const ROUND: Duration = Duration::from_mins(1);
/// How often a disputed address is asked for: with the answer the defence may be due.
pub const DISPUTED_ROUND: Duration = DEFEND_INTERVAL;
/// One of our nodes that is heard for an address is asked once more after this. Whoever gave an address up, or returns
/// from a partition, is silent by then.
pub const CONFIRM: Duration = Duration::from_secs(2);
/// Unanswered questions after which a dispute is over: a minute.
pub const SILENT_QUESTIONS: u8 = 5;
/// MACs remembered for one address, of strangers and of nodes each: two are a conflict, more are somebody's game.
pub const MAX_CLAIMANTS: usize = 4;

/// Questions about undisputed addresses: two a second, four at once. With the refreshes of a hundred addresses that
/// stays below 5 frames a second; managed switches shut ports above 15.
const ROUTINE_INTERVAL: Duration = Duration::from_millis(500);
const ROUTINE_BURST: u32 = 4;
/// Defences and questions about disputed addresses: 50 a second, 20 at once. Whoever forges claims for a thousand
/// addresses must not make us flood the LAN.
const URGENT_INTERVAL: Duration = Duration::from_millis(20);
const URGENT_BURST: u32 = 20;

/// Who it is that speaks for an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// Nobody of this cluster.
    Stranger,
    /// A node of this cluster whose speaker does not claim the address.
    Node(NodeName),
}

/// What is known of a disputed address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dispute {
    /// The stranger that has been heard for longest; it stays until it is silent, whoever else is heard meanwhile.
    pub stranger: Option<MacAddr>,
    /// The nodes on which something answers.
    pub nodes: BTreeSet<NodeName>,
}

/// Every address that is announced here, and who disputes it.
#[derive(Debug, Clone)]
pub struct Conflicts {
    watched: BTreeMap<IpAddr, Watched>,
    /// When something is due for each address: undisputed ones, and disputed ones.
    routine: BTreeSet<(Instant, IpAddr)>,
    urgent: BTreeSet<(Instant, IpAddr)>,
    routine_rate: TokenBucket,
    urgent_rate: TokenBucket,
    held: bool,
    withheld_until: Instant,
    changed: bool,
    defences: u64,
}

#[derive(Debug, Clone)]
struct Watched {
    /// The group that the address belongs to.
    group: IpAddr,
    /// Where it is announced, each with our MAC there.
    on: Vec<(InterfaceIndex, MacAddr)>,
    claimants: Vec<Claimant>,
    ask_at: Instant,
    defend_at: Option<(Instant, InterfaceIndex)>,
    defended: Option<Instant>,
    /// Where and under which time it stands in the schedule.
    scheduled: Option<(bool, Instant)>,
}

#[derive(Debug, Clone)]
struct Claimant {
    mac: MacAddr,
    party: Party,
    first: Instant,
    confirmed: bool,
    /// Questions that left since it was heard.
    unanswered: u8,
}

impl Default for Conflicts {
    fn default() -> Self {
        Self::new()
    }
}

impl Conflicts {
    /// Nothing is announced.
    pub const fn new() -> Self {
        Self {
            watched: BTreeMap::new(),
            routine: BTreeSet::new(),
            urgent: BTreeSet::new(),
            routine_rate: TokenBucket::new(ROUTINE_INTERVAL, ROUTINE_BURST),
            urgent_rate: TokenBucket::new(URGENT_INTERVAL, URGENT_BURST),
            held: false,
            withheld_until: Instant::ZERO,
            changed: false,
            defences: 0,
        }
    }

    /// From now on `address` of the group `group` is announced on exactly these interfaces, with these MACs; none of them
    /// ends it. What is known of an address that is announced on the same interfaces stays.
    pub fn watch(
        &mut self,
        address: impl Into<IpAddr>,
        group: IpAddr,
        on: &[(InterfaceIndex, MacAddr)],
        now: Instant,
    ) {
        let address = address.into();
        if on.is_empty() {
            return self.unwatch(address);
        }
        if let Some(known) = self.watched.get_mut(&address)
            && known.on == on
        {
            known.group = group;
            return;
        }
        self.unwatch(address);
        let watched = Watched {
            group,
            on: on.to_vec(),
            claimants: Vec::new(),
            ask_at: now + FIRST_QUESTION,
            defend_at: None,
            defended: None,
            scheduled: None,
        };
        self.watched.insert(address, watched);
        self.schedule(address);
    }

    /// The address is not announced here any more.
    pub fn unwatch(&mut self, address: impl Into<IpAddr>) {
        let address = address.into();
        let Some(gone) = self.watched.remove(&address) else {
            return;
        };
        if let Some((urgent, due)) = gone.scheduled {
            self.queue(urgent).remove(&(due, address));
        }
        self.changed |= !gone.claimants.is_empty();
    }

    /// Whether a frame speaks for an address that is announced on the interface that it came in by, with another MAC than
    /// ours: then the address's group, and the caller finds out who it is and says so with [`Conflicts::hear`].
    pub fn concerns(&self, interface: InterfaceIndex, said: impl Into<Statement>) -> Option<IpAddr> {
        let said = said.into();
        let watched = self.watched.get(&said.sender_ip)?;
        let here = watched.on.iter().any(|(index, _)| *index == interface);
        let ours = watched.on.iter().any(|(_, mac)| *mac == said.sender_mac);
        let nobody = said.sender_mac.is_zero() || said.sender_mac.is_multicast();
        (here && !ours && !nobody).then_some(watched.group)
    }

    /// Takes in who sent a frame that [`Conflicts::concerns`] an address.
    pub fn hear(
        &mut self,
        interface: InterfaceIndex,
        said: impl Into<Statement>,
        party: Party,
        now: Instant,
    ) {
        let said = said.into();
        let address = said.sender_ip;
        let Some(watched) = self.watched.get_mut(&address) else {
            return;
        };
        if party == Party::Stranger && watched.defend_at.is_none() {
            let earliest = watched.defended.map_or(now, |at| at + DEFEND_INTERVAL);
            watched.defend_at = Some((earliest.max(now), interface));
        }
        self.changed |= watched.note(said.sender_mac, party, now);
        self.schedule(address);
    }

    /// While held nothing leaves unasked, as with all announcements.
    pub const fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Nothing leaves before `until`, when nothing is answered either; a moment in the past ends it.
    pub const fn withhold_until(&mut self, until: Instant) {
        self.withheld_until = until;
    }

    /// Appends the defences and questions that are due and within the rates.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        if self.held || now < self.withheld_until {
            return;
        }
        while let Some((due, address)) = self.urgent.first().copied()
            && due <= now
            && self.urgent_rate.take(now)
        {
            self.act(address, now, out);
        }
        while let Some((due, address)) = self.routine.first().copied()
            && due <= now
            && self.routine_rate.take(now)
        {
            self.act(address, now, out);
        }
    }

    /// When `poll` has something to do next; `None` while held or without an announcement.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.held {
            return None;
        }
        let of = |queue: &BTreeSet<(Instant, IpAddr)>, rate: &TokenBucket| {
            let (due, _) = queue.first()?;
            Some((*due).max(rate.ready_at()).max(self.withheld_until))
        };
        let urgent = of(&self.urgent, &self.urgent_rate);
        let routine = of(&self.routine, &self.routine_rate);
        [urgent, routine].into_iter().flatten().min()
    }

    /// Takes a question back that could not be sent: its silence proves nothing.
    pub fn not_sent(&mut self, frame: &Outgoing) {
        if frame.purpose == Purpose::Probe
            && let Some(watched) = self.watched.get_mut(&frame.address)
        {
            for claimant in &mut watched.claimants {
                claimant.unanswered = claimant.unanswered.saturating_sub(1);
            }
        }
    }

    /// Whether [`Conflicts::disputes`] may differ from what it was when this was asked last.
    pub const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// The disputed addresses.
    pub fn disputes(&self) -> impl Iterator<Item = (IpAddr, Dispute)> + '_ {
        self.watched.iter().filter_map(|(address, watched)| {
            let dispute = watched.dispute();
            (dispute != Dispute::default()).then_some((*address, dispute))
        })
    }

    /// Defending announcements since the beginning.
    pub const fn defences(&self) -> u64 {
        self.defences
    }

    fn act(&mut self, address: IpAddr, now: Instant, out: &mut Vec<Outgoing>) {
        let Some(watched) = self.watched.get_mut(&address) else {
            return;
        };
        if let Some((due, interface)) = watched.defend_at
            && due <= now
        {
            watched.defend_at = None;
            watched.defended = Some(now);
            self.defences += 1;
            out.extend(watched.defence(address, interface));
        } else if watched.ask_at <= now {
            self.changed |= watched.settle();
            watched.ask(address, now, out);
        }
        self.schedule(address);
    }

    /// Puts the address where its next action belongs.
    fn schedule(&mut self, address: IpAddr) {
        let Some(watched) = self.watched.get_mut(&address) else {
            return;
        };
        let next = (watched.is_urgent(), watched.next());
        let before = watched.scheduled.replace(next);
        if before == Some(next) {
            return;
        }
        if let Some((urgent, due)) = before {
            self.queue(urgent).remove(&(due, address));
        }
        self.queue(next.0).insert((next.1, address));
    }

    const fn queue(&mut self, urgent: bool) -> &mut BTreeSet<(Instant, IpAddr)> {
        if urgent {
            &mut self.urgent
        } else {
            &mut self.routine
        }
    }
}

impl Watched {
    /// Notes a claimant; whether anything is to be told.
    fn note(&mut self, mac: MacAddr, party: Party, now: Instant) -> bool {
        if let Some(known) = self.claimants.iter_mut().find(|known| known.mac == mac) {
            let before = (known.confirmed, known.party.clone());
            known.unanswered = 0;
            known.confirmed |= party == Party::Stranger || now.since(known.first) >= CONFIRM;
            known.party = party;
            return before != (known.confirmed, known.party.clone());
        }
        let is_stranger = party == Party::Stranger;
        let alike = self
            .claimants
            .iter()
            .filter(|known| (known.party == Party::Stranger) == is_stranger);
        if alike.count() >= MAX_CLAIMANTS || self.claimants.len() >= 2 * MAX_CLAIMANTS {
            return false;
        }
        let again = if is_stranger { DISPUTED_ROUND } else { CONFIRM };
        self.ask_at = self.ask_at.min(now + again);
        self.claimants.push(Claimant {
            mac,
            party,
            first: now,
            confirmed: is_stranger,
            unanswered: 0,
        });
        is_stranger
    }

    /// Forgets who left all questions unanswered; whether anything is to be told.
    fn settle(&mut self) -> bool {
        let before = self.dispute();
        self.claimants.retain(|claimant| {
            let patience = if claimant.confirmed { SILENT_QUESTIONS } else { 1 };
            claimant.unanswered < patience
        });
        self.dispute() != before
    }

    fn ask(&mut self, address: IpAddr, now: Instant, out: &mut Vec<Outgoing>) {
        for claimant in &mut self.claimants {
            claimant.unanswered = claimant.unanswered.saturating_add(1);
        }
        let again = if self.claimants.is_empty() {
            ROUND
        } else {
            DISPUTED_ROUND
        };
        self.ask_at = now + again;
        out.extend(self.on.iter().map(|(interface, mac)| Outgoing {
            interface: *interface,
            address,
            purpose: Purpose::Probe,
            frame: Message::probe(*mac, address).frame(),
        }));
    }

    /// One announcement where the stranger was heard.
    fn defence(&self, address: IpAddr, interface: InterfaceIndex) -> Option<Outgoing> {
        let (_, mac) = self.on.iter().find(|(index, _)| *index == interface)?;
        Some(Outgoing {
            interface,
            address,
            purpose: Purpose::Defence,
            frame: Message::gratuitous(*mac, address).frame(),
        })
    }

    fn is_urgent(&self) -> bool {
        self.defend_at.is_some() || !self.claimants.is_empty()
    }

    fn next(&self) -> Instant {
        let defence = self.defend_at.map(|(due, _)| due);
        defence.map_or(self.ask_at, |due| due.min(self.ask_at))
    }

    fn dispute(&self) -> Dispute {
        let mut strangers = self.claimants.iter().filter(|c| c.party == Party::Stranger);
        let nodes = self.claimants.iter().filter(|claimant| claimant.confirmed);
        Dispute {
            stranger: strangers.next().map(|claimant| claimant.mac),
            nodes: nodes
                .filter_map(|claimant| match &claimant.party {
                    Party::Node(node) => Some(node.clone()),
                    Party::Stranger => None,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
