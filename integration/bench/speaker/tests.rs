//! What is made of troubles.

use super::*;
use crate::lan::Mac;
use crate::wire::{ArpAnswer, Question};

fn seen(trouble: Trouble) -> Seen {
    let begun = Instant::now();
    Seen {
        system: "tiklb",
        run: 1,
        trouble,
        node: "node1".to_owned(),
        sent: 60_000,
        lost: 0,
        repeated: 0,
        silence: Duration::from_millis(2),
        lateness: Duration::from_millis(1),
        broken: 0,
        moves: 0,
        contradicted: 0,
        doubled: 0,
        unanswered: Duration::from_millis(20),
        window: (begun, begun + WATCHED),
    }
}

/// Nobody is asked for less than nothing: one of each is one too many.
#[test]
fn whatever_comes_of_a_trouble_misses_its_goal() {
    let harmless = [Ok(seen(Trouble::Killed))];
    assert_eq!(findings(&harmless, &[], None).unwrap().faults(), [] as [&str; 0]);
    let bad = Seen {
        lost: 1,
        repeated: 2,
        broken: 3,
        moves: 4,
        contradicted: 5,
        ..seen(Trouble::Rollout)
    };
    let found = findings(&[Ok(seen(Trouble::Killed)), Ok(bad)], &[], None).unwrap();
    assert_eq!(
        found.faults(),
        [
            "datagrams lost: max is 1.0, the goal is max ≤ 0",
            "datagrams that two nodes answered: max is 2.0, the goal is max ≤ 0",
            "connections broken, of 8: max is 3.0, the goal is max ≤ 0",
            "moves of the address within 60 s: max is 4.0, the goal is max ≤ 0",
            "questions with two answers: max is 5.0, the goal is max ≤ 0",
        ]
    );
    let broke = findings(&[Err("tiklb, run 1 of 1: killed: no home".to_owned())], &[], None).unwrap();
    assert!(
        broke.faults().iter().any(|fault| fault.ends_with("no home")),
        "{:?}",
        broke.faults()
    );
}

/// Whoever has an entry of the address notices nothing of a speaker that nobody stands in for.
#[test]
fn a_speaker_that_nobody_stands_in_for_misses_the_goal() {
    let alone = Seen {
        unanswered: Duration::from_secs(10),
        ..seen(Trouble::Stopped)
    };
    assert_eq!(
        findings(&[Ok(alone)], &[], None).unwrap().faults(),
        ["longest time without an answer to who asks: stopped: max is 10000.0 ms, the goal is max ≤ 600 ms"]
    );
}

#[test]
fn metallb_is_compared_with_and_not_judged() {
    let theirs = Seen {
        system: "MetalLB",
        lost: 1_000,
        moves: 1,
        broken: 8,
        unanswered: Duration::from_secs(1),
        ..seen(Trouble::Stopped)
    };
    let found = findings(&[Ok(seen(Trouble::Stopped))], &[Ok(theirs)], Some("v0.15.2")).unwrap();
    assert_eq!(found.faults(), [] as [&str; 0]);
    let name = "longest time without an answer to who asks: stopped";
    let silence = found
        .measures
        .iter()
        .find(|measure| measure.name == name)
        .unwrap();
    let ratio = silence.ratio(&found.measures).unwrap();
    assert!((ratio - 0.02).abs() < 1e-9, "{ratio}");
    assert_eq!(found.configuration["metallb"]["version"], "v0.15.2");
}

/// What was asked before the trouble and after the watch is of another run.
#[test]
fn moves_and_contradictions_are_those_of_the_run() {
    let mut seen = seen(Trouble::Killed);
    let (begun, ended) = seen.window;
    let answer = |last: u8| ArpAnswer {
        mac: Mac([2, 0, 0, 0, 0, last]),
        from: Mac([2, 0, 0, 0, 0, last]),
        after: Duration::from_micros(80),
    };
    let question = |at: Instant, answers: &[u8]| Question {
        address: [192, 0, 2, 1].into(),
        at,
        after: at.saturating_duration_since(begun),
        answers: answers.iter().map(|last| answer(*last)).collect(),
    };
    let second = Duration::from_secs(1);
    seen.heard(&AskReport {
        questions: vec![
            question(begun.checked_sub(second).unwrap(), &[9, 8]),
            question(begun, &[1]),
            question(begun + second, &[]),
            question(begun + 2 * second, &[1, 2]),
            question(begun + 3 * second, &[2]),
            question(ended + second, &[3]),
        ],
    });
    assert_eq!((seen.moves, seen.contradicted), (1, 1));
    assert_eq!(seen.doubled, 0);
    // Nobody answers any more: that lasts until the end.
    assert_eq!(Some(seen.unanswered), WATCHED.checked_sub(3 * second));
    let nobody = AskReport { questions: vec![] };
    seen.heard(&nobody);
    assert_eq!(seen.unanswered, WATCHED);
}
