//! Statuses written once, events said once.

use super::*;
use crate::config::object::Taken;
use crate::ipam::Holder;
use crate::reservation::tests::paper::{home_router, lease_row, mac, object, spec};

#[test]
fn a_service_gets_one_status_write_and_one_event() {
    let mut world = World::new();
    world.apply(service("a", 1));
    world.pass(Duration::from_mins(5));
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.writes, ["default/a [192.168.1.200]"]);
    assert_eq!(
        world.events,
        ["IpAllocated a: Assigned IP [\"192.168.1.200\"]: it is the first free one"]
    );
    let object = world.objects[&key("a")].clone();
    world.apply(object);
    world.step([Event::services(Change::Listed(
        world.objects.values().cloned().collect(),
    ))]);
    assert_eq!(
        (world.writes.len(), world.events.len()),
        (1, 1),
        "a relist changes nothing"
    );
}

#[test]
fn a_write_that_the_watch_has_not_shown_yet_is_not_repeated() {
    let mut world = World::new();
    world.watch_lags = true;
    world.apply(service("a", 1));
    let mut touched = service("a", 1);
    touched.labels.insert("app".to_owned(), "x".to_owned());
    world.step([
        Event::services(Change::Applied(touched)),
        Event::Nodes(Change::Listed(vec![])),
    ]);
    assert_eq!(world.writes.len(), 1, "{:?}", world.writes);
    assert_eq!(
        world.allocator.in_use().to_string(),
        "192.168.1.200",
        "it counts as assigned once it is stored"
    );
}

#[test]
fn a_status_that_somebody_emptied_is_written_again_with_the_same_address() {
    let mut world = World::new();
    world.apply(service("a", 1));
    let mut emptied = world.objects[&key("a")].clone();
    emptied.ingress.clear();
    emptied.resource_version = "500".to_owned();
    world.apply(emptied);
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.writes.len(), 2);
}

#[test]
fn failed_writes_are_tried_again_and_the_address_stays_reserved() {
    let mut world = World::new();
    world.failures = vec![WriteResult::Failed("500".to_owned()), WriteResult::Conflict];
    world.apply(service("a", 1));
    world.pass(Duration::from_millis(500));
    assert_eq!(world.address("a"), None);
    world.apply(service("b", 2));
    assert_eq!(world.address("b").as_deref(), Some("192.168.1.201"));
    for _ in 0..5 {
        world.pass(Duration::from_millis(500));
    }
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
    assert_eq!(
        world.writes.iter().filter(|w| w.starts_with("default/a")).count(),
        3,
        "{:?}",
        world.writes
    );
}

#[test]
fn a_freed_address_goes_to_the_one_that_waits_for_it() {
    let mut world = World::new();
    world.pools(Change::Listed(vec![pool("home", &["192.168.1.200/32"])]));
    world.apply(service("a", 1));
    world.apply(service("b", 2));
    assert_eq!(world.address("b"), None);
    assert!(
        world
            .events
            .iter()
            .any(|e| e.starts_with("AllocationFailed b: no free address is left in home"))
    );
    world.objects.remove(&key("a"));
    world.step([Event::Services(Change::Deleted(key("a")))]);
    assert_eq!(world.address("b").as_deref(), Some("192.168.1.200"));
}

#[test]
fn a_conflict_is_passed_over_and_its_end_is_noticed() {
    let mut world = World::new();
    let holder = Holder {
        name: Some("printer".to_owned()),
        mac: None,
        evidence: "answers ARP".to_owned(),
    };
    let conflict = Conflict {
        key: ObjectKey::new("metallb-system", "192.168.1.200"),
        address: ip("192.168.1.200"),
        holder,
    };
    world.step([Event::Conflicts(Change::Applied(conflict.clone()))]);
    let mut wish = service("a", 1);
    wish.annotations.insert(
        "metallb.io/loadBalancerIPs".to_owned(),
        "192.168.1.200".to_owned(),
    );
    world.apply(wish);
    assert_eq!(world.address("a"), None);
    assert!(
        world.events[0].contains("192.168.1.200 is in use by printer (answers ARP)"),
        "{:?}",
        world.events
    );
    world.step([Event::Conflicts(Change::Deleted(conflict.key))]);
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
}

