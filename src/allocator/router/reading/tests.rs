//! Rows as a router sends them, and what core is told of them.

use routeros::menu::{self, Interface, Listing, Menu, Table};
use serde_json::{Value, json};

use super::*;

mod uses;

fn single<M: Menu>(object: &Value) -> M {
    menu::row(object).unwrap_or_else(|bad| panic!("{object}: {}", bad.why))
}

fn rows<M: Table>(rows: &[Value]) -> Vec<M> {
    let listing = Listing::read(rows);
    assert_eq!(listing.bad, []);
    listing.rows
}

/// A router that has a name and a version, and no rows.
fn empty() -> routeros::Reading {
    routeros::Reading {
        resource: single(
            &json!({"version": "7.23.7 (long-term)", "uptime": "1d2h3m4s", "board-name": "RB5009UG+S+"}),
        ),
        identity: single(&json!({"name": "MikroTik"})),
        routerboard: Some(single(
            &json!({"serial-number": "HFG0A1B2C3D", "model": "RB5009"}),
        )),
        safe_mode: None,
        addresses: vec![],
        interfaces: vec![],
        bridges: vec![],
        pools: vec![],
        servers: vec![],
        networks: vec![],
        leases: vec![],
        arp: vec![],
        uses: routeros::OtherUses::default(),
        bad: vec![],
    }
}

fn with(change: impl FnOnce(&mut routeros::Reading)) -> Reading {
    let mut read = empty();
    change(&mut read);
    reading(&read)
}

