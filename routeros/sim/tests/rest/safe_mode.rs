//! Item 39: a person works in Safe Mode, and everything is undone when the session is lost.

use std::collections::BTreeSet;

use routeros_sim::{Config, Lease, Menu, diff};
use serde_json::json;

use crate::desk::{default_desk, desk};

const STATE: &str = "/rest/safe-mode";

#[tokio::test]
async fn item_39_the_menu_tells_who_holds_it() {
    let desk = default_desk().await;
    let free = json!({"current": "false", "enabled": "false", "owner": "", "user": ""});
    assert_eq!(desk.get(STATE).await, (200, free.clone()));
    desk.person().take_safe_mode("admin").unwrap();
    assert_eq!(
        desk.get(STATE).await.1,
        json!({"current": "false", "enabled": "true", "owner": "winbox", "user": "admin"})
    );
    let refused = desk.person().take_safe_mode("other").unwrap_err();
    assert!(refused.to_string().contains("admin"), "{refused}");
    desk.person().release_safe_mode().unwrap();
    assert_eq!(desk.get(STATE).await.1, free);
    assert!(desk.person().release_safe_mode().is_err());
    assert!(desk.person().abort_safe_mode().is_err());
    assert_eq!(desk.violations(), []);
}

#[tokio::test]
async fn item_39_an_abort_takes_back_what_clients_and_people_did() {
    let phone = Lease::bound(
        "192.168.1.205".parse().unwrap(),
        "AA:BB:CC:00:00:01".parse().unwrap(),
    );
    let desk = desk(Config::default().lease(phone)).await;
    let before = desk.snapshot();
    desk.person().take_safe_mode("admin").unwrap();
    desk.patch("/rest/ip/pool/*1", r#"{"ranges":"192.168.1.100-192.168.1.199"}"#)
        .await;
    let lease = r#"{"address":"192.168.1.7","mac-address":"02:00:00:00:00:07"}"#;
    assert_eq!(desk.put("/rest/ip/dhcp-server/lease", lease).await.1[".id"], "*2");
    desk.person()
        .set(Menu::Network, ("comment", "defconf"), [("comment", "mine")])
        .unwrap();
    desk.person()
        .remove(Menu::Address, ("comment", "defconf"))
        .unwrap();
    let edits = desk.journal().edits.len();
    desk.person().abort_safe_mode().unwrap();
    let rest = diff(&before.settled(), &desk.snapshot().settled());
    assert!(rest.is_empty(), "{rest}");
    assert_eq!(
        desk.journal().edits.len(),
        edits + 4,
        "each undone row is recorded"
    );
    let (_, row) = desk.put("/rest/ip/dhcp-server/lease", lease).await;
    assert_eq!(row[".id"], "*3", "an id is not given again");
}

/// A router that gives removed rows' ids again: a row that came back has its id for itself.
#[tokio::test]
async fn item_39_no_two_rows_have_one_id_after_an_abort() {
    let desk = default_desk().await;
    desk.switch(|switches| switches.reuse_ids = true);
    let leases = "/rest/ip/dhcp-server/lease";
    let fixed =
        |last: u8| format!(r#"{{"address":"192.168.1.{last}","mac-address":"02:00:00:00:00:{last:02X}"}}"#);
    for last in [7, 8] {
        desk.put(leases, &fixed(last)).await;
    }
    desk.person().take_safe_mode("admin").unwrap();
    desk.delete(&format!("{leases}/*1")).await;
    desk.delete(&format!("{leases}/*2")).await;
    let phone = Lease::bound(
        "192.168.1.205".parse().unwrap(),
        "AA:BB:CC:00:00:01".parse().unwrap(),
    );
    desk.lease(&phone).unwrap(); // It gets one of the two ids; the other waits for the next row.
    desk.person().abort_safe_mode().unwrap();
    desk.put(leases, &fixed(9)).await;
    let rows = desk.rows(Menu::Lease);
    let ids: BTreeSet<_> = rows.iter().filter_map(|row| row.get(".id")).collect();
    assert_eq!((rows.len(), ids.len()), (4, 4), "{rows:?}");
    assert!(ids.contains("*1") && ids.contains("*2"), "{ids:?}");
}

#[tokio::test]
async fn item_39_a_release_keeps_everything() {
    let desk = default_desk().await;
    desk.person().take_safe_mode("admin").unwrap();
    desk.patch("/rest/ip/pool/*1", r#"{"comment":"kept"}"#).await;
    desk.person().release_safe_mode().unwrap();
    assert_eq!(desk.rows(Menu::Pool)[0].get("comment"), Some("kept"));
}
