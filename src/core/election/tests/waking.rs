//! When a speaker wants to be woken: in time, and never again for what it has just done.

use super::super::*;
use super::segment::*;

/// Something that happens to a settled segment.
type Fault = (&'static str, fn(&mut Segment));

const FAULTS: [Fault; 10] = [
    ("nothing", |_| {}),
    ("its owner dies", |lan| lan.kill(owner(lan))),
    ("its owner's speaker dies", |lan| lan.kill_speaker(owner(lan))),
    ("its owner rests", |lan| lan.rest(owner(lan))),
    ("its owner leaves, and nobody hears it", |lan| {
        lan.loss = 100;
        lan.act_leave(owner(lan));
    }),
    ("its owner loses its link", |lan| lan.unplug(owner(lan), true)),
    ("all are cut off", |lan| {
        lan.side = vec![0, 1, 2];
        lan.gateway = None;
    }),
    (
        "a firewall drops what speakers say, and others have claims on record",
        |lan| {
            lan.separate();
            lan.run_ms(1_000);
            lan.record();
        },
    ),
    ("another is preferred, and new", |lan| {
        let preferred = (owner(lan) + 1) % 3;
        lan.start(preferred);
        lan.weigh(200, &[(preferred, 5)]);
        lan.publish();
    }),
    ("a stranger has a new address", |lan| {
        lan.strangers.insert(ip(201));
        lan.desired = Segment::new(3, &[200, 201], 1).desired;
        lan.publish();
    }),
];

fn owner(lan: &Segment) -> usize {
    lan.answerers(200)[0]
}

/// Runs a speaker that nothing reaches any more by its own deadlines; how often it was woken.
fn woken(lan: &Segment, node: usize, time: Duration, what: &str) -> u32 {
    let mut election = lan.speakers[node].election.clone();
    let mut now = lan.now;
    let mut woken = 0;
    // What arrived last is still to be looked at.
    election.poll(now, &mut || 7, &mut Vec::new());
    while now.since(lan.now) < time {
        let due = election.next_deadline(now);
        assert!(due > now, "{what}: at {now:?} it is to be woken at {due:?}");
        now = due;
        election.poll(now, &mut || 7, &mut Vec::new());
        woken += 1;
    }
    woken
}

#[test]
fn whatever_happens_a_speaker_is_woken_for_what_is_to_come() {
    for (what, fault) in FAULTS {
        let mut lan = Segment::settled(3, &[200], 1);
        fault(&mut lan);
        for _ in 0..12 {
            lan.run_ms(61);
            let alive = (0..3).filter(|node| lan.speakers[*node].alive);
            for node in alive.collect::<Vec<_>>() {
                let woken = woken(&lan, node, Duration::from_secs(1), what);
                assert!(woken <= 250, "{what}: {woken} times in a second");
            }
        }
    }
}
