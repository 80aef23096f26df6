//! The API's query words: comparisons push onto a stack, `#…` works on it, what is left must all be true.
//!
//! | word | pushes |
//! |---|---|
//! | `a` / `-a` | whether the row has, or lacks, the key |
//! | `a=b`, `=a=b` / `<a=b` / `>a=b` | whether the row has the key and its value equals, is below, is above |
//! | `#!` | the opposite of the top |
//! | `#&` / `#|` | both of the two topmost, either of them |
//! | `#0|` | a copy of the value at that index, the top being 0, and then the operator |
//! | `#0` | the value at that index alone, instead of all |
//!
//! Source: the manual's API page, "Queries"; REST takes the same words.

use std::cmp::Ordering;
use std::net::Ipv4Addr;

use crate::row::Row;
use crate::value::duration;

#[cfg(test)]
mod tests;

/// How a row's value must stand to the one asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    Greater,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Has(String),
    Lacks(String),
    Compare(String, Comparison, String),
    Operators(Vec<Operator>),
}

/// One step of a `#` word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Not,
    And,
    Or,
    /// Pushes a copy of the value at this index.
    Copy(usize),
    /// The value at this index instead of all.
    Keep(usize),
}

impl Word {
    /// Reads a word; `None` where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(operators) = text.strip_prefix('#') {
            return operators_of(operators).map(Word::Operators);
        }
        let (comparison, rest) = match text.as_bytes().first()? {
            b'-' => return named(&text[1..]).map(Word::Lacks),
            b'<' => (Comparison::Less, &text[1..]),
            b'>' => (Comparison::Greater, &text[1..]),
            b'=' => (Comparison::Equal, &text[1..]),
            _ => (Comparison::Equal, text),
        };
        match rest.split_once('=') {
            Some((key, value)) => Some(Word::Compare(named(key)?, comparison, value.to_owned())),
            None if rest.len() == text.len() => named(rest).map(Word::Has),
            None => None,
        }
    }
}

fn named(key: &str) -> Option<String> {
    (!key.is_empty()).then(|| key.to_owned())
}

fn operators_of(text: &str) -> Option<Vec<Operator>> {
    let mut read = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            let index = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            read.push(if rest.is_empty() {
                Operator::Keep(index)
            } else {
                Operator::Copy(index)
            });
            // A dot only ends an index.
            rest = rest.strip_prefix('.').unwrap_or(rest);
            continue;
        }
        read.push(match first {
            '!' => Operator::Not,
            '&' => Operator::And,
            '|' => Operator::Or,
            _ => return None,
        });
        rest = &rest[1..];
    }
    (!read.is_empty()).then_some(read)
}

/// Whether a row satisfies all words. An operator that finds too little on the stack makes nothing match.
pub(super) fn matches(words: &[Word], row: &Row) -> bool {
    let mut stack = Vec::new();
    for word in words {
        let pushed = match word {
            Word::Has(key) => row.get(key).is_some(),
            Word::Lacks(key) => row.get(key).is_none(),
            Word::Compare(key, comparison, wanted) => row
                .get(key)
                .is_some_and(|value| compares(value, *comparison, wanted)),
            Word::Operators(operators) => {
                for operator in operators {
                    if operate(&mut stack, *operator).is_none() {
                        return false;
                    }
                }
                continue;
            }
        };
        stack.push(pushed);
    }
    stack.into_iter().all(|value| value)
}

fn operate(stack: &mut Vec<bool>, operator: Operator) -> Option<()> {
    let at = |stack: &[bool], index: usize| {
        let from_top = stack.len().checked_sub(index.checked_add(1)?)?;
        stack.get(from_top).copied()
    };
    match operator {
        Operator::Not => {
            let top = stack.pop()?;
            stack.push(!top);
        }
        Operator::And => {
            let (one, two) = (stack.pop()?, stack.pop()?);
            stack.push(one && two);
        }
        Operator::Or => {
            let (one, two) = (stack.pop()?, stack.pop()?);
            stack.push(one || two);
        }
        Operator::Copy(index) => {
            let value = at(stack, index)?;
            stack.push(value);
        }
        Operator::Keep(index) => *stack = vec![at(stack, index)?],
    }
    Some(())
}

fn compares(value: &str, comparison: Comparison, wanted: &str) -> bool {
    match comparison {
        Comparison::Equal => value == wanted,
        Comparison::Less => order(value, wanted) == Ordering::Less,
        Comparison::Greater => order(value, wanted) == Ordering::Greater,
    }
}

/// By number, address or time where both are one, otherwise by text.
fn order(one: &str, two: &str) -> Ordering {
    fn both<T>(one: &str, two: &str, read: impl Fn(&str) -> Option<T>) -> Option<(T, T)> {
        Some((read(one)?, read(two)?))
    }
    let number = |text: &str| text.parse::<i64>().ok();
    let address = |text: &str| text.parse::<Ipv4Addr>().ok();
    if let Some((one, two)) = both(one, two, number) {
        return one.cmp(&two);
    }
    if let Some((one, two)) = both(one, two, address) {
        return one.cmp(&two);
    }
    if let Some((one, two)) = both(one, two, duration::parse) {
        return one.cmp(&two);
    }
    one.cmp(two)
}
