//! One way to ask a peer's kernel: from one of our interfaces to one of its.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ipnet::IpNet;

use super::EVERY;
use super::detection::Detection;
use crate::election::wire::WireInterface;
use crate::model::{Instant, NodeName, Question};

/// So many answers in a row make a path usable: until then its silence means nothing.
const USABLE: u32 = 10;
/// Questions that may still be answered: 300 ms of them at the usual pace.
const REMEMBERED: usize = 32;
/// Silence means something when so many questions left since the last answer.
const ENOUGH: u32 = 3;
/// A link that is just back answers within this: a wired LAN in a third of it, with the time that a kernel that does not
/// know our address yet needs to ask for it.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_micros(700);
/// The last question before a verdict leaves so long before it: the time to answer it, and a tenth of a millisecond by which
/// timers are late.
pub(super) const LAST_CALL: Duration = Duration::from_micros(800);
/// A path whose own answers fail to come for so long is not usable, whoever else vouches for the peer: a firewall that
/// was closed just now.
const STALE: Duration = Duration::from_secs(2);
/// Whoever asked longer ago has judged by now.
const WANTED_FOR: Duration = Duration::from_millis(100);

/// A way, and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) mine: WireInterface,
    pub(super) theirs: WireInterface,
    /// Whether this node is one of the two that watch the peer there.
    pub(super) watched: bool,
    pub(super) detection: Detection,
    /// Peers that want to hear of the next answer to a question asked since.
    wanted_by: BTreeMap<NodeName, Instant>,
    /// One of them wants it asked now.
    wanted: bool,
    asked: VecDeque<(Question, Instant)>,
    answered: Option<Instant>,
    /// Silence counts from here: the last sign of life, or when this speaker was last late itself.
    since: Instant,
    /// Answers in a row, as far as they are counted.
    row: u32,
    /// Questions that left since then, in their turn or out of it.
    unanswered: u32,
    /// When the first of them left.
    missed: Instant,
    /// The gap that is open now is, or may be, of our own making.
    ours: bool,
}

impl Path {
    /// `detection`: what was learned when there was this way before.
    pub(super) fn new(
        mine: WireInterface,
        theirs: WireInterface,
        detection: Detection,
        now: Instant,
    ) -> Self {
        Self {
            mine,
            theirs,
            watched: false,
            detection,
            wanted_by: BTreeMap::new(),
            wanted: false,
            asked: VecDeque::new(),
            answered: None,
            since: now,
            row: 0,
            unanswered: 0,
            missed: now,
            ours: true,
        }
    }

    /// The peer's network that it leads to.
    pub(super) fn network(&self) -> IpNet {
        self.theirs.network.trunc()
    }

    /// Begins or ends to be watched. What was learned of its gaps stays.
    pub(super) fn watch(&mut self, watched: bool, now: Instant) {
        if self.watched != watched {
            self.watched = watched;
            self.give_up();
            self.late(now);
        }
    }

    /// A peer wants to know whether this one answers.
    pub(super) fn want(&mut self, by: NodeName, now: Instant) {
        self.wanted_by.insert(by, now);
        self.wanted = true;
    }

    /// Whether a peer waits for a question that has not left yet.
    pub(super) const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Who wants to hear of an answer to what was asked at `asked`.
    pub(super) fn take_wanting(&mut self, asked: Instant) -> Vec<NodeName> {
        let early = |since: &Instant| *since <= asked;
        let names = self.wanted_by.extract_if(.., |_, since| early(since));
        names.map(|(name, _)| name).collect()
    }

    /// A question leaves, at its time.
    pub(super) fn ask(&mut self, question: Question, now: Instant) {
        self.wanted = false;
        self.wanted_by.retain(|_, since| now.since(*since) <= WANTED_FOR);
        if self.row < USABLE && self.unanswered > 0 {
            self.row = 0;
        }
        if self.asked.len() == REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back((question, now));
        if self.unanswered == 0 {
            self.missed = now;
        }
        self.unanswered += 1;
    }

    /// An answer arrived. Returns when its question left, if it is one of ours; each is taken once.
    pub(super) fn answer(&mut self, question: Question, arrived: Instant, now: Instant) -> Option<Instant> {
        let place = self.asked.iter().position(|(asked, _)| *asked == question)?;
        let (_, left) = self.asked.remove(place)?;
        // By the kernel's stamp, which a clock that was set may have spoiled.
        let arrived = arrived.clamp(left, now);
        if let Some(before) = self.answered
            && !self.ours
            && self.watched
        {
            self.detection.gap(arrived.since(before), now);
        }
        self.ours = false;
        self.answered = self.answered.max(Some(arrived));
        self.row = self.row.saturating_add(1);
        self.alive(arrived);
        Some(left)
    }

    /// Some other sign of life.
    pub(super) fn alive(&mut self, at: Instant) {
        self.since = self.since.max(at);
        self.unanswered = 0;
    }

    /// This speaker was late: what it did not ask cannot have been answered.
    pub(super) fn late(&mut self, now: Instant) {
        self.alive(now);
        self.ours = true;
    }

    /// Silence means nothing here before the row of answers is complete again.
    pub(super) fn give_up(&mut self) {
        self.row = 0;
        self.ours = true;
    }

    pub(super) fn is_usable(&self, now: Instant) -> bool {
        let answered = self.answered.is_some_and(|at| now.since(at) <= STALE);
        self.row >= USABLE && answered && !self.detection.is_off(now)
    }

    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.since(self.since)
    }

    /// When the peer becomes suspect: after half the detection time.
    pub(super) fn suspect_at(&self, now: Instant) -> Instant {
        self.since + self.detection.time(now) / 2
    }

    /// When its silence has lasted for the detection time. Of that, the pause before the first question that it did not
    /// answer is a period at most: by how much that one left late is nobody's silence but ours.
    pub(super) fn gone_at(&self, now: Instant) -> Instant {
        let time = self.detection.time(now);
        let asked = (self.unanswered > 0).then_some(self.missed + time.saturating_sub(EVERY));
        (self.since + time).max(asked.unwrap_or_default())
    }

    pub(super) fn is_gone(&self, now: Instant) -> bool {
        self.gone_at(now) <= now && self.unanswered >= ENOUGH && self.was_called_last(now)
    }

    /// Whether the last question before the verdict has left, and the time to answer it is over: this speaker may have slept
    /// through the moment for it.
    fn was_called_last(&self, now: Instant) -> bool {
        self.last_call_over(now).is_some_and(|over| over <= now)
    }

    /// When the time to answer the last question before the verdict is over, if that has left.
    pub(super) fn last_call_over(&self, now: Instant) -> Option<Instant> {
        let from = self.gone_at(now) - LAST_CALL;
        let calls = self
            .asked
            .iter()
            .map(|(_, left)| *left)
            .filter(|left| *left >= from);
        calls.min().map(|left| left + ANSWERED_WITHIN)
    }

    /// Whether it answered this node itself, lately enough to say to others that the peer lives: hearsay that is passed on
    /// would keep a dead one alive.
    pub(super) fn is_alive(&self, now: Instant) -> bool {
        let fresh = |at: Instant| now.since(at) < self.detection.time(now) / 2;
        self.is_usable(now) && self.answered.is_some_and(fresh)
    }
}

#[cfg(test)]
mod tests;
