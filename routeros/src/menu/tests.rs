//! Rows from literal fixtures: the shapes measured on real routers (7.23.7 where not said otherwise), and what a
//! list must survive.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::value::{Duration, DurationOrNever, MacAddr, Reference};

mod reads;
mod write;

fn read<M: Rows>(rows: &Value) -> Listing<M> {
    Listing::read(rows.as_array().unwrap())
}

/// The only row of a list that has no bad one.
fn only<M: Rows + Clone>(row: Value) -> M {
    let listing = read::<M>(&Value::Array(vec![row]));
    assert_eq!(listing.bad, []);
    assert_eq!(listing.rows.len(), 1);
    listing.rows[0].clone()
}

fn id(text: &str) -> RowId {
    text.parse().unwrap()
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

#[test]
fn a_static_lease_that_was_never_bound() {
    let lease: Lease = only(json!({
        ".id": "*5", "address": "192.168.1.50", "mac-address": "00:0C:42:AA:BB:CC", "server": "defconf",
        "address-lists": "", "dhcp-option": "", "agent-circuit-id": "", "agent-remote-id": "",
        "active-agent-circuit-id": "", "active-agent-remote-id": "", "status": "waiting", "last-seen": "never",
        "blocked": "false", "radius": "false", "disabled": "false", "dynamic": "false", "comment": "printer",
        ".about": "something new", "never-heard-of": "1"
    }));
    assert_eq!(lease.id, id("*5"));
    assert_eq!(lease.address.ip(), Some([192, 168, 1, 50].into()));
    assert_eq!(lease.server, LeaseServer::One(Reference::Name("defconf".into())));
    assert_eq!(lease.status, LeaseStatus::Waiting);
    assert_eq!(lease.last_seen, Some(DurationOrNever::Never));
    assert_eq!(
        (
            lease.active_address,
            lease.active_mac_address,
            lease.expires_after
        ),
        (None, None, None)
    );
    assert_eq!(
        (lease.dynamic, lease.disabled, lease.blocked),
        (false, false, false)
    );
    assert_eq!(lease.comment.as_deref(), Some("printer"));
}

#[test]
fn a_dynamic_lease_that_is_bound() {
    let lease: Lease = only(json!({
        ".id": "*1F", "address": "192.168.1.207", "mac-address": "AA:BB:CC:00:00:01", "client-id": "1:aa:bb:cc:0:0:1",
        "server": "defconf", "active-address": "192.168.1.207", "active-mac-address": "AA:BB:CC:00:00:01",
        "active-server": "defconf", "expires-after": "9m34s", "last-seen": "26s", "host-name": "phone",
        "status": "bound", "dynamic": "true", "disabled": "false", "blocked": "false", "radius": "false"
    }));
    assert!(lease.dynamic);
    assert_eq!(lease.active_address, Some([192, 168, 1, 207].into()));
    assert_eq!(lease.active_mac_address, Some(mac("AA:BB:CC:00:00:01")));
    assert_eq!(
        lease.expires_after,
        Some(DurationOrNever::Of(Duration::from_secs(9 * 60 + 34)))
    );
    assert_eq!(lease.host_name.as_deref(), Some("phone"));
    assert_eq!(lease.comment, None);
}

#[test]
fn a_lease_whose_properties_are_absent_or_strange() {
    let bare: Lease = only(json!({".id": "*0"}));
    assert_eq!(bare.address, LeaseAddress::ServerPool);
    assert_eq!(
        bare.server,
        LeaseServer::All,
        "an absent server means all of them"
    );
    assert_eq!(bare.status, LeaseStatus::Waiting);

    let strange: Lease = only(json!({
        ".id": "*A", "address": "dhcp_pool", "server": "*1", "active-server": "*FFFFFFFF", "status": "levitating",
        "expires-after": "soon", "last-seen": "", "mac-address": "", "disabled": true, "dynamic": null
    }));
    assert_eq!(strange.address, LeaseAddress::Pool("dhcp_pool".into()));
    assert_eq!(strange.server, LeaseServer::One(Reference::Dangling(id("*1"))));
    assert_eq!(strange.active_server, Some(Reference::Dangling(id("*FFFFFFFF"))));
    assert_eq!(strange.status, LeaseStatus::Other("levitating".into()));
    assert_eq!((strange.expires_after, strange.mac_address), (None, None));
    assert_eq!((strange.disabled, strange.dynamic), (true, false));

    for name in ["pool1", "a.b", "-"] {
        let found: Lease = only(json!({".id": "*C", "address": name}));
        assert_eq!(found.address, LeaseAddress::Pool(name.into()));
    }

    let all: Lease = only(json!({".id": "*B", "address": "0.0.0.0", "server": "all"}));
    assert_eq!(
        (all.address, all.server),
        (LeaseAddress::ServerPool, LeaseServer::All)
    );
}

#[test]
fn one_bad_row_never_loses_the_others() {
    let listing = read::<Lease>(&json!([
        {".id": "*1", "address": "192.168.1.10"},
        {".id": "*2", "address": "192.168.1.300"},
        {".id": "*3", "address": "192.168.1.11", "mac-address": "nonsense"},
        {".id": "*4", "address": "192.168.1.12", "active-address": "x"},
        {".id": "*5", "address": "192.168.1.13", "dynamic": "perhaps"},
        {"address": "192.168.1.14"},
        {".id": "7", "address": "192.168.1.15"},
        "a row that is a text",
        null,
        {".id": "*8", "address": ["192.168.1.16"]},
        {".id": "*9", "address": "fe80::1"},
        {".id": "*A", "address": "192.168.1.17"},
    ]));
    let good: Vec<_> = listing.rows.iter().map(|lease| lease.id.to_string()).collect();
    assert_eq!(good, ["*1", "*A"]);
    let bad: Vec<_> = listing
        .bad
        .iter()
        .map(|bad| (bad.id.map(|id| id.to_string()), bad.why.as_str()))
        .collect();
    let some = |id: &str| Some(id.to_owned());
    assert_eq!(
        bad,
        [
            (
                some("*2"),
                "property address: `192.168.1.300` is not an address of a lease: it should be an IPv4 address or a \
                 pool's name"
            ),
            (
                some("*3"),
                "property mac-address: `nonsense` is not a MAC address: it should be twelve hexadecimal digits, \
                 like 00:0C:42:AA:BB:CC"
            ),
            (some("*4"), "property active-address: invalid IPv4 address syntax"),
            (
                some("*5"),
                "property dynamic: `perhaps` is not a flag: it should be true, false, yes or no"
            ),
            (None, "property .id: it is missing"),
            (None, "property .id: `7` is not a row id: it should start with *"),
            (None, "it is not an object"),
            (None, "it is not an object"),
            (some("*8"), "property address: it is not a text"),
            (
                some("*9"),
                "property address: `fe80::1` is not an address of a lease: it should be an IPv4 address or a pool's \
                 name"
            ),
        ]
    );
}

#[test]
fn pools_of_old_and_new_versions() {
    let new: Pool = only(json!({
        ".id": "*2", "name": "dhcp_pool", "ranges": "192.168.88.10-192.168.88.254", "total": "245", "used": "3",
        "available": "242"
    }));
    assert_eq!(new.ranges.to_string(), "192.168.88.10-192.168.88.254");
    assert_eq!((new.total, new.used, new.next_pool), (Some(245), Some(3), None));
    let old: Pool = only(json!({
        ".id": "*3", "name": "guests", "ranges": "192.168.80.0/24,192.168.68.2", "next-pool": "*2", "comment": "x"
    }));
    assert_eq!(old.ranges.len(), 257);
    assert_eq!((old.total, old.used), (None, None));
    assert_eq!(old.next_pool, Some(Reference::Dangling(id("*2"))));
    let none: Pool = only(json!({".id": "*4", "name": "n", "ranges": "10.0.0.1", "next-pool": "none"}));
    assert_eq!(none.next_pool, None);
    let bad = read::<Pool>(&json!([{".id": "*5", "name": "p", "ranges": "10.0.0.9-10.0.0.1"}])).bad;
    assert_eq!(
        bad[0].why,
        "property ranges: range 1 (`10.0.0.9-10.0.0.1`): the first address is above the last"
    );
}

#[test]
fn a_dhcp_server_with_the_default_keys() {
    let server: DhcpServer = only(json!({
        ".id": "*1", "name": "defconf", "interface": "bridge", "address-pool": "dhcp_pool", "lease-time": "30m",
        "lease-script": "", "address-lists": "", "add-dns-entries-suffix": "lan",
        "dynamic-lease-identifiers": "client-mac,client-id", "support-broadband-tr101": "no", "use-radius": "no",
        "use-reconfigure": "no", "disabled": "false", "dynamic": "false", "invalid": "false"
    }));
    assert_eq!(
        server.address_pool,
        AddressPool::Pool(Reference::Name("dhcp_pool".into()))
    );
    assert_eq!(server.lease_time, Some(Duration::from_secs(1800)));
    assert!(!server.add_arp, "absent is the default");
    let orphan: DhcpServer = only(
        json!({".id": "*2", "name": "s", "interface": "*3", "address-pool": "*1", "authoritative": "after-2sec-delay"}),
    );
    assert_eq!(
        orphan.address_pool,
        AddressPool::Pool(Reference::Dangling(id("*1")))
    );
    assert_eq!(orphan.interface, Reference::Dangling(id("*3")));
    let fixed: DhcpServer =
        only(json!({".id": "*3", "name": "s", "interface": "b", "address-pool": "static-only"}));
    assert_eq!(fixed.address_pool, AddressPool::StaticOnly);
}

#[test]
fn a_dhcp_network_keeps_the_addresses_it_can_read() {
    let network: DhcpNetwork = only(json!({
        ".id": "*1", "address": "192.168.88.0/24", "gateway": "192.168.88.1", "dns-server": "192.168.88.1,1.1.1.1",
        "ntp-server": "pool.example,192.168.88.2", "next-server": "", "dynamic": "false", "dhcp-option": ""
    }));
    assert_eq!(network.gateways, [std::net::Ipv4Addr::new(192, 168, 88, 1)]);
    assert_eq!(network.dns_servers.len(), 2);
    assert_eq!(network.ntp_servers, [std::net::Ipv4Addr::new(192, 168, 88, 2)]);
    assert_eq!(network.next_server, None);
}

#[test]
fn arp_rows_of_both_spellings() {
    for (key, vrf) in [("DHCP", "VRF"), ("dhcp", "vrf")] {
        let row: Arp = only(json!({
            ".id": "*7", "address": "192.168.1.207", "mac-address": "AA:BB:CC:00:00:01", "interface": "bridge",
            "published": "false", "invalid": "false", key: "true", "dynamic": "true", "complete": "true",
            "disabled": "false", vrf: "main"
        }));
        assert!(row.dhcp && row.dynamic && row.complete);
        assert_eq!(row.vrf.as_deref(), Some("main"));
        assert_eq!(row.status, None, "old versions do not tell");
    }
    let failed: Arp = only(json!({
        ".id": "*8", "address": "192.168.1.9", "interface": "bridge", "status": "failed", "complete": "false"
    }));
    assert_eq!(
        (failed.mac_address, failed.status),
        (None, Some(ArpStatus::Failed))
    );
    let zeros: Arp = only(json!({
        ".id": "*9", "address": "192.168.1.9", "interface": "bridge", "mac-address": "00:00:00:00:00:00"
    }));
    assert_eq!(zeros.mac_address, None);
    assert_eq!(
        read::<Arp>(&json!([{".id": "*A", "interface": "bridge"}]))
            .bad
            .len(),
        1
    );
}

#[test]
fn addresses_interfaces_and_bridges() {
    let address: Address = only(json!({
        ".id": "*1", "address": "192.168.1.1/24", "network": "192.168.1.0", "interface": "ether2",
        "actual-interface": "bridge", "vrf": "main", "disabled": "false", "dynamic": "false", "invalid": "false",
        "slave": "false"
    }));
    assert_eq!(address.address.to_string(), "192.168.1.1/24");
    assert_eq!(address.actual_interface, Some(Reference::Name("bridge".into())));
    let single: Address = only(json!({".id": "*2", "address": "10.0.0.1", "interface": "lo"}));
    assert_eq!(single.address.prefix_len(), 32);
    assert_eq!(
        read::<Address>(&json!([{".id": "*3", "address": "10.0.0.1/40", "interface": "lo"}]))
            .bad
            .len(),
        1
    );

    let interface: Interface = only(json!({
        ".id": "*6", "name": "bridge", "type": "bridge", "mac-address": "48:A9:8A:00:00:01", "running": "true"
    }));
    assert_eq!((interface.kind.as_str(), interface.running), ("bridge", true));
    let tunnel: Interface = only(json!({".id": "*7", "name": "wg0", "type": "wg", "running": "false"}));
    assert_eq!(tunnel.mac_address, None);

    let bridge: Bridge = only(json!({".id": "*6", "name": "bridge", "arp": "reply-only"}));
    assert_eq!(bridge.arp, ArpMode::ReplyOnly);
    assert_eq!(
        only::<Bridge>(json!({".id": "*6", "name": "b"})).arp,
        ArpMode::Enabled
    );
}

#[test]
fn singletons() {
    let resource: Resource = row(&json!({
        "architecture-name": "arm64", "board-name": "RB5009UG+S+", "build-time": "2026-07-01 10:00:00",
        "cpu-load": "1", "uptime": "1w2d3h", "version": "7.23.7 (long-term)"
    }))
    .unwrap();
    assert_eq!(resource.version.to_string(), "7.23.7 (long-term)");
    assert_eq!(resource.uptime.to_string(), "1w2d3h");
    assert!(
        row::<Resource>(&json!({"version": "7.23.7"})).is_err(),
        "a router that boots"
    );
    assert!(row::<Resource>(&json!([])).is_err());

    assert_eq!(
        row::<Identity>(&json!({"name": "MikroTik"})).unwrap().name,
        "MikroTik"
    );
    let board: Routerboard =
        row(&json!({"routerboard": "true", "model": "RB5009", "serial-number": "HE508"})).unwrap();
    assert_eq!(board.serial_number.as_deref(), Some("HE508"));
    assert_eq!(
        row::<Routerboard>(&json!({"routerboard": "false"}))
            .unwrap()
            .serial_number,
        None
    );
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[*0-9A-F./:, -]{0,20}".prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(Value::from)
    })
}

proptest! {
    /// Each element of a list comes out once, as a row or as a bad row, whatever it is.
    #[test]
    fn no_row_is_lost(values in prop::collection::vec(prop::collection::vec(json(), Lease::PROPLIST.len()), 0..6)) {
        let rows: Vec<Value> = values
            .into_iter()
            .map(|values| Lease::PROPLIST.iter().map(|name| (*name).to_owned()).zip(values).collect())
            .collect();
        let listing = Listing::<Lease>::read(&rows);
        prop_assert_eq!(listing.rows.len() + listing.bad.len(), rows.len());
        let _ = Listing::<Arp>::read(&rows);
        let _ = Listing::<Pool>::read(&rows);
        let _ = Listing::<Address>::read(&rows);
    }
}
