//! Item 20 and the menus that only some releases have.

use routeros_sim::{Config, Lease, Menu};
use serde_json::json;

use crate::desk::{desk, desk_of};

const NAMES: &str = "/rest/ip/dns/static";

#[tokio::test]
async fn item_20_an_address_record_has_no_type_before_7_16() {
    let body = r#"{"name":"nas.lan","address":"192.168.1.5"}"#;
    let (_, row) = desk_of("7.12").await.put(NAMES, body).await;
    assert_eq!(
        row,
        json!({
            ".id": "*1", "name": "nas.lan", "address": "192.168.1.5", "ttl": "1d", "disabled": "false",
            "dynamic": "false"
        })
    );
    let (_, row) = desk_of("7.12")
        .await
        .put(NAMES, r#"{"name":"w.lan","type":"CNAME","cname":"nas.lan"}"#)
        .await;
    assert_eq!(row["type"], "CNAME");
    let (_, row) = desk_of("7.23.7").await.put(NAMES, body).await;
    assert_eq!(row["type"], "A");
}

#[tokio::test]
async fn names_are_refused_in_the_routers_words() {
    let desk = desk_of("7.23.7").await;
    desk.put(NAMES, r#"{"name":"nas.lan","address":"192.168.1.5"}"#)
        .await;
    for (body, detail) in [
        (
            r#"{"name":"nas.lan","address":"192.168.1.5","ttl":"5m","comment":"x"}"#,
            "failure: entry already exists",
        ),
        (
            r#"{"name":"a","regexp":"b","address":"10.0.0.1"}"#,
            "failure: only name or regexp allowed",
        ),
        (
            r#"{"address":"10.0.0.1"}"#,
            "failure: only name or regexp allowed",
        ),
        (r#"{"name":"a","type":"MX"}"#, "failure: bad MX data"),
        (
            r#"{"name":"a","type":"HINFO"}"#,
            "input does not match any value of type",
        ),
    ] {
        assert_eq!(desk.refusal("PUT", NAMES, body).await, detail, "{body}");
    }
    let another = r#"{"name":"nas.lan","address":"192.168.1.6"}"#;
    assert_eq!(
        desk.put(NAMES, another).await.0,
        201,
        "another value is another record"
    );
}

#[tokio::test]
async fn item_20_menus_exist_from_their_version_on() {
    for (version, path, status) in [
        ("7.17.2", "safe-mode", 400),
        ("7.18", "safe-mode", 200),
        ("7.20.8", "ip/service/webserver", 400),
        ("7.21", "ip/service/webserver", 200),
        ("7.12.2", "ip/dhcp-server/config", 200),
        ("7.12.2", "ip/dhcp-server/matcher", 200),
        ("7.12.2", "interface/bridge/host", 200),
    ] {
        let desk = desk_of(version).await;
        assert_eq!(
            desk.get(&format!("/rest/{path}")).await.0,
            status,
            "{version} {path}"
        );
    }
}

#[tokio::test]
async fn item_36_the_web_servers_toggle_switches_rest_off() {
    let desk = desk_of("7.24").await;
    let toggle = |value| {
        desk.person()
            .set(Menu::Webserver, ("", ""), [("rest-plain", value)])
            .unwrap();
    };
    toggle("no");
    let page = desk.send("GET", "/rest/ip/pool", None).await;
    assert_eq!(page.status(), 404);
    assert_eq!(page.headers()["content-type"], "text/html");
    toggle("yes");
    assert_eq!(desk.get("/rest/ip/pool").await.0, 200);
}

#[tokio::test]
async fn a_router_with_routeros_6_has_a_web_server_and_no_rest() {
    let page = desk_of("6.49.10")
        .await
        .send("GET", "/rest/system/resource", None)
        .await;
    assert_eq!(page.status(), 404);
    assert_eq!(page.headers()["content-type"], "text/html");
}

#[tokio::test]
async fn hosts_behind_the_bridge_are_those_that_the_router_met() {
    let lease = Lease::bound(
        "192.168.1.205".parse().unwrap(),
        "AA:BB:CC:00:00:01".parse().unwrap(),
    );
    let desk = desk(Config::default().lease(lease)).await;
    desk.meet(
        "192.168.1.9".parse().unwrap(),
        "AA:BB:CC:00:00:09".parse().unwrap(),
    );
    assert_eq!(desk.snapshot().rows(Menu::BridgeHost).len(), 3);
    assert_eq!(
        desk.snapshot().settled().rows(Menu::BridgeHost),
        [],
        "they come and go by themselves"
    );
    let (_, rows) = desk.get("/rest/interface/bridge/host").await;
    let shown: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["mac-address"].as_str().unwrap(),
                row["local"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("48:A9:8A:00:00:02", "true"),
            ("AA:BB:CC:00:00:01", "false"),
            ("AA:BB:CC:00:00:09", "false"),
        ]
    );
    assert_eq!(
        desk.get("/rest/interface/bridge/host?mac-address=AA:BB:CC:00:00:09")
            .await
            .1[0],
        json!({
            ".id": "*3", "mac-address": "AA:BB:CC:00:00:09", "bridge": "bridge", "interface": "ether2",
            "on-interface": "ether2", "local": "false", "dynamic": "true", "disabled": "false", "external": "false",
            "invalid": "false"
        })
    );
}
