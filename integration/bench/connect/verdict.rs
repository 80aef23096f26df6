//! What is promised of a creation, against what was seen.

use std::time::Duration;

use super::super::answer::latency::Answers;
use super::super::measure::{Goal, Measure, Statistic, Unit};
use super::super::number::tenths_up;
use super::creation::Creation;
use super::{BARE, KERNEL, Metallb, Outcome, WATCHED};

/// Shorter than a person notices between `kubectl apply` and the prompt, in milliseconds.
const LIMIT: f64 = 60.0;

/// A time, of all that a creation takes.
type Read = fn(&Creation) -> Duration;

/// What is promised beside `MetalLB`, each with a name in tables.
const PROMISED: [(&str, Read); 2] = [
    ("Service created -> first ARP answer", |creation| {
        creation.answered
    }),
    ("Service created -> a TCP connection is open", |creation| {
        creation.connected
    }),
];

/// And of which figures.
const FIGURES: [(Statistic, usize, &str); 2] = [(Statistic::Median, 50, "p50"), (Statistic::Tail, 99, "p99")];

/// tiklb's times with their goals and their parts, `MetalLB`'s where it was there, and the answers' own.
pub(super) fn measures(
    outcomes: &[Outcome],
    metallb: Option<Metallb<'_>>,
    answers: &Answers,
) -> Vec<Measure> {
    let [(name, read), _] = PROMISED;
    let part = |name: &str, read: Read| times(outcomes, name, read).part();
    let mut all = vec![
        times(outcomes, name, read)
            .goal(Goal::at_most(Statistic::Median, LIMIT))
            .against(WATCHED),
        part(WATCHED, |creation| creation.watched),
        part("the POST is answered", |creation| creation.posted),
        part("the address is in its status", |creation| creation.addressed),
        part("a TCP connection is open", |creation| creation.connected),
    ];
    if let Some(metallb) = metallb {
        for (name, read) in PROMISED {
            all.extend(beside(outcomes, metallb.outcomes, name, read));
        }
    }
    all.extend([
        Measure::new("ARP answer for an announced address", Unit::Micros)
            .against(KERNEL)
            .times(answers.announced.iter().copied()),
        Measure::new(KERNEL, Unit::Micros).times(answers.kernel.iter().copied()),
        Measure::new(BARE, Unit::Micros).times(answers.bare.iter().copied()),
    ]);
    all
}

/// The same once more for each figure that is not to be above `MetalLB`'s, and `MetalLB`'s own.
fn beside(outcomes: &[Outcome], theirs: &[Outcome], name: &str, read: Read) -> Vec<Measure> {
    let theirs = times(theirs, &format!("MetalLB: {name}"), read);
    let found = theirs.distribution();
    let own = FIGURES.map(|(statistic, percent, figure)| {
        let own = times(outcomes, &format!("{name}, its {figure} beside MetalLB's"), read);
        let limit = found.percentile_at_most(percent).map(tenths_up);
        Measure {
            goal: limit.map(|limit| Goal::at_most(statistic, limit)),
            ..own.against(&theirs.name)
        }
    });
    own.into_iter().chain([theirs]).collect()
}

fn times(outcomes: &[Outcome], name: &str, read: Read) -> Measure {
    let all = outcomes.iter().map(|outcome| outcome.as_ref().ok().map(read));
    Measure::new(name, Unit::Millis).times(all)
}
