//! A move belongs to what was done just before it, and blips that the machine made longer are told apart.

use super::*;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn moved(at: Duration) -> Move {
    Move {
        at,
        address: [192, 168, 1, 200].into(),
        from: "node1".to_owned(),
        to: "node2".to_owned(),
    }
}

fn trouble(kind: &'static str, at: Duration, took: Duration) -> Trouble {
    Trouble {
        kind,
        node: "node1".to_owned(),
        at,
        took,
    }
}

fn seen(moves: &[Duration]) -> Seen {
    let mut troubles = vec![trouble(trouble::LINK, secs(70), BLIP); 50];
    troubles.extend([
        trouble(trouble::LINK, secs(80), Duration::from_millis(31)),
        trouble(trouble::SPEAKER, secs(250), Duration::from_millis(201)),
    ]);
    Seen {
        minutes: 5,
        busy: 4,
        realtime: true,
        troubles,
        moves: moves.iter().copied().map(moved).collect(),
        phases: vec![
            (Phase::Load, secs(0)),
            (Phase::Blips, secs(60)),
            (Phase::Pauses, secs(240)),
        ],
        rival: None,
        alarms: Vec::new(),
        failure: None,
    }
}

fn faults(seen: &Seen) -> Vec<String> {
    findings(seen, false).unwrap().faults()
}

#[test]
fn nothing_that_moves_and_one_move_with_pauses_are_as_promised() {
    assert!(faults(&seen(&[])).is_empty());
    assert!(faults(&seen(&[secs(250)])).is_empty());
    assert_eq!(
        faults(&seen(&[secs(250), secs(251)])),
        ["moves with pauses: max is 2.0, the goal is max ≤ 1"]
    );
}

#[test]
fn a_move_under_load_and_one_with_a_blip_are_each_too_much() {
    assert_eq!(
        faults(&seen(&[secs(30), secs(70)])),
        [
            "moves under load: max is 1.0, the goal is max ≤ 0",
            "moves with link blips: max is 1.0, the goal is max ≤ 0"
        ]
    );
}

#[test]
fn a_move_after_a_blip_that_was_too_long_is_told_and_not_judged() {
    let found = findings(&seen(&[secs(80) + Duration::from_millis(40)]), false).unwrap();
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    let longer = found
        .measures
        .iter()
        .find(|measure| measure.name == "after longer blips");
    assert_eq!(longer.unwrap().samples, [Some(1.0)]);
    assert!(
        found.notes[0].contains("1 blips were longer"),
        "{:?}",
        found.notes
    );
    assert_eq!(found.runs.len(), 53, "every trouble and every move is recorded");
    assert_eq!(found.runs[52]["at_us"], 80_040_000);
}

#[test]
fn blips_that_were_all_too_long_prove_nothing() {
    let mut long = seen(&[]);
    long.troubles.remove(0);
    assert_eq!(
        faults(&long),
        ["blips as short as they were meant to be: min is 49.0, the goal is min ≥ 50"]
    );
}

#[test]
fn a_phase_that_never_came_is_no_success() {
    let mut short = seen(&[]);
    short.phases.pop();
    short.failure = Some("tiklb on node1 has ended".to_owned());
    assert_eq!(
        faults(&short),
        [
            "moves with pauses: max is none, because a run failed, the goal is max ≤ 1",
            "tiklb on node1 has ended"
        ]
    );
}

#[test]
fn an_alarm_of_keepaliveds_is_a_move_away_from_its_master_and_is_not_judged() {
    let mut seen = seen(&[]);
    seen.rival = Some(("v2.2.7".to_owned(), "node1".to_owned()));
    let back = Move {
        from: "node2".to_owned(),
        to: "node1".to_owned(),
        ..moved(secs(71))
    };
    seen.alarms = vec![moved(secs(30)), moved(secs(70)), back, moved(secs(71))];
    let found = findings(&seen, true).unwrap();
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    let alarms = |phase: &str| {
        let name = format!("{PEER}: alarms {phase}");
        let mut measures = found.measures.iter();
        measures
            .find(|measure| measure.name == name)
            .unwrap()
            .samples
            .clone()
    };
    assert_eq!(alarms("under load"), [Some(1.0)]);
    assert_eq!(alarms("with link blips"), [Some(2.0)]);
    assert!(found.notes[2].contains("51 of the 51 blips"), "{:?}", found.notes);
}

#[test]
fn where_a_peer_is_demanded_and_is_not_there_it_is_a_failure() {
    let found = findings(&seen(&[]), true).unwrap();
    assert_eq!(found.failures, [MISSING]);
    assert!(findings(&seen(&[]), false).unwrap().failures.is_empty());
}
