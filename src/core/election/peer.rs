//! One other speaker: when it is up, and what it claims.
//!
//! ```text
//!           datagram of a new boot id           echoes one of mine, sent within 300 ms
//! unknown ───────────────────────────▶ noticed ────────────────────────────────────────▶ up ◀──┐ every two-way
//!    ▲                                  (echoed back, nothing else)                       │ └────┘ heartbeat
//!    └──────────────────────── silent for 350 ms: down, what it claimed is remembered ◀───┘
//! ```
//! **Two-way.** Hearing a peer is not enough: it must have heard me. That one rule also makes a recorded datagram of
//! an earlier boot worthless, because it cannot echo what I sent just now.

mod hearing;
mod noticed;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

pub(super) use self::hearing::{Hearing, OUT_OF_HEARING};
use self::noticed::Noticed;
use super::claim::ClaimSet;
use super::link::SUSPECT_AFTER;
use super::offer::Serving;
use super::row::Row;
use super::wire::{BootId, ClaimsPart, ClaimsVersion, Heartbeat, WireInterface};
use ipnet::{IpNet, Ipv6Net};

use crate::model::Instant;

/// How old an echoed heartbeat of mine may be: three periods.
pub const CONTACT: Duration = Duration::from_millis(300);
/// How long a two-way contact vouches for a peer: three periods at their longest and the scheduling of both ends, so
/// that one datagram may be lost each way, or two in one.
pub const DOWN_AFTER: Duration = Duration::from_millis(350);
/// How long a peer that is heard and does not hear us is given the benefit of the doubt. A kernel asks for a lost
/// neighbour once a second, so that a node whose link is just back may hear everybody and reach nobody for that long.
/// After it the peer's own ears are the likelier fault.
pub const ONE_WAY: Duration = Duration::from_millis(1_500);
/// For so long others answer in the place of a speaker that is silent while its node's kernel lives, with that node's
/// MAC address, so that nothing moves and no connection breaks: a rollout, a crash, a debugger. Then they take over.
pub const STAND_IN: Duration = Duration::from_mins(1);
/// A kernel's last sign of life is good for this: two turns of the watchers' news, which come with their heartbeats.
const KERNEL_FRESH: Duration = Duration::from_millis(250);
/// An answer of a silent speaker for one of its addresses is good for this: it is asked twice a second.
const ANSWERS_FRESH: Duration = Duration::from_millis(1_200);
/// A speaker that was started anew has taken up what it claimed before within this: it listens for 600 ms at most, asks
/// for 60 ms, and is given as much again.
pub(super) const RESUMED_WITHIN: Duration = Duration::from_secs(2);
/// Of so many boots a peer's word is remembered, rollouts of fifty nodes and more; those at rest now it says again with each
/// heartbeat.
const NAMED: usize = 512;
/// What is heard of a boot while another one that has followed it was heard within this is a recording. Later it may be that of
/// two processes by one name the other has ended.
const FOLLOWED: Duration = Duration::from_secs(10);
/// Between two requests for the claims of one peer: an answer takes a round trip.
const FETCH_AGAIN: Duration = Duration::from_millis(50);

/// Another speaker.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where its heartbeats go.
    pub address: IpAddr,
    /// It answers to this name in the API and its Pod is ready.
    pub ready: bool,
    /// It is in the API's list.
    pub listed: bool,
    /// When something under another key last came from its address.
    pub other_key: Option<Instant>,
    session: Option<Session>,
    noticed: Noticed,
}

#[derive(Debug, Clone)]
struct Session {
    boot: BootId,
    since: Instant,
    window: Window,
    heartbeat: u64,
    contact: Instant,
    heard: Instant,
    /// When I sent the newest heartbeat of mine that it has echoed.
    reached: Option<Instant>,
    /// By network of its, the verdict that it is gone from there, as long as nothing was heard of it there since.
    gone: BTreeMap<IpNet, Condemned>,
    /// Nothing came of it since the last of them.
    quiet: bool,
    /// By network of ours, what is heard of it there; without one: by way of a router.
    hearings: BTreeMap<Option<IpNet>, Hearing>,
    leaving: bool,
    resting: bool,
    serving: Serving,
    failback: u32,
    /// When its node's kernel last gave a sign of life, other than by this process.
    kernel: Option<Instant>,
    /// When it last answered for an address of its own, though its heartbeats do not arrive.
    answers: Option<Instant>,
    /// What an earlier boot claimed, which this one may take up again until then.
    inherited: Option<(ClaimSet, Instant)>,
    interfaces: Vec<WireInterface>,
    networks_v6: Vec<Ipv6Net>,
    /// Boots of which it has said that somebody has to answer for them.
    at_rest: BTreeSet<[u8; 8]>,
    announced: ClaimsVersion,
    claims: ClaimSet,
    known: ClaimsVersion,
    assembly: Option<Assembly>,
    fetched: Option<Instant>,
}

