//! Traces in which a rule is broken, and their like in which it is not.

use super::*;
use crate::election::tests::segment::{Segment, ip, name};

const KEY: u8 = 200;

/// Nodes without a fault.
fn well(nodes: usize) -> Scene {
    Scene {
        hears: (0..nodes).map(|node| all(nodes) & !bit(node)).collect(),
        linked: all(nodes),
        able: all(nodes),
        candidates: [(ip(KEY), all(nodes))].into(),
        first: [(ip(KEY), bit(0))].into(),
        starts: vec![1; nodes],
        ..Scene::default()
    }
}

/// What is shown to a judge, millisecond by millisecond.
struct Trace {
    judge: Judge,
    now: Instant,
    scene: Scene,
    noisy: bool,
    misled: Nodes,
}

impl Trace {
    /// Three nodes, the first of which has the address, for ten seconds.
    fn new() -> Self {
        let now = Instant::at(Duration::from_secs(1_000));
        let judge = Judge::new(Bounds::of(3), false, well(3), now);
        let mut trace = Self {
            judge,
            now,
            scene: well(3),
            noisy: false,
            misled: 0,
        };
        trace.shows(0, 1_000);
        trace.claims(0, &Because::First { candidates: 3 });
        trace.shows(bit(0), 10_000);
        assert_eq!(trace.judge.verdict(), Ok(()));
        trace
    }

    fn shows(&mut self, answers: Nodes, ms: u64) {
        for _ in 0..ms {
            self.now = self.now + Duration::from_millis(1);
            let answers = Answers {
                key: ip(KEY),
                nodes: answers,
                misled: self.misled,
            };
            self.judge.look(&[answers], self.noisy, self.now);
        }
    }

    fn claims(&mut self, node: usize, because: &Because) {
        self.judge.moved(node, ip(KEY), true, because, self.now);
    }

    fn accuses(&mut self, node: usize, owner: usize) {
        let because = Because::Silent {
            node: name(owner),
            after: Duration::from_millis(36),
        };
        self.claims(node, &because);
    }

    fn fault(&mut self, change: impl FnOnce(&mut Scene)) {
        change(&mut self.scene);
        self.judge.fault(self.now);
        self.judge.see(self.scene.clone(), self.now);
    }

    fn dies(&mut self, node: usize) {
        self.fault(|scene| {
            scene.ailing |= bit(node);
            scene.able &= !bit(node);
            scene.linked &= !bit(node);
            for hears in &mut scene.hears {
                *hears &= !bit(node);
            }
            scene.hears[node] = 0;
        });
    }

    fn is_broken(&self, by: &str) -> bool {
        self.judge.verdict().is_err_and(|what| what.contains(by))
    }
}

#[test]
fn two_that_hear_each_other_may_both_answer_for_a_moment_and_no_longer() {
    let mut trace = Trace::new();
    trace.shows(bit(0) | bit(1), 600);
    assert_eq!(trace.judge.verdict(), Ok(()));
    trace.shows(bit(0) | bit(1), 2);
    assert!(trace.is_broken("hear each other and answer"));
}

/// Whoever was parted before may take a few heartbeats to find out.
#[test]
fn after_one_fault_among_nodes_that_heard_each_other_two_answer_for_5_ms_at_most() {
    for (parted, ms, broken) in [(false, 6, false), (false, 7, true), (true, 7, false)] {
        let mut trace = Trace::new();
        if parted {
            trace.fault(|scene| scene.hears = vec![0, bit(2), bit(1)]);
            trace.shows(bit(0), 10_000);
        }
        trace.fault(|scene| scene.hears = well(3).hears);
        trace.shows(bit(0) | bit(1), ms);
        assert_eq!(
            trace.is_broken("hear each other and answer"),
            broken,
            "{parted} {ms}"
        );
        let overlaps = trace.judge.overlaps();
        let lasted = Duration::from_millis(ms - 1);
        let (whole, any) = if parted {
            (Duration::ZERO, lasted)
        } else {
            (lasted, Duration::ZERO)
        };
        assert_eq!((overlaps.one_fault, overlaps.any_faults), (whole, any));
    }
}

#[test]
fn whoever_stands_in_by_old_news_answers_beside_another() {
    for (misled, broken) in [(0, true), (bit(1), false)] {
        let mut trace = Trace::new();
        trace.misled = misled;
        trace.shows(bit(0) | bit(1), 700);
        assert_eq!(trace.is_broken("hear each other and answer"), broken);
    }
}

