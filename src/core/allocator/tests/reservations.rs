//! What becomes of reservations, and what is said of it.

use super::*;
use crate::ipam::Holder;
use crate::ipam::tests::reservation;

pub(super) fn kept(name: &str, address: &str, service: Option<&str>) -> ReservationObject {
    ReservationObject {
        generation: 4,
        ..reservation(name, address, service)
    }
}

fn applied(object: ReservationObject) -> [Event; 1] {
    [Event::Reservations(Change::Applied(object))]
}

fn said(world: &World, name: &str) -> String {
    let status = &world.allocator.reserved[&ObjectKey::new("metallb-system", name)];
    assert_eq!(
        (status.row, status.observed_generation),
        (None, 4),
        "no router has a say"
    );
    format!("{}: {}", status.phase.as_str(), status.message)
}

#[test]
fn nothing_is_decided_before_reservations_were_listed() {
    let mut allocator = Allocator::new(Settings::default());
    let now = Now {
        mono: Instant::ZERO,
        wall: Timestamp(0),
    };
    let lists = [
        Event::Leadership(Leadership::Leading { unclean: false }),
        Event::services(Change::Listed(vec![service("a", 1)])),
        Event::Pools(Change::Listed(vec![pool("home", &["192.168.1.200/31"])])),
        Event::Advertisements(Change::Listed(vec![])),
        Event::Routers(Change::Listed(vec![])),
        Event::Namespaces(Change::Listed(vec![])),
        Event::Nodes(Change::Listed(vec![])),
        Event::Announcements(Change::Listed(vec![])),
        Event::Conflicts(Change::Listed(vec![])),
        Event::Surveys(Change::Listed(vec![])),
    ];
    assert_eq!(allocator.step(lists, now), Step::default());
    let objects = vec![kept("r", "192.168.1.200", Some("photos"))];
    let step = allocator.step([Event::Reservations(Change::Listed(objects))], now);
    let addresses = step.effects.iter().find_map(|effect| match effect {
        Effect::SetServiceStatus { addresses, .. } => Some(addresses.clone()),
        _ => None,
    });
    assert_eq!(addresses, Some(vec![ip("192.168.1.201")]));
}

#[test]
fn a_service_waits_for_a_reserved_address_and_is_told_whose_it_is() {
    let mut world = World::new();
    world.step(applied(kept("r", "192.168.1.200", Some("photos"))));
    assert_eq!(said(&world, "r"), "Free: waits for Service default/photos");
    let mut other = service("other", 1);
    other.load_balancer_ip = Some("192.168.1.200".to_owned());
    world.apply(other);
    world.apply(service("any", 2));
    assert_eq!(world.address("other"), None);
    assert_eq!(world.address("any").as_deref(), Some("192.168.1.201"));
    let words = "192.168.1.200 is reserved by AddressReservation r for Service default/photos: ask for another address, or change spec.for there";
    assert_eq!(world.events[0], format!("AllocationFailed other: {words}"));
    assert_eq!(world.report, [format!("Service default/other: {words}")]);
    world.apply(service("photos", 3));
    assert_eq!(world.address("photos").as_deref(), Some("192.168.1.200"));
    assert_eq!(said(&world, "r"), "Assigned: Service default/photos has it");
    assert!(
        world
            .events
            .contains(&"IpAllocated photos: Assigned IP [\"192.168.1.200\"]: AddressReservation r keeps it for this Service".to_owned()),
        "{:?}",
        world.events
    );
    // The reservation goes: the address stays, and the other waits for its holder now.
    let gone = Event::Reservations(Change::Deleted(ObjectKey::new("metallb-system", "r")));
    world.step([gone]);
    assert_eq!(world.address("photos").as_deref(), Some("192.168.1.200"));
    assert!(
        world.report[0].contains("belongs to Service default/photos"),
        "{:?}",
        world.report
    );
    assert!(world.allocator.reserved.is_empty());
}

#[test]
fn an_address_that_another_service_has_stays_its_and_that_is_one_event() {
    let mut world = World::new();
    world.apply(service("web", 1));
    let events = world.events.len();
    world.step(applied(kept("r", "192.168.1.200", Some("photos"))));
    let words = "Service default/web has had 192.168.1.200 since before this reservation and keeps it: have it ask for another address (metallb.io/loadBalancerIPs), or delete it";
    assert_eq!(said(&world, "r"), format!("Taken: {words}"));
    assert_eq!(world.events[events..], [format!("ReservationTaken r: {words}")]);
    world.pass(Duration::from_mins(5));
    world.apply(service("photos", 2));
    let mut renamed = kept("r", "192.168.1.200", Some("photos"));
    renamed.generation = 5;
    world.step(applied(renamed));
    world.step(applied(kept("r", "192.168.1.200", Some("photos"))));
    let told = world.events.iter().filter(|e| e.starts_with("ReservationTaken"));
    assert_eq!(told.count(), 1, "{:?}", world.events);
    assert_eq!(world.address("photos"), None);
    assert_eq!(world.address("web").as_deref(), Some("192.168.1.200"));
    // Without it the address is its Service's at once.
    world.objects.remove(&key("web"));
    world.step([Event::Services(Change::Deleted(key("web")))]);
    assert_eq!(world.address("photos").as_deref(), Some("192.168.1.200"));
    assert_eq!(said(&world, "r"), "Assigned: Service default/photos has it");
}

