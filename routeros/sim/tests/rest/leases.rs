//! Items 24, 25 and 27: leases, their states, their uniqueness and their servers.

use std::time::Duration;

use routeros_sim::{Config, Lease, Menu, Pace};
use serde_json::{Value, json};

use crate::desk::{Desk, default_desk, desk};

const LEASES: &str = "/rest/ip/dhcp-server/lease";

fn phone() -> Lease {
    Lease::bound(
        "192.168.1.205".parse().unwrap(),
        "AA:BB:CC:00:00:01".parse().unwrap(),
    )
}

async fn with_second_server() -> Desk {
    let config = Config::default().row(Menu::DhcpServer, [("name", "guests"), ("interface", "ether1")]);
    desk(config).await
}

async fn add(desk: &Desk, last: u8, mac: &str, more: &str) -> (u16, Value) {
    let body = format!(r#"{{"address":"192.168.1.{last}","mac-address":"{mac}"{more}}}"#);
    desk.put(LEASES, &body).await
}

#[tokio::test]
async fn item_25_one_client_on_each_server_and_one_address_on_all() {
    let client = "failure: already have static lease for this client";
    let address = "failure: already have static lease with this IP address";
    let desk = with_second_server().await;
    let (defconf, guests) = (r#","server":"defconf""#, r#","server":"guests""#);
    assert_eq!(add(&desk, 5, "02:00:00:00:00:0a", defconf).await.0, 201);
    for (last, mac, more, refusal) in [
        (6, "02:00:00:00:00:0A", defconf, Some(client)),
        (6, "02-00-00-00-00-0a", "", Some(client)),
        (5, "02:00:00:00:00:0B", defconf, Some(address)),
        (5, "02:00:00:00:00:0B", guests, Some(address)),
        (
            6,
            "02:00:00:00:00:0A",
            r#","server":"defconf","disabled":"yes""#,
            None,
        ),
        (7, "02:00:00:00:00:0A", guests, None),
    ] {
        let (status, answer) = add(&desk, last, mac, more).await;
        match refusal {
            Some(text) => assert_eq!(
                (status, &answer["detail"]),
                (400, &json!(text)),
                "{last} {mac} {more}"
            ),
            None => assert_eq!(status, 201, "{last} {mac} {more}: {answer}"),
        }
    }
    let disabled = desk.get(&format!("{LEASES}?disabled=true")).await.1[0][".id"].clone();
    let body = json!({".id": disabled}).to_string();
    assert_eq!(
        desk.refusal("POST", &format!("{LEASES}/enable"), &body).await,
        client
    );
}

#[tokio::test]
async fn item_25_a_dynamic_lease_is_not_changed_but_removed_or_made_static() {
    let desk = desk(Config::default().lease(phone().host_name("phone"))).await;
    for (method, path, body) in [
        ("PATCH", format!("{LEASES}/*1"), r#"{"comment":"x"}"#),
        (
            "POST",
            format!("{LEASES}/set"),
            r#"{".id":"*1","address":"192.168.1.9"}"#,
        ),
        ("POST", format!("{LEASES}/disable"), r#"{".id":"*1"}"#),
    ] {
        assert_eq!(
            desk.refusal(method, &path, body).await,
            "failure: can not change dynamic lease"
        );
    }
    let path = format!("{LEASES}/make-static");
    assert_eq!(desk.post(&path, r#"{"numbers":"*1"}"#).await, (200, json!([])));
    let (_, row) = desk.get(&format!("{LEASES}/*1")).await;
    assert_eq!(
        (
            &row["dynamic"],
            &row["address"],
            &row["mac-address"],
            &row["status"]
        ),
        (
            &json!("false"),
            &json!("192.168.1.205"),
            &json!("AA:BB:CC:00:00:01"),
            &json!("bound")
        )
    );
    assert_eq!(
        desk.patch(&format!("{LEASES}/*1"), r#"{"comment":"x"}"#).await.0,
        200
    );

    desk.lease(&Lease::bound(
        "192.168.1.206".parse().unwrap(),
        "AA:BB:CC:00:00:02".parse().unwrap(),
    ))
    .unwrap();
    assert_eq!(desk.delete(&format!("{LEASES}/*2")).await.0, 204);
    assert_eq!(
        desk.get("/rest/ip/pool/used").await.1.as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn item_24_a_dynamic_lease_counts_down_and_is_gone_a_static_one_waits_again() {
    let nas = Lease::fixed(
        "192.168.1.10".parse().unwrap(),
        "AA:BB:CC:00:00:10".parse().unwrap(),
    )
    .in_use();
    let config = Config {
        pace: Pace::Stopped,
        ..Config::default()
    };
    let desk = desk(config.lease(phone()).lease(nas)).await;
    let keys = ["status", "expires-after", "last-seen", "active-address"];
    let of = |row: &Value| keys.map(|key| row[key].as_str().unwrap_or("(absent)").to_owned());
    desk.clock().advance(Duration::from_mins(29));
    let (_, rows) = desk.get(LEASES).await;
    assert_eq!(of(&rows[0]), ["bound", "1m", "29m", "192.168.1.205"]);
    assert_eq!(of(&rows[1]), ["bound", "1m", "29m", "192.168.1.10"]);
    desk.clock().advance(Duration::from_mins(1));
    let (_, rows) = desk.get(LEASES).await;
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(of(&rows[0]), ["waiting", "(absent)", "30m", "(absent)"]);
}

#[tokio::test]
async fn item_27_all_servers_is_an_absent_key_and_a_removed_server_leaves_its_id() {
    let desk = desk(Config::default().lease(phone())).await;
    add(&desk, 5, "02:00:00:00:00:05", r#","server":"all""#).await;
    add(&desk, 6, "02:00:00:00:00:06", r#","server":"defconf""#).await;
    let (_, rows) = desk.get(LEASES).await;
    assert_eq!(
        (rows[1].get("server"), &rows[2]["server"]),
        (None, &json!("defconf"))
    );
    assert_eq!(rows[0]["active-server"], "defconf");
    assert_eq!(desk.delete("/rest/ip/dhcp-server/*1").await.0, 204);
    let (_, rows) = desk.get(LEASES).await;
    assert_eq!(
        (&rows[0]["server"], &rows[0]["active-server"]),
        (&json!("*1"), &json!("*FFFFFFFF"))
    );
    assert_eq!(rows[2]["server"], "*1");
    desk.put(
        "/rest/ip/dhcp-server",
        r#"{"name":"defconf","interface":"bridge"}"#,
    )
    .await;
    assert_eq!(
        desk.get(LEASES).await.1[2]["server"],
        "*1",
        "the same name does not link again"
    );
    assert_eq!(
        desk.refusal("PUT", LEASES, r#"{"address":"192.168.1.7","server":"other"}"#)
            .await,
        "input does not match any value of server"
    );
}

#[tokio::test]
async fn a_lease_may_name_a_pool_instead_of_an_address() {
    let desk = default_desk().await;
    let (_, row) = desk
        .put(
            LEASES,
            r#"{"address":"dhcp_pool","mac-address":"02:00:00:00:00:05"}"#,
        )
        .await;
    assert_eq!(row["address"], "dhcp_pool");
    assert_eq!(
        desk.refusal(
            "PUT",
            LEASES,
            r#"{"address":"elsewhere","mac-address":"02:00:00:00:00:06"}"#
        )
        .await,
        "invalid value for argument address"
    );
}