#[test]
fn a_broken_pool_is_said_once_and_takes_nothing_away() {
    let mut world = World::new();
    world.apply(service("a", 1));
    let garbage = pool("home", &["192.168.1.200-oops"]);
    world.pools(Change::Applied(garbage.clone()));
    world.pools(Change::Applied(garbage));
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
    let said: Vec<_> = world
        .events
        .iter()
        .filter(|e| e.starts_with("InvalidConfiguration home"))
        .collect();
    assert_eq!(said.len(), 1, "{:?}", world.events);
    assert!(said[0].contains("\"192.168.1.200-oops\" is neither a CIDR"));
}

#[test]
fn a_deleted_pool_takes_its_addresses_back() {
    let mut world = World::new();
    world.apply(service("a", 1));
    world.pools(Change::Listed(vec![]));
    assert_eq!(world.address("a"), None);
    assert!(
        world.events.iter().any(|e| e.starts_with("ClearAssignment a")),
        "{:?}",
        world.events
    );
    assert!(!world.objects[&key("a")].annotations.contains_key(FROM_POOL));
}

#[test]
fn the_old_prefix_works_and_is_mentioned() {
    let mut world = World::new();
    let mut wish = service("a", 1);
    wish.annotations.insert(
        "metallb.universe.tf/loadBalancerIPs".to_owned(),
        "192.168.1.205".to_owned(),
    );
    world.apply(wish);
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.205"));
    assert_eq!(
        world
            .events
            .iter()
            .filter(|e| e.starts_with("DeprecatedAnnotation a"))
            .count(),
        1
    );
}

#[test]
fn requests_that_cannot_be_met_are_reported_until_they_can() {
    let mut world = World::new();
    assert_eq!((world.report.len(), world.reports), (0, 1), "all is well, once");
    let asks = |name: &str, created: i64, text: &str| {
        let mut service = service(name, created);
        let annotation = "metallb.io/loadBalancerIPs".to_owned();
        service.annotations.insert(annotation, text.to_owned());
        service
    };
    world.apply(asks("first", 1, "192.168.1.204"));
    assert_eq!(world.reports, 1, "a request that is met is nothing to report");
    world.apply(asks("second", 2, "192.168.1.204"));
    world.apply(asks("outside", 3, "10.9.9.9"));
    world.apply(asks("typo", 4, "192.168.1.2O5"));
    let said = |text: &str, world: &World| world.report.iter().any(|line| line.starts_with(text));
    assert!(said(
        "Service default/second: 192.168.1.204 belongs to Service default/first",
        &world
    ));
    assert!(said(
        "Service default/outside: 10.9.9.9 is in no usable IPAddressPool",
        &world
    ));
    assert!(said(
        "Service default/typo: metallb.io/loadBalancerIPs asks for \"192.168.1.2O5\"",
        &world
    ));
    assert_eq!((world.report.len(), world.reports), (3, 4));

    let key = key("first");
    world.objects.remove(&key);
    world.step([Event::Services(Change::Deleted(key))]);
    world.apply(service("typo", 4));
    world.step([Event::Services(Change::Deleted(super::key("outside")))]);
    assert!(world.report.is_empty(), "{:?}", world.report);
    assert_eq!(world.address("second").as_deref(), Some("192.168.1.204"));
}

#[test]
fn a_request_that_went_wrong_takes_no_address_away_and_is_reported() {
    let mut world = World::new();
    world.apply(service("a", 1));
    let mut wrong = world.objects[&key("a")].clone();
    let annotation = "metallb.io/loadBalancerIPs".to_owned();
    wrong.annotations.insert(annotation, "10.9.9.9".to_owned());
    world.apply(wrong);
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.report.len(), 1, "{:?}", world.report);
}

