//! Item 39: a person works in Safe Mode, and everything is undone when the session is lost.

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

#[tokio::test]
async fn item_39_a_release_keeps_everything() {
    let desk = default_desk().await;
    desk.person().take_safe_mode("admin").unwrap();
    desk.patch("/rest/ip/pool/*1", r#"{"comment":"kept"}"#).await;
    desk.person().release_safe_mode().unwrap();
    assert_eq!(desk.rows(Menu::Pool)[0].get("comment"), Some("kept"));
}
