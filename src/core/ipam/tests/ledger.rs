//! What is in use, and what became free since somebody last asked.

use super::*;
use crate::model::AddressRange;

fn shared(name: &str, port: u16) -> Service {
    let mut service = asking(name, "metallb.io/allow-shared-ip", "web");
    service.ports = [("TCP".to_owned(), port)].into();
    service
}

#[test]
fn addresses_in_use_are_told_as_a_whole_and_by_range() {
    let mut world = home();
    for name in ["a", "b", "c"] {
        world.decide(&service(name));
    }
    world.ledger.release(&ObjectKey::new("default", "b"));
    assert_eq!(world.ledger.in_use().to_string(), "192.168.1.200,192.168.1.202");
    let range = AddressRange::parse("192.168.1.201-192.168.1.250").unwrap();
    let within: Vec<AddressRange> = world.ledger.in_use_within(&range).collect();
    assert_eq!(within, [AddressRange::single(ip("192.168.1.202"))]);
}

/// Those that wait are looked at again then, and only then.
#[test]
fn something_came_free_when_a_service_left_or_shares_in_another_way() {
    let mut world = home();
    world.decide(&shared("a", 80));
    assert!(!world.ledger.take_loosened(), "an address was taken");
    world.decide(&shared("a", 80));
    assert!(!world.ledger.take_loosened(), "nothing changed");
    world.decide(&shared("a", 443));
    assert!(world.ledger.take_loosened(), "port 80 is free");
    assert!(!world.ledger.take_loosened(), "and that was told");
    world.ledger.release(&ObjectKey::new("default", "a"));
    assert!(world.ledger.take_loosened());
    world.ledger.release(&ObjectKey::new("default", "a"));
    assert!(!world.ledger.take_loosened(), "it had nothing any more");
}

#[test]
fn addresses_that_came_into_use_or_went_out_of_it_are_told_once() {
    let mut world = home();
    let touched = |world: &mut World| {
        let touched = world.ledger.take_touched();
        touched.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    world.decide(&shared("a", 80));
    world.decide(&service("b"));
    assert_eq!(touched(&mut world), ["192.168.1.200", "192.168.1.201"]);
    world.decide(&shared("c", 443));
    world.ledger.release(&ObjectKey::new("default", "a"));
    assert_eq!(touched(&mut world), [""; 0], "it was shared, and still is in use");
    world.ledger.release(&ObjectKey::new("default", "c"));
    assert_eq!(touched(&mut world), ["192.168.1.200"]);
}

/// One round of decisions goes through a pool once, but for what comes free meanwhile.
#[test]
fn an_address_that_comes_free_in_a_round_is_given_out_in_it() {
    let mut world = home();
    let ground = Ground::new(&world.config, &world.net, None, &world.namespaces);
    for name in ["a", "b"] {
        world.ledger.decide(&service(name), &ground);
    }
    world.ledger.release(&ObjectKey::new("default", "a"));
    let next = world.ledger.decide(&service("c"), &ground).outcome;
    let expected = [ip("192.168.1.200")];
    assert!(
        matches!(&next, Outcome::Assigned { addresses, .. } if *addresses == expected),
        "{next:?}"
    );
}

/// Also when several come and go: the last one takes the address with it.
#[test]
fn an_address_is_shared_for_as_long_as_somebody_shares_it() {
    let mut world = home();
    for (name, port) in [("a", 80), ("b", 443), ("c", 25)] {
        assert_eq!(
            world.address(&shared(name, port)).as_deref(),
            Some("192.168.1.200")
        );
    }
    // The address of the sharers is not the lowest free one for whoever comes next.
    world.decide(&asking("d", "metallb.io/loadBalancerIPs", "192.168.1.201"));
    for (name, port) in [("a", 81), ("b", 444), ("e", 80)] {
        world.ledger.release(&ObjectKey::new("default", name));
        assert_eq!(
            world.address(&shared(name, port)).as_deref(),
            Some("192.168.1.200"),
            "{name}"
        );
    }
    for name in ["a", "b", "c", "e"] {
        world.ledger.release(&ObjectKey::new("default", name));
    }
    assert_eq!(world.ledger.in_use().to_string(), "192.168.1.201");
    world.decide(&service("alone"));
    assert_eq!(
        world.address(&shared("f", 80)).as_deref(),
        Some("192.168.1.202"),
        "nobody shares any more"
    );
}