#[test]
fn a_report_names_a_few_requests_and_counts_the_rest() {
    let mut world = World::new();
    for number in 0..15 {
        let mut service = service(&format!("s{number:02}"), number);
        let annotation = "metallb.io/loadBalancerIPs".to_owned();
        service.annotations.insert(annotation, "10.9.9.9".to_owned());
        world.apply(service);
    }
    assert_eq!(world.report.len(), REQUESTS_LISTED + 1);
    assert!(world.report[REQUESTS_LISTED].starts_with("and 5 Services more"));
}

#[test]
fn a_nodes_own_address_is_nobodys_service() {
    let mut world = World::new();
    let node = NodeObject {
        key: ObjectKey::new("", "node1"),
        addresses: vec![ip("192.168.1.200")],
    };
    world.step([Event::Nodes(Change::Applied(node))]);
    world.apply(service("first", 1));
    let mut asking = service("asking", 2);
    asking.load_balancer_ip = Some("192.168.1.200".to_owned());
    world.apply(asking);
    assert_eq!(world.address("first").as_deref(), Some("192.168.1.201"));
    assert_eq!(world.address("asking"), None);
    let said = world.events.last().unwrap();
    assert!(
        said.contains("192.168.1.200 is in use by node node1 (its own address)"),
        "{said}"
    );
}

#[test]
fn another_load_balancer_is_answered_ever_more_seldom_and_named() {
    let mut world = World::new();
    world.apply(service("a", 1));
    let mut rounds = 0;
    let began = world.now.mono;
    while world.now.mono.since(began) < Duration::from_hours(1) {
        if world.address("a").as_deref() == Some("192.168.1.200") {
            rounds += 1;
            let mut taken = world.objects[&key("a")].clone();
            taken.ingress = vec![ip("192.168.1.11")];
            taken.resource_version = format!("{}", 1_000 * rounds);
            world.apply(taken);
        }
        world.pass(Duration::from_millis(100));
    }
    assert!(
        (20..60).contains(&world.writes.len()),
        "{} writes in an hour",
        world.writes.len()
    );
    let contested = world
        .events
        .iter()
        .filter(|e| e.starts_with("StatusContested a: "))
        .count();
    assert_eq!(contested, 1, "{:#?}", world.events);
    assert!(
        world
            .report
            .iter()
            .any(|line| line.contains("default/a") && line.contains("servicelb")),
        "{:?}",
        world.report
    );
    // The other one is switched off.
    world.pass(Duration::from_mins(2));
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
    world.pass(Duration::from_mins(10));
    assert_eq!(world.report, Vec::<String>::new());
}

/// What a router that is being deleted gives back is for its clients until the object is gone. Nobody who has an address
/// loses it meanwhile, and another pool's addresses are had at once.
#[test]
fn a_router_that_is_being_deleted_keeps_new_services_off_what_it_gives_back() {
    let mut world = World::new();
    world.apply(service("old", 1));
    assert_eq!(world.address("old").as_deref(), Some("192.168.1.200"));
    let mut router = object(spec());
    (router.deleting, router.finalizer) = (true, true);
    router.taken = vec![Taken {
        pool: "dhcp_pool".to_owned(),
        server: "defconf".to_owned(),
        ranges: "192.168.1.200-192.168.1.210".parse().unwrap(),
        since: Timestamp(0),
    }];
    let key = router.key.clone();
    world.step([Event::Routers(Change::Applied(router))]);
    world.apply(service("new", 2));
    world.pass(Duration::from_mins(1));
    assert_eq!(world.address("new"), None);
    assert_eq!(world.address("old").as_deref(), Some("192.168.1.200"));
    let more = pool("more", &["192.168.1.220-192.168.1.221"]);
    world.pools(Change::Applied(more));
    assert_eq!(world.address("new").as_deref(), Some("192.168.1.220"));
    world.apply(service("third", 3));
    assert_eq!(world.address("third").as_deref(), Some("192.168.1.221"));
    world.apply(service("fifth", 5));
    assert_eq!(world.address("fifth"), None);
    world.step([Event::Routers(Change::Deleted(key))]);
    world.pass(Duration::from_secs(1));
    assert!(world.address("fifth").is_some(), "{:?}", world.events);
    assert_eq!(world.address("old").as_deref(), Some("192.168.1.200"));
}

