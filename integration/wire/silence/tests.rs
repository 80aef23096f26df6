//! Which silence is the longest.

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn longest(answers: &[(u64, &str)], end: u64) -> (u64, u64, Option<String>, Option<String>) {
    let silence = Silence::longest(answers.iter().map(|(at, node)| (ms(*at), *node)), ms(end));
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap();
    (
        millis(silence.begin),
        millis(silence.end),
        silence.before,
        silence.after,
    )
}

#[test]
fn it_lies_between_two_answers() {
    let answers = [
        (1, "node1"),
        (2, "node1"),
        (40, "node2"),
        (41, "node2"),
        (60, "node2"),
    ];
    assert_eq!(
        longest(&answers, 61),
        (2, 40, Some("node1".to_owned()), Some("node2".to_owned()))
    );
}

#[test]
fn one_that_has_not_ended_counts_to_the_end() {
    assert_eq!(
        longest(&[(1, "node1"), (9, "node1")], 100),
        (9, 100, Some("node1".to_owned()), None)
    );
}

#[test]
fn one_before_the_first_answer_counts_from_the_start() {
    assert_eq!(
        longest(&[(50, "node1"), (51, "node1")], 52),
        (0, 50, None, Some("node1".to_owned()))
    );
}

#[test]
fn without_any_answer_all_of_it_is_silence() {
    assert_eq!(longest(&[], 7), (0, 7, None, None));
}
