//! Services of two families.

use super::*;
use crate::model::Family;
use crate::model::service::FamilyPolicy;

const DUAL: [&str; 2] = ["10.0.0.1-10.0.0.9", "fd00::1-fd00::9"];

fn dual(name: &str, created: i64, policy: FamilyPolicy, families: [Family; 2]) -> Service {
    let cluster_ip = |family: &Family| match family {
        Family::V4 => ip("10.43.0.1"),
        Family::V6 => ip("fd43::1"),
    };
    let mut service = service(name, created);
    service.cluster_ips = families.iter().map(cluster_ip).collect();
    service.ip_families = families.to_vec();
    service.family_policy = Some(policy);
    service
}

fn prefers(name: &str, created: i64) -> Service {
    dual(
        name,
        created,
        FamilyPolicy::PreferDualStack,
        [Family::V4, Family::V6],
    )
}

fn requires(name: &str, created: i64) -> Service {
    dual(
        name,
        created,
        FamilyPolicy::RequireDualStack,
        [Family::V4, Family::V6],
    )
}

fn replace(world: &mut World, name: &str, addresses: &[&str]) {
    world.pools(Change::Applied(pool(name, addresses)));
}

fn pool_of(world: &World, name: &str) -> String {
    world.objects[&key(name)]
        .annotations
        .get(FROM_POOL)
        .cloned()
        .unwrap_or_default()
}

#[test]
fn a13_a_service_that_prefers_both_goes_to_the_pool_that_has_both() {
    let mut world = with(vec![
        pool("a-v4", &["10.0.4.1/32"]),
        pool("b-v6", &["fd06::1/128"]),
        pool("c-dual", &DUAL),
    ]);
    world.apply(prefers("a", 1));
    assert_eq!(addresses(&world, "a"), "10.0.0.1,fd00::1");
    assert_eq!(pool_of(&world, "a"), "c-dual");
    world.apply(dual(
        "b",
        2,
        FamilyPolicy::RequireDualStack,
        [Family::V6, Family::V4],
    ));
    assert_eq!(addresses(&world, "b"), "10.0.0.2,fd00::2", "IPv4 first");
    let writes = world.writes.len();
    restart(&mut world);
    assert_eq!(world.writes.len(), writes);
}

#[test]
fn a14_without_a_pool_of_both_it_gets_one_of_its_primary_family() {
    let mut world = with(vec![
        pool("a-v6", &["fd06::1/128"]),
        pool("b-v4", &["10.0.4.1/32"]),
    ]);
    world.apply(prefers("a", 1));
    assert_eq!(addresses(&world, "a"), "10.0.4.1");
    let words =
        "AdditionalAssignFailed a: the other family could not be added: no free IPv6 address is left in b-v4";
    let said = world.events.iter().filter(|said| said.starts_with(words)).count();
    assert_eq!(said, 1, "{:?}", world.events);
}

#[test]
fn a15_its_primary_family_is_the_first_of_ip_families() {
    let mut world = with(vec![
        pool("a-v4", &["10.0.4.1/32"]),
        pool("b-v6", &["fd06::1/128"]),
    ]);
    world.apply(dual(
        "a",
        1,
        FamilyPolicy::PreferDualStack,
        [Family::V6, Family::V4],
    ));
    assert_eq!(addresses(&world, "a"), "fd06::1");
}

#[test]
fn a16_a_pool_that_grows_the_missing_family_adds_an_address() {
    let mut world = with(vec![pool("home", &["10.0.0.1-10.0.0.9"])]);
    world.apply(prefers("a", 1));
    assert_eq!(addresses(&world, "a"), "10.0.0.1");
    replace(&mut world, "home", &DUAL);
    assert_eq!(addresses(&world, "a"), "10.0.0.1,fd00::1");
    assert!(
        world.events.last().unwrap().starts_with("IpAllocated a: "),
        "{:?}",
        world.events
    );

    // The other way round what is added stands behind what was there.
    let mut world = with(vec![pool("home", &["fd00::1-fd00::9"])]);
    world.apply(dual(
        "a",
        1,
        FamilyPolicy::PreferDualStack,
        [Family::V6, Family::V4],
    ));
    replace(&mut world, "home", &DUAL);
    assert_eq!(addresses(&world, "a"), "fd00::1,10.0.0.1");
}

#[test]
fn a17_who_requires_both_loses_the_one_and_who_prefers_both_gets_one_again() {
    let mut world = with(vec![pool("home", &["10.0.0.1-10.0.0.9"])]);
    world.apply(prefers("a", 1));
    let policy = |policy| move |a: &mut Service| a.family_policy = Some(policy);
    edit(&mut world, "a", policy(FamilyPolicy::RequireDualStack));
    assert_eq!(addresses(&world, "a"), "");
    assert!(
        world
            .events
            .iter()
            .any(|said| said.starts_with("ClearAssignment a: "))
    );
    edit(&mut world, "a", policy(FamilyPolicy::PreferDualStack));
    assert_eq!(addresses(&world, "a"), "10.0.0.1");
    // Where the pool has both nothing is lost.
    replace(&mut world, "home", &DUAL);
    edit(&mut world, "a", policy(FamilyPolicy::RequireDualStack));
    assert_eq!(addresses(&world, "a"), "10.0.0.1,fd00::1");
    edit(&mut world, "a", |a| {
        a.family_policy = Some(FamilyPolicy::SingleStack);
        a.cluster_ips.truncate(1);
        a.ip_families.truncate(1);
    });
    assert_eq!(addresses(&world, "a"), "10.0.0.1");
}

