//! What is sent to peers and what is made of what they send.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::peer::{Condemned, Heard};
use super::wire::{
    Body, CLAIMS_PER_PART, ClaimsPart, ClaimsVersion, Datagram, Heartbeat, MAX_INTERFACES, MAX_PARTS,
    SurveyReport, WireError,
};
use super::{BootId, CONTACT, Departure, Election, MAX_PEERS, Output, PERIOD, PERIOD_JITTER, Peer};
use crate::model::{Instant, NodeName};

/// Heartbeats of mine that may still be echoed: [`CONTACT`] at ten times the usual rate, on each of the segments that a node
/// may have.
pub(super) const SENT_REMEMBERED: usize = 64 * MAX_INTERFACES;

/// What a peer was believed to be gone from, and its boot.
type Gone = ([u8; 8], Vec<(IpNet, Condemned)>);

/// A heartbeat of mine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    sequence: u64,
    at: Instant,
    /// The segment that it left by.
    pub(super) by: Option<IpNet>,
}

/// A heartbeat ahead of its time follows the one before at this distance at least: when fifty speakers start together,
/// each of them is news to all others.
const HASTE: Duration = Duration::from_millis(20);

/// Changed claims are sent at once and with the next two heartbeats: a lost one must not leave two nodes answering
/// until the next fetch.
pub(super) const CLAIMS_REPEATED: u8 = 3;

/// For so long after a verdict its subject is told of claims, and so often: until its own heartbeat must have come.
const CONCERNED: Duration = Duration::from_millis(350);
const CONCERNED_AGAIN: Duration = Duration::from_millis(5);

/// Why a datagram was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// It is not a datagram of this cluster.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It was seen before, or comes from a speaker that has not echoed us.
    #[error("it is a replay, or its sender has not heard us yet")]
    NotAccepted,
    /// It carries our own name: a second speaker on this node, or a reflection.
    #[error("it carries this node's own name")]
    Own,
    /// There are more peers than anyone has.
    #[error("more than {MAX_PEERS} peers")]
    TooManyPeers,
}

impl Dropped {
    /// A bounded name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wire(error) => error.as_str(),
            Self::NotAccepted => "not_accepted",
            Self::Own => "own",
            Self::TooManyPeers => "too_many_peers",
        }
    }
}

