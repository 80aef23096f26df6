//! MetalLB's acceptance list for assignment (`A01` to `A20`), each case under its identifier, and what stands beside it.

mod allocation;
mod families;

use super::reservations::kept;
use super::*;

/// A world with these pools.
fn with(pools: Vec<PoolObject>) -> World {
    let mut world = World::new();
    world.pools(Change::Listed(pools));
    world
}

fn annotated(name: &str, created: i64, annotations: &[(&str, &str)]) -> Service {
    let mut service = service(name, created);
    let annotations = annotations.iter();
    service
        .annotations
        .extend(annotations.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    service
}

/// A person edits a Service as it is stored.
fn edit(world: &mut World, name: &str, change: impl FnOnce(&mut Service)) {
    let mut object = world.objects[&key(name)].clone();
    change(&mut object);
    world.version += 1;
    object.resource_version = world.version.to_string();
    world.apply(object);
}

fn delete(world: &mut World, name: &str) {
    world.objects.remove(&key(name));
    world.step([Event::Services(Change::Deleted(key(name)))]);
}

fn addresses(world: &World, name: &str) -> String {
    let all = world.objects[&key(name)].ingress.iter();
    all.map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// An allocator that knows nothing takes over what the API server stores.
fn restart(world: &mut World) {
    world.step([Event::Leadership(Leadership::Following)]);
    world.step([Event::Leadership(Leadership::Leading { unclean: false })]);
}

#[test]
fn a01_a_service_that_becomes_cluster_ip_gives_its_address_to_the_one_that_waits() {
    let mut world = with(vec![pool("one", &["192.168.1.200/32"])]);
    world.apply(service("a", 1));
    world.apply(service("b", 2));
    assert_eq!(addresses(&world, "b"), "");
    edit(&mut world, "a", |a| a.is_load_balancer = false);
    assert_eq!(addresses(&world, "a"), "");
    assert_eq!(addresses(&world, "b"), "192.168.1.200");
}

#[test]
fn a02_a_deleted_service_gives_its_address_to_the_one_that_waits() {
    let mut world = with(vec![pool("one", &["192.168.1.200/32"])]);
    world.apply(service("a", 1));
    world.apply(service("b", 2));
    delete(&mut world, "a");
    assert_eq!(addresses(&world, "b"), "192.168.1.200");
}

#[test]
fn a03_restarts_leave_who_has_an_address_and_who_waits_as_they_are() {
    let mut world = with(vec![pool("two", &["192.168.1.200/31"])]);
    for (name, created) in [("d", 4), ("c", 3), ("b", 2), ("a", 1)] {
        world.apply(service(name, created));
    }
    for _ in 0..5 {
        let writes = world.writes.len();
        restart(&mut world);
        assert_eq!(addresses(&world, "d"), "192.168.1.200");
        assert_eq!(addresses(&world, "c"), "192.168.1.201");
        assert_eq!(addresses(&world, "a") + &addresses(&world, "b"), "");
        assert_eq!(world.writes.len(), writes, "nothing is rewritten");
    }
}

fn sharing(name: &str, created: i64, port: u16) -> Service {
    let mut service = annotated(name, created, &[("metallb.io/allow-shared-ip", "web")]);
    service.ports = [("TCP".to_owned(), port)].into();
    service
}

fn local(selector: &str) -> impl FnOnce(&mut Service) {
    let selector = selector.to_owned();
    move |service| {
        service.local_traffic_only = true;
        service.selector = [("app".to_owned(), selector)].into_iter().collect();
    }
}

#[test]
fn a04_who_shares_an_address_follows_the_policy_and_the_selectors() {
    let mut world = with(vec![pool("one", &["192.168.1.200/32"])]);
    world.apply(sharing("first", 1, 80));
    world.apply(sharing("second", 2, 443));
    assert_eq!(addresses(&world, "second"), "192.168.1.200");
    edit(&mut world, "second", local("one"));
    assert_eq!(addresses(&world, "second"), "");
    let words = "ClearAssignment second: it cannot share 192.168.1.200 with Service default/first";
    let mut said = world.events.iter();
    assert!(said.any(|said| said.starts_with(words)), "{:?}", world.events);
    world.pass(Duration::from_mins(2));
    assert_eq!(addresses(&world, "first"), "192.168.1.200");
    edit(&mut world, "first", local("one"));
    assert_eq!(addresses(&world, "first"), "192.168.1.200");
    assert_eq!(addresses(&world, "second"), "192.168.1.200", "they go together");
    edit(&mut world, "first", local("other"));
    assert_eq!(addresses(&world, "first"), "");
    assert_eq!(addresses(&world, "second"), "192.168.1.200");
    edit(&mut world, "second", local("other"));
    assert_eq!(addresses(&world, "first"), "192.168.1.200");
    assert_eq!(addresses(&world, "second"), "192.168.1.200");
}

#[test]
fn a04_a_key_or_a_port_that_comes_to_fit_is_noticed() {
    let mut world = with(vec![pool("one", &["192.168.1.200/32"])]);
    world.apply(sharing("first", 1, 80));
    world.apply(sharing("same-port", 2, 80));
    assert_eq!(addresses(&world, "same-port"), "");
    edit(&mut world, "first", |first| {
        first.ports = [("TCP".to_owned(), 8080)].into();
    });
    assert_eq!(addresses(&world, "same-port"), "192.168.1.200");

    let mut world = with(vec![pool("one", &["192.168.1.200/32"])]);
    world.apply(service("first", 1));
    world.apply(sharing("second", 2, 443));
    assert_eq!(addresses(&world, "second"), "");
    edit(&mut world, "first", |first| {
        let key = "metallb.io/allow-shared-ip".to_owned();
        first.annotations.insert(key, "web".to_owned());
    });
    assert_eq!(addresses(&world, "second"), "192.168.1.200");
}

#[test]
fn a04_one_of_several_users_that_leaves_makes_room_for_another() {
    let mut world = with(vec![pool("one", &["192.168.1.200/32"])]);
    world.apply(sharing("first", 1, 80));
    world.apply(sharing("second", 2, 443));
    world.apply(sharing("third", 3, 443));
    assert_eq!(addresses(&world, "third"), "");
    edit(&mut world, "second", |second| second.is_load_balancer = false);
    assert_eq!(addresses(&world, "third"), "192.168.1.200");
}

#[test]
fn who_has_an_address_and_asks_for_another_gets_it_when_it_becomes_free() {
    let mut world = World::new();
    let asks = |name: &str, created: i64, address: &str| {
        annotated(name, created, &[("metallb.io/loadBalancerIPs", address)])
    };
    world.apply(asks("a", 1, "192.168.1.201"));
    world.apply(asks("b", 2, "192.168.1.202"));
    world.apply(asks("c", 3, "192.168.1.203"));
    // A chain: each asks for what the next one has, and the last for something that is free later.
    let wants = |address: &str| {
        let address = address.to_owned();
        move |service: &mut Service| {
            let key = "metallb.io/loadBalancerIPs".to_owned();
            service.annotations.insert(key, address);
        }
    };
    world.apply(asks("holder", 4, "192.168.1.204"));
    edit(&mut world, "a", wants("192.168.1.202"));
    edit(&mut world, "b", wants("192.168.1.203"));
    edit(&mut world, "c", wants("192.168.1.204"));
    assert_eq!(addresses(&world, "a"), "192.168.1.201");
    delete(&mut world, "holder");
    assert_eq!(addresses(&world, "c"), "192.168.1.204");
    assert_eq!(addresses(&world, "b"), "192.168.1.203");
    assert_eq!(addresses(&world, "a"), "192.168.1.202");
}

#[test]
fn a05_all_pools_deleted_empties_the_statuses() {
    let mut world = World::new();
    world.apply(service("a", 1));
    world.pools(Change::Listed(vec![]));
    assert_eq!(addresses(&world, "a"), "");
}

#[test]
fn a06_its_pool_deleted_the_service_gets_an_address_of_another() {
    let home = pool("home", &["192.168.1.200-192.168.1.210"]);
    let mut world = with(vec![home.clone(), pool("other", &["192.168.2.200/30"])]);
    world.apply(service("a", 1));
    assert_eq!(addresses(&world, "a"), "192.168.1.200");
    world.pools(Change::Deleted(home.key));
    assert_eq!(addresses(&world, "a"), "192.168.2.200");
    assert_eq!(
        world.objects[&key("a")]
            .annotations
            .get(FROM_POOL)
            .map(String::as_str),
        Some("other")
    );
}
