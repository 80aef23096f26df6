//! What decisions about Services cost, and that the cost of one does not grow with the number of the others.
//!
//! ```text
//! cargo bench -p tiklb-core
//! ```
//! Prints a curve from 100 to 10,000 Services, judges it, and fails where a goal is missed. Events are made beforehand
//! and are no part of a figure.

mod home;

use std::process::ExitCode;
use std::time::Duration;

use home::{Ask, Home, POOLS};

/// How many Services there are. What is promised of a whole is promised of the largest.
const SIZES: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];
/// Of each figure the best of so many. The work is always the same: what is above the best, others have pushed out of the
/// processor's caches.
const WHOLE: usize = 9;
const ONE: usize = 200;
/// Deciding on the largest number at once.
const GOAL: Duration = Duration::from_millis(50);
/// What one Service costs at the dearest size, by what it costs at the cheapest. Trees grow by their logarithm, and ten
/// thousand objects leave the processor's nearest cache: that is below this. Work on all Services for each of them would
/// be a hundred.
const FLAT: f64 = 3.0;

/// A row of the table.
struct Figure {
    name: &'static str,
    /// For one Service, at each of [`SIZES`].
    each: Vec<Duration>,
}

/// Makes many Services at once; the time is that of all.
type Whole = fn(usize) -> Duration;

/// What happens to one Service among many.
type One = fn(&mut Home) -> Duration;

const WHOLES: [(&str, Whole); 3] = [
    (DECIDED, home::decide),
    ("listed, any address", |size| Home::new(size, Ask::Nothing).list()),
    ("listed, of a pool", |size| Home::new(size, Ask::Pool).list()),
];

/// The ledger alone: each Service's address and its reason.
const DECIDED: &str = "decided";

const ONES: [(&str, One); 4] = [
    ("one is created", Home::create),
    ("one changes", Home::change),
    ("one is deleted", Home::delete),
    ("nothing happens", Home::idle),
];

fn main() -> ExitCode {
    println!("{POOLS} pools. Microseconds of processor time for one Service:");
    let mut decided = Duration::ZERO;
    let mut figures = Vec::new();
    for (name, whole) in WHOLES {
        let times = SIZES.map(|size| best((0..WHOLE).map(|_| whole(size))));
        let [.., last] = times;
        if name == DECIDED {
            decided = last;
        }
        let each = times.iter().zip(SIZES);
        let each = each.map(|(time, size)| *time / u32::try_from(size).unwrap_or(u32::MAX));
        figures.push(Figure {
            name,
            each: each.collect(),
        });
    }
    for (name, one) in ONES {
        let each = SIZES.map(|size| {
            let mut home = Home::new(size, Ask::Nothing);
            home.list();
            home.stored();
            best((0..ONE.min(size / 4)).map(|_| one(&mut home)))
        });
        figures.push(Figure {
            name,
            each: each.to_vec(),
        });
    }
    print(&figures);
    let [.., largest] = SIZES;
    println!("{largest} {DECIDED} in {decided:.1?}; {GOAL:?} at most are promised");
    let mut faults: Vec<String> = figures.iter().filter_map(Figure::fault).collect();
    if decided > GOAL {
        faults.push(format!("{largest} {DECIDED} in {decided:.1?}"));
    }
    for fault in &faults {
        println!("missed: {fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn best(times: impl Iterator<Item = Duration>) -> Duration {
    times.min().unwrap_or_default()
}

impl Figure {
    /// The dearest size by the cheapest.
    fn ratio(&self) -> f64 {
        let seconds = self.each.iter().map(Duration::as_secs_f64);
        seconds.clone().fold(0.0, f64::max) / seconds.fold(f64::INFINITY, f64::min)
    }

    fn fault(&self) -> Option<String> {
        let (name, ratio) = (self.name, self.ratio());
        (ratio > FLAT).then(|| {
            format!("{name}: one Service costs {ratio:.1} times as much at one size as at another, {FLAT} count as flat")
        })
    }
}

fn print(figures: &[Figure]) {
    let sizes = SIZES.map(|size| format!("{size:>10}")).concat();
    println!("{:<20}{sizes}     ratio", "Services");
    for figure in figures {
        let each = figure.each.iter();
        let each: Vec<String> = each
            .map(|each| format!("{:>10.2}", each.as_secs_f64() * 1e6))
            .collect();
        println!("{:<20}{}{:>10.1}", figure.name, each.concat(), figure.ratio());
    }
}