fn leases(row: Value) -> Vec<LeaseRow> {
    with(|read| read.leases = rows(&[row])).leases
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mac_of(text: &str) -> MacAddr {
    text.parse().unwrap()
}

#[test]
fn what_the_router_is() {
    let read = with(|_| {});
    assert_eq!(
        (
            read.identity.as_str(),
            read.serial.as_deref(),
            read.board.as_str()
        ),
        ("MikroTik", Some("HFG0A1B2C3D"), "RB5009UG+S+")
    );
    assert_eq!(
        (read.version.as_str(), read.untested),
        ("7.23.7 (long-term)", false)
    );
    assert_eq!(read.uptime, Duration::from_secs(93_784));
    let virtual_one = with(|read| {
        read.routerboard = None;
        read.resource = single(&json!({"version": "7.26 (stable)", "uptime": "5s", "board-name": "CHR"}));
    });
    assert_eq!((virtual_one.serial, virtual_one.board.as_str()), (None, "CHR"));
    assert!(virtual_one.untested, "nobody has looked at 7.26");
    let nameless = with(|read| {
        read.resource = single(&json!({"version": "7.24beta2", "uptime": "5s"}));
    });
    assert_eq!(nameless.board, "RB5009", "the model, where the board has no name");
    assert!(nameless.untested, "a pre-release is another version");
}

#[test]
fn known_faults_of_a_version() {
    let mut read = empty();
    assert_eq!(advisories(&read), [""; 0]);
    read.resource = single(&json!({"version": "7.20 (stable)", "uptime": "5s"}));
    let known = advisories(&read);
    assert!(
        known.len() == 2 && known[0].starts_with("CVE-2025-10948: "),
        "{known:?}"
    );
}

#[test]
fn only_addresses_in_effect_count_and_where_they_work() {
    let read = with(|read| {
        read.addresses = rows(&[
            json!({".id": "*1", "address": "192.168.1.1/24", "network": "192.168.1.0", "interface": "ether2",
                   "actual-interface": "bridge"}),
            json!({".id": "*2", "address": "10.0.0.1/24", "interface": "ether3", "disabled": "true"}),
            json!({".id": "*3", "address": "10.0.1.1/24", "interface": "*9", "invalid": "true"}),
            json!({".id": "*4", "address": "100.64.0.2/32", "interface": "*F", "dynamic": "true"}),
        ]);
    });
    let seen: Vec<(String, &str)> = read
        .addresses
        .iter()
        .map(|row| (row.network.to_string(), row.interface.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("192.168.1.1/24".to_owned(), "bridge"),
            ("100.64.0.2/32".to_owned(), "*F")
        ]
    );
    assert_eq!(read.addresses[0].address, ip("192.168.1.1"));
}

#[test]
fn interfaces_with_a_mac_address() {
    let read = with(|read| {
        read.interfaces = rows::<Interface>(&[
            json!({".id": "*1", "name": "bridge", "type": "bridge", "mac-address": "48:A9:8A:00:00:02"}),
            json!({".id": "*2", "name": "wg0", "type": "wg"}),
        ]);
    });
    assert_eq!(
        read.interfaces,
        [("bridge".to_owned(), mac_of("48:a9:8a:00:00:02"))].into()
    );
}

#[test]
fn pools_however_they_are_written() {
    let read = with(|read| {
        read.pools = rows(&[
            json!({".id": "*1F", "name": "dhcp", "ranges": "192.168.1.128/25,192.168.1.100-192.168.1.127",
                   "next-pool": "more", "comment": "mine"}),
            json!({".id": "*2", "name": "more", "ranges": "", "next-pool": "none"}),
            json!({".id": "*3", "name": "odd", "ranges": "10.0.0.1", "next-pool": "*7"}),
        ]);
    });
    let [dhcp, more, odd] = &read.pools[..] else {
        panic!("{:?}", read.pools)
    };
    assert_eq!((dhcp.id.as_str(), dhcp.comment.as_str()), ("*1F", "mine"));
    assert_eq!(dhcp.ranges.to_string(), "192.168.1.100-192.168.1.255");
    assert_eq!(dhcp.next_pool.as_deref(), Some("more"));
    assert!(more.ranges.is_empty() && more.next_pool.is_none() && more.comment.is_empty());
    assert_eq!(odd.next_pool.as_deref(), Some("*7"), "a dead one");
}

#[test]
fn servers_that_serve_and_those_that_do_not() {
    let read = with(|read| {
        read.servers = rows(&[
            json!({".id": "*1", "name": "a", "interface": "bridge", "address-pool": "dhcp"}),
            json!({".id": "*2", "name": "b", "interface": "vlan7", "address-pool": "static-only", "disabled": "true"}),
            json!({".id": "*3", "name": "c", "interface": "*5", "invalid": "true"}),
            json!({".id": "*4", "name": "d", "interface": "vlan8", "address-pool": "*1", "dynamic": "true"}),
        ]);
    });
    let seen: Vec<_> = read
        .servers
        .iter()
        .map(|row| (row.interface.as_str(), row.pool.as_deref(), row.idle))
        .collect();
    assert_eq!(
        seen,
        [
            ("bridge", Some("dhcp"), false),
            ("vlan7", None, true),
            ("*5", None, true),
            ("vlan8", Some("*1"), false)
        ]
    );
}

#[test]
fn networks_and_their_gateways() {
    let read = with(|read| {
        read.networks = rows(&[
            json!({".id": "*1", "address": "192.168.1.0/24", "gateway": "192.168.1.1,192.168.1.2", "dns-server": ""}),
            json!({".id": "*2", "address": "10.0.0.0/8", "gateway": ""}),
        ]);
    });
    assert_eq!(read.networks[0].gateways, [ip("192.168.1.1"), ip("192.168.1.2")]);
    assert_eq!(read.networks[1].network.to_string(), "10.0.0.0/8");
    assert!(read.networks[1].gateways.is_empty());
}

#[test]
fn a_lease_in_any_state_holds_its_address() {
    for (status, dynamic) in [
        ("bound", true),
        ("offered", true),
        ("testing", true),
        ("conflict", true),
        ("declined", true),
        ("waiting", false),
        ("a-new-word", false),
    ] {
        let rows = leases(json!({
            ".id": "*A", "address": "192.168.1.205", "mac-address": "AA:BB:CC:00:00:01", "server": "defconf",
            "status": status, "dynamic": dynamic.to_string(), "host-name": "phone", "comment": "Bob",
        }));
        let expected = LeaseRow {
            id: "*A".to_owned(),
            address: ip("192.168.1.205"),
            mac: Some(mac_of("aa:bb:cc:00:00:01")),
            server: Some("defconf".to_owned()),
            dynamic,
            evidence: false,
            disabled: false,
            bound: status != "waiting",
            expires_after: None,
            host_name: Some("phone".to_owned()),
            comment: "Bob".to_owned(),
        };
        assert_eq!(rows, [expected], "{status}");
    }
}

#[test]
fn servers_and_times_of_leases() {
    for (server, expires, expected) in [
        (Some("defconf"), Some("9m34s"), (Some("defconf"), Some(574))),
        (Some("all"), Some("never"), (None, None)),
        (None, None, (None, None)),
        (Some("*1"), Some("1w"), (Some("*1"), Some(604_800))),
    ] {
        let mut row = json!({".id": "*A", "address": "192.168.1.205", "disabled": "true"});
        for (key, value) in [("server", server), ("expires-after", expires)] {
            if let Some(value) = value {
                row[key] = value.into();
            }
        }
        let [row] = &leases(row)[..] else {
            panic!("one row")
        };
        assert_eq!(
            (row.server.as_deref(), row.expires_after.map(|d| d.as_secs())),
            expected
        );
        assert!(row.disabled && row.mac.is_none());
    }
}

/// Whether a client has it does not depend on when, or whether, its lease ends.
#[test]
fn a_static_lease_is_bound_by_its_state_and_not_by_its_end() {
    for (status, expires, active, bound) in [
        ("waiting", None, None, false),
        ("bound", Some("never"), Some("192.168.1.205"), true),
        ("bound", Some("a while"), None, true),
        ("waiting", None, Some("192.168.1.205"), true),
        ("bound", Some("10m"), Some("192.168.1.150"), false), // It has another one, in a row of its own.
    ] {
        let mut row = json!({".id": "*A", "address": "192.168.1.205", "status": status});
        for (key, value) in [("expires-after", expires), ("active-address", active)] {
            if let Some(value) = value {
                row[key] = value.into();
            }
        }
        assert_eq!(leases(row)[0].bound, bound, "{status} {expires:?} {active:?}");
    }
}

/// A reservation that was moved under its client: the client keeps what it has until it comes back.
#[test]
fn a_lease_can_hold_two_addresses() {
    let rows = leases(json!({
        ".id": "*A", "address": "192.168.1.50", "active-address": "192.168.1.205",
        "mac-address": "AA:BB:CC:00:00:01", "active-mac-address": "AA:BB:CC:00:00:01",
        "active-server": "defconf", "status": "bound", "expires-after": "10m", "comment": "printer",
    }));
    let [reserved, used] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (reserved.address, reserved.dynamic, reserved.expires_after),
        (ip("192.168.1.50"), false, None)
    );
    assert_eq!(reserved.comment, "printer");
    assert_eq!((used.address, used.dynamic), (ip("192.168.1.205"), true));
    assert_eq!(used.expires_after, Some(Duration::from_mins(10)));
    assert_eq!(used.server.as_deref(), Some("defconf"));
    assert_eq!(
        (used.host_name.as_deref(), used.comment.as_str()),
        (Some("printer"), "")
    );
}