#[test]
fn two_that_do_not_hear_each_other_may_both_answer() {
    let mut trace = Trace::new();
    trace.fault(|scene| {
        scene.hears = vec![0, bit(2), bit(1)];
        scene.linked = bit(1) | bit(2);
    });
    trace.shows(bit(0) | bit(1), 10_000);
    assert_eq!(trace.judge.verdict(), Ok(()));
}

#[test]
fn after_one_fault_somebody_answers_within_810_ms() {
    for (ms, broken) in [(800, false), (820, true)] {
        let mut trace = Trace::new();
        trace.dies(0);
        trace.shows(0, ms);
        assert_eq!(trace.is_broken("nobody answers"), broken, "{ms}");
    }
}

/// A fault that follows another.
#[test]
fn after_two_faults_it_may_take_longer_and_longest_where_somebody_was_just_started() {
    let bounds = Bounds::of(3);
    let started: fn(&mut Scene) = |scene| scene.starts[2] += 1;
    let hurt: fn(&mut Scene) = |scene| scene.unpingable |= bit(2);
    for (fault, bound) in [(hurt, bounds.any_faults), (started, bounds.first_claim)] {
        let bound = u64::try_from(bound.as_millis()).unwrap();
        for (ms, broken) in [(bound, false), (bound + 2, true)] {
            let mut trace = Trace::new();
            trace.dies(0);
            trace.shows(0, 100);
            trace.fault(fault);
            trace.shows(0, ms);
            assert_eq!(trace.is_broken("nobody answers"), broken, "{ms}");
        }
    }
}

#[test]
fn nobody_need_answer_where_nobody_could() {
    let mut trace = Trace::new();
    trace.fault(|scene| (scene.able, scene.linked) = (0, 0));
    trace.shows(0, 60_000);
    assert_eq!(trace.judge.verdict(), Ok(()));
}

#[test]
fn whoever_answers_where_the_gateway_is_not_serves_nobody() {
    let mut trace = Trace::new();
    trace.fault(|scene| {
        scene.hears = vec![0, bit(2), bit(1)];
        scene.linked = bit(1) | bit(2);
        scene.able = bit(1) | bit(2);
    });
    trace.shows(bit(0), 1_000);
    assert!(trace.is_broken("nobody answers"));
}

#[test]
fn a_dead_owner_may_be_followed_and_a_sound_one_not() {
    for (dead, broken) in [(0, false), (2, true)] {
        let mut trace = Trace::new();
        trace.dies(dead);
        trace.shows(bit(0), 36);
        trace.accuses(1, 0);
        assert_eq!(trace.is_broken("without a cause"), broken, "node {dead} dies");
    }
}

#[test]
fn who_was_away_itself_has_no_cause_to_accuse_the_others() {
    let mut trace = Trace::new();
    trace.dies(1);
    trace.shows(bit(0), 500);
    let well = well(3);
    trace.fault(|scene| *scene = well);
    trace.shows(bit(0), 2_100);
    trace.accuses(1, 0);
    assert!(trace.is_broken("without a cause"));
}

#[test]
fn once_all_has_been_well_for_long_nothing_moves() {
    let mut trace = Trace::new();
    trace
        .judge
        .moved(0, ip(KEY), false, &Because::NotCandidate, trace.now);
    trace.claims(1, &Because::GivenUp);
    assert!(trace.is_broken("all has been well for long"));
}

#[test]
fn what_nobody_has_given_up_is_not_taken_for_given_up() {
    for (given_up, broken) in [(true, false), (false, true)] {
        let mut trace = Trace::new();
        trace.fault(|scene| scene.starts[2] += 1);
        if given_up {
            trace
                .judge
                .moved(0, ip(KEY), false, &Because::NotCandidate, trace.now);
        }
        trace.claims(1, &Because::GivenUp);
        assert_eq!(trace.is_broken("without a cause"), broken);
    }
}

/// Each of them, at the same moment.
#[test]
fn two_may_claim_what_was_given_up_before_they_hear_of_each_other() {
    for (ms, broken) in [(2, false), (3, true)] {
        let mut trace = Trace::new();
        trace.fault(|scene| scene.starts[2] += 1);
        trace
            .judge
            .moved(0, ip(KEY), false, &Because::NotCandidate, trace.now);
        trace.shows(0, 10);
        trace.claims(1, &Because::GivenUp);
        trace.shows(bit(1), ms);
        trace.claims(0, &Because::GivenUp);
        assert_eq!(trace.is_broken("without a cause"), broken, "{ms}");
    }
}

