//! Pools that have just come, with a router's object behind them or none.

use super::*;
use crate::allocator::arrivals::SETTLING;
use crate::config::object::ServiceAllocation;
use crate::reservation::tests::paper::{object, spec};

const ALMOST: Duration = Duration::from_millis(1_999);

/// A world without a pool.
fn bare() -> World {
    let mut world = World::new();
    world.pools(Change::Listed(vec![]));
    world.events.clear();
    world
}

fn appears(world: &mut World) {
    world.step([Event::Pools(Change::Applied(pool(
        "home",
        &["192.168.1.230-192.168.1.240", "fd00::200/124"],
    )))]);
}

#[test]
fn a_new_pool_gives_nothing_away_until_a_routers_object_has_had_time_to_come() {
    let mut world = bare();
    let mut asking = service("asking", 2);
    asking.load_balancer_ip = Some("192.168.1.235".to_owned());
    appears(&mut world);
    world.apply(service("any", 1));
    world.apply(asking);
    world.pass(ALMOST);
    assert_eq!((world.address("any"), world.address("asking")), (None, None));
    assert_eq!(world.allocator.waiting()["NewPool"], 2);
    assert_eq!(world.events, Vec::<String>::new());
    world.pass(Duration::from_millis(1));
    assert_eq!(world.address("any").as_deref(), Some("192.168.1.230"));
    assert_eq!(world.address("asking").as_deref(), Some("192.168.1.235"));
}

#[test]
fn it_wakes_when_the_time_is_over_and_not_again() {
    let mut world = bare();
    appears(&mut world);
    let step = world.allocator.step([], world.now);
    assert_eq!(step.wake, Some(world.now.mono + SETTLING));
    world.pass(SETTLING);
    assert_eq!(world.allocator.step([], world.now).wake, None);
}

#[test]
fn a_routers_object_that_comes_meanwhile_has_its_say() {
    let mut world = bare();
    appears(&mut world);
    world.apply(service("any", 1));
    world.pass(ALMOST);
    world.step([Event::Routers(Change::Applied(object(spec())))]);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.address("any"), None);
    assert_eq!(world.allocator.waiting()["Unproven"], 1);
}

#[test]
fn what_a_status_says_stays() {
    let mut world = bare();
    let mut moved = service("moved", 1);
    moved.ingress = vec![ip("192.168.1.237")];
    moved.annotations.insert(FROM_POOL.to_owned(), "home".to_owned());
    appears(&mut world);
    world.apply(moved);
    world.pass(ALMOST);
    assert_eq!(world.address("moved").as_deref(), Some("192.168.1.237"));
    assert_eq!(world.writes, Vec::<String>::new());
}

/// Whoever made do with another pool meanwhile would stay there.
#[test]
fn nobody_makes_do_with_another_pool_meanwhile() {
    let mut world = World::new();
    let mut better = pool("better", &["10.0.1.1/32"]);
    let first = ServiceAllocation {
        priority: 1,
        ..ServiceAllocation::default()
    };
    better.spec.as_mut().unwrap().service_allocation = Some(first);
    world.step([Event::Pools(Change::Applied(better))]);
    world.apply(service("any", 1));
    assert_eq!(world.address("any"), None);
    world.pass(SETTLING);
    assert_eq!(world.address("any").as_deref(), Some("10.0.1.1"));
}

#[test]
fn a_pool_of_ipv6_alone_waits_for_no_router() {
    let mut world = World::new();
    world.step([Event::Pools(Change::Applied(pool("six", &["fd00::200/124"])))]);
    world.apply(service("any", 1));
    assert_eq!(world.address("any").as_deref(), Some("192.168.1.200"));
}

#[test]
fn a_pool_that_is_renamed_brings_nothing_new_and_one_that_grows_does() {
    let mut world = World::new();
    world.step([Event::Pools(Change::Deleted(pool("home", &[]).key))]);
    let renamed = |last| pool("lan", &[format!("192.168.1.200-192.168.1.{last}").as_str()]);
    world.step([Event::Pools(Change::Applied(renamed(210)))]);
    world.apply(service("any", 1));
    assert_eq!(world.address("any").as_deref(), Some("192.168.1.200"));
    world.step([Event::Pools(Change::Applied(renamed(211)))]);
    world.apply(service("other", 2));
    assert_eq!(world.address("other"), None);
    world.pass(SETTLING);
    assert_eq!(world.address("other").as_deref(), Some("192.168.1.201"));
}

#[test]
fn a_list_that_names_it_again_does_not_make_it_new() {
    let mut world = bare();
    appears(&mut world);
    world.apply(service("any", 1));
    world.pass(ALMOST);
    let again = pool("home", &["192.168.1.230-192.168.1.241"]);
    world.step([Event::Pools(Change::Listed(vec![again]))]);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.address("any").as_deref(), Some("192.168.1.230"));
}
