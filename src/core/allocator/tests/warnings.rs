//! What makes a configuration invalid, and what is only said.

use super::*;
use crate::config::object::{AdvertisementSpec, ReservationSpec};
use crate::model::LabelSelector;
use crate::reservation::tests::paper::{object, spec};
use crate::reservation::{Failure, FailureKind};

fn seniority(name: &str) -> Seniority {
    Seniority {
        created: Timestamp(1),
        key: ObjectKey::new("metallb-system", name),
    }
}

fn advertisement(spec: AdvertisementSpec) -> Event {
    let seniority = seniority("ad");
    Event::Advertisements(Change::Applied(AdvertisementObject {
        key: seniority.key.clone(),
        seniority,
        spec: Ok(spec),
    }))
}

fn by_label() -> LabelSelector {
    LabelSelector::new(Labels::from_iter([("zone".to_owned(), "dmz".to_owned())]), vec![]).unwrap()
}

#[test]
fn an_advertisement_that_selects_nothing_is_a_warning_and_a_name_that_does_not_exist_a_fault() {
    let mut world = World::new();
    world.step([advertisement(AdvertisementSpec {
        pool_selectors: vec![Ok(by_label())],
        ..AdvertisementSpec::default()
    })]);
    let warnings = "L2Advertisement ad: spec.ipAddressPoolSelectors match no IPAddressPool, so it announces nothing: \
                correct them, or label a pool";
    assert_eq!(
        (world.report.len(), world.warnings.as_slice()),
        (0, &[warnings.to_owned()][..])
    );
    // A pool with the label comes.
    let mut dmz = pool("dmz", &["10.0.0.0/30"]);
    dmz.labels = [("zone".to_owned(), "dmz".to_owned())].into_iter().collect();
    world.pools(Change::Applied(dmz));
    assert!(
        world.report.is_empty() && world.warnings.is_empty(),
        "{:?}",
        world.warnings
    );
    world.step([advertisement(AdvertisementSpec {
        pools: vec!["hom".to_owned()],
        ..AdvertisementSpec::default()
    })]);
    assert_eq!(
        world.report,
        [
            "L2Advertisement ad: spec.ipAddressPools: there is no IPAddressPool \"hom\"; create it or correct the name"
        ]
    );
    assert!(world.warnings.is_empty());
    world.pools(Change::Applied(pool("hom", &["10.0.1.0/30"])));
    assert!(world.report.is_empty(), "{:?}", world.report);
}

#[test]
fn a_router_for_no_pool_is_a_warning_and_its_missing_secret_a_fault_until_it_is_there() {
    let mut world = World::new();
    let router = object(crate::config::RouterSpec {
        pool_selector: by_label(),
        ..spec()
    });
    let key = router.key.clone();
    world.step([Event::Routers(Change::Applied(router))]);
    let warnings = format!(
        "MikrotikRouter {}: spec.poolSelector matches no IPAddressPool, so nothing is asked of the router: correct it, \
         or label a pool",
        key.name
    );
    assert_eq!(
        (world.report.len(), world.warnings.as_slice()),
        (0, &[warnings][..])
    );
    let fails = |kind, message: &str| Event::RouterRead {
        router: key.clone(),
        result: Box::new(Err(Failure {
            kind,
            message: message.to_owned(),
        })),
    };
    world.step([fails(
        FailureKind::SecretMissing,
        "there is no Secret mikrotik: create it",
    )]);
    let fault = format!(
        "MikrotikRouter {}: there is no Secret mikrotik: create it",
        key.name
    );
    assert_eq!(world.report, [fault]);
    // A router that is away is no fault of the configuration.
    world.step([fails(FailureKind::Unreachable, "no answer")]);
    assert!(world.report.is_empty(), "{:?}", world.report);
}

#[test]
fn a_reservation_outside_of_every_pool_is_a_warning() {
    let mut world = World::new();
    let seniority = seniority("stray");
    world.step([Event::Reservations(Change::Applied(ReservationObject {
        key: seniority.key.clone(),
        generation: 1,
        seniority,
        spec: Ok(ReservationSpec {
            address: "10.9.9.9".to_owned(),
            ..ReservationSpec::default()
        }),
    }))]);
    assert!(world.report.is_empty(), "{:?}", world.report);
    assert_eq!(world.warnings.len(), 1, "{:?}", world.warnings);
}
