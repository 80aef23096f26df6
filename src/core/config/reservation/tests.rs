//! Good and bad reservations, alone and together.

use proptest::prelude::*;

use super::*;
use crate::config::{Config, PoolObject, PoolSpec, ReservationSpec};
use crate::model::object::Seniority;
use crate::model::{Labels, Timestamp};

fn seniority(key: &ObjectKey, created: i64) -> Seniority {
    Seniority {
        created: Timestamp(created),
        key: key.clone(),
    }
}

fn object(name: &str, created: i64, address: &str, service: Option<&str>) -> ReservationObject {
    let key = ObjectKey::new("metallb-system", name);
    ReservationObject {
        generation: 1,
        seniority: seniority(&key, created),
        key,
        spec: Ok(ReservationSpec {
            address: address.to_owned(),
            service: service.map(str::to_owned),
            note: String::new(),
        }),
    }
}

fn pool(name: &str, addresses: &str) -> PoolObject {
    let key = ObjectKey::new("metallb-system", name);
    PoolObject {
        seniority: seniority(&key, 0),
        key,
        labels: Labels::new(),
        spec: Ok(PoolSpec {
            addresses: vec![addresses.to_owned()],
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }),
    }
}

fn home(objects: &[ReservationObject]) -> Config {
    Config::new(&[pool("home", "192.168.1.200-192.168.1.220")], &[], &[]).with_reservations(objects)
}

fn words(config: &Config) -> Vec<String> {
    config.problems.iter().map(ToString::to_string).collect()
}

fn kept(config: &Config) -> Vec<String> {
    let kept = config.reservations.values();
    kept.map(|kept| format!("{} {}", kept.address, kept.key.name))
        .collect()
}

#[test]
fn a_good_one_is_kept_for_its_service_or_for_nobody() {
    let config = home(&[
        object("a", 1, "192.168.1.205", Some("media/photos")),
        object("b", 1, "192.168.1.206", None),
        object("c", 1, "192.168.1.207", Some("")),
    ]);
    assert_eq!(words(&config), [""; 0]);
    assert_eq!(
        kept(&config),
        ["192.168.1.205 a", "192.168.1.206 b", "192.168.1.207 c"]
    );
    let photos = ObjectKey::new("media", "photos");
    let reserved: Vec<&str> = config
        .reserved_for(&photos)
        .map(|reserved| reserved.key.name.as_str())
        .collect();
    assert_eq!(reserved, ["a"]);
}

#[test]
fn a_bad_one_excludes_itself_and_names_the_fix() {
    for (address, service, expected) in [
        (
            "192.168.1.205/32",
            None,
            "spec.address: \"192.168.1.205/32\" is no IPv4 or IPv6 address",
        ),
        ("", None, "spec.address: \"\""),
        ("::ffff:192.168.1.205", None, "spec.address"),
        (
            "192.168.1.205",
            Some("photos"),
            "spec.for: \"photos\" names no Service",
        ),
        ("192.168.1.205", Some("media/"), "spec.for"),
        ("192.168.1.205", Some("media/Photos"), "spec.for"),
        ("192.168.1.205", Some("media/-photos"), "spec.for"),
        ("192.168.1.205", Some("a/media/photos"), "spec.for"),
    ] {
        let config = home(&[
            object("bad", 0, address, service),
            object("good", 1, "192.168.1.205", None),
        ]);
        assert_eq!(kept(&config), ["192.168.1.205 good"], "{address} {service:?}");
        let said = words(&config);
        assert!(
            said.len() == 1 && said[0].starts_with(&format!("AddressReservation bad: {expected}")),
            "{said:?}"
        );
    }
    let long = home(&[object("long", 0, &"1".repeat(10_000), None)]);
    assert!(words(&long)[0].len() < 300, "{:?}", words(&long));
}

#[test]
fn of_two_for_one_address_the_younger_is_excluded() {
    let elder = object("z", 1, "192.168.1.205", Some("media/photos"));
    for younger in [
        object("a", 2, "192.168.1.205", Some("media/tv")),
        object("zz", 1, "192.168.1.205", Some("media/tv")),
    ] {
        let config = home(&[younger.clone(), elder.clone()]);
        assert_eq!(kept(&config), ["192.168.1.205 z"]);
        let expected = format!(
            "AddressReservation {}: 192.168.1.205 is reserved by the older AddressReservation z already: delete one of the two; until then the older one counts",
            younger.key.name
        );
        assert_eq!(words(&config), [expected]);
    }
}

#[test]
fn one_outside_of_every_pool_is_said_and_harms_nothing() {
    let stray = object("stray", 1, "192.168.1.99", Some("media/photos"));
    let config = home(std::slice::from_ref(&stray));
    assert_eq!(kept(&config), ["192.168.1.99 stray"]);
    assert_eq!(
        words(&config),
        [
            "AddressReservation stray: 192.168.1.99 is in no IPAddressPool, so it reserves nothing: correct spec.address, or add it to a pool"
        ]
    );
    // A pool that cannot be read may hold it.
    let unreadable = Config::new(&[pool("home", "garbage")], &[], &[]).with_reservations(&[stray]);
    assert!(
        words(&unreadable).iter().all(|words| !words.contains("stray")),
        "{:?}",
        words(&unreadable)
    );
}

fn objects() -> Vec<ReservationObject> {
    vec![
        object("a", 3, "192.168.1.205", Some("media/photos")),
        object("b", 1, "192.168.1.205", Some("media/tv")),
        object("c", 1, "192.168.1.205", None),
        object("d", 0, "192.168.1.205", Some("nonsense")),
        object("e", 0, "10.0.0.1", None),
        object("f", 9, "192.168.1.200", None),
    ]
}

proptest! {
    #[test]
    fn the_order_of_reservations_never_matters(shuffled in Just(objects()).prop_shuffle()) {
        prop_assert_eq!(home(&shuffled), home(&objects()));
    }
}

#[test]
fn a_name_is_one_that_kubernetes_gives() {
    for (text, good) in [
        ("media/photos", true),
        ("media-2/photos-3d", true),
        ("2/3", true),
        ("media/Photos", false),
        ("media/-photos", false),
        ("media/", false),
        ("photos", false),
    ] {
        assert_eq!(named(text).is_ok(), good, "{text}");
    }
}
