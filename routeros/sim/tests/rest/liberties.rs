//! Items 34 and 37: what answers may hold and how they may be sent.

use std::collections::BTreeSet;

use routeros_sim::{Config, Lease, Menu, raw};
use serde_json::{Value, json};

use crate::desk::{default_desk, desk};

const POOL: &str = "/rest/ip/pool/*1";

#[tokio::test]
async fn item_34_a_foreign_comment_may_be_any_bytes() {
    let nas = Lease::fixed(
        "192.168.1.10".parse().unwrap(),
        "AA:BB:CC:00:00:10".parse().unwrap(),
    );
    let desk = desk(Config::default().lease(nas.comment(&raw(b"Drucker B\xFCro\x01\"x\"")))).await;
    let bytes = desk
        .send("GET", "/rest/ip/dhcp-server/lease", None)
        .await
        .bytes()
        .await
        .unwrap();
    let wanted: &[u8] = b"\"comment\":\"Drucker B\xFCro\x01\\\"x\\\"\"";
    assert!(
        bytes.windows(wanted.len()).any(|window| window == wanted),
        "{}",
        String::from_utf8_lossy(&bytes)
    );
    assert!(
        serde_json::from_slice::<Value>(&bytes).is_err(),
        "it is no JSON that a strict reader takes"
    );
    let change = Some(r#"{"rate-limit":"1M"}"#);
    assert_eq!(
        desk.send("PATCH", "/rest/ip/dhcp-server/lease/*1", change)
            .await
            .status(),
        200
    );
    assert_eq!(
        desk.rows(Menu::Lease)[0].get("comment"),
        Some(raw(b"Drucker B\xFCro\x01\"x\"").as_str()),
        "another property's change keeps it"
    );
}

#[tokio::test]
async fn item_37_rows_may_have_keys_that_nobody_knows() {
    let desk = default_desk().await;
    desk.switch(|switches| (switches.extra_keys, switches.about) = (true, true));
    for path in [
        POOL,
        "/rest/system/resource",
        "/rest/ip/pool/used",
        "/rest/system/identity",
    ] {
        let (status, answer) = desk.get(path).await;
        let row = answer.get(0).cloned().unwrap_or(answer);
        let empty = row == json!([]);
        assert!(
            empty || (row["key-of-tomorrow"] == "yes" && row[".about"] == "something to say"),
            "{path} {status} {row}"
        );
    }
    assert_eq!(
        desk.get(&format!("{POOL}?.proplist=name,.about")).await.1,
        json!({".id": "*1", "name": "dhcp_pool", ".about": "something to say"})
    );
}

#[tokio::test]
async fn item_37_keys_may_come_in_any_order() {
    let desk = default_desk().await;
    let text = || async {
        desk.send("GET", "/rest/interface", None)
            .await
            .text()
            .await
            .unwrap()
    };
    let plain = text().await;
    assert_eq!(plain, text().await, "in one order unless it is switched on");
    desk.switch(|switches| switches.shuffle_keys = true);
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let shuffled = text().await;
        assert_eq!(
            serde_json::from_str::<Value>(&shuffled).unwrap(),
            serde_json::from_str::<Value>(&plain).unwrap(),
            "the order of rows and every value are the same"
        );
        seen.insert(shuffled);
    }
    assert_eq!(seen.len(), 5, "another order each time");
}

#[tokio::test]
async fn item_37_bodies_may_come_in_chunks_and_connections_may_end() {
    let desk = default_desk().await;
    let answer = desk.send("GET", POOL, None).await;
    assert!(answer.headers().contains_key("content-length"));
    assert!(
        !answer.headers().contains_key("transfer-encoding") && !answer.headers().contains_key("connection")
    );
    let plain = answer.text().await.unwrap();
    desk.switch(|switches| (switches.chunked, switches.close_connections) = (true, true));
    let answer = desk.send("GET", POOL, None).await;
    assert_eq!(answer.headers()["transfer-encoding"], "chunked");
    assert_eq!(answer.headers()["connection"], "close");
    assert_eq!(answer.text().await.unwrap(), plain);
    assert_eq!(desk.log().len(), 1);
    desk.send("GET", POOL, None).await;
    assert_eq!(desk.log().len(), 2, "a new connection logs in anew");
    let removed = desk.send("DELETE", POOL, None).await;
    assert_eq!(
        (
            removed.status().as_u16(),
            removed.headers().get("transfer-encoding")
        ),
        (204, None)
    );
}