#[test]
fn who_else_has_it_is_said() {
    let mut world = World::new();
    let conflict = Conflict {
        key: ObjectKey::new("metallb-system", "192.168.1.205"),
        address: ip("192.168.1.205"),
        holder: Holder {
            name: Some("the printer".to_owned()),
            mac: None,
            evidence: "seen by node1".to_owned(),
        },
    };
    let node = NodeObject {
        key: ObjectKey::new("", "node1"),
        addresses: vec![ip("192.168.1.206")],
    };
    world.step([
        Event::Conflicts(Change::Applied(conflict.clone())),
        Event::Nodes(Change::Applied(node)),
    ]);
    world.step(applied(kept("r", "192.168.1.205", Some("photos"))));
    world.step(applied(kept("n", "192.168.1.206", None)));
    assert_eq!(
        said(&world, "r"),
        "Held: 192.168.1.205 is in use by the printer (seen by node1): free it there"
    );
    assert!(said(&world, "n").starts_with("Held: 192.168.1.206 is in use by node node1"));
    world.apply(service("photos", 1));
    assert_eq!(world.address("photos"), None, "no other address");
    world.step([Event::Conflicts(Change::Deleted(conflict.key))]);
    assert_eq!(world.address("photos").as_deref(), Some("192.168.1.205"));
    assert_eq!(said(&world, "r"), "Assigned: Service default/photos has it");
}

#[test]
fn what_is_wrong_is_in_the_report_the_status_and_an_event() {
    let mut world = World::new();
    world.step([Event::Reservations(Change::Listed(vec![
        kept("a", "192.168.1.205", Some("photos")),
        kept("b", "192.168.1.205", Some("tv")),
        kept("stray", "10.0.0.1", Some("tv")),
        kept("nobody", "192.168.1.206", None),
    ]))]);
    assert_eq!(world.report.len(), 1, "{:?}", world.report);
    assert!(world.report[0].starts_with("AddressReservation b: 192.168.1.205 is reserved by the older"));
    assert!(world.warnings[0].starts_with("AddressReservation stray: 10.0.0.1 is in no IPAddressPool"));
    assert!(
        said(&world, "b").starts_with("Invalid: 192.168.1.205 is reserved by the older AddressReservation a")
    );
    assert!(said(&world, "stray").starts_with("OutsidePools: 10.0.0.1 is in no IPAddressPool"));
    assert_eq!(
        said(&world, "nobody"),
        "Free: no Service gets it: name one in spec.for"
    );
    let told = world
        .events
        .iter()
        .filter(|e| e.starts_with("InvalidConfiguration"));
    assert_eq!(told.count(), 2, "{:?}", world.events);
    // The elder goes.
    let gone = Event::Reservations(Change::Deleted(ObjectKey::new("metallb-system", "a")));
    world.step([gone]);
    assert_eq!(said(&world, "b"), "Free: waits for Service default/tv");
    assert_eq!((world.report.len(), world.warnings.len()), (0, 1));
    world.pools(Change::Applied(pool("home", &["garbage"])));
    assert!(
        said(&world, "b").starts_with("Free: an IPAddressPool cannot be used"),
        "{}",
        said(&world, "b")
    );
}

#[test]
fn statuses_are_said_on_change_and_anew_by_another_leader() {
    let mut world = World::new();
    world.step(applied(kept("r", "192.168.1.205", Some("photos"))));
    let count = |step: Step| {
        let of_reservations = |effect: &&Effect| matches!(effect, Effect::SetReservationStatus { .. });
        step.effects.iter().filter(of_reservations).count()
    };
    let again = applied(kept("r", "192.168.1.205", Some("photos")));
    assert_eq!(count(world.allocator.step(again, world.now)), 0);
    world.step([Event::Leadership(Leadership::Following)]);
    let services = world.objects.values().cloned().collect();
    let leading = [
        Event::Leadership(Leadership::Leading { unclean: false }),
        Event::services(Change::Listed(services)),
    ];
    assert_eq!(count(world.allocator.step(leading, world.now)), 1);
}

/// Nothing is moved, and so the person has to be told how to.
#[test]
fn a_reservation_whose_service_has_another_address_says_how_to_move_it() {
    let mut world = World::new();
    world.apply(service("photos", 1));
    assert_eq!(world.address("photos").as_deref(), Some("192.168.1.200"));
    world.step(applied(kept("r", "192.168.1.201", Some("photos"))));
    assert_eq!(
        said(&world, "r"),
        "Free: Service default/photos has 192.168.1.200 and keeps it: to move it, have it ask for 192.168.1.201 (metallb.io/loadBalancerIPs)"
    );
}

/// For what a Service asks for and may not have, no device's lease is removed.
#[test]
fn only_what_a_service_may_have_counts_as_asked_for() {
    let mut world = World::new();
    world.step(applied(kept("r", "192.168.1.200", Some("photos"))));
    for (name, address) in [("other", "192.168.1.200"), ("any", "192.168.1.201")] {
        let mut asks = service(name, 1);
        asks.load_balancer_ip = Some(address.to_owned());
        world.apply(asks);
    }
    let requested: Vec<_> = world.allocator.requested().into_keys().collect();
    assert_eq!(requested, [ip("192.168.1.201")]);
    let mut elsewhere = service("any", 1);
    elsewhere.load_balancer_ip = Some("192.168.1.201".to_owned());
    let in_pool = ("metallb.io/address-pool".to_owned(), "other".to_owned());
    elsewhere.annotations.extend([in_pool]);
    world.apply(elsewhere);
    assert!(
        world.allocator.requested().is_empty(),
        "that pool does not hold it"
    );
}
