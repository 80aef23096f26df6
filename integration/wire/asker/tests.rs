//! When a question counts as answered twice, and by whom.

use super::*;

const OLD: Mac = Mac([2, 0, 0, 0, 1, 11]);
const NEW: Mac = Mac([2, 0, 0, 0, 1, 12]);

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Questions every 20 ms, each with its answers: whose address, and after how many milliseconds.
fn report(questions: &[&[(Mac, u64)]]) -> AskReport {
    let begun = Instant::now();
    let answer = |(mac, after): &(Mac, u64)| ArpAnswer {
        mac: *mac,
        from: *mac,
        after: Duration::from_millis(*after),
    };
    let questions = (0_u32..).zip(questions).map(|(number, answers)| Question {
        address: ADDRESS,
        at: begun + EVERY * number,
        after: EVERY * number,
        answers: answers.iter().map(answer).collect(),
    });
    AskReport {
        questions: questions.collect(),
    }
}

#[test]
fn a_question_with_one_answer_said_twice_is_not_contradicted() {
    let report = report(&[&[(OLD, 1), (OLD, 2)], &[]]);
    assert_eq!(report.contradicted().count(), 0);
    assert_eq!(report.owners(), [OLD]);
}

#[test]
fn two_answers_in_time_contradict_each_other_and_the_last_is_believed() {
    let report = report(&[&[(OLD, 1)], &[(NEW, 1), (OLD, 2)], &[(NEW, 1)]]);
    assert_eq!(report.contradicted().count(), 1);
    assert_eq!(report.owners(), [OLD, NEW]);
}

#[test]
fn without_what_two_answered_each_owner_is_seen_as_often_as_it_was_one_alone() {
    let both: &[(Mac, u64)] = &[(NEW, 1), (OLD, 2)];
    let other: &[(Mac, u64)] = &[(OLD, 1), (NEW, 2)];
    let moved_once = report(&[&[(OLD, 1)], other, both, other, &[(NEW, 1)], &[]]);
    assert_eq!(moved_once.owners(), [OLD, NEW, OLD, NEW]);
    assert_eq!(moved_once.undisputed().owners(), [OLD, NEW]);
    let moved_back = report(&[&[(OLD, 1)], both, &[(NEW, 1)], other, &[(OLD, 1)]]);
    assert_eq!(moved_back.undisputed().owners(), [OLD, NEW, OLD]);
}

#[test]
fn an_answer_that_comes_late_contradicts_nobody() {
    let report = report(&[&[(OLD, 11), (NEW, 1)], &[(NEW, 1)], &[(OLD, 30)]]);
    assert_eq!(report.contradicted().count(), 0);
    assert_eq!(report.owners(), [NEW]);
}

#[test]
fn the_longest_wait_lies_between_two_questions_that_were_answered() {
    let report = report(&[&[(OLD, 1)], &[], &[], &[(OLD, 1)], &[(OLD, 1)], &[]]);
    assert_eq!(report.longest_wait(), (Duration::ZERO, EVERY * 3));
    assert_eq!(
        report.since(report.questions[3].at).longest_wait(),
        (EVERY * 3, EVERY)
    );
}

#[test]
fn who_asks_for_two_addresses_judges_each_by_its_own_answers() {
    const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    let mut report = report(&[&[(OLD, 1)], &[(NEW, 1)], &[(OLD, 1)], &[]]);
    for question in report.questions.iter_mut().skip(1).step_by(2) {
        question.address = OTHER;
    }
    assert_eq!(report.of(ADDRESS).owners(), [OLD]);
    assert_eq!(report.of(ADDRESS).longest_wait(), (Duration::ZERO, EVERY * 2));
    assert_eq!(report.of(OTHER).owners(), [NEW]);
}
