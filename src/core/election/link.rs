//! Our own link: isolation, return, and the witness that a takeover needs.
//!
//! A node that hears nobody cannot tell whether the others are dead or it is cut off itself. It never takes anything
//! over without a sign from outside the cluster, sends nothing unasked meanwhile, and on its return answers nothing
//! until it knows what happened.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::reach::detection::SHORTEST;
use super::row::Row;
use super::segment::{Sign, SubnetsV6};
use super::wire::Body;
use super::{DOWN_AFTER, Departure, Election, Group, Output, Peer, RETURN, WireInterface};
use ipnet::IpNet;

use crate::model::{Instant, NodeName};

/// A peer's heartbeat is late after this: one and a half periods.
pub(super) const SUSPECT_AFTER: Duration = Duration::from_millis(150);
/// Between two questions for a sign that our own link works.
const WITNESS_AGAIN: Duration = Duration::from_millis(50);
/// Signs further apart than this are two strokes of luck, not a link that works: two questions may go unanswered.
pub(super) const WITNESS_FRESH: Duration = Duration::from_millis(160);
/// A carrier that is back within this has cost nothing: the last answer to a question before the loss is at most
/// [`EVERY`](super::reach::EVERY) older, and nobody is taken for dead before [`SHORTEST`].
const BLINK: Duration = Duration::from_millis(26);
const _: () = assert!(BLINK.as_millis() + super::reach::EVERY.as_millis() <= SHORTEST.as_millis());
/// A process that stood still for this has missed heartbeats: the last before it is at most 110 ms older, and nobody
/// whose kernel answers is taken for dead before [`DOWN_AFTER`].
const STANDSTILL: Duration = Duration::from_millis(200);
/// A process that stood still for less may have stood still with its whole machine, so that somebody has taken over.
/// What others claim is fetched, and nothing is answered before it is there or this has passed: a LAN needs 1 ms.
const CATCH_UP: Duration = Duration::from_millis(20);
/// And not again before this has passed: a tenth of the time at most.
const CATCH_UP_AGAIN: Duration = Duration::from_millis(200);
/// A peer that was up within this before the last one fell silent is one that we were cut off from.
const LATELY: Duration = Duration::from_secs(1);
/// Who counts as up for longer after a network was lost has been heard since, elsewhere: a heartbeat that had come by it is good
/// for [`DOWN_AFTER`], and a process that read it later had stood still for as long, which is a reason of its own to listen.
const HEARD_SINCE: Duration = DOWN_AFTER.saturating_mul(2);
const _: () = assert!(HEARD_SINCE.as_millis() >= DOWN_AFTER.as_millis() + STANDSTILL.as_millis());
/// For so long after the last heartbeat, and after an address comes to wait for a sign later than that, every
/// [`WITNESS_AGAIN`] is asked; after that once in as much time, and then for [`WITNESS_BURST`], which is long enough to be seen
/// to work.
const WITNESS_EAGER: Duration = Duration::from_secs(5);
const WITNESS_BURST: Duration = Duration::from_millis(500);
/// For so long must the link be seen to work before silence of the peers means that they are gone: two heartbeats.
pub(super) const WITNESS_LONG: Duration = Duration::from_millis(220);

/// Whether this node is cut off from the speakers that it heard before.
#[derive(Debug, Clone, Default)]
pub(super) struct Isolation {
    /// The peers that were up before it began.
    formerly: BTreeSet<NodeName>,
    since: Option<Instant>,
    returning_since: Option<Instant>,
    /// Somebody is heard whose claims are not known: the return takes longer.
    extended: bool,
    /// It has been taken to end once by the word of a start that has not echoed us.
    doubted: bool,
    held: bool,
}

impl Isolation {
    pub(super) fn is_returning(&self) -> bool {
        self.returning_since.is_some()
    }

    pub(super) fn until(&self) -> Option<Instant> {
        let longer = if self.extended {
            super::ONE_WAY
        } else {
            Duration::ZERO
        };
        Some(self.returning_since? + RETURN + longer)
    }
}

