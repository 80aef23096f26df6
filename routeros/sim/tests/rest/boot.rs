//! Item 32: a power cut, and the boot after it.

use std::time::Duration;

use routeros_sim::{Config, Lease, Menu, PASSWORD, Pace};
use serde_json::json;

use crate::desk::{Desk, desk};
use crate::sessions::until;

const OUTAGE: Duration = Duration::from_secs(20);
const WARM_UP: Duration = Duration::from_secs(5);

fn phone(last: u8) -> Lease {
    Lease::bound(
        format!("192.168.1.{last}").parse().unwrap(),
        format!("AA:BB:CC:00:00:{last:02X}").parse().unwrap(),
    )
}

async fn stopped(config: Config) -> Desk {
    desk(Config {
        pace: Pace::Stopped,
        ..config
    })
    .await
}

/// A new client: an old one's connection was dropped, which is another failure.
async fn refused(desk: &Desk) -> bool {
    let http = crate::desk::builder().build().unwrap();
    let request = http.get(format!("{}/rest/ip/pool", desk.url()));
    let answer = request.basic_auth("tiklb", Some(PASSWORD)).send().await;
    answer.is_err_and(|error| error.is_connect())
}

#[tokio::test]
async fn item_32_a_boot_refuses_then_has_nothing_then_has_everything() {
    let desk = stopped(Config::default().lease(phone(205))).await;
    let lease = r#"{"address":"192.168.1.7","mac-address":"02:00:00:00:00:07"}"#;
    desk.put("/rest/ip/dhcp-server/lease", lease).await;
    desk.clock().advance(Duration::from_mins(10));
    let before = desk.snapshot().configured();
    desk.power_cycle(OUTAGE, WARM_UP);
    assert!(refused(&desk).await);
    desk.clock()
        .advance(OUTAGE.saturating_sub(Duration::from_millis(1)));
    assert!(refused(&desk).await);
    desk.clock().advance(Duration::from_millis(1));
    let answers = async {
        while refused(&desk).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::desk::PATIENCE, answers)
        .await
        .unwrap();
    for (path, answer) in [
        ("/rest/ip/pool", (200, json!([]))),
        ("/rest/ip/dhcp-server/lease", (200, json!([]))),
        ("/rest/system/identity", (200, json!({}))),
        (
            "/rest/ip/pool/*1",
            (404, json!({"error": 404, "message": "Not Found"})),
        ),
    ] {
        assert_eq!(desk.get(path).await, answer, "{path}");
    }
    let (status, resource) = desk.get("/rest/system/resource").await;
    assert_eq!(
        (status, &resource["uptime"]),
        (200, &json!("20s")),
        "the board knows itself at once"
    );
    assert_eq!(desk.patch("/rest/ip/pool/*1", r#"{"comment":"x"}"#).await.0, 500);
    desk.clock().advance(WARM_UP);
    assert_eq!(desk.get("/rest/ip/pool").await.1[0]["name"], "dhcp_pool");
    let rest = routeros_sim::diff(&before, &desk.snapshot().configured());
    assert!(rest.is_empty(), "{rest}");
}

#[tokio::test]
async fn item_32_dynamic_leases_since_the_last_writing_to_disk_are_lost_static_ones_are_kept() {
    for (store, kept) in [
        (None, &["192.168.1.7", "192.168.1.205"][..]),
        (Some("1m"), &["192.168.1.7", "192.168.1.205", "192.168.1.206"]),
        (
            Some("immediately"),
            &["192.168.1.7", "192.168.1.205", "192.168.1.206", "192.168.1.207"],
        ),
        (Some("never"), &["192.168.1.7"]),
    ] {
        let desk = stopped(Config::default().lease(Lease::fixed(
            "192.168.1.7".parse().unwrap(),
            "02:00:00:00:00:07".parse().unwrap(),
        )))
        .await;
        if let Some(store) = store {
            let body = json!({"store-leases-disk": store}).to_string();
            assert_eq!(desk.post("/rest/ip/dhcp-server/config/set", &body).await.0, 200);
        }
        // 5 minutes is the default: the first is on disk, the second a minute later, the third half a minute later.
        for (wait, last) in [(240, 205), (90, 206), (60, 207)] {
            desk.clock().advance(Duration::from_secs(wait));
            desk.lease(&phone(last)).unwrap();
        }
        desk.power_cycle(Duration::ZERO, Duration::ZERO);
        until("it listens again", || {
            desk.rows(Menu::Resource)[0].get("uptime") == Some("0s")
        })
        .await;
        let rows = desk.rows(Menu::Lease);
        let addresses: Vec<_> = rows.iter().map(|row| row.get("address").unwrap()).collect();
        assert_eq!(addresses, kept, "{store:?}");
    }
}

#[tokio::test]
async fn item_32_an_orderly_reboot_keeps_all_leases() {
    let desk = stopped(Config::default()).await;
    desk.clock().advance(Duration::from_mins(9));
    desk.lease(&phone(205)).unwrap();
    desk.reboot();
    assert_eq!(desk.rows(Menu::Lease).len(), 1);
}
