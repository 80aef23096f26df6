//! The menus that are read for the sake of safety.

use serde_json::json;

use super::{only, read};
use crate::menu::*;
use crate::value::{Duration, MacAddr, Reference};

#[test]
fn safe_mode_is_off_only_where_the_router_says_so() {
    let held = |object: Value| {
        let state: SafeMode = row(&object).unwrap();
        (state.is_held(), state.holder().to_owned())
    };
    for off in [
        json!({}),
        json!({"enabled": "false"}),
        json!({"enabled": "no", "current": "false", "owner": "", "user": ""}),
        json!({"enabled": "false", "user": "admin", "owner": "winbox"}),
    ] {
        assert!(!held(off.clone()).0, "{off}");
    }
    for (on, holder) in [
        (
            json!({"enabled": "true", "user": "admin", "owner": "winbox"}),
            "admin",
        ),
        (
            json!({"enabled": "yes", "user": "", "owner": "ssh:192.168.1.9"}),
            "ssh:192.168.1.9",
        ),
        (json!({"enabled": "true"}), "somebody"),
        (json!({"enabled": "taken"}), "somebody"),
        (json!({"user": "admin"}), "admin"),
        (json!({"owner": "*1"}), "*1"),
    ] {
        assert_eq!(held(on.clone()), (true, holder.to_owned()), "{on}");
    }
}

#[test]
fn who_else_uses_pools() {
    let used = read::<PoolUsed>(&json!([
        {".id": "*1", "pool": "dhcp_pool", "address": "192.168.1.207", "owner": "DHCP", "info": "AA:BB:CC:00:00:01"},
        {"pool": "vpn", "address": "192.168.1.90", "owner": "pptp", "info": "anna"},
        {"pool": "*3", "address": "192.168.1.91", "owner": "Hotspot"},
        {"pool": "vpn"},
    ]));
    assert_eq!(used.bad.len(), 1);
    assert!(used.rows[0].is_of_dhcp() && !used.rows[1].is_of_dhcp());
    let matchers = read::<DhcpMatcher>(&json!([
        {".id": "*1", "name": "phones", "server": "defconf", "address-pool": "phones", "code": "60", "value": "x",
         "disabled": "false"},
        {".id": "*2", "name": "off", "server": "all", "address-pool": "off", "disabled": "true"},
        {".id": "*3", "name": "none", "address-pool": "none", "disabled": "false"},
    ]));
    assert_eq!(matchers.bad, []);
    assert_eq!(
        matchers.rows[0].server,
        LeaseServer::One(Reference::Name("defconf".into()))
    );
    assert_eq!(
        (&matchers.rows[1].server, &matchers.rows[2].address_pool),
        (&LeaseServer::All, &None)
    );
    let phones = matchers.rows[0].address_pool.as_ref();
    assert_eq!(phones.and_then(Reference::name), Some("phones"));

    let pool_of = |pool: Option<Reference>| pool.map(|pool| pool.to_string());
    let hotspots = read::<Hotspot>(&json!([
        {".id": "*1", "name": "hs1", "interface": "bridge", "address-pool": "hs-pool", "profile": "hsprof1",
         "idle-timeout": "5m", "addresses-per-mac": "2", "invalid": "false", "disabled": "false"},
        {".id": "*2", "name": "hs2", "address-pool": "none", "disabled": "true"},
    ]));
    let pools: Vec<_> = hotspots
        .rows
        .iter()
        .map(|row| pool_of(row.address_pool.clone()))
        .collect();
    assert_eq!(pools, [Some("hs-pool".to_owned()), None]);
    let guests: HotspotUserProfile = only(json!({".id": "*0", "name": "default", "shared-users": "1"}));
    assert_eq!(guests.address_pool, None);
    let vpn: ModeConfig = only(json!({
        ".id": "*1", "name": "ike2", "responder": "true", "address-pool": "*5", "address-prefix-length": "32"
    }));
    assert_eq!(
        pool_of(vpn.address_pool),
        Some("*5".to_owned()),
        "the pool is gone"
    );
    let one: ModeConfig = only(json!({".id": "*2", "name": "one", "address": "192.168.1.95"}));
    assert_eq!(one.address, Some([192, 168, 1, 95].into()));
}

