//! Which pool a Service is served from: the one that it asks for, one for both of its addresses, the one that it has.

use super::*;
use crate::config::object::ServiceAllocation;
use crate::model::service::FamilyPolicy;
use crate::model::{Family, LabelSelector};

const DUAL: &[&str] = &["10.0.0.1-10.0.0.9", "fd00::1-fd00::9"];

fn dual(name: &str) -> Service {
    let mut service = service(name);
    service.cluster_ips.push(ip("fd00:43::1"));
    service.family_policy = Some(FamilyPolicy::PreferDualStack);
    service
}

fn addresses(decision: &Decision) -> Vec<String> {
    match &decision.outcome {
        Outcome::Assigned { addresses, .. } => addresses.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn two() -> World {
    World::new(&[
        pool("home", &["10.0.0.1-10.0.0.9", "fd00::1-fd00::9"]),
        pool("lab", &["10.1.0.1-10.1.0.9", "fd00:1::1-fd00:1::9"]),
    ])
}

#[test]
fn an_address_and_a_pool_that_are_both_asked_for_go_together() {
    for (address, from, expected) in [
        ("10.0.0.2", "home", &["10.0.0.2"][..]),
        ("10.1.0.2", "lab", &["10.1.0.2"]),
        ("10.0.0.2", "lab", &[]),
    ] {
        let mut wish = asking("a", "metallb.io/loadBalancerIPs", address);
        let annotation = "metallb.io/address-pool".to_owned();
        wish.annotations.insert(annotation, from.to_owned());
        let decision = two().decide(&wish);
        assert_eq!(addresses(&decision), expected, "{}", decision.because);
        if expected.is_empty() {
            assert_eq!(
                decision.because.to_string(),
                "10.0.0.2 is not in the requested pool lab: correct one of the two annotations"
            );
        }
    }
}

#[test]
fn two_addresses_that_are_asked_for_are_of_one_pool() {
    for (list, expected) in [
        ("10.0.0.2,fd00::2", &["10.0.0.2", "fd00::2"][..]),
        ("10.0.0.2,fd00:1::2", &[]),
    ] {
        let mut wish = dual("a");
        let annotation = "metallb.io/loadBalancerIPs".to_owned();
        wish.annotations.insert(annotation, list.to_owned());
        let decision = two().decide(&wish);
        assert_eq!(addresses(&decision), expected, "{}", decision.because);
        if expected.is_empty() {
            assert_eq!(
                decision.because.to_string(),
                "10.0.0.2 and fd00:1::2 are not in one IPAddressPool: ask for two addresses of one pool"
            );
        }
    }
}

#[test]
fn a_family_that_was_missing_is_added_from_the_pool_that_serves_already() {
    let mut world = World::new(&[pool("home", &["10.0.0.1-10.0.0.9"])]);
    let first = world.decide(&dual("a"));
    assert_eq!(addresses(&first), ["10.0.0.1"]);
    world.config = Config::new(&[pool("home", DUAL)], &[], &[]);
    let both = world.decide(&dual("a"));
    assert_eq!(addresses(&both), ["10.0.0.1", "fd00::1"]);
    assert_eq!(both.because, Because::FamilyAdded);
    // One that is reserved for it comes first.
    let mut world = World::new(&[pool("home", &["10.0.0.1-10.0.0.9"])]);
    world.decide(&dual("a"));
    world.config = Config::new(&[pool("home", DUAL)], &[], &[]).with_reservations(&[reservation(
        "r",
        "fd00::7",
        Some("a"),
    )]);
    assert_eq!(addresses(&world.decide(&dual("a"))), ["10.0.0.1", "fd00::7"]);
}

/// What is kept for it elsewhere is not what it asks for now.
#[test]
fn a_reservation_in_another_pool_than_the_one_asked_for_is_passed_over() {
    for (from, expected) in [("home", "10.0.0.7"), ("lab", "10.1.0.1")] {
        let mut world = two();
        world.config = world
            .config
            .with_reservations(&[reservation("r", "10.0.0.7", Some("a"))]);
        let decision = world.decide(&asking("a", "metallb.io/address-pool", from));
        assert_eq!(addresses(&decision), [expected], "{from}");
    }
}

/// A Service that is as well off with one address takes what is kept for it, alone or not at all.
#[test]
fn a_reserved_address_alone_is_for_who_can_do_without_the_other_family() {
    let pools = [
        pool("four", &["10.0.0.1-10.0.0.9"]),
        pool("six", &["fd00:6::1-fd00:6::9"]),
    ];
    for (policy, reserved, expected) in [
        (FamilyPolicy::PreferDualStack, "10.0.0.7", Some("10.0.0.7")),
        (FamilyPolicy::PreferDualStack, "fd00:6::7", Some("10.0.0.1")),
        (FamilyPolicy::RequireDualStack, "10.0.0.7", None),
    ] {
        let mut world = World::new(&pools);
        world.config = world
            .config
            .with_reservations(&[reservation("r", reserved, Some("a"))]);
        let mut wish = dual("a");
        wish.family_policy = Some(policy);
        let decision = world.decide(&wish);
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(addresses(&decision), expected, "{reserved}: {}", decision.because);
    }
}

/// It may be for the Service, and have both: one address from the next pool would be for good.
#[test]
fn a_pool_of_which_it_is_not_known_whom_it_is_for_is_waited_for() {
    let mut labelled = pool("both", DUAL);
    let selector = LabelSelector {
        match_labels: [("team".to_owned(), "a".to_owned())].into_iter().collect(),
        ..LabelSelector::default()
    };
    labelled.spec.as_mut().unwrap().service_allocation = Some(ServiceAllocation {
        priority: 5,
        namespaces: vec![],
        namespace_selectors: vec![Ok(selector)],
        service_selectors: vec![],
    });
    let mut first = pool("four", &["10.9.0.1-10.9.0.9"]);
    first.spec.as_mut().unwrap().service_allocation = Some(ServiceAllocation {
        priority: 1,
        namespaces: vec!["default".to_owned()],
        namespace_selectors: vec![],
        service_selectors: vec![],
    });
    let mut world = World::new(&[first, labelled]);
    let decision = world.decide(&dual("a"));
    assert_eq!(addresses(&decision), [""; 0], "{}", decision.because);
    assert!(
        matches!(decision.because, Because::NamespaceUnseen { .. }),
        "{}",
        decision.because
    );
    let labels: Labels = [("team".to_owned(), "a".to_owned())].into_iter().collect();
    world.namespaces.insert("default".to_owned(), labels);
    assert_eq!(addresses(&world.decide(&dual("a"))), ["10.0.0.1", "fd00::1"]);
}

/// Before it has cluster IPs its spec says what it will have.
#[test]
fn a_service_without_cluster_ips_is_served_by_what_its_spec_says() {
    for (policy, families, expected) in [
        (
            FamilyPolicy::RequireDualStack,
            &[Family::V4][..],
            &["10.0.0.1", "fd00::1"][..],
        ),
        (FamilyPolicy::SingleStack, &[Family::V6], &["fd00::1"]),
    ] {
        let mut service = service("a");
        service.cluster_ips.clear();
        service.family_policy = Some(policy);
        service.ip_families = families.to_vec();
        let decision = two().decide(&service);
        assert_eq!(addresses(&decision), expected, "{policy:?}: {}", decision.because);
    }
}
