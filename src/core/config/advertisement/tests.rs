//! Whom an advertisement selects.

use super::*;

fn labels(text: &[(&str, &str)]) -> Labels {
    let pairs = text.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn with(text: &[(&str, &str)]) -> LabelSelector {
    LabelSelector {
        match_labels: labels(text),
        ..LabelSelector::default()
    }
}

/// As in MetalLB: one of several selectors is enough, and none selects everybody.
#[test]
fn nodes_and_services_are_selected_by_any_selector_and_all_of_them_by_none() {
    let (rack, zone) = (with(&[("rack", "1")]), with(&[("zone", "a")]));
    for (selectors, of, selected) in [
        (vec![], &[][..], true),
        (vec![], &[("rack", "2")], true),
        (vec![rack.clone()], &[("rack", "1")], true),
        (vec![rack.clone()], &[("rack", "2")], false),
        (vec![rack.clone()], &[], false),
        (vec![rack.clone(), zone.clone()], &[("zone", "a")], true),
        (vec![rack, zone], &[("zone", "b")], false),
    ] {
        let by_node = Advertisement {
            name: "l2".to_owned(),
            pools: vec![],
            pool_selectors: vec![],
            node_selectors: selectors.clone(),
            service_selectors: vec![],
            broken: false,
            interfaces: vec![],
            preferred_nodes: vec![],
        };
        assert_eq!(by_node.selects_node(&labels(of)), selected, "{of:?}");
        assert!(by_node.selects_service(&labels(of)));
        let by_service = Advertisement {
            node_selectors: vec![],
            service_selectors: selectors,
            ..by_node
        };
        assert_eq!(by_service.selects_service(&labels(of)), selected, "{of:?}");
        assert!(by_service.selects_node(&labels(of)));
    }
}