#[test]
fn who_else_has_addresses() {
    let secret: PppSecret = only(json!({
        ".id": "*1", "name": "anna", "service": "any", "local-address": "192.168.1.1", "remote-address": "192.168.1.90",
        "disabled": "false"
    }));
    assert_eq!(
        secret.local_address,
        Some(PppAddress::Ip([192, 168, 1, 1].into()))
    );
    assert_eq!(
        secret.remote_address,
        Some(PppAddress::Ip([192, 168, 1, 90].into()))
    );
    // As RouterOS 7.9 showed one.
    let without: PppSecret = only(json!({
        ".id": "*1", "caller-id": "", "disabled": "false", "ipv6-routes": "", "last-caller-id": "172.18.0.2",
        "last-disconnect-reason": "hung-up", "last-logged-out": "may/01/2023 20:52:13", "limit-bytes-in": "0",
        "limit-bytes-out": "0", "local-address": "172.18.0.2", "name": "user1", "password": "1", "profile": "ovpn",
        "routes": "", "service": "ovpn"
    }));
    assert_eq!((without.remote_address, without.disabled), (None, false));
    let of_pool: PppSecret = only(json!({".id": "*2", "remote-address": "vpn", "disabled": "true"}));
    let pool = of_pool.remote_address.as_ref().and_then(PppAddress::pool);
    assert_eq!(
        (pool.and_then(Reference::name), of_pool.disabled),
        (Some("vpn"), true)
    );
    let profile: PppProfile = only(json!({
        ".id": "*1", "name": "vpn", "local-address": "192.168.1.1", "remote-address": "vpn", "default": "false"
    }));
    assert_eq!(profile.name, "vpn");
    assert_eq!(profile.local_address.unwrap().ip(), Some([192, 168, 1, 1].into()));
    assert_eq!(profile.remote_address.unwrap().ip(), None);

    let container: Veth = only(json!({
        ".id": "*9", "name": "veth1", "address": "192.168.1.60/24,fd00::60/64", "gateway": "192.168.1.1"
    }));
    assert_eq!(container.addresses, [std::net::Ipv4Addr::new(192, 168, 1, 60)]);

    let forward: Nat = only(json!({
        ".id": "*A", "chain": "dstnat", "action": "dst-nat", "to-addresses": "192.168.1.70-192.168.1.71",
        "to-ports": "443", "disabled": "false"
    }));
    assert!(forward.forwards());
    assert_eq!(forward.to_addresses.to_string(), "192.168.1.70-192.168.1.71");
    for rule in [
        json!({".id": "*B", "chain": "dstnat", "action": "dst-nat", "to-addresses": "10.0.0.1", "disabled": "true"}),
        json!({".id": "*C", "chain": "srcnat", "action": "masquerade", "disabled": "false"}),
    ] {
        assert!(!only::<Nat>(rule.clone()).forwards(), "{rule}");
    }

    let vlan: Vlan = only(json!({".id": "*7", "name": "guests", "interface": "bridge", "arp": "proxy-arp"}));
    assert_eq!(vlan.arp, ArpMode::ProxyArp);
    assert_eq!(vlan.interface, Some(Reference::Name("bridge".into())));

    let host: BridgeHost = only(json!({
        ".id": "*2", "mac-address": "48:A9:8A:00:00:01", "bridge": "bridge", "on-interface": "ether2",
        "interface": "ether2", "dynamic": "true", "local": "false", "external": "false", "invalid": "false",
        "disabled": "false"
    }));
    assert_eq!(host.mac_address, MacAddr([0x48, 0xA9, 0x8A, 0, 0, 1]));
    assert_eq!(host.port, Some(Reference::Name("ether2".into())));
    assert!(!host.local && !host.disabled && !host.invalid);
}

#[test]
fn services_users_and_groups() {
    let services = read::<Service>(&json!([
        {".id": "*1", "name": "www-ssl", "port": "443", "address": "192.168.1.0/24,10.0.0.0/8", "certificate": "rest",
         "tls-version": "any", "disabled": "false", "dynamic": "false", "invalid": "false"},
        {".id": "*2", "name": "www", "port": "80", "address": "", "certificate": "none", "disabled": "true"},
        {".id": "*3", "name": "www-ssl", "port": "443", "dynamic": "true", "connection": "true",
         "remote": "192.168.1.9:40000"},
    ]));
    assert_eq!(services.bad, []);
    let [secure, plain, connection] = services.rows.as_slice() else {
        panic!("three rows")
    };
    assert_eq!(
        (secure.port, secure.certificate.as_deref()),
        (Some(443), Some("rest"))
    );
    assert_eq!(secure.address, ["192.168.1.0/24", "10.0.0.0/8"]);
    assert_eq!(
        (&plain.certificate, plain.address.len(), plain.disabled),
        (&None, 0, true)
    );
    assert!(connection.dynamic && !secure.dynamic);

    let user: User = only(json!({
        ".id": "*2", "name": "tiklb", "group": "tiklb", "address": "192.168.1.8/32", "last-logged-in": "never",
        "disabled": "false", "expired": "false"
    }));
    assert_eq!(
        (user.group.as_str(), user.address.as_str()),
        ("tiklb", "192.168.1.8/32")
    );
    let group: Group = only(json!({".id": "*4", "name": "tiklb", "policy": "read,api,rest-api,!write,!ftp"}));
    let policies: Vec<_> = group.policies.iter().map(String::as_str).collect();
    assert_eq!(policies, ["api", "read", "rest-api"]);
}

#[test]
fn what_a_dhcp_server_does_about_strange_addresses() {
    let server = |object: Value| only::<DhcpServer>(object);
    let usual = server(json!({".id": "*1", "name": "s", "interface": "b"}));
    assert_eq!(
        (usual.authoritative, usual.conflict_detection, usual.relay),
        (Authoritative::Yes, true, None)
    );
    let changed = server(json!({
        ".id": "*1", "name": "s", "interface": "b", "authoritative": "after-10sec-delay",
        "conflict-detection": "false", "relay": "10.9.0.1"
    }));
    assert_eq!(
        changed.authoritative,
        Authoritative::After(Duration::from_secs(10))
    );
    assert_eq!(
        (changed.conflict_detection, changed.relay),
        (false, Some([10, 9, 0, 1].into()))
    );
    for (word, expected) in [
        ("yes", Authoritative::Yes),
        ("no", Authoritative::No),
        ("after-2sec-delay", Authoritative::After(Duration::from_secs(2))),
        ("sometimes", Authoritative::Other("sometimes".into())),
    ] {
        let server = server(json!({
            ".id": "*1", "name": "s", "interface": "b", "authoritative": word, "relay": "0.0.0.0"
        }));
        assert_eq!((server.authoritative, server.relay), (expected, None));
    }
}
