//! Whom a pool is for, and when its turn is.

use super::*;
use crate::model::ObjectKey;

fn with(key: &str, value: &str) -> LabelSelector {
    LabelSelector {
        match_labels: [(key.to_owned(), value.to_owned())].into_iter().collect(),
        ..LabelSelector::default()
    }
}

fn allocation(namespaces: &[&str], by_label: bool, services: bool) -> Allocation {
    Allocation::read(&ServiceAllocation {
        priority: 1,
        namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
        namespace_selectors: by_label.then(|| Ok(with("team", "a"))).into_iter().collect(),
        service_selectors: services.then(|| Ok(with("app", "db"))).into_iter().collect(),
    })
    .unwrap()
}

#[test]
fn low_numbers_come_first_and_what_is_not_positive_last() {
    let rank = |priority| {
        let spec = ServiceAllocation {
            priority,
            namespaces: vec![],
            namespace_selectors: vec![],
            service_selectors: vec![],
        };
        Allocation::read(&spec).unwrap().rank
    };
    assert!(rank(1) < rank(2) && rank(2) < rank(0));
    assert_eq!(rank(0), rank(-1));
}

#[test]
fn namespaces_add_up_and_a_service_must_be_selected_besides() {
    use Admission::{No, Unknown, Yes};
    let team = |name: &str| -> Labels { [("team".to_owned(), name.to_owned())].into_iter().collect() };
    let seen: BTreeMap<String, Labels> =
        [("media".to_owned(), team("a")), ("lab".to_owned(), team("b"))].into();
    for (allocation, namespace, app, expected) in [
        (allocation(&[], false, false), "new", "web", Yes),
        (allocation(&[], false, true), "new", "web", No),
        (allocation(&[], false, true), "new", "db", Yes),
        (allocation(&["lab"], false, false), "lab", "web", Yes),
        (allocation(&["lab"], false, false), "media", "web", No),
        (allocation(&["lab"], true, false), "lab", "web", Yes),
        (allocation(&["lab"], true, false), "media", "web", Yes),
        (allocation(&[], true, false), "lab", "web", No),
        (allocation(&[], true, false), "new", "web", Unknown),
        (allocation(&["lab"], false, false), "new", "web", No),
    ] {
        let service = Service {
            key: ObjectKey::new(namespace, "s"),
            labels: [("app".to_owned(), app.to_owned())].into_iter().collect(),
            ..Service::default()
        };
        let admitted = allocation.admits(&service, &seen);
        assert_eq!(admitted, expected, "{allocation:?} {namespace} {app}");
    }
}
