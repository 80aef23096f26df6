//! The menus of those who use addresses besides DHCP clients: read by a client, written by a person alone.

use routeros_sim::{Config, Menu};
use serde_json::json;

use crate::desk::{Desk, default_desk, desk, desk_of};

/// Rows of each such menu, as a person would add them.
const ROWS: &str = r#"{
    "interface/vlan": [{"name": "vlan20", "vlan-id": 20, "interface": "bridge", "arp": "reply-only"}],
    "interface/veth": [{"name": "veth1", "address": "192.168.1.60/24,fd00::60/64", "gateway": "192.168.1.1"}],
    "ip/pool": [{"name": "vpn", "ranges": "192.168.1.90-192.168.1.99"}],
    "ppp/profile": [{"name": "vpn", "local-address": "192.168.1.1", "remote-address": "vpn"}],
    "ppp/secret": [{"name": "user1", "password": "1", "service": "ovpn", "profile": "vpn",
                    "local-address": "172.18.0.2"}],
    "ip/hotspot": [{"name": "hs1", "interface": "bridge", "address-pool": "vpn"}],
    "ip/hotspot/user/profile": [{"name": "guests", "address-pool": "vpn"}],
    "ip/ipsec/mode-config": [{"name": "ike2", "responder": true, "address-pool": "vpn"}],
    "ip/firewall/nat": [{"chain": "dstnat", "action": "dst-nat", "protocol": "tcp", "dst-port": "443",
                         "to-addresses": "192.168.1.70", "to-ports": "443"}],
    "ip/pool/used": [{"pool": "vpn", "address": "192.168.1.90", "owner": "l2tp", "info": "anna"}],
    "ip/address": [{"address": "192.168.20.1/24", "interface": "vlan20"}]
}"#;

async fn busy_desk() -> Desk {
    desk(Config::default().rows_from_json(ROWS).unwrap()).await
}

#[tokio::test]
async fn rows_of_a_file_are_read_back_with_what_follows_from_them() {
    let desk = busy_desk().await;
    // As RouterOS 7.9 showed such a row, without what the user's last call left.
    assert_eq!(
        desk.get("/rest/ppp/secret").await.1,
        json!([{
            ".id": "*1", "caller-id": "", "disabled": "false", "ipv6-routes": "", "limit-bytes-in": "0",
            "limit-bytes-out": "0", "local-address": "172.18.0.2", "name": "user1", "profile": "vpn", "routes": "",
            "service": "ovpn"
        }])
    );
    for (path, key, value) in [
        ("ppp/profile", "remote-address", "vpn"),
        ("interface/vlan", "arp", "reply-only"),
        ("interface/veth", "address", "192.168.1.60/24,fd00::60/64"),
        ("ip/hotspot", "address-pool", "vpn"),
        ("ip/hotspot/user/profile", "address-pool", "vpn"),
        ("ip/ipsec/mode-config", "address-pool", "vpn"),
        ("ip/firewall/nat", "to-addresses", "192.168.1.70"),
        ("ip/pool/used", "owner", "l2tp"),
    ] {
        let (status, rows) = desk.get(&format!("/rest/{path}")).await;
        assert_eq!((status, &rows[0][key]), (200, &json!(value)), "{path}: {rows}");
    }
    // They are interfaces, too, with the same ids.
    let interfaces = desk.get("/rest/interface?name=vlan20").await.1;
    let vlans = desk.get("/rest/interface/vlan").await.1;
    assert_eq!(interfaces[0]["type"], "vlan");
    assert_eq!(interfaces[0][".id"], vlans[0][".id"]);
    assert_ne!(
        interfaces[0]["mac-address"],
        desk.get("/rest/interface?name=veth1").await.1[0]["mac-address"]
    );
    let bridges = desk.get("/rest/interface/bridge").await.1;
    assert_eq!(bridges.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reference_to_a_pool_follows_its_name_and_dangles_when_it_is_gone() {
    let desk = busy_desk().await;
    let person = desk.person();
    let profile = || async { desk.get("/rest/ppp/profile").await.1[0]["remote-address"].clone() };
    person
        .set(Menu::Pool, ("name", "vpn"), [("name", "roads")])
        .unwrap();
    assert_eq!(profile().await, "roads");
    person.remove(Menu::Pool, ("name", "roads")).unwrap();
    assert_eq!(profile().await, "*2");
    let unknown = [("name", "x"), ("remote-address", "nowhere")];
    assert!(person.add(Menu::PppProfile, unknown).is_err());
}

#[tokio::test]
async fn a_person_adds_a_secret_and_a_client_may_not() {
    let desk = desk_of("7.20.8").await;
    let anna = [("name", "anna"), ("remote-address", "192.168.1.205")];
    desk.person().add(Menu::PppSecret, anna).unwrap();
    let rows = desk.get("/rest/ppp/secret").await.1;
    assert_eq!(rows[0]["remote-address"], "192.168.1.205");
    assert_eq!(rows[0].get("password"), None);
    for (method, path, body) in [
        ("PUT", "/rest/ppp/secret", r#"{"name":"bob"}"#),
        ("PATCH", "/rest/ppp/secret/*1", r#"{"disabled":"true"}"#),
        ("DELETE", "/rest/ppp/secret/*1", ""),
        ("PUT", "/rest/ip/firewall/nat", r#"{"chain":"dstnat"}"#),
        ("PUT", "/rest/interface/veth", r#"{"name":"veth1"}"#),
        (
            "PUT",
            "/rest/interface/vlan",
            r#"{"name":"v","vlan-id":"2","interface":"bridge"}"#,
        ),
        ("PUT", "/rest/ppp/profile", r#"{"name":"p"}"#),
        ("PUT", "/rest/ip/hotspot", r#"{"name":"h","interface":"bridge"}"#),
        ("PUT", "/rest/ip/hotspot/user/profile", r#"{"name":"h"}"#),
        ("PUT", "/rest/ip/ipsec/mode-config", r#"{"name":"m"}"#),
    ] {
        let before = desk.violations().len();
        let body = Some(body).filter(|body| !body.is_empty());
        let status = desk.ask(method, path, body).await.0;
        assert!(status >= 400, "{method} {path}: {status}");
        assert_eq!(desk.violations().len(), before + 1, "{method} {path}");
    }
    assert_eq!(desk.get("/rest/ppp/secret").await.1.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_others_took_of_a_pool_stands_beside_the_clients_leases() {
    let desk = default_desk().await;
    let body = r#"{"address":"192.168.1.207","mac-address":"AA:BB:CC:00:00:01","server":"defconf"}"#;
    desk.put("/rest/ip/dhcp-server/lease", body).await;
    let taken = [
        ("pool", "dhcp_pool"),
        ("address", "192.168.1.208"),
        ("owner", "pptp"),
        ("info", "anna"),
    ];
    desk.person().add(Menu::PoolUsed, taken).unwrap();
    let used = desk.get("/rest/ip/pool/used").await.1;
    assert_eq!(
        used,
        json!([{".id": "*1", "pool": "dhcp_pool", "address": "192.168.1.208", "owner": "pptp", "info": "anna"}])
    );
    assert_eq!(desk.violations(), []);
}