impl Election {
    /// The interfaces that have carrier and can announce. One that comes back is a return from isolation.
    pub fn set_interfaces(&mut self, interfaces: Vec<WireInterface>, now: Instant, out: &mut Vec<Output>) {
        if self.interfaces == interfaces {
            return;
        }
        let new = interfaces
            .iter()
            .filter(|interface| !self.interfaces.contains(interface));
        let regained: BTreeSet<IpNet> = new.map(|interface| interface.network.trunc()).collect();
        let networks = |interfaces: &[WireInterface]| -> BTreeSet<IpNet> {
            interfaces
                .iter()
                .map(|interface| interface.network.trunc())
                .collect()
        };
        // An address that was taken away from a network that has another one is no loss.
        for network in &networks(&self.interfaces) - &networks(&interfaces) {
            self.carrier_lost.entry(network).or_insert(now);
        }
        let all_lost = self.interfaces.is_empty();
        self.interfaces = interfaces;
        self.relinked = now;
        self.relinked_due = Some(now + DOWN_AFTER);
        self.hasten(now);
        self.dirty = true;
        if !regained.is_empty() {
            self.regain(&regained, all_lost, now, out);
        }
    }

    /// The IPv6 subnets of the interfaces that can announce. They come and go with a router's word (RFC 4862) while the
    /// link stays: no isolation, and no return from one.
    pub fn set_networks_v6(&mut self, networks: SubnetsV6, now: Instant) {
        if self.networks_v6 == networks {
            return;
        }
        self.networks_v6 = networks;
        self.relinked = now;
        self.relinked_due = Some(now + DOWN_AFTER);
        self.hasten(now);
        self.dirty = true;
    }

    /// An interface is back. If it was away for so long that others may have taken over what is ours, this is a return
    /// from isolation, whether or not we had noticed that we were cut off. Not from peers that were heard elsewhere. Whoever had
    /// lost all may be back with another network.
    fn regain(&mut self, networks: &BTreeSet<IpNet>, all_lost: bool, now: Instant, out: &mut Vec<Output>) {
        let lost = self
            .carrier_lost
            .extract_if(.., |network, _| all_lost || networks.contains(network));
        let lost = lost.map(|(_, at)| at).filter(|at| now.since(*at) >= BLINK);
        let lost: Vec<Instant> = lost.collect();
        if self.isolation.since.is_none() {
            let silent = self.last_up.iter();
            let silent =
                silent.filter(|(name, at)| lost.iter().any(|lost| self.is_silent_since(name, **at, *lost)));
            let mut formerly: BTreeSet<NodeName> = silent.map(|(name, _)| name.clone()).collect();
            formerly.retain(|name| !self.is_heard_beside(name, networks, now));
            if !formerly.is_empty() {
                self.isolate(formerly, now, out);
            }
        }
        if self.isolation.since.is_some() {
            self.begin_return(now, out);
        }
    }

    /// Whether a peer that was up last at this moment may have claimed something since a network was lost that was not heard.
    /// Who is up, and was so for a while after the loss, has been heard elsewhere: else a network that never comes back would
    /// be a long absence whenever all carriers blink together.
    fn is_silent_since(&self, name: &NodeName, up: Instant, lost: Instant) -> bool {
        up + LATELY >= lost && (up <= lost + HEARD_SINCE || !self.up.contains(name))
    }

    /// To be called before anything that came in is handed over. A speaker that did not have the processor for as long
    /// as it takes others to take over (it was stopped, or its virtual machine was) has missed what they said meanwhile: it
    /// listens before it answers, like one whose carrier is back.
    pub fn wake(&mut self, now: Instant, out: &mut Vec<Output>) {
        let before = std::mem::replace(&mut self.awake, now);
        let stood = now.since(before);
        if stood < BLINK || self.departure.is_some() {
            return;
        }
        if stood < STANDSTILL {
            // Not every rest is a standstill: there may have been nothing to do.
            let late = now.since(self.next_deadline(before));
            if late >= BLINK && self.isolation.since.is_none() {
                self.catch_up(now, out);
            }
            return;
        }
        if self.isolation.since.is_none() {
            self.have_missed(before, now, out);
        }
        if self.isolation.since.is_some() {
            self.begin_return(now, out);
        }
    }

    /// Asks all others what they claim, whoever has something that they may have taken, answers for one from whom they may have
    /// taken it, or is about to take something that they may have taken first. A lone speaker has nobody to ask, and never withholds.
    fn catch_up(&mut self, now: Instant, out: &mut Vec<Output>) {
        // One that is late all the time would else never answer, although nobody takes over from it.
        let lately = self.caught_up.is_some_and(|at| now.since(at) < CATCH_UP_AGAIN);
        let concerned = !self.claims.is_empty() || !self.standing.is_empty() || !self.vacancies.is_empty();
        if !concerned || self.up.is_empty() || lately {
            return;
        }
        self.caught_up = Some(now);
        let until = now + CATCH_UP;
        self.catching_up = Some((until, self.up.clone()));
        for to in self.others(None) {
            self.send(to, Body::Fetch, out);
        }
        out.push(Output::Withhold(Some(until)));
    }

