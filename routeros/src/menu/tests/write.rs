//! What may be written: names on the allow-list, text in canonical form, meaning compared as values.

use super::*;
use crate::value::LocalMac;

fn comment() -> Comment {
    Comment::new("tiklb/v1 home/0a1b2c3d default/web").unwrap()
}

fn claim_mac() -> LocalMac {
    LocalMac::try_from(mac("02:00:C0:A8:01:C8")).unwrap()
}

fn new_lease() -> NewLease {
    NewLease {
        address: [192, 168, 1, 200].into(),
        mac_address: claim_mac(),
        server: "defconf".into(),
        comment: comment(),
    }
}

fn claim() -> Value {
    json!({".id": "*9", "address": "192.168.1.200", "mac-address": "02:00:c0:a8:01:c8", "server": "defconf",
           "comment": "tiklb/v1 home/0a1b2c3d default/web", "disabled": "false", "dynamic": "false"})
}

fn with(mut row: Value, property: &str, value: &str) -> Value {
    row[property] = value.into();
    row
}

fn ranges(text: &str) -> PoolRanges {
    PoolRanges::try_from(text.parse::<crate::value::AddressRanges>().unwrap()).unwrap()
}

fn names<M>(properties: &impl Properties<M>) -> Vec<&'static str> {
    properties
        .properties()
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn only_listed_properties_are_written() {
    let pool = NewPool {
        name: "ours".into(),
        ranges: ranges("10.0.0.1"),
        comment: comment(),
    };
    let arp = NewArp {
        address: [192, 168, 1, 200].into(),
        mac_address: mac("02:00:00:00:00:01"),
        interface: "bridge".into(),
        comment: comment(),
        disabled: true,
    };
    let pool_change = PoolChange {
        ranges: Some(ranges("10.0.0.1")),
        comment: Some(comment()),
    };
    let lease_change = LeaseChange {
        mac_address: Some(claim_mac()),
        server: Some("s".into()),
        comment: Some(comment()),
        disabled: Some(false),
    };
    let arp_change = ArpChange {
        mac_address: Some(arp.mac_address),
        comment: Some(comment()),
        disabled: Some(false),
    };
    assert_eq!(names(&pool), Pool::WRITABLE);
    assert_eq!(names(&pool_change), ["ranges", "comment"]);
    assert_eq!(names(&arp), Arp::WRITABLE);
    assert_eq!(names(&arp_change), ["mac-address", "comment", "disabled"]);
    assert_eq!(
        names(&new_lease()),
        ["address", "mac-address", "server", "comment"]
    );
    assert_eq!(
        names(&lease_change),
        ["mac-address", "server", "comment", "disabled"]
    );
    for name in names(&new_lease()).into_iter().chain(names(&lease_change)) {
        assert!(Lease::WRITABLE.contains(&name));
    }
    assert_eq!(names(&PoolChange::default()), [""; 0]);
}

#[test]
fn values_go_out_in_canonical_form() {
    assert_eq!(
        new_lease().properties(),
        [
            ("address", "192.168.1.200".to_owned()),
            ("mac-address", "02:00:C0:A8:01:C8".to_owned()),
            ("server", "defconf".to_owned()),
            ("comment", "tiklb/v1 home/0a1b2c3d default/web".to_owned()),
        ]
    );
    let shrink = PoolChange {
        ranges: Some(ranges("192.168.1.221-192.168.1.254,192.168.1.100/25")),
        comment: None,
    };
    assert_eq!(
        shrink.properties(),
        [(
            "ranges",
            "192.168.1.0-192.168.1.127,192.168.1.221-192.168.1.254".to_owned()
        )]
    );
}

#[test]
fn a_row_means_what_was_asked_however_it_is_spelt() {
    assert_eq!(new_lease().unmet(&only(claim())), [""; 0]);
    for (property, value) in [
        ("address", "192.168.1.201"),
        ("mac-address", "02:00:C0:A8:01:C9"),
        ("server", "guests"),
        ("comment", "tiklb/v1 home/0a1b2c3d default/other"),
        ("disabled", "true"),
    ] {
        assert_eq!(
            new_lease().unmet(&only(with(claim(), property, value))),
            [property]
        );
    }
    let change = PoolChange {
        ranges: Some(ranges("192.168.80.0/24")),
        comment: None,
    };
    let pool = json!({".id": "*1", "name": "p", "ranges": "192.168.80.128/25,192.168.80.0-192.168.80.127"});
    assert_eq!(change.unmet(&only(pool.clone())), [""; 0]);
    assert_eq!(
        change.unmet(&only(with(pool, "ranges", "192.168.80.0/25"))),
        ["ranges"]
    );
    assert_eq!(LeaseChange::default().unmet(&only(claim())), [""; 0]);
    let other = LeaseChange {
        comment: Some(Comment::new("x").unwrap()),
        disabled: Some(true),
        ..Default::default()
    };
    assert_eq!(other.unmet(&only(claim())), ["comment", "disabled"]);
}

