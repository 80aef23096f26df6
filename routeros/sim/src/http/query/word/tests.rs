//! The stack, word by word.

use super::{Word, matches};
use crate::row::Row;

fn found(words: &[&str]) -> bool {
    let row: Row = [
        ("name", "lan"),
        ("used", "9"),
        ("address", "192.168.1.9"),
        ("left", "9m"),
    ]
    .into_iter()
    .collect();
    let words: Vec<Word> = words.iter().map(|word| Word::parse(word).unwrap()).collect();
    matches(&words, &row)
}

#[test]
fn words_are_anded_and_operators_work_from_the_top() {
    for (words, expected) in [
        (&["name=lan"][..], true),
        (&["=name=lan"], true),
        (&["name=lan", "used=8"], false),
        (&["name=lan", "used=8", "#|"], true),
        (&["name=x", "used=8", "#|"], false),
        (&["name=x", "#!"], true),
        (&["name=x", "used=8", "#|!"], true),
        (&["name=x", "name=lan", "#!|"], false),
        (&["name=lan", "used=9", "#&"], true),
        // The second from the top is copied to the top, and negated there.
        (&["name=lan", "used=8", "#1!|"], false),
        (&["name=lan", "used=8", "#1"], true),
        (&["name=lan", "used=8", "#0"], false),
        (&["name=lan", "used=8", "#1.|"], true),
        // Nothing to work on.
        (&["#!"], false),
        (&["name=lan", "#|"], false),
        (&["name=lan", "#7"], false),
    ] {
        assert_eq!(found(words), expected, "{words:?}");
    }
}

#[test]
fn a_key_can_be_asked_for_and_values_are_ordered_as_what_they_are() {
    for (word, expected) in [
        ("name", true),
        ("comment", false),
        ("-comment", true),
        ("-name", false),
        ("<used=10", true),
        (">used=10", false),
        ("<address=192.168.1.10", true),
        (">left=100", true),
        ("<name=lao", true),
        (">comment=", false),
        ("comment=", false),
    ] {
        assert_eq!(found(&[word]), expected, "{word}");
    }
}

#[test]
fn what_is_no_word_is_told() {
    for text in [
        "",
        "#",
        "#x",
        "-",
        "<used",
        "=used",
        "=",
        "<=3",
        "#99999999999999999999|",
    ] {
        assert_eq!(Word::parse(text), None, "{text}");
    }
}
