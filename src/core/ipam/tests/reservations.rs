//! Addresses that are kept for one Service.

use super::*;

fn reserving(reservations: &[ReservationObject]) -> World {
    let mut world = home();
    world.config = world.config.with_reservations(reservations);
    world
}

#[test]
fn a_reserved_address_is_given_by_itself_to_its_service_alone() {
    let mut world = reserving(&[
        reservation("r", "192.168.1.200", Some("photos")),
        reservation("n", "192.168.1.202", None),
    ]);
    assert_eq!(world.address(&service("a")).as_deref(), Some("192.168.1.201"));
    assert_eq!(world.address(&service("b")).as_deref(), Some("192.168.1.203"));
    assert_eq!(
        world.reason(&service("c")),
        "no free address is left in home (2 are reserved): add a range to the pool, or delete a Service that is no longer needed"
    );
    let photos = service("photos");
    assert_eq!(
        world.reason(&photos),
        "AddressReservation r keeps it for this Service"
    );
    assert_eq!(world.address(&photos).as_deref(), Some("192.168.1.200"));
    // Of the same name and another namespace is another Service.
    let mut other = service("photos");
    other.key = ObjectKey::new("media", "photos");
    assert_eq!(world.address(&other), None);
}

#[test]
fn another_services_request_waits_and_names_reservation_and_holder() {
    let mut world = reserving(&[
        reservation("r", "192.168.1.200", Some("photos")),
        reservation("n", "192.168.1.202", None),
    ]);
    let wish = asking("a", "metallb.io/loadBalancerIPs", "192.168.1.200");
    let decision = world.decide(&wish);
    assert_eq!(decision.outcome, Outcome::Pending);
    let words = "192.168.1.200 is reserved by AddressReservation r for Service default/photos: ask for another address, or change spec.for there";
    assert_eq!(decision.because.to_string(), words);
    assert_eq!(decision.because.fault_of_the_request().as_deref(), Some(words));
    let for_nobody = world.reason(&asking("b", "metallb.io/loadBalancerIPs", "192.168.1.202"));
    assert!(
        for_nobody.contains("192.168.1.202 is reserved by AddressReservation n for no Service"),
        "{for_nobody}"
    );
    // A Service that has an address stays there.
    let mut settled = service("c");
    assert_eq!(world.address(&settled).as_deref(), Some("192.168.1.201"));
    settled.load_balancer_ip = Some("192.168.1.200".to_owned());
    let decision = world.decide(&settled);
    assert!(
        matches!(&decision.because, Because::Stays(why) if matches!(**why, Because::ReservedForOther { .. })),
        "{:?}",
        decision.because
    );
}

#[test]
fn what_the_service_asks_for_wins_over_what_is_reserved_for_it() {
    let reservations = [
        reservation("r", "192.168.1.202", Some("photos")),
        reservation("w", "10.0.0.9", Some("photos")),
    ];
    let world = || {
        let pools = [
            pool("home", &["192.168.1.200-192.168.1.203"]),
            pool("work", &["10.0.0.0/28"]),
        ];
        let mut world = World::new(&pools);
        world.config = world.config.with_reservations(&reservations);
        world
    };
    let exact = asking("photos", "metallb.io/loadBalancerIPs", "192.168.1.201");
    assert_eq!(world().decide(&exact).because, Because::Requested);
    assert_eq!(world().address(&exact).as_deref(), Some("192.168.1.201"));
    let of_pool = asking("photos", "metallb.io/address-pool", "work");
    assert_eq!(
        world().address(&of_pool).as_deref(),
        Some("10.0.0.9"),
        "the one in that pool"
    );
    // Lowest first, in the order of addresses and not of texts.
    assert_eq!(world().address(&service("photos")).as_deref(), Some("10.0.0.9"));
}

#[test]
fn the_lowest_that_can_be_had_is_taken_and_no_other_address_is() {
    let mut world = reserving(&[
        reservation("a", "192.168.1.203", Some("photos")),
        reservation("z", "192.168.1.202", Some("photos")),
    ]);
    assert_eq!(
        world.address(&service("photos")).as_deref(),
        Some("192.168.1.202")
    );
    world.ledger = Ledger::default();
    world.hold("192.168.1.202", "phone");
    assert_eq!(
        world.address(&service("photos")).as_deref(),
        Some("192.168.1.203")
    );
    world.ledger = Ledger::default();
    world.hold("192.168.1.203", "tv");
    let decision = world.decide(&service("photos"));
    assert_eq!(decision.outcome, Outcome::Pending, "not the first free one");
    assert!(
        decision
            .because
            .to_string()
            .contains("192.168.1.202 is in use by phone"),
        "{}",
        decision.because
    );
    // What only waits for proof is waited for.
    let unproven = Availability::Unproven("soon".to_owned());
    world.net.0.insert(ip("192.168.1.202"), unproven);
    world.net.0.remove(&ip("192.168.1.203"));
    let decision = world.decide(&service("photos"));
    assert!(
        matches!(decision.because, Because::Unproven { .. }),
        "{:?}",
        decision.because
    );
}