#[test]
fn arp_rows_and_pools_that_were_added_mean_what_was_asked() {
    let added = NewArp {
        address: [10, 0, 0, 1].into(),
        mac_address: mac("02:00:00:00:00:01"),
        interface: "bridge".into(),
        comment: comment(),
        disabled: true,
    };
    let row = json!({".id": "*1", "address": "10.0.0.1", "mac-address": "02:00:00:00:00:01", "interface": "bridge",
        "comment": "tiklb/v1 home/0a1b2c3d default/web", "disabled": "yes"});
    assert_eq!(added.unmet(&only(row.clone())), [""; 0]);
    for (property, value) in [
        ("address", "10.0.0.2"),
        ("mac-address", "02:00:00:00:00:02"),
        ("interface", "guests"),
        ("comment", "somebody's"),
        ("disabled", "no"),
    ] {
        assert_eq!(added.unmet(&only(with(row.clone(), property, value))), [property]);
    }
    assert_eq!(added.filter(), Some(("address", "10.0.0.1".to_owned())));
    let change = ArpChange {
        mac_address: Some(mac("02:00:00:00:00:02")),
        comment: Some(Comment::new("x").unwrap()),
        disabled: Some(false),
    };
    assert_eq!(
        change.unmet(&only(row.clone())),
        ["mac-address", "comment", "disabled"]
    );
    assert_eq!(ArpChange::default().unmet(&only(row)), [""; 0]);

    let added = NewPool {
        name: "ours".into(),
        ranges: ranges("10.0.0.1-10.0.0.9"),
        comment: comment(),
    };
    let row = json!({".id": "*1", "name": "ours", "ranges": "10.0.0.1-10.0.0.4,10.0.0.5-10.0.0.9",
        "comment": "tiklb/v1 home/0a1b2c3d default/web"});
    assert_eq!(added.unmet(&only(row.clone())), [""; 0]);
    for (property, value) in [("name", "theirs"), ("ranges", "10.0.0.1"), ("comment", "x")] {
        assert_eq!(added.unmet(&only(with(row.clone(), property, value))), [property]);
    }
    assert_eq!(added.filter(), None, "all of them are read");
    assert!(added.collides(&only(row.clone())));
    assert!(!added.collides(&only(with(row.clone(), "name", "theirs"))));
    let mark = PoolChange {
        ranges: None,
        comment: Some(Comment::new("x").unwrap()),
    };
    assert_eq!(mark.unmet(&only(row)), ["comment"]);
}

/// In logs and refusals.
#[test]
fn a_row_is_called_by_what_it_is_about_and_its_comment() {
    let arp = json!({".id": "*1", "address": "10.0.0.1", "interface": "b", "comment": "ours"});
    assert_eq!(
        only::<Arp>(arp.clone()).expected().to_string(),
        "ARP row of 10.0.0.1 (ours)"
    );
    let learnt: Arp = only(with(arp, "comment", ""));
    assert_eq!(learnt.expected().to_string(), "ARP row of 10.0.0.1");
    let pool: Pool = only(json!({".id": "*1", "name": "p", "ranges": "10.0.0.0/30", "comment": "ours"}));
    assert_eq!(
        pool.expected().to_string(),
        "pool p with 10.0.0.0-10.0.0.3 (ours)"
    );
    for (address, words) in [
        ("dhcp_pool", "lease from pool dhcp_pool"),
        ("", "lease from the server's pool"),
    ] {
        let lease: Lease = only(json!({".id": "*1", "address": address}));
        assert_eq!(lease.expected().to_string(), words);
    }
}

/// Its client, by the address that it was decided about and by nothing else.
#[test]
fn the_dynamic_lease_that_may_go_is_the_one_that_was_read() {
    let lease = DynamicLease {
        id: id("*1F"),
        address: [192, 168, 1, 207].into(),
        mac_address: mac("AA:BB:CC:00:00:01"),
    };
    assert_eq!(
        lease.to_string(),
        "dynamic lease of 192.168.1.207 for AA:BB:CC:00:00:01"
    );
    let row = json!({".id": "*1F", "address": "192.168.1.207", "mac-address": "AA:BB:CC:00:00:01", "dynamic": "true"});
    assert!(lease.is(&only(row.clone())));
    let mut active = with(row.clone(), "mac-address", "");
    active["active-mac-address"] = "AA:BB:CC:00:00:01".into();
    assert!(lease.is(&only(active)));
    for (property, value) in [
        (".id", "*20"),
        ("address", "192.168.1.208"),
        ("mac-address", "AA:BB:CC:00:00:02"),
        ("mac-address", ""),
        ("dynamic", "false"),
    ] {
        assert!(
            !lease.is(&only(with(row.clone(), property, value))),
            "{property}={value}"
        );
    }
}