#[test]
fn a_lease_of_any_address_holds_the_one_that_its_client_has() {
    for address in ["dhcp_pool", "0.0.0.0"] {
        let mut row = json!({
            ".id": "*A", "address": address, "mac-address": "AA:BB:CC:00:00:01", "host-name": "laptop",
        });
        assert_eq!(leases(row.clone()), [], "nobody is kept from any address");
        row["active-address"] = "192.168.1.205".into();
        row["expires-after"] = "10m".into();
        let [used] = &leases(row)[..] else {
            panic!("one row")
        };
        assert_eq!(used.address, ip("192.168.1.205"));
        assert_eq!(used.host_name.as_deref(), Some("laptop"));
        assert_eq!(used.expires_after, Some(Duration::from_mins(10)));
    }
}

/// No write is ever made on a row that stands for what a client happens to have: the client of the RouterOS API would
/// look for a row that assigns the address, and there is none.
#[test]
fn evidence_never_carries_a_mark() {
    const MARK: &str = "tiklb/v1 home/1a2b3c4d default/web";
    let rows = leases(json!({
        ".id": "*A", "address": "192.168.1.200", "active-address": "192.168.1.205", "comment": MARK,
        "mac-address": "02:4C:C0:A8:01:C8",
    }));
    let marked: Vec<IpAddr> = rows
        .iter()
        .filter(|row| tiklb_core::reservation::Marker::parse(&row.comment).is_some())
        .map(|row| row.address)
        .collect();
    assert_eq!((rows.len(), &marked[..]), (2, &[ip("192.168.1.200")][..]));
}

