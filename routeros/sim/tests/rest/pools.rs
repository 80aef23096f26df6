//! Item 22: pools, their grammar, their read-back forms and their counters.

use routeros_sim::{Config, Lease, RangeForm, Switches, Version};
use serde_json::json;

use crate::desk::{default_desk, desk};

const POOL: &str = "/rest/ip/pool/*1";

#[tokio::test]
async fn item_22_bad_ranges_are_refused_in_the_routers_words() {
    let desk = default_desk().await;
    for (ranges, detail) in [
        ("garbage", "value of range expects range of ip addresses"),
        ("", "value of range expects range of ip addresses"),
        (
            "192.168.1.9-192.168.1.5",
            "value of range expects range of ip addresses",
        ),
        ("x-192.168.1.5", "value of range must have ip address before '-'"),
        ("192.168.1.5-x", "value of range must have ip address after '-'"),
        ("192.168.1.1-192.168.1.9,192.168.1.9", "failure: ranges overlap"),
    ] {
        let body = json!({ "ranges": ranges }).to_string();
        assert_eq!(desk.refusal("PATCH", POOL, &body).await, detail, "{ranges}");
        assert_eq!(desk.get(POOL).await.1["ranges"], "192.168.1.100-192.168.1.254");
    }
    assert_eq!(
        desk.refusal(
            "PUT",
            "/rest/ip/pool",
            r#"{"name":"dhcp_pool","ranges":"10.0.0.1"}"#
        )
        .await,
        "failure: pool with such name exists"
    );
    let (status, _) = desk
        .put(
            "/rest/ip/pool",
            r#"{"name":"other","ranges":"192.168.1.200-192.168.1.210"}"#,
        )
        .await;
    assert_eq!(status, 201, "two pools may overlap: nothing objects");
}

#[tokio::test]
async fn item_22_ranges_read_back_in_the_form_that_is_switched_on() {
    let written = "192.168.1.128/26,192.168.1.100-192.168.1.127,192.168.1.7-192.168.1.7";
    for (range_form, shown) in [
        (RangeForm::Verbatim, written),
        (
            RangeForm::Cidr,
            "192.168.1.128/26,192.168.1.100-192.168.1.127,192.168.1.7",
        ),
        (RangeForm::Merged, "192.168.1.7,192.168.1.100-192.168.1.191"),
    ] {
        let switches = Switches {
            range_form,
            ..Switches::default()
        };
        let desk = desk(Config {
            switches,
            ..Config::default()
        })
        .await;
        let (_, answer) = desk.patch(POOL, &json!({ "ranges": written }).to_string()).await;
        assert_eq!(answer["ranges"], shown, "{range_form:?}");
        assert_eq!(desk.get(POOL).await.1["ranges"], shown, "{range_form:?}");
    }
}

#[tokio::test]
async fn item_22_counters_and_used_addresses_follow_the_leases() {
    let version: Version = "7.23.7 (long-term)".parse().unwrap();
    let phone = Lease::bound(
        "192.168.1.205".parse().unwrap(),
        "AA:BB:CC:00:00:01".parse().unwrap(),
    );
    let desk = desk(
        Config {
            version,
            ..Config::default()
        }
        .lease(phone),
    )
    .await;
    let pool = |ranges: &str, total: &str, available: &str| json!({".id": "*1", "available": available, "name": "dhcp_pool", "ranges": ranges, "total": total, "used": "1"});
    assert_eq!(
        desk.get(POOL).await.1,
        pool("192.168.1.100-192.168.1.254", "155", "154")
    );
    let used = json!([{
        ".id": "*1", "address": "192.168.1.205", "info": "AA:BB:CC:00:00:01", "owner": "DHCP", "pool": "dhcp_pool"
    }]);
    assert_eq!(desk.get("/rest/ip/pool/used").await, (200, used.clone()));
    // Item 23: the lease, and its address in `used`, outlive the pool's shrinking.
    let shrunk = desk
        .patch(POOL, r#"{"ranges":"192.168.1.100-192.168.1.199"}"#)
        .await
        .1;
    assert_eq!(shrunk, pool("192.168.1.100-192.168.1.199", "100", "99"));
    assert_eq!(desk.get("/rest/ip/pool/used").await, (200, used));
    desk.delete("/rest/ip/dhcp-server/lease/*1").await;
    assert_eq!(desk.get("/rest/ip/pool/used").await, (200, json!([])));
}

#[tokio::test]
async fn item_22_pools_may_be_bounded_where_nothing_is_known() {
    let desk = default_desk().await;
    let twin = r#"{"name":"twin","ranges":"192.168.1.200-192.168.1.210"}"#;
    assert_eq!(
        desk.put("/rest/ip/pool", twin).await.0,
        201,
        "two pools may hold the same addresses"
    );
    desk.delete("/rest/ip/pool/*2").await;
    desk.switch(|switches| {
        (switches.pools_may_overlap, switches.max_ranges) = (false, 2);
        switches.max_ranges_text = "whatever it says".into();
    });
    assert_eq!(
        desk.refusal("PUT", "/rest/ip/pool", twin).await,
        "failure: ranges overlap"
    );
    let ranges = |text: &str| format!(r#"{{"ranges":"{text}"}}"#);
    assert_eq!(
        desk.patch("/rest/ip/pool/*1", &ranges("192.168.1.9,192.168.1.11"))
            .await
            .0,
        200
    );
    assert_eq!(
        desk.refusal(
            "PATCH",
            "/rest/ip/pool/*1",
            &ranges("192.168.1.9,192.168.1.11,192.168.1.13")
        )
        .await,
        "failure: whatever it says"
    );
}
