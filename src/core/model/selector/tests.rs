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
            match_labels: BTreeMap::new(),
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