/// What a verdict said of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condemned {
    /// When it was heard here.
    pub at: Instant,
    /// How long the node's kernel had been silent then.
    pub silence: Duration,
}

#[derive(Debug, Clone)]
struct Assembly {
    of: ClaimsVersion,
    parts: u16,
    received: BTreeMap<u16, Vec<(IpAddr, u64)>>,
}

/// What a datagram changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Seen before, or out of an earlier boot.
    Replay,
    /// A boot id that has not echoed me yet: it gets an echo and nothing else.
    Noticed,
    /// In order.
    Accepted {
        /// It was not up before, or is another boot.
        arrived: bool,
        /// Its interfaces, whether Services are reached through it, or its claims by their version, are others than before.
        changed: bool,
    },
}

impl Peer {
    /// A speaker that was never heard.
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            ready: false,
            listed: false,
            other_key: None,
            session: None,
            noticed: Noticed::default(),
        }
    }

    /// A heartbeat arrived. `echoed`: when I sent the one of mine that it echoes, if that is within [`CONTACT`].
    pub fn heartbeat(
        &mut self,
        boot: BootId,
        sequence: u64,
        heartbeat: &Heartbeat,
        echoed: Option<Instant>,
        now: Instant,
    ) -> Heard {
        let was_up = self.is_up(now);
        let known = self.session.as_ref().is_some_and(|session| session.boot == boot);
        if !known {
            if echoed.is_none() {
                if self.is_over(boot, now) {
                    return Heard::Replay;
                }
                self.noticed.note(boot, sequence, now);
                return Heard::Noticed;
            }
            let before = self.session.as_ref().map(|session| session.boot);
            self.noticed.follow(before, boot);
            let inherited = self.session.take().and_then(|before| before.bequeath(now));
            self.session = Some(Session {
                inherited,
                ..Session::new(boot, now)
            });
        }
        let Some(session) = &mut self.session else {
            return Heard::Noticed;
        };
        if !session.window.accept(sequence) {
            return Heard::Replay;
        }
        session.heard = now;
        session.quiet = false;
        let changed = session.interfaces != heartbeat.interfaces
            || session.networks_v6 != heartbeat.networks_v6
            || session.announced != heartbeat.claims
            || session.serving != heartbeat.serving;
        if sequence > session.heartbeat {
            session.heartbeat = sequence;
            session.leaving = heartbeat.leaving;
            session.resting = heartbeat.resting;
            session.serving = heartbeat.serving;
            session.failback = heartbeat.failback;
            if heartbeat.settled {
                session.inherited = None;
            }
            if heartbeat.resting {
                session.kernel = Some(now);
            }
            session.announced = heartbeat.claims;
            session.interfaces.clone_from(&heartbeat.interfaces);
            let (gone, interfaces) = (&mut session.gone, &session.interfaces);
            gone.retain(|network, _| interfaces.iter().any(|i| i.network.trunc() == *network));
            session.networks_v6.clone_from(&heartbeat.networks_v6);
        }
        if let Some(sent) = echoed {
            session.contact = now;
            session.reached = session.reached.max(Some(sent));
        }
        Heard::Accepted {
            arrived: echoed.is_some() && !(was_up && known),
            changed,
        }
    }

    /// Whether another boot has followed this one, and lives.
    fn is_over(&self, boot: BootId, now: Instant) -> bool {
        let lives = |session: &Session| now.since(session.heard) <= FOLLOWED;
        self.session.as_ref().is_some_and(lives) && self.noticed.is_earlier(boot)
    }

    /// Where such a boot was heard from.
    pub(super) fn noticed_near(&mut self, boot: BootId, near: Option<IpAddr>) {
        self.noticed.near(boot, near);
    }

    /// A boot that has not echoed us yet, whose turn it is in this heartbeat of ours.
    pub(super) fn noticed(&self, beat: u64, now: Instant) -> Option<noticed::Boot> {
        self.noticed.turn(beat, now)
    }

    /// A datagram other than a heartbeat arrived: whether it may be believed.
    pub fn accepts(&mut self, boot: BootId, sequence: u64) -> bool {
        let Some(session) = self.session.as_mut().filter(|session| session.boot == boot) else {
            return false;
        };
        if !session.window.accept(sequence) {
            return false;
        }
        // Whoever speaks is not gone, whether or not it hears.
        session.quiet = false;
        true
    }

    /// A part of its claims arrived; whether the set is complete now and differs from what was known.
    pub fn claims_part(&mut self, part: &ClaimsPart) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        if part.claims.version < session.known.version {
            return false;
        }
        let fresh = session
            .assembly
            .as_ref()
            .is_none_or(|a| a.of != part.claims || a.parts != part.parts);
        if fresh {
            session.assembly = Some(Assembly {
                of: part.claims,
                parts: part.parts,
                received: BTreeMap::new(),
            });
        }
        let Some(assembly) = &mut session.assembly else {
            return false;
        };
        assembly.received.insert(part.part, part.entries.clone());
        if assembly.received.len() < usize::from(assembly.parts) {
            return false;
        }
        let claims: ClaimSet = assembly.received.values().flatten().copied().collect();
        session.assembly = None;
        if claims.digest() != part.claims.digest {
            return false; // Torn: it is fetched again.
        }
        let changed = session.claims != claims || session.known != part.claims;
        session.claims = claims;
        session.known = part.claims;
        changed
    }

    /// Whether there was two-way contact within [`DOWN_AFTER`], and nobody found its node to be gone since.
    pub fn is_up(&self, now: Instant) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| now.since(session.contact) <= DOWN_AFTER && session.condemned().is_none())
    }

    /// The short form of its boot id.
    pub fn boot(&self) -> Option<[u8; 8]> {
        self.session.as_ref().map(|session| session.boot.short())
    }

    /// Its node was found to be gone from one of its networks, until it is heard there again. Whether that is news; a verdict
    /// about another boot is none.
    pub fn condemn(&mut self, from: IpNet, boot: [u8; 8], silence: Duration, now: Instant) -> bool {
        let session = self.session.as_mut().filter(|s| s.boot.short() == boot);
        let Some(session) = session.filter(|s| s.has(from) && !s.gone.contains_key(&from)) else {
            return false;
        };
        session.gone.insert(from, Condemned { at: now, silence });
        session.quiet = true;
        true
    }

    /// The verdict on its node, which is gone from all its networks, if it was not heard since.
    pub fn condemned(&self) -> Option<Condemned> {
        self.session.as_ref()?.condemned()
    }

    /// The networks that it is gone from, whether or not it is heard elsewhere.
    pub fn gone(&self) -> impl Iterator<Item = (IpNet, Condemned)> + '_ {
        let gone = self.session.iter().flat_map(|session| &session.gone);
        gone.map(|(from, condemned)| (*from, *condemned))
    }

    /// Whether it is gone from one of them.
    pub fn is_gone_from(&self, network: IpNet) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.gone.contains_key(&network))
    }

    /// The verdict that takes an address from it: it has interfaces in networks that carry the address, and is gone from all of
    /// them.
    pub fn lost(&self, carries: impl Fn(IpNet) -> bool) -> Option<Condemned> {
        let session = self.session.as_ref().filter(|session| !session.gone.is_empty())?;
        let interfaces = session.interfaces.iter();
        let there = interfaces.filter(|interface| carries(interface.network));
        let verdicts = there.map(|interface| session.gone.get(&interface.network.trunc()).copied());
        verdicts
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .max_by_key(|c| c.at)
    }

    /// It is there again: the verdicts that an address of it takes back.
    pub(super) fn take_back(&mut self, address: IpAddr) -> Vec<(IpNet, Condemned)> {
        let sessions = self.session.iter_mut();
        let back =
            sessions.flat_map(|session| session.gone.extract_if(.., |from, _| from.contains(&address)));
        back.collect()
    }

    /// Something of it came from this address. Whoever is heard in a network is not gone from there; nor from one of which
    /// this node cannot tell, once it is heard at all.
    pub(super) fn came(&mut self, from: IpAddr, can_tell: impl Fn(IpNet) -> bool) {
        if let Some(session) = &mut self.session {
            session
                .gone
                .retain(|network, _| can_tell(*network) && !network.contains(&from));
        }
    }

    /// What is heard of it on a segment.
    pub(super) fn hearing(&mut self, segment: Option<IpNet>, now: Instant) -> Option<&mut Hearing> {
        let session = self.session.as_mut()?;
        Some(
            session
                .hearings
                .entry(segment)
                .or_insert_with(|| Hearing::new(now)),
        )
    }

    /// Forgets what was heard where this node has no interface any more.
    pub(super) fn retain_hearings(&mut self, here: impl Fn(Option<IpNet>) -> bool) {
        if let Some(session) = &mut self.session {
            session.hearings.retain(|segment, _| here(*segment));
        }
    }

    /// Whether it was ever heard on a segment, and heard us there.
    pub(super) fn is_known_on(&self, segment: IpNet) -> bool {
        let hearings = self.session.as_ref().map(|session| &session.hearings);
        hearings
            .and_then(|hearings| hearings.get(&Some(segment)))
            .is_some_and(Hearing::is_known)
    }

    /// Its answers to this node itself on a segment.
    pub(super) fn answers_on(&self, segment: IpNet) -> Option<Row> {
        self.session.as_ref()?.hearings.get(&Some(segment))?.answers()
    }

    /// When the last of them came.
    pub(super) fn answered_on(&self, segment: IpNet) -> Option<Instant> {
        self.answers_on(segment).map(|row| row.last)
    }

    /// When it is down unless it is heard again; `None` while it is.
    pub fn down_at(&self, now: Instant) -> Option<Instant> {
        let contact = self.session.as_ref().filter(|_| self.is_up(now))?.contact;
        Some(contact + DOWN_AFTER + Duration::from_nanos(1))
    }

    /// Since when nothing two-way was heard.
    pub fn silent_for(&self, now: Instant) -> Option<Duration> {
        self.session.as_ref().map(|session| now.since(session.contact))
    }

    /// Since when this boot of it is known here.
    pub(super) fn since(&self) -> Option<Instant> {
        self.session.as_ref().map(|session| session.since)
    }

    /// It says that somebody has to answer for these boots; whether that is news.
    pub(super) fn name_at_rest(&mut self, boots: &BTreeSet<[u8; 8]>) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let news = !boots.is_subset(&session.at_rest);
        if session.at_rest.len() > NAMED {
            session.at_rest.clear();
        }
        session.at_rest.extend(boots);
        news
    }

    /// Whether it has ever said that somebody has to answer for a boot. If it does not say so any more it knows why.
    pub(super) fn knows_at_rest(&self, boot: [u8; 8]) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.at_rest.contains(&boot))
    }

    /// Whether its heartbeat is late.
    pub fn is_late(&self, now: Instant) -> bool {
        self.silent_for(now)
            .is_some_and(|silence| silence > SUSPECT_AFTER)
    }

    /// Whether it has heard something that I sent at `since` or later, and I have heard that.
    pub fn was_reached_since(&self, since: Instant) -> bool {
        let reached = self.session.as_ref().and_then(|session| session.reached);
        reached.is_some_and(|sent| sent >= since)
    }

    /// Whether its heartbeats arrive, whether or not it hears ours.
    pub fn is_heard(&self, now: Instant) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| now.since(session.heard) <= DOWN_AFTER)
    }

    /// Whether its heartbeats arrive although it does not hear ours, and have not done so for long.
    pub fn is_one_way(&self, now: Instant) -> bool {
        // Its kernel does not answer either: that is no matter of a neighbour that was lost for a moment.
        if self.condemned().is_some() {
            return false;
        }
        let doubtful = self
            .silent_for(now)
            .is_some_and(|silent| silent <= DOWN_AFTER + ONE_WAY);
        doubtful && self.is_heard(now) && !self.is_up(now)
    }

    /// When it is neither up nor [one-way](Self::is_one_way) any more unless it is heard again.
    pub fn given_up_at(&self, now: Instant) -> Option<Instant> {
        let session = self.session.as_ref().filter(|_| self.is_one_way(now))?;
        let silent = session.heard + DOWN_AFTER;
        Some(silent.min(session.contact + DOWN_AFTER + ONE_WAY) + Duration::from_nanos(1))
    }

    /// It said that it is stopping.
    pub fn is_leaving(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.leaving)
    }

    /// It said that it will be back, and answers nothing until then.
    pub fn is_resting(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.resting)
    }

    /// Whether its Services can be reached through it.
    pub fn serving(&self) -> Serving {
        self.session
            .as_ref()
            .map(|session| session.serving)
            .unwrap_or_default()
    }

    /// Its setting, as it travels.
    pub(super) fn failback(&self) -> Option<u32> {
        self.session.as_ref().map(|session| session.failback)
    }

    /// Its node's kernel gave a sign of life.
    pub fn kernel_seen(&mut self, at: Instant) {
        if let Some(session) = &mut self.session {
            session.kernel = session.kernel.max(Some(at));
        }
    }

    /// While its speaker is silent or resting and its kernel lives, others answer for it; until when, if there is no
    /// other sign of life.
    pub fn stood_in_for_until(&self, now: Instant) -> Option<Instant> {
        let session = self.session.as_ref()?;
        let down = session.resting || now.since(session.contact) > DOWN_AFTER;
        if !down || session.leaving || session.condemned().is_some() {
            return None;
        }
        let until = (session.kernel? + KERNEL_FRESH).min(session.contact + STAND_IN);
        (now <= until).then_some(until)
    }

    /// It answered for an address that it claims.
    pub fn answered_itself(&mut self, at: Instant) {
        self.kernel_seen(at);
        if let Some(session) = &mut self.session {
            session.answers = Some(at);
        }
    }

    /// Its heartbeats do not arrive, and it answers for its addresses all the same: until when that is believed.
    pub fn answers_until(&self, now: Instant) -> Option<Instant> {
        let until = self.session.as_ref().filter(|s| !s.resting)?.answers? + ANSWERS_FRESH;
        (now <= until).then_some(until)
    }

    /// Since which epoch an earlier boot of it claimed an address, and until when it may take that up again.
    pub fn inherits(&self, address: IpAddr, now: Instant) -> Option<(u64, Instant)> {
        let (claims, until) = self.session.as_ref()?.inherited.as_ref()?;
        let epoch = claims.epoch(address)?;
        (now < *until).then_some((epoch, *until))
    }

    /// What an earlier boot of it claimed and it may still take up again.
    pub fn inherited(&self, now: Instant) -> impl Iterator<Item = (IpAddr, u64)> + '_ {
        let session = self.session.iter();
        let open = session.filter_map(move |session| {
            let (before, until) = session.inherited.as_ref()?;
            (now < *until).then_some((session, before))
        });
        open.flat_map(|(session, before)| {
            before
                .iter()
                .filter(|(key, _)| session.claims.epoch(*key).is_none())
        })
    }

    /// Whether its claims are known as it last announced them.
    pub fn is_synced(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.known == session.announced)
    }

    /// Whether its claims should be asked for now.
    pub fn wants_fetch(&mut self, now: Instant) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let behind = session.known != session.announced;
        let waited = session.fetched.is_none_or(|at| now.since(at) >= FETCH_AGAIN);
        if behind && waited {
            session.fetched = Some(now);
        }
        behind && waited
    }

    /// What it claims, as far as it is known; also after it went down.
    pub fn claim(&self, address: IpAddr) -> Option<u64> {
        self.session.as_ref()?.claims.epoch(address)
    }

    /// Everything it claims.
    pub fn claims(&self) -> impl Iterator<Item = (IpAddr, u64)> + '_ {
        self.session.iter().flat_map(|session| session.claims.iter())
    }

    /// The IPv6 networks that it can announce in.
    pub fn networks_v6(&self) -> &[Ipv6Net] {
        self.session.as_ref().map_or(&[], |session| &session.networks_v6)
    }

    /// The first of its interfaces in each of its networks: the one that answers.
    pub(super) fn answering(&self) -> impl Iterator<Item = WireInterface> + '_ {
        let mut seen = BTreeSet::new();
        let interfaces = self.interfaces().iter().copied();
        interfaces.filter(move |interface| seen.insert(interface.network.trunc()))
    }

    /// The networks that they are in.
    pub(super) fn networks(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.session.iter().flat_map(Session::networks)
    }

    /// Whether it has an interface in a network.
    pub(super) fn has(&self, network: IpNet) -> bool {
        self.session.as_ref().is_some_and(|session| session.has(network))
    }

    /// Its announcing interfaces.
    pub fn interfaces(&self) -> &[WireInterface] {
        self.session.as_ref().map_or(&[], |session| &session.interfaces)
    }

    /// What my heartbeat of this sequence echoes of it: its newest heartbeat, and that of a boot that is not known yet, in turns.
    /// Not the latter alone: anybody on the LAN can play a recorded one, of a boot that is gone, and the living one must go on
    /// to be echoed. Of what came by the segment that it leaves by, if anything did: that is what makes a segment two-way.
    pub fn echo(
        &self,
        beat: u64,
        segment: Option<IpNet>,
        now: Instant,
    ) -> impl Iterator<Item = ([u8; 8], u64)> + use<> {
        let noticed = self.noticed.turn(beat, now);
        let noticed = noticed.map(|boot| (boot.id.short(), boot.sequence));
        let session = self.session.as_ref().map(|session| {
            let here = session
                .hearings
                .get(&segment)
                .and_then(|hearing| hearing.echo(now));
            (session.boot.short(), here.unwrap_or(session.heartbeat))
        });
        noticed.into_iter().chain(session)
    }
}