#[test]
fn nothing_is_moved_when_a_reservation_appears() {
    let mut world = home();
    assert_eq!(world.address(&service("a")).as_deref(), Some("192.168.1.200"));
    assert_eq!(
        world.address(&service("photos")).as_deref(),
        Some("192.168.1.201")
    );
    let reservations = [reservation("r", "192.168.1.200", Some("photos"))];
    world.config = world.config.with_reservations(&reservations);
    for name in ["a", "photos"] {
        assert_eq!(world.decide(&service(name)).because, Because::AlreadyAssigned);
    }
    // Over a restart neither.
    let mut a = service("a");
    a.ingress = vec![ip("192.168.1.200")];
    let mut photos = service("photos");
    photos.ingress = vec![ip("192.168.1.201")];
    world.ledger = Ledger::default();
    let ground = Ground::new(&world.config, &world.net, None, &world.namespaces);
    world.ledger.adopt([&photos, &a], &ground);
    assert_eq!(world.address(&photos).as_deref(), Some("192.168.1.201"));
    assert_eq!(world.address(&a).as_deref(), Some("192.168.1.200"));
    // Once it is free it waits for its Service.
    world.ledger.release(&a.key);
    assert_eq!(world.address(&service("b")).as_deref(), Some("192.168.1.202"));
}

#[test]
fn a_sharing_key_opens_no_reserved_address() {
    let sharing = |name: &str, port: u16| {
        let mut service = asking(name, "metallb.io/allow-shared-ip", "key");
        service.ports = [("TCP".to_owned(), port)].into();
        service
    };
    let mut world = reserving(&[reservation("r", "192.168.1.200", Some("photos"))]);
    assert_eq!(
        world.address(&sharing("photos", 80)).as_deref(),
        Some("192.168.1.200")
    );
    let mut other = sharing("other", 81);
    other.load_balancer_ip = Some("192.168.1.200".to_owned());
    assert!(matches!(
        world.decide(&other).because,
        Because::ReservedForOther { .. }
    ));
    // The other way round: who was there before may share with the one that it is for.
    let mut world = home();
    assert_eq!(world.address(&other).as_deref(), Some("192.168.1.200"));
    let reservations = [reservation("r", "192.168.1.200", Some("photos"))];
    world.config = world.config.with_reservations(&reservations);
    assert_eq!(
        world.address(&sharing("photos", 80)).as_deref(),
        Some("192.168.1.200")
    );
}

/// As to the pool a reservation is a request: `autoAssign` and `avoidBuggyIPs` are about who asks for nothing.
#[test]
fn a_reservation_reaches_pools_that_serve_only_who_asks() {
    let mut shy = pool("shy", &["192.168.2.250-192.168.3.5"]);
    let spec = shy.spec.as_mut().unwrap();
    (spec.auto_assign, spec.avoid_buggy_ips) = (false, true);
    let mut world = World::new(&[shy]);
    let reservations = [
        reservation("r", "192.168.3.4", Some("photos")),
        reservation("avoided", "192.168.2.255", Some("mail")),
    ];
    world.config = world.config.with_reservations(&reservations);
    assert_eq!(world.address(&service("photos")).as_deref(), Some("192.168.3.4"));
    assert_eq!(world.address(&service("a")), None);
    assert_eq!(
        world.address(&service("mail")),
        None,
        "it is avoided, whoever asks"
    );
}

#[test]
fn one_in_no_pool_is_passed_over_and_one_that_may_be_in_one_is_waited_for() {
    let stray = [reservation("r", "192.168.9.9", Some("photos"))];
    let mut world = reserving(&stray);
    assert_eq!(
        world.address(&service("photos")).as_deref(),
        Some("192.168.1.200")
    );
    let pools = [
        pool("home", &["192.168.1.200-192.168.1.203"]),
        pool("broken", &["garbage"]),
    ];
    let mut world = World::new(&pools);
    world.config = world.config.with_reservations(&stray);
    assert_eq!(
        world.decide(&service("photos")).because,
        Because::OutsidePools(ip("192.168.9.9"))
    );
    assert_eq!(world.address(&service("a")).as_deref(), Some("192.168.1.200"));
}

#[test]
fn of_the_other_family_is_not_for_this_service() {
    let mut world = reserving(&[reservation("r", "fd00::5", Some("photos"))]);
    assert_eq!(
        world.address(&service("photos")).as_deref(),
        Some("192.168.1.200")
    );
}

#[test]
fn a_static_lease_may_stand_for_what_is_reserved() {
    let mut world = reserving(&[reservation("r", "192.168.1.201", Some("photos"))]);
    let lease = Holder {
        name: Some("photos".to_owned()),
        mac: None,
        evidence: "static DHCP lease on MikroTik".to_owned(),
    };
    world
        .net
        .0
        .insert(ip("192.168.1.201"), Availability::Reserved(lease));
    assert_eq!(world.address(&service("photos")), None);
    let knows = asking("photos", "tiklb.io/use-existing-lease", "true");
    assert_eq!(world.address(&knows).as_deref(), Some("192.168.1.201"));
}
