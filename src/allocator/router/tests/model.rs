//! Random histories of a home: what people wish for, what they do on the router, its faults, its reboots, changes of
//! leader. After every step the router's journal is judged; at the end all must agree, and after a release the router
//! must be what it was.
//!
//! Everything is real but time: core's allocator, the sessions, the client, HTTP on loopback, the simulator with each
//! of its switches drawn. HTTP is plain here, because a handshake for each of thousands of routers would prove nothing
//! more; `story` has the same parts under TLS. A case is a seed: `TIKLB_MODEL_SEED=n` repeats one,
//! `TIKLB_MODEL_CASES=n` plays so many, `TIKLB_MODEL_FROM=n` begins elsewhere.

mod deed;
mod dice;
mod witness;
mod world;

use std::num::ParseIntError;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::FutureExt as _;

use deed::Deed;
use dice::Dice;
use world::World;

/// So many that `cargo test` stays quick; `.ci/check` plays more.
const CASES: u64 = 40;

/// Attempts at a shorter history that fails as well.
const ATTEMPTS: usize = 200;

/// A history: how the router is, and what happens.
#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    deeds: Vec<Deed>,
}

impl Case {
    fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let length = 4 + dice.below(16);
        let deeds = (0..length).map(|_| Deed::draw(&mut dice)).collect();
        Self { seed, deeds }
    }

    /// Plays it on a router of its own.
    fn play(&self) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let played = AssertUnwindSafe(async {
            let mut world = World::start(&mut Dice::new(!self.seed)).await;
            for (at, deed) in self.deeds.iter().enumerate() {
                world
                    .take(deed)
                    .await
                    .map_err(|why| format!("after deed {at}, {deed:?}: {why}"))?;
            }
            world.end().await
        });
        let result = runtime.block_on(played.catch_unwind());
        result.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            Err(words.unwrap_or_else(|| "it panicked".to_owned()))
        })
    }

    /// The shortest history found that fails too: first without its end, then without single deeds.
    fn minimised(&self) -> (Self, String) {
        let mut failing = self.clone();
        let mut why = failing.play().err().unwrap_or_default();
        let mut attempts = 0;
        for length in 0..self.deeds.len() {
            let mut shorter = self.clone();
            shorter.deeds.truncate(length);
            if let Err(words) = shorter.play() {
                (failing, why) = (shorter, words);
                break;
            }
        }
        let mut at = 0;
        while at < failing.deeds.len() && attempts < ATTEMPTS {
            let mut shorter = failing.clone();
            shorter.deeds.remove(at);
            attempts += 1;
            match shorter.play() {
                Err(words) => (failing, why) = (shorter, words),
                Ok(()) => at += 1,
            }
        }
        (failing, why)
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let parsed: Result<u64, ParseIntError> = text.parse();
    Some(parsed.unwrap_or_else(|error| panic!("{name}={text:?}: {error}")))
}

#[test]
fn no_history_touches_what_is_not_ours_and_all_of_them_end_well() {
    let (first, cases) = match number("TIKLB_MODEL_SEED") {
        Some(seed) => (seed, 1),
        None => (
            number("TIKLB_MODEL_FROM").unwrap_or(1),
            number("TIKLB_MODEL_CASES").unwrap_or(CASES),
        ),
    };
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let play = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + cases {
                return None;
            }
            let case = Case::of(seed);
            if case.play().is_err() {
                next.store(u64::MAX / 2, Ordering::Relaxed);
                return Some(case);
            }
        }
    };
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    let failed = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..hands).map(|_| scope.spawn(play)).collect();
        let failed = hands.into_iter().filter_map(|hand| hand.join().unwrap());
        failed.min_by_key(|case| case.seed)
    });
    if let Some(case) = failed {
        let (shortest, why) = case.minimised();
        panic!(
            "TIKLB_MODEL_SEED={} fails; the shortest history found is {:#?}\n{why}",
            case.seed, shortest.deeds
        );
    }
    println!(
        "{cases} histories from seed {first} in {:.1} s",
        began.elapsed().as_secs_f64()
    );
}

#[test]
fn a_seed_is_one_history() {
    let shown = |seed| format!("{:?}", Case::of(seed).deeds);
    assert_eq!(shown(7), shown(7));
    assert_ne!(shown(7), shown(8));
}
