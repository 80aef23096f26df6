//! One thing that happened, and the order in which things are told.
//!
//! The clock alone gives no text that two runs share: while the allocator writes the router's lease, the speaker sends
//! its first frame, and either may be first. So the clock decides only where one of two things could not have happened
//! without the other, or one actor did both; what runs side by side is told actor by actor, in the order of [`Lane`].
//!
//! The clock is never overruled: two things that are linked stand as they were seen. An effect that came before its
//! cause, a router row before the Service's status say, therefore stands before it, and the comparison fails.

use std::time::Instant;

/// Who did it: each lane is one sequential actor, whose own order is kept. The order of the lanes is that in which a
/// reader wants to hear of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Who creates and deletes the Service. All else follows from that.
    Person,
    /// A watch of Services, as both processes have one. When its lines are read depends on the reader.
    Watch,
    /// The allocator's desk and its writer of Services: a decision is logged, then written.
    Allocator,
    /// The allocator's writer of events, which nothing waits for.
    AllocatorEvents,
    /// A router's session and the router: one write at a time.
    Router,
    /// The ARP frames of nodes and router.
    Wire,
    /// The speaker's recorder and its writer of objects.
    Speaker,
    /// The speaker's writer of events, which nothing waits for.
    SpeakerEvents,
    /// Somebody on the LAN who asks, after all of that.
    Client,
}

/// What one actor needs of another before it can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    /// This resource version exists: its watch event follows the write that made it.
    Version(u64),
    /// The allocator has decided: its event tells the decision.
    Decision,
    /// The address stands in the Service's status, which is the gate for router rows, claims and frames.
    Address,
    /// The speaker has recorded its claim: its event tells so.
    Claim,
    /// The ServiceL2Status says who announces: the allocator has the MAC of the router's ARP row from there.
    Announcer,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) at: Instant,
    pub(super) lane: Lane,
    pub(super) gives: Vec<Fact>,
    pub(super) needs: Vec<Fact>,
    /// Lines, the first one with the actor's name in front.
    pub(super) text: String,
}

impl Entry {
    /// Something without links to other lanes.
    pub(super) fn new(at: Instant, lane: Lane, text: String) -> Self {
        Self {
            at,
            lane,
            gives: Vec::new(),
            needs: Vec::new(),
            text,
        }
    }

    /// Whether the clock's order of the two means something.
    fn is_linked(&self, other: &Self) -> bool {
        let feeds = |one: &Self, two: &Self| one.gives.iter().any(|fact| two.needs.contains(fact));
        self.lane == other.lane
            || self.lane == Lane::Person
            || other.lane == Lane::Person
            || feeds(self, other)
            || feeds(other, self)
    }
}

/// The order in which the entries are told: of those that follow nothing untold, the one of the first lane.
pub(super) fn in_order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| entry.at);
    let mut told = Vec::with_capacity(entries.len());
    while !entries.is_empty() {
        let follows_nothing = |index: &usize| {
            !entries[..*index]
                .iter()
                .any(|earlier| earlier.is_linked(&entries[*index]))
        };
        let next = (0..entries.len()).filter(follows_nothing);
        // The oldest one follows nothing, so there always is one.
        let next = next
            .min_by_key(|index| (entries[*index].lane, *index))
            .unwrap_or(0);
        told.push(entries.remove(next));
    }
    told
}

#[cfg(test)]
mod tests;