    /// What a peer claims is known.
    pub(super) fn caught_up_with(&mut self, name: &NodeName) {
        if let Some((_, from)) = &mut self.catching_up {
            from.remove(name);
        }
    }

    fn end_catching_up(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some((until, from)) = &self.catching_up else {
            return;
        };
        // Who is not up any more answers nothing.
        let known = !from.iter().any(|name| self.up.contains(name));
        if !known && now < *until {
            return;
        }
        self.catching_up = None;
        // A return from isolation withholds for reasons of its own.
        if !self.isolation.is_returning() {
            self.decide(now, out);
            out.extend(known.then_some(Output::CaughtUp));
            out.push(Output::Withhold(None));
        }
    }

    /// When catching up ends at the latest.
    pub(super) fn caught_up_at(&self) -> Option<Instant> {
        self.catching_up.as_ref().map(|(until, _)| *until)
    }

    /// What was said since `then` did not arrive: we were cut off from the peers that were up then. A lone speaker never
    /// withholds: nobody is there who could have taken over.
    fn have_missed(&mut self, then: Instant, now: Instant, out: &mut Vec<Output>) {
        let formerly = self.up_lately(then);
        if !formerly.is_empty() {
            self.isolate(formerly, now, out);
        }
    }

    /// The peers that were up within [`LATELY`] before `then`.
    fn up_lately(&self, then: Instant) -> BTreeSet<NodeName> {
        let lately = self.last_up.iter().filter(|(_, at)| **at + LATELY >= then);
        lately.map(|(name, _)| name.clone()).collect()
    }

    fn isolate(&mut self, formerly: BTreeSet<NodeName>, now: Instant, out: &mut Vec<Output>) {
        self.isolation = Isolation {
            formerly,
            since: Some(now),
            returning_since: None,
            extended: false,
            doubted: false,
            held: true,
        };
        out.push(Output::Hold(true));
    }

    /// Whether a node has an interface in the address's subnet, and is not gone from there.
    pub(super) fn has_link(&self, node: &NodeName, address: IpAddr) -> bool {
        let near = match address {
            IpAddr::V4(_) => {
                let mut interfaces = self.interfaces_of(node).iter();
                interfaces.any(|interface| interface.network.contains(&address))
            }
            IpAddr::V6(address) => self.has_subnet_v6(node, address),
        };
        near && self.lost(node, address).is_none()
    }

    /// Whether a node has an interface in the subnet of each address of a group.
    pub(super) fn has_links(&self, node: &NodeName, group: &Group) -> bool {
        group
            .addresses
            .iter()
            .all(|address| self.has_link(node, *address))
    }

    /// Whether a node can announce in an IPv6 address's subnet, as far as that is known; this one included.
    fn has_subnet_v6(&self, node: &NodeName, address: Ipv6Addr) -> bool {
        if *node == self.me {
            self.networks_v6.keys().any(|subnet| subnet.contains(&address))
        } else {
            let theirs = self.peers.get(node).map_or(&[][..], Peer::networks_v6);
            theirs.iter().any(|subnet| subnet.contains(&address))
        }
    }

    /// Whether our own interface for one of the addresses is gone while peers are still heard some other way. Judged after
    /// [`DOWN_AFTER`]: before that a peer counts as up that may only have been heard over the lost link, and a blip of the
    /// carrier, or a switch that dies port by port, is no reason to move anything.
    pub(super) fn has_lost_link(&self, group: &Group, now: Instant) -> bool {
        !self.up.is_empty() && !self.has_links(&self.me, group) && now.since(self.relinked) >= DOWN_AFTER
    }

    /// Whether a node has an interface at all.
    pub(super) fn has_any_link(&self, node: &NodeName) -> bool {
        !self.interfaces_of(node).is_empty()
    }

    /// A node's announcing interfaces, as far as they are known; this one's included.
    pub fn interfaces_of(&self, node: &NodeName) -> &[WireInterface] {
        if *node == self.me {
            &self.interfaces
        } else {
            self.peers.get(node).map_or(&[], Peer::interfaces)
        }
    }

