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
        trouble(trouble::NODE, secs(280), Duration::from_millis(203)),
    ]);
    Seen {
        minutes: 5,
        busy: 4,
        request: Some(100),
        realtime: true,
        troubles,
        moves: moves.iter().copied().map(moved).collect(),
        phases: vec![
            (Phase::Load, secs(0)),
            (Phase::Blips, secs(60)),
            (Phase::Pauses, secs(240)),
            (Phase::Standstills, secs(270)),
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

/// Each node each of its addresses once, and no other node any.
#[test]
fn a_node_that_stands_still_may_lose_an_address_once_and_no_other_node_any() {
    let of = |last: u8, from: &str, at| Move {
        address: [192, 168, 1, last].into(),
        from: from.to_owned(),
        ..moved(at)
    };
    let second = Trouble {
        node: "node2".to_owned(),
        ..trouble(trouble::NODE, secs(282), Duration::from_millis(203))
    };
    let mut once = seen(&[]);
    once.troubles.push(second);
    once.moves = vec![
        of(200, "node1", secs(280)),
        of(201, "node1", secs(281)),
        of(200, "node2", secs(282)),
    ];
    assert!(faults(&once).is_empty(), "{:?}", faults(&once));
    once.moves.push(of(200, "node2", secs(290)));
    once.moves.push(of(203, "node3", secs(290)));
    assert_eq!(
        faults(&once),
        [
            "moves of an address from one node that stands still: max is 2.0, the goal is max ≤ 1",
            "moves from nodes that did not: max is 1.0, the goal is max ≤ 0"
        ]
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
    assert_eq!(found.runs.len(), 54, "every trouble and every move is recorded");
    assert_eq!(found.runs[53]["at_us"], 80_040_000);
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
    short.phases.truncate(2);
    short.troubles.pop();
    short.failure = Some("tiklb on node1 has ended".to_owned());
    assert_eq!(
        faults(&short),
        [
            "moves with pauses: max is none, because a run failed, the goal is max ≤ 1",
            "moves of an address from one node that stands still: max is none, because a run failed, the goal is max ≤ 1",
            "moves from nodes that did not: max is none, because a run failed, the goal is max ≤ 0",
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
    assert!(found.notes[3].contains("51 of the 51 blips"), "{:?}", found.notes);
}

#[test]
fn where_a_peer_is_demanded_and_is_not_there_it_is_a_failure() {
    let found = findings(&seen(&[]), true).unwrap();
    assert_eq!(found.failures, [MISSING]);
    assert!(findings(&seen(&[]), false).unwrap().failures.is_empty());
}

#[test]
fn a_machine_without_pods_is_told_and_under_ci_a_failure() {
    let without = Seen {
        request: None,
        ..seen(&[])
    };
    assert!(faults(&without).is_empty());
    let found = findings(&without, true).unwrap();
    assert!(
        found.failures.contains(&NO_PODS.to_owned()),
        "{:?}",
        found.failures
    );
    assert!(found.notes.contains(&NO_PODS.to_owned()), "{:?}", found.notes);
    assert_eq!(found.configuration["cpu_request"], serde_json::Value::Null);
    assert_eq!(
        findings(&seen(&[]), false).unwrap().configuration["cpu_request"],
        "100m"
    );
}
