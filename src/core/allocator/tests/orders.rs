//! The same objects give the same decision, whatever order they came in.

use proptest::prelude::*;

use super::*;
use crate::config::ReservationSpec;

fn objects() -> Vec<Service> {
    let mut all = Vec::new();
    for i in 0..8 {
        let mut one = service(&format!("s{i}"), i64::from(i % 3));
        match i {
            1 | 6 => one.ingress = vec![ip("192.168.1.203")],
            2 | 5 => {
                one.annotations.insert(
                    "metallb.io/loadBalancerIPs".to_owned(),
                    "192.168.1.201".to_owned(),
                );
            }
            3 => {
                one.annotations
                    .insert("metallb.io/loadBalancerIPs".to_owned(), "nonsense".to_owned());
            }
            _ => {}
        }
        all.push(one);
    }
    all
}

fn reservations() -> Vec<ReservationObject> {
    let kept = |name: &str, created: i64, address: &str, service: &str| {
        let key = ObjectKey::new("metallb-system", name);
        ReservationObject {
            generation: 1,
            seniority: Seniority {
                created: Timestamp(created),
                key: key.clone(),
            },
            key,
            spec: Ok(ReservationSpec {
                address: address.to_owned(),
                service: Some(format!("default/{service}")),
                note: String::new(),
            }),
        }
    };
    vec![
        // One that a Service asks for, one that a status names, one for a Service that asks for nothing, one that is too
        // late, and two that reserve nothing.
        kept("a", 1, "192.168.1.201", "s7"),
        kept("b", 1, "192.168.1.203", "s7"),
        kept("c", 2, "192.168.1.204", "s4"),
        kept("d", 3, "192.168.1.204", "s0"),
        kept("e", 0, "192.168.9.9", "s0"),
        kept("f", 0, "nonsense", "s0"),
    ]
}

type Decided = (Vec<(ObjectKey, Vec<IpAddr>)>, Vec<String>, Vec<(String, Phase)>);

fn decide(services: Vec<Service>, reservations: Vec<ReservationObject>) -> Decided {
    let mut allocator = Allocator::new(Settings::default());
    let now = Now {
        mono: Instant::ZERO,
        wall: Timestamp(0),
    };
    allocator.step([Event::Leadership(Leadership::Leading { unclean: false })], now);
    let mut events: Vec<Event> = services
        .into_iter()
        .map(|s| Event::services(Change::Applied(s)))
        .collect();
    // Each reservation comes between two Services.
    for (at, object) in reservations.into_iter().enumerate() {
        events.insert(2 * at, Event::Reservations(Change::Applied(object)));
    }
    let middle = events.len() / 2;
    events.insert(
        middle,
        Event::Pools(Change::Listed(vec![pool(
            "home",
            &["192.168.1.200-192.168.1.205"],
        )])),
    );
    events.extend([
        Event::Advertisements(Change::Listed(vec![])),
        Event::Routers(Change::Listed(vec![])),
        Event::Namespaces(Change::Listed(vec![])),
        Event::Nodes(Change::Listed(vec![])),
        Event::Announcements(Change::Listed(vec![])),
        Event::Conflicts(Change::Listed(vec![])),
        Event::Surveys(Change::Listed(vec![])),
    ]);
    // The list of Services is complete once it was given; here they trickled in before it was.
    allocator.listed.insert(event::Kind::Services);
    allocator.listed.insert(event::Kind::Reservations);
    allocator.step(events, now);
    let assignments = allocator.ledger().assignments();
    let problems = allocator.config().problems.iter();
    let reserved = allocator.reserved.iter();
    (
        assignments
            .map(|(key, a)| (key.clone(), a.addresses.clone()))
            .collect(),
        problems.map(ToString::to_string).collect(),
        reserved
            .map(|(key, status)| (key.name.clone(), status.phase))
            .collect(),
    )
}

#[test]
fn reservations_are_part_of_it() {
    let (assigned, problems, reserved) = decide(objects(), reservations());
    let of = |name: &str| {
        let mut found = assigned.iter().filter(|(holder, _)| *holder == key(name));
        found.next().map(|(_, addresses)| addresses[0].to_string())
    };
    assert_eq!(of("s4").as_deref(), Some("192.168.1.204"));
    // Of its two addresses one is another's since before, so the lower one is its.
    assert_eq!(of("s7").as_deref(), Some("192.168.1.201"));
    assert_eq!(of("s6").as_deref(), Some("192.168.1.203"));
    assert_eq!(
        (of("s2"), of("s5")),
        (None, None),
        "they ask for what is reserved"
    );
    assert_eq!(problems.len(), 3, "{problems:?}");
    let phases: Vec<Phase> = reserved.iter().map(|(_, phase)| *phase).collect();
    assert_eq!(
        phases,
        [
            Phase::Assigned,
            Phase::Taken,
            Phase::Assigned,
            Phase::Invalid,
            Phase::OutsidePools,
            Phase::Invalid
        ]
    );
}

proptest! {
    #[test]
    fn order_never_matters(
        services in Just(objects()).prop_shuffle(),
        kept in Just(reservations()).prop_shuffle(),
    ) {
        prop_assert_eq!(decide(services, kept), decide(objects(), reservations()));
    }
}
