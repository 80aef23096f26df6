//! What statuses say: stored, or on their way.

use super::*;
use crate::model::Few;

/// Address and Service.
type Pairs<'a> = &'a [(&'a str, &'a str)];

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("default", name)
}

/// Decides beside statuses that name addresses, and writes that may have put them there.
fn decide(world: &mut World, service: &Service, named: Pairs<'_>, sent: Pairs<'_>) -> Decision {
    let mut names: BTreeMap<IpAddr, Few<ObjectKey>> = BTreeMap::new();
    for (address, name) in named {
        names.entry(ip(address)).or_default().insert(key(name));
    }
    let mut on_the_way: BTreeMap<ObjectKey, Few<IpAddr>> = BTreeMap::new();
    for (address, name) in sent {
        on_the_way.entry(key(name)).or_default().insert(ip(address));
    }
    let ground = Ground::new(&world.config, &world.net, None, &world.namespaces);
    world.ledger.decide(service, &ground.named(&names, &on_the_way))
}

fn address(decision: &Decision) -> Option<String> {
    match &decision.outcome {
        Outcome::Assigned { addresses, .. } => Some(addresses[0].to_string()),
        _ => None,
    }
}

/// Speakers go by statuses: two Services would answer for it.
#[test]
fn an_address_that_a_status_still_names_is_given_to_nobody_else() {
    let named = [("192.168.1.200", "old")];
    let next = decide(&mut home(), &service("new"), &named, &[]);
    assert_eq!(address(&next).as_deref(), Some("192.168.1.201"));
    let wish = |name| asking(name, "metallb.io/loadBalancerIPs", "192.168.1.200");
    let refused = decide(&mut home(), &wish("new"), &named, &[]).because;
    assert!(
        refused
            .to_string()
            .starts_with("192.168.1.200 belongs to Service default/old"),
        "{refused}"
    );
    let own = decide(&mut home(), &wish("old"), &named, &[]);
    assert_eq!(address(&own).as_deref(), Some("192.168.1.200"));
}

#[test]
fn a_status_keeps_nobody_from_sharing_with_who_is_still_there() {
    let shared = |name: &str, port: u16| {
        let mut service = asking(name, "metallb.io/allow-shared-ip", "web");
        service.ports = [("TCP".to_owned(), port)].into();
        service
    };
    let mut world = home();
    world.decide(&shared("a", 80));
    let beside = decide(&mut world, &shared("b", 443), &[("192.168.1.200", "a")], &[]);
    assert_eq!(address(&beside).as_deref(), Some("192.168.1.200"));
    // One that has left it, and may answer for it yet.
    let named = [("192.168.1.200", "old")];
    let beside = decide(&mut world, &shared("c", 25), &named, &[]);
    assert_eq!(address(&beside).as_deref(), Some("192.168.1.201"));
}

/// The write may have been made: the Service that it was for gets the same address again, unless somebody has it.
#[test]
fn an_address_that_may_be_in_a_status_comes_back_to_its_service() {
    let sent = [("192.168.1.202", "a")];
    let again = decide(&mut home(), &service("a"), &sent, &sent);
    assert_eq!(
        address(&again).as_deref(),
        Some("192.168.1.200"),
        "the lowest is as good"
    );
    let first = [("192.168.1.200", "a")];
    let again = decide(&mut home(), &service("a"), &first, &first);
    assert_eq!(address(&again).as_deref(), Some("192.168.1.200"));
    let other = decide(&mut home(), &service("b"), &first, &first);
    assert_eq!(address(&other).as_deref(), Some("192.168.1.201"));
    let mut world = home();
    world.hold("192.168.1.200", "phone");
    let again = decide(&mut world, &service("a"), &first, &first);
    assert_eq!(address(&again).as_deref(), Some("192.168.1.201"));
}

/// At a start only Services that are served take their addresses back.
#[test]
fn what_is_not_served_reclaims_nothing() {
    let changes: [fn(&mut Service); 4] = [
        |_| (),
        |service| service.is_load_balancer = false,
        |service| service.deleting = true,
        |service| service.class = Some("example.com/cloud".to_owned()),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut settled = service("a");
        settled.ingress = vec![ip("192.168.1.202")];
        change(&mut settled);
        let mut world = home();
        let ground = Ground::new(&world.config, &world.net, None, &world.namespaces);
        world.ledger.adopt([&settled], &ground);
        let held = world.ledger.assignment(&settled.key).is_some();
        assert_eq!(held, at == 0, "change {at}");
    }
}
