//! What is promised of a speaker's troubles, against what was seen.

use std::time::Duration;

use super::super::measure::{Goal, Measure, Statistic, Unit};
use super::super::number::figure;
use super::{CONNECTIONS, Outcome, Seen, Trouble};

/// What is counted.
type Read = fn(&Seen) -> u64;

/// What only those notice who have no entry of the address.
const ASKING: &str = "longest time without an answer to who asks";

/// A speaker is missed after 350 ms and a heartbeat, whoever stands in for it is asked within 20 ms, and one more heartbeat may
/// be lost, in milliseconds.
const STOOD_IN_FOR: f64 = 600.0;

/// A time.
type Time = fn(&Seen) -> Duration;

/// What is told by trouble: of a client that has the address, and of one that asks for it.
const TOLD: [(&str, Time); 2] = [
    ("longest silence at the client", |seen| seen.silence),
    (ASKING, |seen| seen.unanswered),
];

/// How a table names what none of may be.
fn promised() -> [(String, Read); 5] {
    [
        ("datagrams lost".to_owned(), |seen| seen.lost),
        ("datagrams that two nodes answered".to_owned(), |seen| {
            seen.repeated
        }),
        (format!("connections broken, of {CONNECTIONS}"), |seen| {
            seen.broken
        }),
        ("moves of the address within 60 s".to_owned(), |seen| seen.moves),
        ("questions with two answers".to_owned(), |seen| seen.contradicted),
    ]
}

/// Nothing may come of a trouble, whichever it was; how long a client was without an answer stands beside `MetalLB`'s.
pub(super) fn measures(outcomes: &[Outcome], theirs: &[Outcome]) -> Vec<Measure> {
    let mut all = Vec::new();
    for (name, read) in promised() {
        let goal = Goal::at_most(Statistic::Max, 0.0);
        all.push(counts(&name, outcomes, read).goal(goal));
        if !theirs.is_empty() {
            all.push(counts("MetalLB's", theirs, read).part());
        }
    }
    all.push(counts(
        "questions that a speaker and its stand-in both answered",
        outcomes,
        |seen| seen.doubled,
    ));
    for (what, read) in TOLD {
        for trouble in Trouble::ALL {
            let mut own = times(&format!("{what}: {trouble}"), outcomes, trouble, read);
            // One that was never played has failed, and that is told.
            if what == ASKING && !own.samples.is_empty() {
                own = own.goal(Goal::at_most(Statistic::Max, STOOD_IN_FOR));
            }
            if theirs.is_empty() {
                all.push(own);
                continue;
            }
            let other = times(&format!("MetalLB, {what}: {trouble}"), theirs, trouble, read);
            all.extend([own.against(&other.name), other]);
        }
    }
    all
}

fn counts(name: &str, outcomes: &[Outcome], read: Read) -> Measure {
    let all = outcomes.iter();
    let samples = all.map(|outcome| outcome.as_ref().ok().map(|seen| figure(read(seen))));
    Measure::new(name, Unit::Count).counted(samples)
}

fn times(name: &str, outcomes: &[Outcome], trouble: Trouble, read: Time) -> Measure {
    let all = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    let of = all.filter(|seen| seen.trouble == trouble);
    Measure::new(name, Unit::Millis).times(of.map(|seen| Some(read(seen))))
}
