//! Before the lists are complete, and while another replica leads.

use super::*;

#[test]
fn nothing_is_decided_before_every_kind_was_listed() {
    let mut allocator = Allocator::new(Settings::default());
    let now = Now {
        mono: Instant::ZERO,
        wall: Timestamp(0),
    };
    let mut lists = vec![
        Event::Leadership(Leadership::Leading { unclean: false }),
        Event::services(Change::Listed(vec![service("a", 1)])),
        Event::Pools(Change::Listed(vec![pool("home", &["192.168.1.200/30"])])),
        Event::Advertisements(Change::Listed(vec![])),
        Event::Routers(Change::Listed(vec![])),
        Event::Reservations(Change::Listed(vec![])),
        Event::Namespaces(Change::Listed(vec![])),
        Event::Nodes(Change::Listed(vec![])),
        Event::Announcements(Change::Listed(vec![])),
        Event::Conflicts(Change::Listed(vec![])),
    ];
    for event in lists.drain(..) {
        assert_eq!(allocator.step([event], now), Step::default());
    }
    let step = allocator.step([Event::Surveys(Change::Listed(vec![]))], now);
    assert!(
        step.effects
            .iter()
            .any(|e| matches!(e, Effect::SetServiceStatus { .. }))
    );
}

#[test]
fn a_standby_watches_and_does_nothing_and_takes_over_what_the_statuses_say() {
    let mut world = World::new();
    world.apply(service("a", 1));
    world.step([Event::Leadership(Leadership::Following)]);
    // Meanwhile another leader moved "a", at its user's wish, and gave its old address to "b".
    let mut a = world.objects[&key("a")].clone();
    a.annotations.insert(
        "metallb.io/loadBalancerIPs".to_owned(),
        "192.168.1.205".to_owned(),
    );
    a.ingress = vec![ip("192.168.1.205")];
    let mut b = service("b", 2);
    b.ingress = vec![ip("192.168.1.200")];
    b.annotations.insert(FROM_POOL.to_owned(), "home".to_owned());
    let writes = world.writes.len();
    world.apply(a);
    world.apply(b);
    world.apply(service("c", 3));
    assert_eq!(world.writes.len(), writes, "it does not lead");
    world.step([Event::Leadership(Leadership::Leading { unclean: false })]);
    assert_eq!(
        world.writes.len(),
        writes,
        "the watch may lag behind what the other leader wrote"
    );
    world.list();
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.205"));
    assert_eq!(world.address("b").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.address("c").as_deref(), Some("192.168.1.201"));
    assert_eq!(
        world.writes.len(),
        writes + 1,
        "only what was missing is written: {:?}",
        world.writes
    );
}

#[test]
fn after_a_leader_that_ended_without_a_word_the_routers_are_left_alone_for_a_while() {
    let mut world = World::new();
    let leads = |world: &mut World, unclean| {
        world.step([Event::Leadership(Leadership::Following)]);
        world.step([Event::Leadership(Leadership::Leading { unclean })]);
        world.allocator.fence
    };
    let now = world.now.mono;
    assert_eq!(leads(&mut world, true), now + FENCE);
    assert_eq!(leads(&mut world, false), Instant::ZERO);
}

#[test]
fn a_new_leader_waits_for_a_list_before_it_gives_an_address_that_the_last_one_gave() {
    let mut world = World::new();
    world.step([Event::Leadership(Leadership::Following)]);
    world.apply(service("b", 2));
    // Another leader gave "a" the first address; this replica's watch has not shown it.
    let mut a = service("a", 1);
    a.ingress = vec![ip("192.168.1.200")];
    a.annotations.insert(FROM_POOL.to_owned(), "home".to_owned());
    world.objects.insert(key("a"), a);
    world.step([Event::Leadership(Leadership::Leading { unclean: true })]);
    world.apply(service("c", 3));
    assert_eq!(
        world.address("b"),
        None,
        "nothing is decided on what the watch knows"
    );
    world.list();
    assert_eq!(world.address("a").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.address("b").as_deref(), Some("192.168.1.201"));
    assert_eq!(world.address("c").as_deref(), Some("192.168.1.202"));
}
