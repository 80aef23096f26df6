//! Selectors against labels.

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn requirement(key: &str, operator: &str, values: &[&str]) -> Result<Requirement, SelectorError> {
    Requirement::parse(key, operator, values.iter().map(|v| (*v).to_owned()).collect())
}

#[test]
fn each_operator_selects_as_kubernetes_does() {
    let amd = labels(&[("arch", "amd64")]);
    let none = labels(&[]);
    for (operator, values, with, without) in [
        ("In", vec!["amd64", "arm64"], true, false),
        ("In", vec!["arm64"], false, false),
        ("NotIn", vec!["amd64"], false, true),
        ("Exists", vec![], true, false),
        ("DoesNotExist", vec![], false, true),
    ] {
        let selector = LabelSelector {
            match_labels: Labels::new(),
            match_expressions: vec![requirement("arch", operator, &values).unwrap()],
        };
        assert_eq!(selector.matches(&amd), with, "{operator} {values:?} on amd64");
        assert_eq!(
            selector.matches(&none),
            without,
            "{operator} {values:?} on no label"
        );
    }
}

#[test]
fn every_part_must_match_and_an_empty_selector_matches_all() {
    assert!(LabelSelector::default().matches(&labels(&[])));
    let both = LabelSelector {
        match_labels: labels(&[("a", "1")]),
        match_expressions: vec![requirement("b", "Exists", &[]).unwrap()],
    };
    assert!(both.matches(&labels(&[("a", "1"), ("b", "2")])));
    assert!(!both.matches(&labels(&[("a", "1")])));
    assert!(!both.matches(&labels(&[("a", "2"), ("b", "2")])));
}

#[test]
fn what_is_no_selector_is_said() {
    assert!(
        requirement("a", "Gt", &["1"])
            .unwrap_err()
            .to_string()
            .contains("Gt")
    );
    assert!(
        requirement("a", "In", &[])
            .unwrap_err()
            .to_string()
            .contains("at least one value")
    );
    assert!(
        requirement("a", "Exists", &["x"])
            .unwrap_err()
            .to_string()
            .contains("no values")
    );
}

#[test]
fn what_no_label_has_is_no_selector() {
    for (key, good) in [
        ("app", true),
        ("app.kubernetes.io/name", true),
        ("Zone_1.a-b", true),
        ("", false),
        ("/name", false),
        ("app/", false),
        ("a/b/c", false),
        ("App.io/name", false),
        ("-app", false),
        ("app name", false),
        (&"k".repeat(63), true),
        (&"k".repeat(64), false),
    ] {
        let by_expression = requirement(key, "Exists", &[]);
        let by_label = LabelSelector::new(labels(&[(key, "x")]), vec![]);
        assert_eq!(by_expression.is_ok(), good, "{key:?}: {by_expression:?}");
        assert_eq!(by_label.is_ok(), good, "{key:?}: {by_label:?}");
    }
    for (value, good) in [
        ("", true),
        ("a.b_c-1", true),
        ("a b", false),
        ("a-", false),
        (&"v".repeat(64), false),
    ] {
        assert_eq!(requirement("app", "In", &[value]).is_ok(), good, "{value:?}");
        assert_eq!(
            LabelSelector::new(labels(&[("app", value)]), vec![]).is_ok(),
            good,
            "{value:?}"
        );
    }
}

#[test]
fn nothing_stands_twice_in_a_selector() {
    let twice = requirement("app", "In", &["a", "b", "a"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        twice,
        "\"a\" stands twice in the values of \"app\": remove one of the two"
    );
    let one = requirement("app", "Exists", &[]).unwrap();
    let other = requirement("app", "In", &["a"]).unwrap();
    assert!(LabelSelector::new(labels(&[]), vec![one.clone(), other.clone()]).is_ok());
    let twice = LabelSelector::new(labels(&[]), vec![one.clone(), other, one]).unwrap_err();
    assert_eq!(
        twice.to_string(),
        "the expression on \"app\" stands in matchExpressions twice: remove one of the two"
    );
}