#[test]
fn a18_a_pool_of_both_that_appears_later_moves_nobody() {
    let mut world = with(vec![pool("v4", &["10.0.4.1/32"])]);
    world.apply(prefers("a", 1));
    replace(&mut world, "dual", &DUAL);
    world.pass(Duration::from_mins(2));
    restart(&mut world);
    assert_eq!(addresses(&world, "a"), "10.0.4.1");
}

#[test]
fn a19_when_its_pool_loses_a_family_it_moves_to_another_that_has_both() {
    let other = ["10.0.1.1-10.0.1.9", "fd01::1-fd01::9"];
    for policy in [FamilyPolicy::PreferDualStack, FamilyPolicy::RequireDualStack] {
        let mut world = with(vec![pool("a", &DUAL), pool("b", &other)]);
        world.apply(dual("s", 1, policy, Family::BOTH));
        assert_eq!(addresses(&world, "s"), "10.0.0.1,fd00::1");
        replace(&mut world, "a", &DUAL[..1]);
        assert_eq!(addresses(&world, "s"), "10.0.1.1,fd01::1");
        assert_eq!(pool_of(&world, "s"), "b");
    }
    // Where there is no other, the one that is left stays.
    let mut world = with(vec![pool("a", &DUAL)]);
    world.apply(service("first", 1));
    world.apply(prefers("s", 2));
    delete(&mut world, "first");
    replace(&mut world, "a", &DUAL[..1]);
    assert_eq!(addresses(&world, "s"), "10.0.0.2");
}

#[test]
fn requests_name_an_address_of_each_family_of_one_pool() {
    let mut world = with(vec![
        pool("dual", &DUAL),
        pool("other", &["10.0.1.1-10.0.1.9", "fd01::1-fd01::9"]),
    ]);
    let asks = |name: &str, created: i64, text: &str| {
        let mut service = prefers(name, created);
        let annotation = "metallb.io/loadBalancerIPs".to_owned();
        service.annotations.insert(annotation, text.to_owned());
        service
    };
    world.apply(asks("a", 1, "fd00::5, 10.0.0.5"));
    assert_eq!(addresses(&world, "a"), "fd00::5,10.0.0.5", "as listed");
    world.apply(asks("half", 2, "10.0.0.6"));
    world.apply(asks("two-pools", 3, "10.0.0.7,fd01::7"));
    world.apply(asks("taken", 4, "10.0.0.8,fd00::5"));
    assert_eq!(
        addresses(&world, "half") + &addresses(&world, "two-pools") + &addresses(&world, "taken"),
        ""
    );
    for words in [
        "Service default/half: metallb.io/loadBalancerIPs asks for IPv4, and the Service has IPv4 and IPv6",
        "Service default/two-pools: 10.0.0.7 and fd01::7 are not in one IPAddressPool",
        "Service default/taken: fd00::5 belongs to Service default/a",
    ] {
        assert!(
            world.report.iter().any(|said| said.starts_with(words)),
            "{:?}",
            world.report
        );
    }
    // Another order of the same two moves nothing.
    let writes = world.writes.len();
    edit(&mut world, "a", |a| {
        let annotation = "metallb.io/loadBalancerIPs".to_owned();
        a.annotations.insert(annotation, "10.0.0.5,fd00::5".to_owned());
    });
    assert_eq!(world.writes.len(), writes);
}

/// MetalLB gives such a Service a second address, takes it away at the next look, and so on.
#[test]
fn one_cluster_ip_is_one_family_whatever_is_preferred() {
    let mut world = with(vec![pool("dual", &DUAL)]);
    let mut service = prefers("a", 1);
    service.cluster_ips.truncate(1);
    service.ip_families.truncate(1);
    world.apply(service.clone());
    world.pass(Duration::from_mins(2));
    assert_eq!(world.writes, ["default/a [10.0.0.1]"]);
    let mut requires = service;
    requires.key = key("b");
    requires.family_policy = Some(FamilyPolicy::RequireDualStack);
    world.apply(requires);
    assert_eq!(addresses(&world, "b"), "");
    assert!(
        world
            .events
            .iter()
            .any(|said| said.starts_with("NotEnoughClusterIps b: ")),
        "{:?}",
        world.events
    );
}

#[test]
fn an_address_of_the_missing_family_that_becomes_free_is_added() {
    let mut world = with(vec![pool("home", &["10.0.0.1-10.0.0.9", "fd00::1/128"])]);
    world.apply(requires("first", 1));
    world.apply(prefers("second", 2));
    world.apply(requires("third", 3));
    assert_eq!(addresses(&world, "second"), "10.0.0.2");
    assert_eq!(addresses(&world, "third"), "");
    delete(&mut world, "first");
    assert_eq!(addresses(&world, "second"), "10.0.0.2,fd00::1");
}

/// The other family's pool has none of the primary one.
#[test]
fn a_reservation_of_the_family_that_it_can_do_without_holds_nothing_up() {
    let mut world = with(vec![
        pool("four", &["10.0.0.1-10.0.0.9"]),
        pool("six", &["fd00::1-fd00::9"]),
    ]);
    world.step([Event::Reservations(Change::Applied(kept(
        "r",
        "fd00::5",
        Some("a"),
    )))]);
    world.apply(prefers("a", 1));
    assert_eq!(addresses(&world, "a"), "10.0.0.1", "{:?}", world.events);
}
