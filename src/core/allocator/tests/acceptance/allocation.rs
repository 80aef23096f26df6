//! `spec.serviceAllocation`, `autoAssign`, `avoidBuggyIPs`: which pool serves whom.

use super::*;
use crate::config::object::ServiceAllocation;
use crate::model::LabelSelector;

fn label(key: &str, value: &str) -> LabelSelector {
    LabelSelector {
        match_labels: [(key.to_owned(), value.to_owned())].into_iter().collect(),
        match_expressions: vec![],
    }
}

/// A pool for some Services.
fn pool_for(name: &str, addresses: &str, allocation: ServiceAllocation) -> PoolObject {
    let mut object = pool(name, &[addresses]);
    object.spec.as_mut().unwrap().service_allocation = Some(allocation);
    object
}

fn namespaces(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A Service in another namespace than the default one.
fn service_in(namespace: &str, name: &str, created: i64) -> Service {
    let mut service = service(name, created);
    service.key = ObjectKey::new(namespace, name);
    service.seniority.key = service.key.clone();
    service
}

fn address_in(world: &World, namespace: &str, name: &str) -> String {
    let all = world.objects[&ObjectKey::new(namespace, name)].ingress.iter();
    all.map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn relabel(world: &mut World, namespace: &str, labels: &[(&str, &str)]) {
    let labels = labels.iter();
    let object = NamespaceObject {
        key: ObjectKey::new("", namespace),
        labels: labels.map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        deleting: false,
    };
    world.step([Event::Namespaces(Change::Applied(object))]);
}

#[test]
fn a07_a_namespaces_pools_are_filled_by_priority_and_then_those_for_all() {
    let of = |name: &str, addresses: &str, priority: i64| {
        let allocation = ServiceAllocation {
            priority,
            namespaces: namespaces(&["team"]),
            ..Default::default()
        };
        pool_for(name, addresses, allocation)
    };
    let mut world = with(vec![
        of("a-twenty", "10.0.20.1/32", 20),
        of("b-ten", "10.0.10.1/32", 10),
        pool("c-open", &["10.0.99.1-10.0.99.2"]),
        of("d-unset", "10.0.0.1/32", 0),
    ]);
    for (created, expected) in [
        (1, "10.0.10.1"),
        (2, "10.0.20.1"),
        (3, "10.0.0.1"),
        (4, "10.0.99.1"),
    ] {
        let name = format!("s{created}");
        world.apply(service_in("team", &name, created));
        assert_eq!(address_in(&world, "team", &name), expected);
    }
    delete_in(&mut world, "team", "s1");
    world.apply(service("stranger", 5));
    assert_eq!(
        addresses(&world, "stranger"),
        "10.0.99.2",
        "the pools are for others"
    );
    world.apply(service("another", 6));
    assert_eq!(addresses(&world, "another"), "");
}

fn delete_in(world: &mut World, namespace: &str, name: &str) {
    let key = ObjectKey::new(namespace, name);
    world.objects.remove(&key);
    world.step([Event::Services(Change::Deleted(key))]);
}

#[test]
fn a08_priority_alone_orders_pools_for_everybody() {
    let of = |name: &str, addresses: &str, priority: i64| {
        let allocation = ServiceAllocation {
            priority,
            ..Default::default()
        };
        pool_for(name, addresses, allocation)
    };
    let mut world = with(vec![
        of("a", "10.0.20.1/32", 20),
        pool("b", &["10.0.99.1/32"]),
        of("c", "10.0.10.1/32", 10),
        of("d", "10.0.10.2/32", 10),
    ]);
    for (created, expected) in [
        (1, "10.0.10.1"),
        (2, "10.0.10.2"),
        (3, "10.0.20.1"),
        (4, "10.0.99.1"),
    ] {
        let name = format!("s{created}");
        world.apply(service(&name, created));
        assert_eq!(addresses(&world, &name), expected);
    }
    // A better pool that appears moves nobody.
    let writes = world.writes.len();
    world.pools(Change::Applied(of("e", "10.0.1.1/32", 1)));
    assert_eq!(world.writes.len(), writes);
}

#[test]
fn a09_namespaces_by_name_and_by_label_add_up() {
    let allocation = ServiceAllocation {
        namespaces: namespaces(&["named"]),
        namespace_selectors: vec![Ok(label("zone", "dmz"))],
        ..Default::default()
    };
    let mut world = with(vec![pool_for("dmz", "10.0.0.1-10.0.0.9", allocation)]);
    relabel(&mut world, "labelled", &[("zone", "dmz")]);
    relabel(&mut world, "default", &[("zone", "lan")]);
    world.apply(service_in("named", "a", 1));
    world.apply(service_in("labelled", "b", 2));
    world.apply(service("c", 3));
    assert_eq!(address_in(&world, "named", "a"), "10.0.0.1");
    assert_eq!(address_in(&world, "labelled", "b"), "10.0.0.2");
    assert_eq!(addresses(&world, "c"), "");
}

#[test]
fn a10_services_by_label() {
    let allocation = ServiceAllocation {
        service_selectors: vec![Ok(label("tier", "web")), Ok(label("tier", "api"))],
        ..Default::default()
    };
    let mut world = with(vec![pool_for("web", "10.0.0.1-10.0.0.9", allocation)]);
    let labelled = |name: &str, created: i64, tier: &str| {
        let mut service = service(name, created);
        service.labels.insert("tier".to_owned(), tier.to_owned());
        service
    };
    world.apply(labelled("a", 1, "api"));
    world.apply(labelled("b", 2, "db"));
    assert_eq!(addresses(&world, "a"), "10.0.0.1");
    assert_eq!(addresses(&world, "b"), "");
    // A label that no longer fits takes the address, and one that comes to fit brings one.
    edit(&mut world, "a", |a| {
        _ = a.labels.insert("tier".to_owned(), "db".to_owned());
    });
    assert_eq!(addresses(&world, "a"), "");
    let words = "ClearAssignment a: IPAddressPool web is not for it any more";
    assert!(
        world.events.iter().any(|said| said.starts_with(words)),
        "{:?}",
        world.events
    );
    edit(&mut world, "b", |b| {
        _ = b.labels.insert("tier".to_owned(), "web".to_owned());
    });
    assert_eq!(addresses(&world, "b"), "10.0.0.1");
}

#[test]
fn a11_between_a_namespaces_pool_and_a_selected_services_the_priority_decides() {
    let by_namespace = ServiceAllocation {
        priority: 20,
        namespaces: namespaces(&["default"]),
        ..Default::default()
    };
    let by_label = ServiceAllocation {
        priority: 10,
        service_selectors: vec![Ok(label("tier", "web"))],
        ..Default::default()
    };
    let mut world = with(vec![
        pool_for("a-namespace", "10.0.20.1/32", by_namespace),
        pool_for("b-label", "10.0.10.1/32", by_label),
        pool("c-open", &["10.0.99.1/32"]),
    ]);
    for (created, expected) in [(1, "10.0.10.1"), (2, "10.0.20.1"), (3, "10.0.99.1")] {
        let name = format!("s{created}");
        let mut service = service(&name, created);
        service.labels.insert("tier".to_owned(), "web".to_owned());
        world.apply(service);
        assert_eq!(addresses(&world, &name), expected);
    }
}

#[test]
fn a12_a_namespace_that_is_labelled_anew_opens_a_better_pool_for_the_next_service() {
    let of = |name: &str, addresses: &str, priority: i64, zone: &str| {
        let allocation = ServiceAllocation {
            priority,
            namespace_selectors: vec![Ok(label("zone", zone))],
            ..Default::default()
        };
        pool_for(name, addresses, allocation)
    };
    let mut world = with(vec![
        of("one", "10.0.1.1-10.0.1.9", 10, "one"),
        of("two", "10.0.2.1-10.0.2.9", 20, "two"),
        pool("open", &["10.0.99.1-10.0.99.9"]),
    ]);
    relabel(&mut world, "default", &[("zone", "two")]);
    relabel(&mut world, "plain", &[]);
    world.apply(service("first", 1));
    world.apply(service_in("plain", "fallback", 2));
    assert_eq!(addresses(&world, "first"), "10.0.2.1");
    assert_eq!(address_in(&world, "plain", "fallback"), "10.0.99.1");
    relabel(&mut world, "plain", &[("zone", "one")]);
    world.apply(service_in("plain", "next", 3));
    assert_eq!(address_in(&world, "plain", "next"), "10.0.1.1");
    assert_eq!(
        address_in(&world, "plain", "fallback"),
        "10.0.99.1",
        "who has one stays"
    );
    // What fits no more is cleared and comes from another pool, in one write.
    relabel(&mut world, "default", &[("zone", "one")]);
    assert_eq!(addresses(&world, "first"), "10.0.1.2");
    assert_eq!(world.writes.last().unwrap(), "default/first [10.0.1.2]");
}

/// MetalLB lets everybody ask for an address of a pool whose selectors match no namespace.
#[test]
fn selectors_that_match_no_namespace_let_nobody_in() {
    let allocation = ServiceAllocation {
        namespace_selectors: vec![Ok(label("zone", "nowhere"))],
        ..Default::default()
    };
    let mut world = with(vec![
        pool_for("dmz", "10.0.0.1-10.0.0.9", allocation),
        pool("open", &["10.0.99.1-10.0.99.9"]),
    ]);
    relabel(&mut world, "default", &[]);
    world.apply(annotated(
        "by-address",
        1,
        &[("metallb.io/loadBalancerIPs", "10.0.0.5")],
    ));
    world.apply(annotated("by-pool", 2, &[("metallb.io/address-pool", "dmz")]));
    world.apply(service("any", 3));
    assert_eq!(
        addresses(&world, "by-address") + &addresses(&world, "by-pool"),
        ""
    );
    assert_eq!(addresses(&world, "any"), "10.0.99.1");
    let words = "Service default/by-address: IPAddressPool dmz is not for this Service";
    assert!(
        world.report.iter().any(|said| said.starts_with(words)),
        "{:?}",
        world.report
    );
}

/// The watch of Services may be ahead of that of namespaces.
#[test]
fn a_namespace_that_was_not_seen_is_waited_for_and_takes_nothing_away() {
    let allocation = ServiceAllocation {
        namespace_selectors: vec![Ok(label("zone", "dmz"))],
        ..Default::default()
    };
    let mut world = with(vec![
        pool_for("dmz", "10.0.0.1-10.0.0.9", allocation),
        pool("open", &["10.0.99.1-10.0.99.9"]),
    ]);
    world.apply(service_in("new", "a", 1));
    assert_eq!(address_in(&world, "new", "a"), "");
    relabel(&mut world, "new", &[("zone", "dmz")]);
    assert_eq!(address_in(&world, "new", "a"), "10.0.0.1");
    world.step([Event::Namespaces(Change::Listed(vec![]))]);
    restart(&mut world);
    assert_eq!(address_in(&world, "new", "a"), "10.0.0.1");
}

#[test]
fn a_pool_that_is_not_automatic_serves_who_asks_for_it_and_is_for() {
    let mut shy = pool_for(
        "shy",
        "10.0.0.1-10.0.0.9",
        ServiceAllocation {
            namespaces: namespaces(&["default"]),
            ..Default::default()
        },
    );
    shy.spec.as_mut().unwrap().auto_assign = false;
    let mut world = with(vec![shy, pool("open", &["10.0.99.1-10.0.99.9"])]);
    world.apply(service("any", 1));
    world.apply(annotated("by-pool", 2, &[("metallb.io/address-pool", "shy")]));
    world.apply(annotated(
        "by-address",
        3,
        &[("metallb.io/loadBalancerIPs", "10.0.0.5")],
    ));
    assert_eq!(addresses(&world, "any"), "10.0.99.1");
    assert_eq!(addresses(&world, "by-pool"), "10.0.0.1");
    assert_eq!(addresses(&world, "by-address"), "10.0.0.5");
    let mut stranger = service_in("other", "stranger", 4);
    let pool = "metallb.io/address-pool".to_owned();
    stranger.annotations.insert(pool, "shy".to_owned());
    world.apply(stranger);
    assert_eq!(address_in(&world, "other", "stranger"), "");
    let both = [
        ("metallb.io/address-pool", "open"),
        ("metallb.io/loadBalancerIPs", "10.0.0.6"),
    ];
    world.apply(annotated("both", 5, &both));
    assert_eq!(addresses(&world, "both"), "", "the address lies in another pool");
}

#[test]
fn a_selector_that_is_none_makes_a_pool_unusable_and_takes_nothing_away() {
    let mut world = with(vec![pool("home", &["10.0.0.1-10.0.0.9"])]);
    world.apply(service("a", 1));
    let broken = ServiceAllocation {
        service_selectors: vec![Err(crate::model::selector::SelectorError::UnknownOperator(
            "Gt".into(),
        ))],
        ..Default::default()
    };
    world.pools(Change::Applied(pool_for("home", "10.0.0.1-10.0.0.9", broken)));
    world.apply(service("b", 2));
    assert_eq!(addresses(&world, "a"), "10.0.0.1");
    assert_eq!(addresses(&world, "b"), "");
    assert!(
        world.report[0]
            .starts_with("IPAddressPool home: spec.serviceAllocation.serviceSelectors: operator \"Gt\""),
        "{:?}",
        world.report
    );
}

#[test]
fn addresses_that_are_avoided_are_for_nobody_from_then_on() {
    let mut avoiding = pool("home", &["10.0.0.254-10.0.1.1"]);
    let mut world = with(vec![avoiding.clone()]);
    for (name, created) in [("a", 1), ("b", 2), ("c", 3)] {
        world.apply(service(name, created));
    }
    assert_eq!(addresses(&world, "b"), "10.0.0.255");
    avoiding.spec.as_mut().unwrap().avoid_buggy_ips = true;
    world.pools(Change::Applied(avoiding));
    assert_eq!(addresses(&world, "a"), "10.0.0.254");
    assert_eq!(addresses(&world, "b") + &addresses(&world, "c"), "10.0.1.1");
    world.apply(annotated("d", 4, &[("metallb.io/loadBalancerIPs", "10.0.0.255")]));
    let words = "Service default/d: 10.0.0.255 ends in .0 or .255, which IPAddressPool home avoids";
    assert!(
        world.report.iter().any(|said| said.starts_with(words)),
        "{:?}",
        world.report
    );
    assert_eq!(counts(&world, "home"), (2, 0), "they are not counted");
}

#[test]
fn a20_the_counters_of_a_pool_follow_what_is_assigned() {
    let mut world = with(vec![pool("home", &["10.0.0.1-10.0.0.4", "fd00::1-fd00::2"])]);
    assert_eq!(counts(&world, "home"), (0, 4));
    world.apply(service("a", 1));
    world.apply(sharing("b", 2, 80));
    world.apply(sharing("c", 3, 443));
    assert_eq!(counts(&world, "home"), (2, 2), "a shared address counts once");
    world.pools(Change::Applied(pool("home", &["10.0.0.1-10.0.0.9"])));
    assert_eq!(counts(&world, "home"), (2, 7));
    delete(&mut world, "c");
    assert_eq!(counts(&world, "home"), (2, 7));
    delete(&mut world, "b");
    assert_eq!(counts(&world, "home"), (1, 8));
    let of = |world: &World| world.allocator.pool_counts().values().next().copied().unwrap();
    world.pools(Change::Applied(pool("home", &["fd00::/66", "10.0.0.1/32"])));
    assert_eq!(of(&world).available_v6, i64::MAX, "as MetalLB says it");
    world.pools(Change::Applied(pool("home", &["fd00::/67", "10.0.0.1/32"])));
    assert_eq!(of(&world).available_v6, 1 << 61);
    assert_eq!(of(&world).available_v4, 0);
}

/// Assigned and available IPv4 addresses.
fn counts(world: &World, name: &str) -> (i64, i64) {
    let counts = world.allocator.pool_counts();
    let counts = counts[&ObjectKey::new("metallb-system", name)];
    (counts.assigned_v4, counts.available_v4)
}

#[test]
fn a_reservation_in_a_pool_that_is_for_others_holds_nothing_up() {
    let mut others = pool("dmz", &["10.0.0.1-10.0.0.9"]);
    if let Ok(spec) = &mut others.spec {
        spec.service_allocation = Some(ServiceAllocation {
            namespaces: vec!["x".to_owned()],
            ..ServiceAllocation::default()
        });
    }
    let mut world = with(vec![others, pool("home", &["10.0.1.1-10.0.1.9"])]);
    world.step([Event::Reservations(Change::Applied(kept(
        "r",
        "10.0.0.5",
        Some("a"),
    )))]);
    world.apply(service("a", 1));
    assert_eq!(addresses(&world, "a"), "10.0.1.1", "{:?}", world.events);
}