#[test]
fn what_somebody_answers_for_has_no_first_claim() {
    let mut trace = Trace::new();
    trace.fault(|scene| scene.starts[2] += 1);
    trace.shows(bit(0), 1_100);
    trace.claims(2, &Because::First { candidates: 3 });
    assert!(trace.is_broken("without a cause"));
}

#[test]
fn nothing_is_taken_up_again_by_whoever_was_not_started() {
    for (started, broken) in [(1, false), (2, true)] {
        let mut trace = Trace::new();
        trace.fault(|scene| scene.starts[started] += 1);
        trace.shows(0, 100);
        trace.claims(1, &Because::Resumed);
        assert_eq!(trace.is_broken("without a cause"), broken);
    }
}

/// Its own, for which another stands in, is.
#[test]
fn what_another_has_had_for_long_is_not_taken_up_again() {
    for (started, broken) in [(0, false), (1, true)] {
        let mut trace = Trace::new();
        trace.fault(|scene| scene.starts[started] += 1);
        trace.shows(bit(2), 1_100);
        trace.claims(started, &Because::Resumed);
        assert_eq!(trace.is_broken("without a cause"), broken, "{started}");
    }
}

#[test]
fn nothing_is_given_up_to_a_record_where_there_are_none() {
    let mut trace = Trace::new();
    let because = Because::Recorded {
        by: name(1),
        epoch: 2,
    };
    trace.judge.moved(0, ip(KEY), false, &because, trace.now);
    assert!(trace.is_broken("there are none"));
}

#[test]
fn an_address_that_goes_to_and_fro_is_found_out_though_each_move_has_a_cause() {
    let mut trace = Trace::new();
    trace.dies(2);
    for (moves, owner) in (1..=MOVES + 1).zip([1, 0].into_iter().cycle()) {
        trace.shows(bit(owner), 100);
        trace
            .judge
            .moved(1 - owner, ip(KEY), false, &Because::NotCandidate, trace.now);
        trace.claims(owner, &Because::GivenUp);
        assert_eq!(trace.is_broken("to and fro"), moves > MOVES, "{moves}");
    }
}

/// Under loss a move now and then is nobody's fault, and many are.
#[test]
fn noise_explains_a_move_in_two_seconds() {
    for (every, broken) in [(3_000, false), (500, true)] {
        let mut trace = Trace::new();
        trace.noisy = true;
        for owner in [1, 0].into_iter().cycle().take(20) {
            trace.shows(bit(owner), every);
            trace.accuses(owner, 1 - owner);
        }
        assert_eq!(trace.is_broken("to and fro"), broken, "{every}");
    }
}

/// A segment of three with its judge, settled.
fn segment() -> Segment {
    let mut lan = Segment::new(3, &[KEY], 1);
    lan.judge = Some(Judge::new(Bounds::of(3), false, lan.scene(), lan.now));
    lan.start_all();
    lan.run_ms(10_000);
    assert_eq!(lan.verdict(), Ok(()));
    lan
}

#[test]
fn a_segment_is_watched_between_its_faults() {
    let mut lan = segment();
    let owner = lan.answerers(KEY)[0];
    lan.fault(|lan| lan.kill(owner));
    lan.run_ms(1_000);
    assert_eq!(lan.verdict(), Ok(()));
}

#[test]
fn a_segment_in_which_a_second_node_answers_breaks_a_rule() {
    let mut lan = segment();
    let owner = lan.answerers(KEY)[0];
    let other = (owner + 1) % 3;
    lan.fault(|lan| drop(lan.speakers[other].standing.insert(ip(KEY), name(owner))));
    lan.run_ms(700);
    assert!(lan.verdict().is_err());
}

#[test]
fn a_segment_in_which_the_owner_is_mute_breaks_a_rule() {
    let mut lan = segment();
    let owner = lan.answerers(KEY)[0];
    let long = lan.now + Duration::from_mins(1);
    lan.fault(|lan| lan.speakers[owner].withheld_until = Some(long));
    lan.run_ms(900);
    assert!(lan.verdict().is_err());
}

#[test]
fn a_segment_in_which_a_sound_owner_is_taken_for_gone_breaks_a_rule() {
    let mut lan = segment();
    let owner = lan.answerers(KEY)[0];
    let other = (owner + 1) % 3;
    let because = Because::Silent {
        node: name(owner),
        after: Duration::from_millis(36),
    };
    lan.fault(|lan| {
        lan.history.push((lan.now, other, ip(KEY), Some(9), because));
    });
    lan.run_ms(10);
    assert!(lan.verdict().is_err());
}