#[test]
fn an_annotation_of_a_quarter_mebibyte_says_no_more_than_any_other() {
    let mut world = World::new();
    let long = "x".repeat(256 * 1_024);
    let mut of_a_pool = service("a", 1);
    of_a_pool
        .annotations
        .insert("metallb.io/address-pool".to_owned(), long.clone());
    let mut of_an_address = of_a_pool.clone();
    of_an_address.key = key("b");
    of_an_address.annotations.insert(
        "metallb.io/loadBalancerIPs".to_owned(),
        "192.168.1.200".to_owned(),
    );
    world.apply(of_a_pool);
    world.apply(of_an_address);
    world.pools(Change::Applied(pool("bad", &[&long])));
    world.apply(service("good", 3));
    assert_eq!(world.address("good").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.report.len(), 3);
    let said: Vec<&String> = world.report.iter().chain(&world.events).collect();
    let longest = said.iter().map(|words| words.len()).max();
    assert!(longest < Some(400), "{longest:?}");
}

#[test]
fn ten_thousand_broken_objects_are_a_short_report() {
    let mut world = World::new();
    let mut pools: Vec<PoolObject> = (0..10_000)
        .map(|at| PoolObject {
            spec: Err("spec.addresses: not a list; ".repeat(1_000)),
            ..pool(&format!("bad-{at}"), &[])
        })
        .collect();
    pools.push(pool("home", &["192.168.1.200-192.168.1.210"]));
    world.pools(Change::Listed(pools));
    let mut greedy = service("a", 1);
    greedy
        .annotations
        .insert("metallb.io/address-pool".to_owned(), "nowhere".to_owned());
    world.apply(greedy);
    world.apply(service("good", 2));
    assert_eq!(world.address("good").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.report.len(), 20);
    assert!(
        world.report[18].starts_with("and 9982 more: kubectl"),
        "{}",
        world.report[18]
    );
    assert!(
        world.report[19].contains("default/a"),
        "a Service has its line too"
    );
    let total: usize = world.report.iter().map(String::len).sum();
    assert!(total < 20_000, "{total}");
}

#[test]
fn a_status_that_says_more_than_we_write_is_put_right() {
    let mut world = World::new();
    world.apply(service("a", 1));
    let writes = world.writes.len();
    let mut altered = world.objects[&key("a")].clone();
    altered.ingress_altered = true;
    altered.resource_version = "500".to_owned();
    world.apply(altered);
    assert_eq!(world.writes.len(), writes + 1, "{:?}", world.writes);
    assert_eq!(
        world.address("a").as_deref(),
        Some("192.168.1.200"),
        "nothing moves"
    );
}

/// A speaker sees a device, and the router knows it by its name: whoever told first, people read the name.
#[test]
fn who_has_an_address_is_called_by_name() {
    let mut reading = home_router();
    reading
        .leases
        .push(lease_row("192.168.1.205", "annas-phone", Some(600)));
    let conflict = |last| Conflict {
        key: ObjectKey::new("metallb-system", "192.168.1.205"),
        address: ip("192.168.1.205"),
        holder: Holder {
            name: None,
            mac: Some(mac(last)),
            evidence: "seen by node1".to_owned(),
        },
    };
    let mut asks = service("tv", 1);
    asks.load_balancer_ip = Some("192.168.1.205".to_owned());
    for (seen, name) in [(77, true), (78, false)] {
        let mut world = World::new();
        let router = object(spec());
        let key = router.key.clone();
        world.step([Event::Conflicts(Change::Applied(conflict(seen)))]);
        world.step([Event::Routers(Change::Applied(router))]);
        let result = Box::new(Ok(reading.clone()));
        world.step([Event::RouterRead { router: key, result }]);
        world.apply(asks.clone());
        let said = world.events.iter().any(|words| words.contains("annas-phone"));
        assert_eq!(said, name, "another device is not called so: {:?}", world.events);
        assert_eq!(world.address("tv"), None);
    }
}