#[test]
fn a_lease_by_client_id_is_its_clients_while_it_is_there() {
    for (active, expected) in [
        ("192.168.1.50", Some(mac_of("aa:bb:cc:00:00:01"))),
        ("192.168.1.205", None),
    ] {
        let rows = leases(json!({
            ".id": "*A", "address": "192.168.1.50", "client-id": "ff:1", "active-address": active,
            "active-mac-address": "AA:BB:CC:00:00:01",
        }));
        assert_eq!(rows[0].mac, expected, "{active}");
    }
}

#[test]
fn which_arp_rows_are_alive() {
    for (status, complete, alive) in [
        (Some("permanent"), "true", true),
        (Some("reachable"), "true", true),
        (Some("stale"), "true", false),
        (Some("delay"), "true", false),
        (Some("probe"), "true", false),
        (Some("failed"), "false", false),
        (Some("incomplete"), "false", false),
        (Some("a-new-word"), "true", true),
        (Some("a-new-word"), "false", false),
        (None, "true", true),
        (None, "false", false),
    ] {
        let mut row = json!({
            ".id": "*3", "address": "192.168.1.205", "interface": "bridge", "complete": complete,
            "mac-address": "AA:BB:CC:00:00:01", "dynamic": "true",
        });
        if let Some(status) = status {
            row["status"] = status.into();
        }
        let read = with(|read| read.arp = rows(&[row]));
        assert_eq!(read.arps[0].alive, alive, "{status:?} {complete}");
        assert_eq!(read.arps[0].mac, Some(mac_of("aa:bb:cc:00:00:01")));
    }
}

#[test]
fn arp_rows_keep_what_they_are() {
    let read = with(|read| {
        read.arp = rows(&[json!({
            ".id": "*3", "address": "192.168.1.200", "interface": "*4", "mac-address": "00:00:00:00:00:00",
            "disabled": "true", "comment": "tiklb/v1 home/1a2b3c4d default/web",
        })]);
    });
    let expected = ArpRow {
        id: "*3".to_owned(),
        address: ip("192.168.1.200"),
        mac: None,
        interface: "*4".to_owned(),
        dynamic: false,
        disabled: true,
        alive: false,
        comment: "tiklb/v1 home/1a2b3c4d default/web".to_owned(),
    };
    assert_eq!(read.arps, [expected]);
}

#[test]
fn rows_that_cannot_be_read_are_named() {
    let read = with(|read| {
        let listing =
            Listing::<Pool>::read(&[json!({".id": "*7", "name": "p", "ranges": "nonsense"}), json!(1)]);
        let bad = listing.bad.into_iter();
        read.bad = bad
            .map(|row| routeros::BadMenuRow {
                menu: Pool::PATH,
                row,
            })
            .collect();
    });
    assert_eq!(read.unreadable.len(), 2);
    assert!(
        read.unreadable[0].starts_with("/ip/pool row *7: property ranges: range 1"),
        "{:?}",
        read.unreadable
    );
    assert_eq!(read.unreadable[1], "/ip/pool row: it is not an object");
}

#[test]
fn who_works_in_safe_mode_is_told_by_name_and_a_clear_no_is_nobody() {
    let state = |enabled, user: Option<&str>| {
        with(|read| {
            read.safe_mode = Some(menu::SafeMode {
                enabled,
                user: user.map(str::to_owned),
                owner: None,
            });
        })
        .safe_mode
    };
    assert_eq!(state(Some(true), Some("admin")), Some("admin".to_owned()));
    assert_eq!(state(Some(true), None), Some("somebody".to_owned()));
    assert_eq!(state(Some(false), Some("admin")), None);
    assert_eq!(with(|read| read.safe_mode = None).safe_mode, None);
}
