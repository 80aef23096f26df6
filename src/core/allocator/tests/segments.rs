//! Addresses that a subnet keeps for itself, as the speakers tell them: without a router nobody else does.

use super::*;
use crate::allocator::arrivals::SETTLING;
use crate::model::NodeName;

fn record(subnet: &str, gateways: &[&str], age: Duration) -> SurveyRecord {
    SurveyRecord {
        key: ObjectKey::new("metallb-system", "tiklb-survey-x"),
        node: NodeName::from("node-a"),
        covered: RangeSet::new(),
        occupied: RangeSet::new(),
        took: Duration::ZERO,
        age: Duration::ZERO,
        segment: Some(SegmentRecord {
            subnet: subnet.parse().unwrap(),
            gateways: gateways.iter().map(|ip| ip.parse().unwrap()).collect(),
            age,
        }),
    }
}

fn world(range: &str, record: SurveyRecord) -> World {
    let mut world = World::new();
    world.step([
        Event::Pools(Change::Listed(vec![pool("home", &[range])])),
        Event::Surveys(Change::Applied(record)),
    ]);
    world.pass(SETTLING);
    world
}

fn asking(name: &str, address: &str) -> Service {
    let mut asking = service(name, 9);
    let wish = ("metallb.io/loadBalancerIPs".to_owned(), address.to_owned());
    asking.annotations.extend([wish]);
    asking
}

#[test]
fn network_broadcast_and_gateway_are_handed_out_to_nobody() {
    let mut world = world(
        "192.168.1.0/29",
        record("192.168.1.0/29", &["192.168.1.2"], Duration::ZERO),
    );
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    for (age, name) in names.iter().enumerate() {
        world.apply(service(name, i64::try_from(age).unwrap()));
    }
    let given: Vec<Option<String>> = names.iter().map(|name| world.address(name)).collect();
    let some = |last: u8| Some(format!("192.168.1.{last}"));
    assert_eq!(given, [some(1), some(3), some(4), some(5), some(6), None, None]);
    assert_eq!(
        world.events[0],
        "IpAllocated a: Assigned IP [\"192.168.1.1\"]: it is the first free one; passed over: \
         192.168.1.0 the network 192.168.1.0/29 (its network address, seen on node node-a)"
    );
    assert!(
        world.events[1].contains(
            "passed over: 192.168.1.0 the network 192.168.1.0/29 (its network address, seen on node node-a), \
             192.168.1.2 the gateway (its next hop of the default route, seen on node node-a)"
        ),
        "{:?}",
        world.events[1]
    );
}

#[test]
fn whoever_asks_for_one_waits_and_is_told_what_it_is() {
    for (address, what) in [
        ("192.168.1.0", "the network 192.168.1.0/24 (its network address"),
        (
            "192.168.1.255",
            "the network 192.168.1.0/24 (its broadcast address",
        ),
        ("192.168.1.1", "the gateway (its next hop of the default route"),
    ] {
        let mut world = world(
            "192.168.1.0/24",
            record("192.168.1.11/24", &["192.168.1.1"], Duration::ZERO),
        );
        world.apply(asking("web", address));
        assert_eq!(world.address("web"), None);
        let said = format!("AllocationFailed web: {address} is in use by {what}");
        assert!(world.events[0].starts_with(&said), "{said}: {:?}", world.events);
        // The nodes have moved into another network: it is an address like any other.
        let elsewhere = record("192.168.0.0/22", &["192.168.0.1"], Duration::ZERO);
        world.step([Event::Surveys(Change::Applied(elsewhere))]);
        assert_eq!(world.address("web").as_deref(), Some(address));
    }
}

#[test]
fn what_was_assigned_before_stays() {
    let mut world = World::new();
    world.pools(Change::Listed(vec![pool("home", &["192.168.1.0/24"])]));
    world.apply(service("web", 1));
    assert_eq!(world.address("web").as_deref(), Some("192.168.1.0"));
    world.step([Event::Surveys(Change::Applied(record(
        "192.168.1.0/24",
        &[],
        Duration::ZERO,
    )))]);
    world.list();
    assert_eq!(world.address("web").as_deref(), Some("192.168.1.0"));
}

#[test]
fn a_link_of_two_addresses_has_neither_network_nor_broadcast() {
    for subnet in ["192.168.1.0/31", "192.168.1.0/32"] {
        let mut world = world("192.168.1.0/32", record(subnet, &[], Duration::ZERO));
        world.apply(service("web", 1));
        assert_eq!(world.address("web").as_deref(), Some("192.168.1.0"), "{subnet}");
    }
}

#[test]
fn a_subnet_that_nobody_has_seen_for_a_day_is_gone() {
    for (hours, given) in [(23, "192.168.1.1"), (25, "192.168.1.0")] {
        let age = Duration::from_hours(hours);
        let mut world = World::new();
        world.now.mono = Instant::at(Duration::from_hours(100));
        world.step([
            Event::Pools(Change::Listed(vec![pool("home", &["192.168.1.0/24"])])),
            Event::Surveys(Change::Applied(record("192.168.1.0/24", &[], age))),
        ]);
        world.pass(SETTLING);
        world.apply(service("web", 1));
        assert_eq!(world.address("web").as_deref(), Some(given), "after {hours} h");
    }
}