#[test]
fn expectations_tell_another_row_under_the_same_id() {
    let expected = Target::<Lease>::of(&only(claim()));
    assert_eq!(
        expected.expected.to_string(),
        "lease of 192.168.1.200 (tiklb/v1 home/0a1b2c3d default/web)"
    );
    for (property, value) in [
        ("address", "192.168.1.7"),
        ("comment", "printer"),
        ("comment", ""),
    ] {
        let other: Lease = only(with(claim(), property, value));
        assert_ne!(other.expected(), expected.expected, "{property}={value}");
    }
    let renewed: Lease = only(with(claim(), "last-seen", "1s"));
    assert_eq!(renewed.expected(), expected.expected);

    let pool = json!({".id": "*1", "name": "p", "ranges": "10.0.0.0/30"});
    let respelt = with(pool.clone(), "ranges", "10.0.0.0-10.0.0.3");
    assert_eq!(
        only::<Pool>(pool.clone()).expected(),
        only::<Pool>(respelt).expected()
    );
    assert_ne!(
        only::<Pool>(pool.clone()).expected(),
        only::<Pool>(with(pool, "ranges", "10.0.0.0/29")).expected()
    );
}

#[test]
fn dynamic_and_unmarked_rows_are_never_edited() {
    let change = LeaseChange::default();
    let permits = |row: Value| {
        let lease: Lease = only(row);
        (
            lease.permits(Edit::Set(&change)).is_ok(),
            lease.permits(Edit::Remove).is_ok(),
        )
    };
    assert_eq!(permits(claim()), (true, true));
    assert_eq!(permits(with(claim(), "dynamic", "true")), (false, false));
    assert_eq!(permits(with(claim(), "comment", "")), (false, false));

    let arp = json!({".id": "*1", "address": "10.0.0.1", "interface": "b", "comment": "ours"});
    assert!(only::<Arp>(arp.clone()).permits(Edit::Remove).is_ok());
    assert!(
        only::<Arp>(with(arp.clone(), "dynamic", "true"))
            .permits(Edit::Remove)
            .is_err()
    );
    assert!(
        only::<Arp>(with(arp, "comment", ""))
            .permits(Edit::Set(&ArpChange::default()))
            .is_err()
    );

    let theirs: Pool = only(json!({".id": "*1", "name": "dhcp_pool", "ranges": "10.0.0.0/24"}));
    let shrink = PoolChange {
        ranges: Some(ranges("10.0.0.1")),
        comment: None,
    };
    let mark = PoolChange {
        comment: Some(comment()),
        ..shrink.clone()
    };
    assert!(theirs.permits(Edit::Set(&shrink)).is_ok(), "ranges of any pool");
    assert!(theirs.permits(Edit::Set(&mark)).is_err(), "but no mark on it");
    assert!(theirs.permits(Edit::Remove).is_err());
    let ours = Pool {
        comment: Some("ours".into()),
        ..theirs
    };
    assert!(ours.permits(Edit::Set(&mark)).is_ok() && ours.permits(Edit::Remove).is_ok());
    let dynamic = Pool {
        dynamic: true,
        ..ours
    };
    assert!(dynamic.permits(Edit::Set(&shrink)).is_err());
}

#[test]
fn new_rows_collide_with_what_stands_in_their_place() {
    let collides = |row: Value| new_lease().collides(&only(row));
    assert!(collides(claim()));
    assert!(
        collides(json!({".id": "*2", "address": "192.168.1.200", "dynamic": "true"})),
        "somebody has it"
    );
    assert!(collides(
        json!({".id": "*2", "address": "dhcp_pool", "active-address": "192.168.1.200"})
    ));
    assert!(!collides(with(claim(), "address", "192.168.1.20")));
    assert_eq!(
        new_lease().filter(),
        Some(("address", "192.168.1.200".to_owned()))
    );

    let arp = NewArp {
        address: [10, 0, 0, 1].into(),
        mac_address: mac("02:00:00:00:00:01"),
        interface: "bridge".into(),
        comment: comment(),
        disabled: true,
    };
    let row = json!({".id": "*1", "address": "10.0.0.1", "interface": "bridge", "dynamic": "true"});
    assert!(!arp.collides(&only(row.clone())), "the router merely learnt it");
    assert!(arp.collides(&only(with(row, "dynamic", "false"))));
}

#[test]
fn comments_are_what_reads_back_unchanged() {
    assert_eq!(Comment::new(""), Err(InvalidComment::Empty));
    assert_eq!(
        Comment::new("küche"),
        Err(InvalidComment::NotAscii("küche".into()))
    );
    assert!(Comment::new("a\nb").is_err() && Comment::new("a\u{7f}").is_err());
    assert_eq!(Comment::new("x".repeat(201)), Err(InvalidComment::TooLong(201)));
    assert_eq!(Comment::new("x".repeat(200)).unwrap().as_str().len(), 200);
}

#[test]
fn an_empty_pool_cannot_be_written() {
    assert_eq!(
        PoolRanges::try_from(crate::value::AddressRanges::default()),
        Err(EmptyRanges)
    );
}
