//! What is made of runs.

use std::time::Duration;

use super::*;
use crate::wire::Silence;

fn handover(lost: u64, repeated: u64) -> Handover {
    Handover {
        run: 1,
        from: "node1".to_owned(),
        to: "node2".to_owned(),
        lost,
        moved_us: 1_500,
        ended_us: 4_600_000,
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