    /// Compares who is up with who was.
    pub(super) fn notice_liveness(&mut self, now: Instant, out: &mut Vec<Output>) {
        let up: BTreeSet<NodeName> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_up(now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &up {
            self.last_up.insert(name.clone(), now);
        }
        if up != self.up {
            let before = std::mem::replace(&mut self.up, up);
            self.dirty = true;
            self.offers.quiet_since = now;
            self.arrived.retain(|name, _| self.up.contains(name));
            self.heard_again.retain(|(name, _), _| self.up.contains(name));
            for name in &self.up {
                self.arrived.entry(name.clone()).or_insert(now);
            }
            if before.is_empty() {
                self.connected = now;
            }
            self.begin_or_end_isolation(&before, now, out);
        }
        self.end_listening(now);
        self.end_catching_up(now, out);
        self.end_return(now, out);
        self.end_hold(now, out);
    }

    fn begin_or_end_isolation(&mut self, before: &BTreeSet<NodeName>, now: Instant, out: &mut Vec<Output>) {
        // Who was found to be gone, while a sign from elsewhere showed that our own link works, leaves nobody cut off; nor
        // does a speaker that is silent while its node's kernel answers.
        let known = |peer: &Peer| peer.gone().next().is_some() || peer.stood_in_for_until(now).is_some();
        let explained = |name: &NodeName| self.peers.get(name).is_some_and(known);
        if self.up.is_empty() && !before.iter().all(explained) {
            // Peers fall silent one by one, up to a period apart; all of them were there.
            let formerly = self.up_lately(now);
            if self.isolation.since.is_some() {
                // On the way back from the last one: those that were waited for still are.
                self.isolation.formerly.extend(formerly);
            } else {
                self.isolate(formerly, now, out);
            }
        } else if !self.up.is_empty() && self.isolation.since.is_some() && !self.isolation.is_returning() {
            self.begin_return(now, out);
        }
    }

    /// A former peer is heard, or the carrier is back: whoever was cut off must not speak before it has listened.
    pub(super) fn begin_return(&mut self, now: Instant, out: &mut Vec<Output>) {
        // Who rests answers nothing until its next start, and no return may end that.
        if self.departure == Some(Departure::BackSoon) {
            return;
        }
        if !self.isolation.is_returning() {
            self.isolation.returning_since = Some(now);
            self.isolation.extended = false;
            self.hasten(now);
            out.push(Output::Withhold(self.isolation.until()));
        }
    }

    /// The same by the word of a start that has not echoed us yet: a former peer that was started anew, or a recording that
    /// anybody on the LAN can play. Only the first counts, or somebody could keep us from answering for ever.
    pub(super) fn begin_doubtful_return(&mut self, now: Instant, out: &mut Vec<Output>) {
        if !std::mem::replace(&mut self.isolation.doubted, true) {
            self.begin_return(now, out);
        }
    }

    /// Whether a datagram of this peer means that an isolation is ending.
    pub(super) fn is_return_of(&self, name: &NodeName) -> bool {
        self.isolation.since.is_some() && self.isolation.formerly.contains(name)
    }

    fn end_return(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some(until) = self.isolation.until() else {
            return;
        };
        let former = |name: &NodeName| self.peers.get(name);
        let since = self.isolation.returning_since.unwrap_or(now);
        // What it says counts from when it has heard that we are back: before, it may be about to take over.
        let knows = |peer: &Peer| peer.is_up(now) && peer.is_synced() && peer.was_reached_since(since);
        let all = self
            .isolation
            .formerly
            .iter()
            .all(|name| former(name).is_some_and(knows));
        if !all && now < until {
            return;
        }
        // Whoever is heard lives, and may have taken over what was ours; that is not known before it hears us. Who rests will
        // say nothing more.
        let awaited = |peer: &Peer| peer.is_heard(now) && !peer.is_resting() && !knows(peer);
        let mut alive = self.isolation.formerly.iter().filter_map(former);
        if !self.isolation.extended && alive.any(awaited) {
            self.isolation.extended = true;
            out.push(Output::Withhold(self.isolation.until()));
            return;
        }
        self.isolation.returning_since = None;
        self.dirty = true;
        if !self.up.is_empty() {
            self.isolation.since = None;
            self.returned = Some(now);
            // What was decided while we were away counts before the first answer.
            self.decide(now, out);
        }
        // Who was late, too, may still wait for what others claim.
        let longer = self.caught_up_at();
        out.extend((all && longer.is_none()).then_some(Output::CaughtUp));
        out.push(Output::Withhold(longer));
    }

    fn end_hold(&mut self, now: Instant, out: &mut Vec<Output>) {
        // Who is alone in the cluster by the API's word has nobody to wait for.
        let alone = self.peers.values().all(|peer| !peer.listed);
        let over = self.isolation.since.is_none() || self.is_witnessed(now) || alone;
        if self.isolation.held && over && !self.isolation.is_returning() {
            self.isolation.held = false;
            out.push(Output::Hold(false));
        }
    }

    fn end_listening(&mut self, now: Instant) {
        let Some(until) = self.listening_until else { return };
        let expected = self.peers.values().filter(|peer| peer.ready);
        let mut expected = expected.peekable();
        // Nobody else is there: nothing to wait for.
        let all = expected.all(|peer| peer.is_up(now) && peer.is_synced());
        if all || now >= until {
            self.listening_until = None;
            self.listened = Some(now);
            self.dirty = true;
        }
    }

    /// Whether our link has been seen to work for so long that a living peer would have been heard meanwhile. A first
    /// sign after a silence may only mean that the link is just back.
    fn is_witnessed(&self, now: Instant) -> bool {
        let long = |row: &Row| row.length() + WITNESS_AGAIN >= WITNESS_LONG;
        self.witness
            .is_some_and(|row| row.is_fresh(WITNESS_FRESH, now) && long(&row))
    }

    /// Something on the LAN that is no node of ours was heard: our own link works.
    /// `near`: the networks of the link that it was heard on. A sign from one link says nothing of a suspect on another.
    pub fn witness(&mut self, near: &[IpNet], sign: Sign, now: Instant) {
        if sign == Sign::Answer {
            // What is only heard does not show that our questions leave.
            self.note_sign(near, now);
            self.note_answer(near, now);
        }
        self.witness = Some(Row::after(self.witness, WITNESS_FRESH, now));
        self.dirty |= self.witness_asked.is_some();
    }

    /// Asks for signs as soon as the last peer has been silent for longer than a heartbeat takes.
    pub(super) fn seek_witness(&mut self, now: Instant, out: &mut Vec<Output>) {
        match self.witness_due(now) {
            None => self.witness_asked = None,
            Some(due) if due <= now => {
                self.witness_asked = Some(now);
                out.push(Output::AskWitness);
            }
            Some(_) => {}
        }
    }

    /// When [`Election::seek_witness`] has something to ask. A node that stays alone asks in bursts: whoever answers
    /// then shows just as well that the link works, and a LAN has better to do than to answer us for weeks.
    pub(super) fn witness_due(&self, now: Instant) -> Option<Instant> {
        let silences = self.peers.values().filter_map(|peer| peer.silent_for(now));
        let silence = silences.min()?;
        let since = now - silence;
        if silence < SUSPECT_AFTER {
            return Some(since + SUSPECT_AFTER);
        }
        if silence >= WITNESS_EAGER && !self.needs_witness() {
            return None;
        }
        let next = self.witness_asked.map_or(now, |at| at + WITNESS_AGAIN);
        // What comes to wait after all that time, because an owner that was stood in for is stood in for no longer, does not
        // wait for the next burst.
        let opened = self.vacancies.values().map(|vacancy| vacancy.since).max();
        let since = opened
            .filter(|at| at.since(since) >= WITNESS_EAGER)
            .unwrap_or(since);
        let alone = next.since(since);
        if alone < WITNESS_EAGER {
            return Some(next);
        }
        let rounds = alone.as_millis() / WITNESS_EAGER.as_millis();
        let burst = WITNESS_EAGER.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        if alone.saturating_sub(burst) < WITNESS_BURST {
            Some(next)
        } else {
            Some(since + burst + WITNESS_EAGER)
        }
    }

    /// Whether anything waits for a sign: an address that somebody else may have to take over, or our own silence.
    fn needs_witness(&self) -> bool {
        !self.vacancies.is_empty() || self.isolation.held
    }

    /// Whether something shows that our own link has worked since somebody fell silent: another peer, or anything else on
    /// the LAN. When a switch dies all peers fall silent within a period, one after the other, and those that are still
    /// up for a moment show nothing: a peer has to be heard two periods later.
    pub(super) fn link_is_witnessed(&self, silent_since: Instant, now: Instant) -> bool {
        let peers = self.up.iter().filter_map(|name| self.peers.get(name));
        let mut silences = peers.filter_map(|peer| peer.silent_for(now));
        silences.any(|silence| now - silence >= silent_since + WITNESS_LONG) || self.is_witnessed(now)
    }
}