impl Election {
    /// A datagram arrived. A survey report in it is handed back: it is not the election's business.
    ///
    /// # Errors
    /// Why it was dropped.
    pub fn receive(
        &mut self,
        from: IpAddr,
        bytes: &[u8],
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Result<Option<(NodeName, SurveyReport)>, Dropped> {
        let datagram = Datagram::decode(bytes, &self.key).inspect_err(|error| {
            if matches!(error, WireError::OtherKey(_) | WireError::Signature) {
                self.note_other_key(from, now);
            }
        })?;
        if datagram.node == self.me {
            return Err(Dropped::Own);
        }
        if !self.peers.contains_key(&datagram.node) && self.peers.len() >= MAX_PEERS {
            return Err(Dropped::TooManyPeers);
        }
        let returns = self.is_return_of(&datagram.node);
        let Datagram {
            boot,
            sequence,
            node,
            body,
        } = datagram;
        let known = self.peers.get(&node);
        let gone = known.and_then(|peer| Some((peer.boot()?, peer.gone().collect::<Vec<_>>())));
        if let Body::Heartbeat(heartbeat) = body {
            let heard = self.take_heartbeat(&node, (boot, sequence), &heartbeat, from, now);
            self.note_disproof(&node, gone, now);
            match heard {
                Heard::Accepted { .. } if returns => self.begin_return(now, out),
                Heard::Noticed if returns => self.begin_doubtful_return(now, out),
                _ => {}
            }
            return self.heard(&node, from, heard, now, out);
        }
        let peer = self.peers.get_mut(&node);
        if !peer.is_some_and(|peer| peer.accepts(boot, sequence)) {
            return Err(Dropped::NotAccepted);
        }
        if returns {
            self.begin_return(now, out);
        }
        self.came(&node, from);
        self.note_disproof(&node, gone, now);
        match body {
            Body::Fetch => self.send_claims(from, out),
            Body::Claims(part) => self.told_claims(&node, &part),
            Body::Survey(report) => return Ok(Some((node, report))),
            Body::Former(part) => self.had_before(&part),
            Body::Offer(offer) => self.offered(&node, &offer, now, out),
            Body::Poll(about) => self.polled(&node, &about, now, out),
            Body::Contact(about) => self.contact(&about, now),
            Body::AtRest(boots) => self.told_rests(&node, &boots),
            Body::Gone(verdict) => self.told_gone(&node, &verdict, now, out),
            Body::Heartbeat(_) => {}
        }
        Ok(None)
    }

    /// What a heartbeat says of the peer.
    fn take_heartbeat(
        &mut self,
        node: &NodeName,
        (boot, sequence): (BootId, u64),
        heartbeat: &Heartbeat,
        from: IpAddr,
        now: Instant,
    ) -> Heard {
        let echoed = self.echoed(heartbeat, now);
        let peer = self.peers.entry(node.clone()).or_insert_with(|| Peer::new(from));
        let changes = peer.interfaces() != heartbeat.interfaces;
        let before: Option<BTreeSet<IpNet>> = changes.then(|| peer.networks().collect());
        let heard = peer.heartbeat(boot, sequence, heartbeat, echoed.map(|sent| sent.at), now);
        let near = self.interfaces.iter().any(|mine| mine.network.contains(&from));
        peer.noticed_near(boot, Some(from).filter(|_| near));
        if let Some(before) = before {
            self.heard_again
                .retain(|(name, network), _| name != node || peer.has(*network));
            let new = peer.networks().filter(|network| !before.contains(network));
            self.heard_again
                .extend(new.map(|network| ((node.clone(), network), now)));
        }
        if matches!(heard, Heard::Accepted { .. }) {
            self.came(node, from);
            self.beat(node, self.segment_of(from), sequence, echoed, now);
        }
        heard
    }

    fn told_claims(&mut self, node: &NodeName, part: &ClaimsPart) {
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        let complete = peer.claims_part(part);
        let synced = peer.is_synced();
        if complete {
            self.learn_epochs(node);
        }
        if synced {
            self.caught_up_with(node);
        }
    }

    /// A process that was condemned with its node speaks, in the network that it was said to be gone from.
    fn note_disproof(&mut self, node: &NodeName, before: Option<Gone>, now: Instant) {
        let Some((boot, gone)) = before else { return };
        for (network, condemned) in gone {
            let peer = self.peers.get(node).filter(|peer| peer.boot() == Some(boot));
            // Who has no interface there any more is not heard there.
            if peer.is_some_and(|peer| !peer.is_gone_from(network) && peer.has(network)) {
                self.disproved(node, network, condemned, now);
            }
            self.dirty = true;
        }
    }

    /// Whoever is on the LAN can send such a datagram: it only counts from where a speaker should be heard.
    fn note_other_key(&mut self, from: IpAddr, now: Instant) {
        for peer in self
            .peers
            .values_mut()
            .filter(|peer| peer.ready && peer.address == from)
        {
            peer.other_key = Some(now);
        }
    }

    fn heard(
        &mut self,
        node: &NodeName,
        from: IpAddr,
        heard: Heard,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Result<Option<(NodeName, SurveyReport)>, Dropped> {
        match heard {
            Heard::Replay => return Err(Dropped::NotAccepted),
            Heard::Noticed => {
                // It cannot be up before it hears its echo: do not make it wait for the next period.
                self.hasten(now);
                return Ok(None);
            }
            Heard::Accepted { arrived, changed } => {
                self.dirty |= changed;
                if arrived {
                    self.hasten(now);
                    self.dirty = true;
                    // Perhaps another start of one that was not missed in between: what it claims is not known, either.
                    self.arrived.insert(node.clone(), now);
                }
            }
        }
        let Some(peer) = self.peers.get_mut(node) else {
            return Ok(None);
        };
        self.dirty |= !peer.is_synced() || peer.is_leaving() || peer.is_resting();
        if peer.wants_fetch(now) {
            self.send(from, Body::Fetch, out);
        }
        Ok(None)
    }

    pub(super) fn learn_epochs(&mut self, node: &NodeName) {
        let claims: Vec<_> = self
            .peers
            .get(node)
            .map(|peer| peer.claims().collect())
            .unwrap_or_default();
        for (key, epoch) in claims {
            let highest = self.highest.entry(key).or_insert(epoch);
            *highest = epoch.max(*highest);
        }
        self.dirty = true;
    }

    /// The heartbeat of mine that this one echoes, if it left within [`CONTACT`].
    fn echoed(&self, heartbeat: &Heartbeat, now: Instant) -> Option<Sent> {
        let echo = heartbeat.echoes.get(&self.boot.short())?;
        let sent = self.sent.iter().find(|sent| sent.sequence == *echo)?;
        (now.since(sent.at) <= CONTACT).then_some(*sent)
    }

    /// The next heartbeat leaves as soon as it may.
    pub(super) fn hasten(&mut self, now: Instant) {
        let soon = self.last_beat.map_or(now, |last| now.max(last + HASTE));
        self.next_beat = self.next_beat.min(soon);
    }

    /// The heartbeat that is due, with the claims when they changed.
    pub(super) fn talk(&mut self, now: Instant, random: &mut dyn FnMut() -> u64, out: &mut Vec<Output>) {
        let changed = std::mem::take(&mut self.claims_changed);
        if !changed && now < self.next_beat {
            return;
        }
        if changed {
            self.telling = Some((now, now + CONCERNED));
        }
        let spread = u64::try_from(2 * PERIOD_JITTER.as_nanos()).unwrap_or(1);
        let jitter = Duration::from_nanos(random() % (spread + 1));
        self.last_beat = Some(now);
        self.next_beat = now + PERIOD.saturating_sub(PERIOD_JITTER) + jitter;
        self.rotate = self.rotate.wrapping_add(40);
        for (segment, targets) in self.beat_ways(now) {
            self.send_heartbeat(segment, &targets, now, out);
        }
        self.watch_segments(now, random, out);
        self.tell_former(now, out);
        self.vouch_for_the_silent(now, out);
        self.name_rests(out);
        self.ask_the_silent(now, out);
        if self.announce_claims > 0 {
            self.announce_claims -= 1;
            for to in self.others(None) {
                self.send_claims(to, out);
            }
        }
    }

    fn send_heartbeat(&mut self, by: Option<IpNet>, targets: &[IpAddr], now: Instant, out: &mut Vec<Output>) {
        self.sequence += 1;
        self.sent.push_back(Sent {
            sequence: self.sequence,
            at: now,
            by,
        });
        while self.sent.len() > SENT_REMEMBERED
            || self.sent.front().is_some_and(|sent| now.since(sent.at) > CONTACT)
        {
            self.sent.pop_front();
        }
        let beats = self.segments.beats();
        let heartbeat = Heartbeat {
            leaving: self.departure == Some(Departure::ForGood),
            resting: self.departure == Some(Departure::BackSoon),
            settled: self.is_settled(now),
            serving: self.serving,
            failback: self.failback.code(),
            claims: self.claims_version(),
            interfaces: self.interfaces.clone(),
            networks_v6: self.networks_v6.keys().copied().collect(),
            echoes: self
                .peers
                .values()
                .flat_map(|peer| peer.echo(beats, by, now))
                .collect(),
        };
        let datagram = Datagram {
            boot: self.boot,
            sequence: self.sequence,
            node: self.me.clone(),
            body: Body::Heartbeat(heartbeat),
        };
        let bytes: Arc<[u8]> = datagram.encode(&self.key, self.rotate).into();
        out.extend(targets.iter().map(|to| Output::Send {
            to: *to,
            bytes: bytes.clone(),
        }));
    }

    fn claims_version(&self) -> ClaimsVersion {
        ClaimsVersion {
            version: self.version,
            digest: self.claims.digest(),
        }
    }

    pub(super) fn send_claims(&mut self, to: IpAddr, out: &mut Vec<Output>) {
        let entries: Vec<(IpAddr, u64)> = self
            .claims
            .iter()
            .take(CLAIMS_PER_PART * usize::from(MAX_PARTS))
            .collect();
        let claims = self.claims_version();
        let parts = u16::try_from(entries.len().div_ceil(CLAIMS_PER_PART).max(1)).unwrap_or(MAX_PARTS);
        for part in 0..parts {
            let start = usize::from(part) * CLAIMS_PER_PART;
            let entries = entries
                .iter()
                .skip(start)
                .take(CLAIMS_PER_PART)
                .copied()
                .collect();
            self.send(
                to,
                Body::Claims(ClaimsPart {
                    claims,
                    part,
                    parts,
                    entries,
                }),
                out,
            );
        }
    }

    /// Tells every peer what a survey found.
    pub fn report(&mut self, report: &SurveyReport, out: &mut Vec<Output>) {
        for to in self.others(None) {
            self.send(to, Body::Survey(report.clone()), out);
        }
    }

    /// Where the peers are that are up, but for one, by each way to them.
    pub(super) fn others(&self, except: Option<&NodeName>) -> Vec<IpAddr> {
        let names = self.up.iter().filter(|name| Some(*name) != except);
        names.flat_map(|name| self.ways_to(name)).collect()
    }

    /// Tells whoever was found to be gone what has been claimed since. If its link had only blinked it still answers, may
    /// hear and not be able to ask, and must cease. It may be cut off yet when it is told first.
    pub(super) fn tell_the_gone(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some((due, until)) = self.telling.filter(|(due, _)| *due <= now) else {
            return;
        };
        // From one of its networks: where it is heard on another, it may not be for long.
        let lately = |peer: &&Peer| peer.gone().any(|(_, verdict)| now.since(verdict.at) <= CONCERNED);
        let gone = self.peers.values().filter(lately);
        let gone: Vec<IpAddr> = gone
            .flat_map(|peer| self.ways(peer, false).into_values())
            .collect();
        // Nearly always nobody is: then nothing is to be woken up for.
        let next = due.max(now) + CONCERNED_AGAIN;
        self.telling = (!gone.is_empty() && next <= until).then_some((next, until));
        for to in gone {
            self.send_claims(to, out);
        }
    }

    pub(super) fn send(&mut self, to: IpAddr, body: Body, out: &mut Vec<Output>) {
        self.sequence += 1;
        let datagram = Datagram {
            boot: self.boot,
            sequence: self.sequence,
            node: self.me.clone(),
            body,
        };
        out.push(Output::Send {
            to,
            bytes: datagram.encode(&self.key, 0).into(),
        });
    }
}
