//! Who waits, for what, and how long those waited that were served.

use super::*;

fn counts(world: &World) -> Vec<(&'static str, usize)> {
    world
        .allocator
        .waiting()
        .iter()
        .map(|(reason, count)| (*reason, *count))
        .collect()
}

fn one_address() -> World {
    let mut world = World::new();
    world.pools(Change::Listed(vec![pool("one", &["192.168.1.200/32"])]));
    world
}

#[test]
fn those_that_wait_are_counted_by_what_they_wait_for() {
    let mut world = one_address();
    world.apply(service("first", 1));
    assert_eq!(counts(&world), []);
    world.apply(service("second", 2));
    world.apply(service("third", 3));
    let mut asking = service("asking", 4);
    asking.load_balancer_ip = Some("192.168.1.7".to_owned());
    world.apply(asking);
    // It keeps what it has, and waits for something else all the same.
    let mut first = world.objects[&key("first")].clone();
    first.load_balancer_ip = Some("nonsense".to_owned());
    world.apply(first);
    assert_eq!(
        counts(&world),
        [("BadRequest", 1), ("Exhausted", 2), ("OutsidePools", 1)]
    );

    // What is no Service of ours, or none any more, waits for nothing.
    let mut second = world.objects[&key("second")].clone();
    second.is_load_balancer = false;
    world.apply(second);
    world.objects.remove(&key("third"));
    world.step([Event::Services(Change::Deleted(key("third")))]);
    assert_eq!(counts(&world), [("BadRequest", 1), ("OutsidePools", 1)]);

    // Who does not lead counts nobody.
    world.step([Event::Leadership(Leadership::Following)]);
    assert_eq!(counts(&world), []);
}

#[test]
fn a_wait_is_measured_from_the_first_sight_to_the_stored_status() {
    let mut world = one_address();
    world.apply(service("first", 1));
    assert_eq!(world.served, [Duration::ZERO]);
    world.apply(service("second", 2));
    world.now.mono = world.now.mono + Duration::from_secs(40);
    assert_eq!(world.served, [Duration::ZERO], "nothing was stored for it");
    world.objects.remove(&key("first"));
    world.step([Event::Services(Change::Deleted(key("first")))]);
    assert_eq!(world.served, [Duration::ZERO, Duration::from_secs(40)]);
}

#[test]
fn a_wait_is_measured_once_while_the_watch_lags_and_not_for_what_had_an_address_before() {
    let mut world = one_address();
    world.watch_lags = true;
    world.apply(service("first", 1));
    world.now.mono = world.now.mono + Duration::from_secs(5);
    // The same old copy comes again, and the one with the address at last.
    world.step([Event::services(Change::Applied(service("first", 1)))]);
    world.watch_lags = false;
    world.list();
    assert_eq!(world.served, [Duration::ZERO]);

    world.step([Event::Leadership(Leadership::Following)]);
    world.step([Event::Leadership(Leadership::Leading { unclean: false })]);
    world.list();
    assert_eq!(world.served, [Duration::ZERO], "nobody waited");
}
