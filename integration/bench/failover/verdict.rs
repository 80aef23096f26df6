//! What is promised of a silence, against what was seen.

use std::time::Duration;

use super::super::distribution::Distribution;
use super::super::measure::{Goal, Measure, Statistic, Unit};
use super::super::number::tenths_up;
use super::super::rival::PEER;
use super::flight::{Flight, Side};
use super::{Outcome, Peers};

/// What no person notices and no connection minds, in milliseconds: for half of all silences, and for all but one in a
/// hundred.
const HALF: f64 = 35.0;
const NEARLY_ALL: f64 = 60.0;

/// Names of measures.
pub(super) const SILENCE: &str = "longest silence at the client";
pub(super) const FLOOR: &str = "moved by the lab at once";
pub(super) const METALLB: &str = "MetalLB's";

/// Which figures are promised.
const PROMISED: [(Statistic, usize, &str, f64); 2] = [
    (Statistic::Median, 50, "p50", HALF),
    (Statistic::Tail, 99, "p99", NEARLY_ALL),
];

/// tiklb's silence with its goals, and where it goes; keepalived's, if that was measured; and the floor's.
pub(super) fn measures(outcomes: &[Outcome], peers: &Peers<'_>) -> Vec<Measure> {
    let with_peer = peers.keepalived.is_some();
    let times = |name: &str, read: &dyn Fn(&Flight) -> Option<Duration>| times(outcomes, name, read);
    let silence = times(SILENCE, &|flight| flight.tiklb.silence());
    let rival = times(PEER, &|flight| flight.rival.as_ref()?.silence());
    let mut all = promised(&silence, with_peer.then_some(&rival));
    all.extend([
        times("cut -> the gateway is asked for a sign", &Flight::suspected).part(),
        times("asked -> first frame of the heir", &Flight::decided).part(),
        times("cut -> first frame of the heir", &|flight| {
            flight.tiklb.detection()
        })
        .part(),
        times("frame -> first answered datagram", &|flight| {
            flight.tiklb.takeover()
        })
        .part(),
    ]);
    if with_peer {
        let part = |name, read: fn(&Side) -> Option<Duration>| {
            times(name, &|flight| flight.rival.as_ref().and_then(read)).part()
        };
        all.extend([
            rival,
            part("cut -> its first frame", Side::detection),
            part("its frame -> first answered datagram", Side::takeover),
        ]);
    }
    if let Some((_, theirs)) = peers.metallb {
        all.push(self::times(theirs, METALLB, &|flight| flight.tiklb.silence()));
    }
    all.extend([
        times(FLOOR, &|flight| flight.floor.silence()),
        times("cut -> the lab's frame", &|flight| flight.floor.detection()).part(),
        times("the lab's frame -> first answered datagram", &|flight| {
            flight.floor.takeover()
        })
        .part(),
    ]);
    all
}

fn times(outcomes: &[Outcome], name: &str, read: &dyn Fn(&Flight) -> Option<Duration>) -> Measure {
    let all = outcomes.iter().map(|outcome| read(outcome.as_ref().ok()?));
    Measure::new(name, Unit::Millis).times(all.collect::<Vec<_>>())
}

/// The silence once for each figure of which something is promised, by itself and beside keepalived's.
fn promised(silence: &Measure, rival: Option<&Measure>) -> Vec<Measure> {
    let named = |name: String, goal| Measure {
        name,
        ..silence.clone().goal(goal).part()
    };
    let reference = if rival.is_some() { PEER } else { FLOOR };
    let mut all = Vec::new();
    for (statistic, _, figure, limit) in PROMISED {
        let goal = Goal::at_most(statistic, limit);
        all.push(if all.is_empty() {
            silence.clone().goal(goal).against(reference)
        } else {
            named(format!("its {figure}"), goal)
        });
    }
    let Some(rival) = rival else { return all };
    let found = rival.distribution();
    for (statistic, percent, figure, _) in PROMISED {
        // Where keepalived never came back, whoever did is not above it.
        if let Some(limit) = found.percentile(percent).map(tenths_up) {
            let name = format!("its {figure} beside keepalived's");
            all.push(named(name, Goal::at_most(statistic, limit)));
        }
    }
    all
}

/// Where a silence goes, and how it stands beside keepalived's, figure by figure.
pub(super) fn notes(measures: &[Measure]) -> Vec<String> {
    let find = |name: &str| measures.iter().find(|measure| measure.name == name);
    let median = |name: &str| find(name).and_then(|measure| measure.distribution().percentile(50));
    let shown = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.1} ms"));
    let parts = [
        ("detection", "cut -> the gateway is asked for a sign"),
        ("poll, verdict and claim", "asked -> first frame of the heir"),
        ("neighbour update", "frame -> first answered datagram"),
    ];
    let parts = parts.map(|(what, name)| format!("{what} {}", shown(median(name))));
    let mut notes = vec![format!(
        "Where it goes (medians): {}. What was sent since the last answer before the cut is in neither.",
        parts.join(", ")
    )];
    for (name, peer) in [(PEER, "keepalived"), (METALLB, "MetalLB")] {
        if let (Some(own), Some(rival)) = (find(SILENCE), find(name)) {
            notes.push(format!(
                "Beside {peer}: {}.",
                ratios(&own.distribution(), &rival.distribution()).join(", ")
            ));
        }
    }
    notes
}

fn ratios(own: &Distribution, rival: &Distribution) -> Vec<String> {
    let figures = [
        ("p50", own.percentile(50), rival.percentile(50)),
        ("p95", own.percentile(95), rival.percentile(95)),
        ("p99", own.percentile(99), rival.percentile(99)),
        ("max", own.max(), rival.max()),
    ];
    let ratio = |(name, own, rival): (&str, Option<f64>, Option<f64>)| match (own, rival) {
        (Some(own), Some(rival)) if rival > 10.0 * own => format!("{name} {:.4} ×", own / rival),
        (Some(own), Some(rival)) if rival > 0.0 => format!("{name} {:.2} ×", own / rival),
        _ => format!("{name} failed"),
    };
    figures.map(ratio).to_vec()
}