impl Session {
    fn networks(&self) -> impl Iterator<Item = IpNet> + '_ {
        let interfaces = self.interfaces.iter();
        interfaces.map(|interface| interface.network.trunc())
    }

    fn has(&self, network: IpNet) -> bool {
        self.networks().any(|its| its == network)
    }

    fn condemned(&self) -> Option<Condemned> {
        let last = self
            .gone
            .values()
            .max_by_key(|condemned| condemned.at)
            .filter(|_| self.quiet)?;
        // A network in which it was never heard, of containers or of a cable to somebody else, tells nothing. By way of a
        // router it may be heard again at any time.
        let known = |segment: &Option<IpNet>| self.hearings.get(segment).is_some_and(Hearing::is_known);
        let segments = self.hearings.keys().filter(|segment| known(segment));
        let known_in = |network: &IpNet| {
            let mut segments = segments.clone().flatten();
            segments.any(|segment| segment.contains(network) || network.contains(segment))
        };
        let everywhere = |network: IpNet| {
            let gone = self.gone.contains_key(&network);
            gone || !known(&None) && !known_in(&network)
        };
        self.networks().all(everywhere).then_some(*last)
    }

    /// What is left to the next boot of the same speaker: its claims, unless others have a right to them by now.
    fn bequeath(self, now: Instant) -> Option<(ClaimSet, Instant)> {
        let lapsed = self.leaving || self.condemned().is_some() || now.since(self.contact) > STAND_IN;
        let claims = match self.inherited {
            Some((before, until)) if self.claims.is_empty() && now < until => before,
            _ => self.claims,
        };
        (!lapsed && !claims.is_empty()).then_some((claims, now + RESUMED_WITHIN))
    }

    fn new(boot: BootId, now: Instant) -> Self {
        Self {
            boot,
            since: now,
            window: Window::default(),
            heartbeat: 0,
            contact: now,
            heard: now,
            reached: None,
            gone: BTreeMap::new(),
            quiet: false,
            hearings: BTreeMap::new(),
            leaving: false,
            resting: false,
            serving: Serving::default(),
            failback: 0,
            kernel: None,
            answers: None,
            inherited: None,
            interfaces: Vec::new(),
            networks_v6: Vec::new(),
            at_rest: BTreeSet::new(),
            announced: ClaimsVersion::default(),
            claims: ClaimSet::default(),
            known: ClaimsVersion {
                version: 0,
                digest: ClaimSet::default().digest(),
            },
            assembly: None,
            fetched: None,
        }
    }
}

/// Which sequences were seen: the newest and the 64 before it (RFC 4303 section 3.4.3).
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    newest: u64,
    seen: u64,
}

impl Window {
    fn accept(&mut self, sequence: u64) -> bool {
        if sequence > self.newest {
            let ahead = sequence - self.newest;
            self.seen = if ahead < 64 { self.seen << ahead } else { 0 } | 1;
            self.newest = sequence;
            return true;
        }
        let behind = self.newest - sequence;
        if behind >= 64 || self.seen & (1 << behind) != 0 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

#[cfg(test)]
mod tests;
