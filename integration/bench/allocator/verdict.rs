//! What is promised, against what was seen.

use super::super::measure::{Goal, Measure, Statistic, Unit};
use super::super::number::{figure, millis, tenths_up};
use super::burst::Burst;
use super::created::Created;
use super::restart::Restart;
use super::{Part, Seen, Wish};

/// All have addresses so soon after the last of a burst, and a new one after a restart with a thousand, in milliseconds.
const SOON: f64 = 1_000.0;
/// The same after a restart with ten thousand.
const MANY_SOON: f64 = 3_000.0;
/// What such a restart may use of the processors, in seconds.
const PROCESSOR: f64 = 2.0;
/// What an allocator with ten thousand Services may hold resident, in MiB.
const RESIDENT: f64 = 48.0;

/// tiklb's figures with their goals, each with `MetalLB`'s below it where it was measured too.
pub(super) fn measures(wish: &Wish, all: &[Seen]) -> Vec<Measure> {
    let of = |name: &str| all.iter().find(|seen| seen.system == name);
    let (Some(tiklb), metallb) = (of("tiklb"), of("MetalLB")) else {
        return Vec::new();
    };
    let mut measures = Vec::new();
    if wish.wants(Part::Created) {
        measures.extend(created(tiklb, metallb));
    }
    if wish.wants(Part::Burst) {
        measures.extend(burst(wish, tiklb, metallb));
    }
    if wish.wants(Part::Restart) {
        let of = |seen: &Seen, soon| restart(seen.system, wish.services, soon, seen.restart.as_ref());
        let other = metallb.map(|seen| of(seen, None));
        let own = of(tiklb, Some(SOON));
        measures.extend(beside(own, other));
    }
    if wish.wants(Part::Many) {
        let many = tiklb.many.as_ref();
        measures.extend(restart(tiklb.system, wish.many, Some(MANY_SOON), many));
        measures.extend(size(wish.many, many));
    }
    measures
}

fn created(tiklb: &Seen, metallb: Option<&Seen>) -> Vec<Measure> {
    let measure = |name: &str, seen: &Seen, read: fn(&Created) -> u64| {
        let all = seen.created.iter();
        let samples = all.map(|created| created.as_ref().ok().map(|created| millis(read(created))));
        Measure {
            samples: samples.collect(),
            ..Measure::new(format!("{}: {name}", seen.system), Unit::Millis)
        }
    };
    let name = "Service created -> address";
    let own = measure(name, tiklb, |created| created.addressed_us);
    let watched = measure("a watch shows the Service", tiklb, |created| created.watched_us);
    let Some(metallb) = metallb else {
        return vec![own, watched.part()];
    };
    let other = measure(name, metallb, |created| created.addressed_us);
    let found = other.distribution();
    let limit = |percent| found.percentile_at_most(percent).map(tenths_up);
    let judged = |mut measure: Measure, statistic, percent| {
        measure.goal = limit(percent).map(|limit| Goal::at_most(statistic, limit));
        measure.against(&other.name)
    };
    let tail = Measure {
        name: format!("{}, its p99", own.name),
        ..own.clone()
    };
    vec![
        judged(own, Statistic::Median, 50),
        judged(tail, Statistic::Tail, 99).part(),
        watched.part(),
        other.clone(),
    ]
}

fn burst(wish: &Wish, tiklb: &Seen, metallb: Option<&Seen>) -> Vec<Measure> {
    let services = wish.services;
    let one = |name: String, unit: Unit, seen: &Seen, read: &dyn Fn(&Burst) -> f64| Measure {
        samples: vec![seen.burst.as_ref().map(read)],
        ..Measure::new(format!("{}: {name}", seen.system), unit)
    };
    let of = |seen: &Seen, own: bool| {
        let goal = |measure: Measure, statistic, limit| {
            if own {
                measure.goal(Goal::at_most(statistic, limit))
            } else {
                measure
            }
        };
        let last = one(
            format!("last of {services} created -> all addressed"),
            Unit::Millis,
            seen,
            &|burst| millis(burst.last_us),
        );
        let each = seen.burst.iter().flat_map(|burst| &burst.each_us);
        let each = Measure {
            samples: each.map(|each| Some(millis(*each))).collect(),
            ..Measure::new("each, from its first sight", Unit::Millis).part()
        };
        let versions = seen.burst.iter().flat_map(|burst| &burst.versions);
        let versions = Measure {
            samples: versions.map(|versions| Some(f64::from(*versions))).collect(),
            ..Measure::new(format!("{}: writes of a Service", seen.system), Unit::Count).part()
        };
        vec![
            goal(last, Statistic::Max, SOON),
            each,
            goal(versions, Statistic::Max, 1.0),
            one("all writes".to_owned(), Unit::Count, seen, &|burst| {
                burst.writes.values().map(|count| figure(*count)).sum()
            })
            .part(),
            one("processor".to_owned(), Unit::Seconds, seen, &|burst| {
                seconds(burst.processor_us)
            })
            .part(),
            one("the POSTs".to_owned(), Unit::Seconds, seen, &|burst| {
                seconds(burst.posting_us)
            })
            .part(),
        ]
    };
    beside(of(tiklb, true), metallb.map(|seen| of(seen, false)))
}

/// `soon`: what is promised, of the one of whom something is.
fn restart(system: &str, services: usize, soon: Option<f64>, restart: Option<&Restart>) -> Vec<Measure> {
    let one = |name: String, unit, limit: Option<f64>, read: &dyn Fn(&Restart) -> f64| Measure {
        samples: vec![restart.map(read)],
        goal: limit.map(|limit| Goal::at_most(Statistic::Max, limit)),
        ..Measure::new(format!("{system}: {name}"), unit)
    };
    let nothing = soon.map(|_| 0.0);
    vec![
        one(
            format!("started with {services} -> a new one addressed"),
            Unit::Millis,
            soon,
            &|restart| millis(restart.addressed_us),
        ),
        one("rewritten".to_owned(), Unit::Count, nothing, &|restart| {
            count(restart.rewritten)
        })
        .part(),
        one("moved".to_owned(), Unit::Count, nothing, &|restart| {
            count(restart.moved)
        })
        .part(),
    ]
}

/// Processor and memory, of which something is promised with many Services.
fn size(services: usize, restart: Option<&Restart>) -> [Measure; 3] {
    let one = |name: &str, unit, limit, read: &dyn Fn(&Restart) -> f64| Measure {
        samples: vec![restart.map(read)],
        ..Measure::new(format!("tiklb with {services}: {name}"), unit)
            .goal(Goal::at_most(Statistic::Max, limit))
    };
    [
        one("processor of the restart", Unit::Seconds, PROCESSOR, &|restart| {
            seconds(restart.processor_us)
        }),
        one("resident", Unit::Mebibytes, RESIDENT, &|restart| {
            restart.usage.resident_mib()
        }),
        one("resident at most", Unit::Mebibytes, RESIDENT, &|restart| {
            restart.usage.peak_mib()
        }),
    ]
}

/// tiklb's measures, each against `MetalLB`'s, which follow.
fn beside(own: Vec<Measure>, other: Option<Vec<Measure>>) -> Vec<Measure> {
    let Some(other) = other else { return own };
    let own = own.into_iter().zip(&other).map(|(own, other)| {
        if other.name.contains("MetalLB") {
            own.against(&other.name)
        } else {
            own
        }
    });
    own.collect::<Vec<_>>().into_iter().chain(other).collect()
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

fn count(number: usize) -> f64 {
    figure(number as u64)
}
