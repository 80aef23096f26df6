//! The same objects give the same decision, whatever order they came in.

use proptest::prelude::*;

use super::*;

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

fn decide(services: Vec<Service>) -> Vec<(ObjectKey, Vec<IpAddr>)> {
    let mut allocator = Allocator::new(Settings::default());
    let now = Now {
        mono: Instant::ZERO,
        wall: Timestamp(0),
    };
    let mut events: Vec<Event> = services
        .into_iter()
        .map(|s| Event::Services(Change::Applied(s)))
        .collect();
    let middle = events.len() / 2;
    events.insert(
        middle,
        Event::Pools(Change::Listed(vec![pool(
            "home",
            &["192.168.1.200-192.168.1.205"],
        )])),
    );
    events.extend([
        Event::Leadership(Leadership::Leading { unclean: false }),
        Event::Advertisements(Change::Listed(vec![])),
        Event::Routers(Change::Listed(vec![])),
        Event::Nodes(Change::Listed(vec![])),
        Event::Announcements(Change::Listed(vec![])),
        Event::Conflicts(Change::Listed(vec![])),
        Event::Surveys(Change::Listed(vec![])),
    ]);
    // The list of Services is complete once it was given; here they trickled in before it was.
    allocator.listed.insert(event::Kind::Services);
    allocator.step(events, now);
    allocator
        .ledger()
        .assignments()
        .map(|(key, a)| (key.clone(), a.addresses.clone()))
        .collect()
}

proptest! {
    #[test]
    fn order_never_matters(shuffled in Just(objects()).prop_shuffle()) {
        prop_assert_eq!(decide(shuffled), decide(objects()));
    }
}
