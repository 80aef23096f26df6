//! What the judge keeps of what happened, and in which order it tells it.

use std::time::{Duration, Instant};

use super::{Entry, Fact, Lane, in_order};

struct Run {
    began: Instant,
    entries: Vec<Entry>,
}

impl Run {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            entries: Vec::new(),
        }
    }

    fn at(mut self, ms: u64, lane: Lane, text: &str, gives: &[Fact], needs: &[Fact]) -> Self {
        self.entries.push(Entry {
            gives: gives.to_vec(),
            needs: needs.to_vec(),
            ..Entry::new(self.began + Duration::from_millis(ms), lane, text.to_owned())
        });
        self
    }

    fn told(self) -> Vec<String> {
        in_order(self.entries)
            .into_iter()
            .map(|entry| entry.text)
            .collect()
    }
}

#[test]
fn what_runs_side_by_side_is_told_by_lane_whoever_was_first() {
    let run = |lease: u64, frame: u64| {
        Run::new()
            .at(0, Lane::Person, "create", &[], &[])
            .at(5, Lane::Allocator, "status", &[Fact::Address], &[])
            .at(lease, Lane::Router, "lease", &[], &[Fact::Address])
            .at(frame, Lane::Wire, "frame", &[], &[Fact::Address])
            .told()
    };
    assert_eq!(run(7, 8), ["create", "status", "lease", "frame"]);
    assert_eq!(run(8, 7), run(7, 8));
}

#[test]
fn an_effect_before_its_cause_is_told_before_it() {
    let told = Run::new()
        .at(0, Lane::Person, "create", &[], &[])
        .at(6, Lane::Allocator, "status", &[Fact::Address], &[])
        .at(5, Lane::Wire, "frame", &[], &[Fact::Address])
        .told();
    assert_eq!(told, ["create", "frame", "status"]);
}

#[test]
fn one_actor_keeps_its_order_and_waits_for_what_it_needs() {
    let told = Run::new()
        .at(1, Lane::Router, "lease", &[], &[])
        .at(2, Lane::Speaker, "record", &[Fact::Announcer], &[])
        .at(3, Lane::Router, "arp", &[], &[Fact::Announcer])
        .at(4, Lane::Router, "later", &[], &[])
        .told();
    assert_eq!(told, ["lease", "record", "arp", "later"]);
}

#[test]
fn a_watch_event_follows_its_own_write_only() {
    let told = Run::new()
        .at(1, Lane::Allocator, "status", &[Fact::Version(7)], &[])
        .at(2, Lane::Watch, "added", &[], &[Fact::Version(6)])
        .at(3, Lane::Watch, "modified", &[], &[Fact::Version(7)])
        .told();
    assert_eq!(told, ["added", "status", "modified"]);
}
