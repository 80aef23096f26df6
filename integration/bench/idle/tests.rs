//! One speaker is one sample, and five nodes and fifty are what is promised of.

use super::*;

fn idle(nodes: u8, processor_us: u64) -> Idle {
    Idle {
        run: 1,
        nodes,
        node: "node1".to_owned(),
        took_us: 60_000_000,
        processor_us,
        resident_mib: 12.0,
        counters: Counters {
            frames_sent: 6_000,
            frames_received: 12_000,
            datagrams_sent: 600,
            datagrams_received: 1_200,
        },
    }
}

#[test]
fn shares_and_rates_are_of_the_time_that_passed() {
    let found = findings(
        &[idle(3, 300_000), idle(5, 600_000), idle(50, 1_800_000)],
        Vec::new(),
        1,
    )
    .unwrap();
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    for (name, wanted) in [
        ("3 nodes: a speaker's share of a processor", 0.5),
        ("5 nodes: a speaker's share of a processor", 1.0),
        ("50 nodes: a speaker's share of a processor", 3.0),
        ("5 nodes: frames sent", 100.0),
        ("5 nodes: frames received", 200.0),
        ("5 nodes: datagrams sent", 10.0),
        ("5 nodes: datagrams received", 20.0),
        ("5 nodes: resident", 12.0),
    ] {
        let mut measures = found.measures.iter();
        let found = measures.find(|measure| measure.name == name).unwrap();
        assert_eq!(found.samples, [Some(wanted)], "{name}");
    }
}

#[test]
fn one_busy_speaker_of_five_misses_the_goal_and_of_three_it_is_told() {
    let busy = [
        idle(3, 6_000_000),
        idle(5, 300_000),
        idle(5, 630_000),
        idle(50, 1_860_000),
    ];
    assert_eq!(
        findings(&busy, Vec::new(), 1).unwrap().faults(),
        [
            "5 nodes: a speaker's share of a processor: max is 1.1 %, the goal is max ≤ 1 %",
            "50 nodes: a speaker's share of a processor: max is 3.1 %, the goal is max ≤ 3 %",
        ]
    );
}

#[test]
fn a_home_that_was_not_measured_misses_the_goal() {
    let found = findings(&[], vec!["run 1 with 5 nodes: no home".to_owned()], 1).unwrap();
    assert_eq!(found.faults().len(), 3, "{:?}", found.faults());
}

/// Every Linux has room for 1,024 unless somebody has given it more.
#[test]
fn a_machine_without_room_for_fifty_is_told_how_to_make_it() {
    for (nodes, room) in [(3, Some(1_024)), (5, Some(1_024)), (50, Some(8_192)), (50, None)] {
        assert_eq!(lacks_room(nodes, room), None, "{nodes} nodes, {room:?}");
    }
    let why = lacks_room(50, Some(1_024)).unwrap();
    assert!(
        why.ends_with("sysctl -w net.ipv4.neigh.default.gc_thresh3=5100"),
        "{why}"
    );
}
