//! What is made of runs.

use std::time::Duration;

use super::*;
use crate::wire::Silence;

fn handover(lost: u64, repeated: u64) -> Handover {
    Handover {
        run: 1,
        kind: Kind::Drain,
        from: "node1".to_owned(),
        to: "node2".to_owned(),
        lost,
        broken: 8,
        moved_us: 1_500,
        ended_us: Some(4_600_000),
        client: PingReport {
            target: SocketAddrV4::new([192, 168, 1, 200].into(), 80).into(),
            begun: Instant::now(),
            ran: Duration::from_secs(5),
            sent: 5_000,
            answered: 5_000 - lost,
            repeated,
            refused: 0,
            silence: Silence {
                begin: Duration::from_millis(500),
                end: Duration::from_millis(502),
                before: Some("node1".to_owned()),
                after: Some("node2".to_owned()),
            },
            lateness: Duration::from_millis(1),
            realtime: true,
            nodes: vec!["node1".to_owned(), "node2".to_owned()],
            samples: vec![],
        },
    }
}

#[test]
fn one_lost_datagram_misses_the_goal() {
    assert_eq!(findings(&[Ok(handover(0, 0))]).unwrap().faults(), [] as [&str; 0]);
    let found = findings(&[Ok(handover(0, 0)), Ok(handover(1, 0))]).unwrap();
    assert_eq!(
        found.faults(),
        ["datagrams lost: max is 1.0, the goal is max ≤ 0"]
    );
}

#[test]
fn a_datagram_that_two_answered_and_a_run_that_broke_are_failures() {
    let found = findings(&[Ok(handover(0, 3)), Err("run 2: no home".to_owned())]).unwrap();
    let faults = found.faults().join("\n");
    for part in [
        "3 datagrams were answered by two nodes",
        "run 2: no home",
        "max is none",
    ] {
        assert!(faults.contains(part), "{part} in {faults}");
    }
}

/// A move back has no process that ends, and a move away no start; what was lost counts wherever it was.
#[test]
fn moves_of_all_kinds_are_judged_together_and_told_apart() {
    let of = |kind, lost, moved_us| Handover {
        kind,
        moved_us,
        ended_us: (kind != Kind::Failback).then_some(4_600_000),
        ..handover(lost, 0)
    };
    let outcomes = [
        Ok(of(Kind::Drain, 0, 1_000)),
        Ok(of(Kind::Failback, 2, 7_000_000)),
        Ok(of(Kind::Shutdown, 0, 3_000)),
    ];
    let found = findings(&outcomes).unwrap();
    let samples = |name: &str| {
        let measure = found.measures.iter().find(|measure| measure.name == name);
        measure
            .unwrap_or_else(|| panic!("there is no measure {name}"))
            .samples
            .clone()
    };
    assert_eq!(samples("datagrams lost"), [Some(0.0), Some(2.0), Some(0.0)]);
    assert_eq!(samples("by failback"), [Some(2.0)]);
    assert_eq!(
        samples("SIGTERM -> the other node answers"),
        [Some(1.0), Some(3.0)]
    );
    assert_eq!(samples("SIGTERM -> the speaker has ended"), [Some(4_600.0); 2]);
    assert_eq!(
        samples("a speaker starts -> its node answers again"),
        [Some(7_000.0)]
    );
    assert_eq!(samples("connections broken, of 8"), [Some(8.0); 3]);
    assert_eq!(
        found.faults(),
        ["datagrams lost: max is 2.0, the goal is max ≤ 0"]
    );
}
