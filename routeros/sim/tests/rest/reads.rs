//! Items 5, 6, 8 and 9: lists, objects, names, filters and projections.

use routeros_sim::Menu;
use serde_json::{Value, json};

use crate::desk::default_desk;

#[tokio::test]
async fn item_5_menus_answer_lists_singletons_and_rows_objects() {
    let desk = default_desk().await;
    assert_eq!(desk.get("/rest/ip/dhcp-server/lease").await, (200, json!([])));
    assert_eq!(
        desk.get("/rest/system/identity").await,
        (200, json!({"name": "MikroTik"}))
    );
    let row = json!({".id": "*1", "name": "dhcp_pool", "ranges": "192.168.1.100-192.168.1.254"});
    assert_eq!(desk.get("/rest/ip/pool").await, (200, json!([row])));
    assert_eq!(desk.get("/rest/ip/pool/*1").await, (200, row));
    assert_eq!(
        desk.get("/rest/ip/pool/*99").await,
        (404, json!({"error": 404, "message": "Not Found"}))
    );
}

#[tokio::test]
async fn answers_are_json_on_a_connection_that_is_kept() {
    let desk = default_desk().await;
    let response = desk.send("GET", "/rest/ip/pool", None).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.version(), reqwest::Version::HTTP_11);
    response.bytes().await.unwrap();
    desk.get("/rest/ip/pool").await;
    assert_eq!(desk.log().len(), 1, "both requests came over one connection");
}

#[tokio::test]
async fn item_6_rows_are_found_by_name_where_rows_have_names() {
    let desk = default_desk().await;
    assert_eq!(desk.get("/rest/ip/pool/dhcp_pool").await.1[".id"], "*1");
    assert_eq!(desk.get("/rest/interface/ether1").await.1["name"], "ether1");
    assert_eq!(desk.get("/rest/ip/pool/other").await.0, 404);
    assert_eq!(
        desk.refusal("GET", "/rest/ip/arp/bridge", "").await,
        "no such command prefix"
    );
}

#[tokio::test]
async fn item_8_filters_are_anded_and_an_absent_key_matches_nothing() {
    let desk = default_desk().await;
    let leases = "/rest/ip/dhcp-server/lease";
    desk.put(
        leases,
        r#"{"address":"192.168.1.5","mac-address":"02:00:00:00:00:05","server":"defconf"}"#,
    )
    .await;
    desk.put(
        leases,
        r#"{"address":"192.168.1.6","mac-address":"02:00:00:00:00:06","comment":"all servers"}"#,
    )
    .await;
    for (query, found) in [
        ("?server=defconf", json!(["*1"])),
        ("?server=all", json!([])),
        ("?comment=", json!([])),
        ("?comment=all%20servers&dynamic=false", json!(["*2"])),
        ("?server=defconf&address=192.168.1.6", json!([])),
        ("?expires-after=", json!([])),
        ("?.id=*2", json!(["*2"])),
        ("?.id=%2A2", json!(["*2"])),
        ("?.id=*39", json!([])),
    ] {
        let (status, rows) = desk.get(&format!("{leases}{query}")).await;
        let ids: Vec<Value> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[".id"].clone())
            .collect();
        assert_eq!((status, Value::from(ids)), (200, found), "{query}");
    }
}

#[tokio::test]
async fn item_9_a_projection_always_holds_the_id_and_ignores_what_it_does_not_know() {
    let desk = default_desk().await;
    assert_eq!(
        desk.get("/rest/ip/pool?.proplist=name,nonsense").await.1,
        json!([{".id": "*1", "name": "dhcp_pool"}])
    );
    assert_eq!(
        desk.get("/rest/ip/pool/*1?.proplist=ranges").await.1["ranges"],
        "192.168.1.100-192.168.1.254"
    );
    assert_eq!(
        desk.get("/rest/system/resource?.proplist=version").await.1,
        json!({"version": "7.20.8 (stable)"}),
        "a singleton has no id"
    );
}

#[tokio::test]
async fn item_9_a_projection_may_leave_the_id_out() {
    let desk = default_desk().await;
    desk.switch(|switches| switches.proplist_adds_id = false);
    let named = json!([{"name": "dhcp_pool"}]);
    assert_eq!(desk.get("/rest/ip/pool?.proplist=name").await.1, named);
    let body = r#"{".proplist":["name"]}"#;
    assert_eq!(desk.post("/rest/ip/pool/print", body).await.1, named);
    assert_eq!(
        desk.get("/rest/ip/pool?.proplist=.id,name").await.1,
        json!([{".id": "*1", "name": "dhcp_pool"}])
    );
}

#[tokio::test]
async fn print_takes_projection_and_query() {
    let desk = default_desk().await;
    let answer = json!([{".id": "*1", "name": "ether1"}]);
    for proplist in [r#"["name"]"#, r#""name""#] {
        let body = format!(r#"{{".proplist":{proplist},".query":["name=ether1","type=ether"]}}"#);
        assert_eq!(
            desk.post("/rest/interface/print", &body).await,
            (200, answer.clone())
        );
    }
    assert!(desk.violations().is_empty());
}

#[tokio::test]
async fn item_13_the_query_language_works_on_a_stack() {
    let desk = default_desk().await;
    for (words, names) in [
        (
            r##"["name=ether1","name=ether2","#|"]"##,
            &["ether1", "ether2"][..],
        ),
        (
            r##"["name=ether1","name=ether2","#|","#!","type=ether"]"##,
            &["ether3", "ether4", "ether5"],
        ),
        (r#"["default-name","-slave"]"#, &["ether1"]),
        (r#"["-default-name"]"#, &["bridge"]),
        (r#"[">name=ether4"]"#, &["ether5"]),
        (r#"["<l2mtu=1596"]"#, &[]),
        (r##"["type=bridge","slave=true","#|&"]"##, &[]),
    ] {
        let body = format!(r#"{{".proplist":"name",".query":{words}}}"#);
        let (status, rows) = desk.post("/rest/interface/print", &body).await;
        let found: Vec<&str> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect();
        assert_eq!((status, &found[..]), (200, names), "{words}");
    }
    assert_eq!(desk.violations(), []);
    for word in ["#?", "<mtu", ""] {
        let before = desk.violations().len();
        let body = format!(r#"{{".query":["{word}"]}}"#);
        assert_eq!(
            desk.post("/rest/interface/print", &body).await.0,
            400,
            "{word:?} must not be ignored"
        );
        assert_eq!(desk.violations().len(), before + 1);
    }
}

#[tokio::test]
async fn a_board_without_a_menu_does_not_know_it() {
    let config = routeros_sim::Config {
        board: "CHR".into(),
        ..routeros_sim::Config::default()
    };
    let desk = crate::desk::desk(config).await;
    assert_eq!(
        desk.refusal("GET", "/rest/system/routerboard", "").await,
        "no such command or directory (routerboard)"
    );
    assert_eq!(
        default_desk().await.get("/rest/system/routerboard").await.1["serial-number"],
        "HFG0A1B2C3D"
    );
    assert!(
        desk.violations().is_empty(),
        "a client may ask any board for its serial number"
    );
    assert_eq!(desk.rows(Menu::Routerboard), []);
}
