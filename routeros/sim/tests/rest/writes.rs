//! Items 10, 11, 14, 15 and 16: what each verb answers, and what it is refused with.

use routeros_sim::{Config, Menu, Switches};
use serde_json::{Value, json};

use crate::desk::{Desk, default_desk, desk, desk_of};

const POOLS: &str = "/rest/ip/pool";

#[tokio::test]
async fn item_10_put_answers_201_patch_200_and_delete_204() {
    let desk = default_desk().await;
    let row = json!({".id": "*2", "comment": "c", "name": "p", "ranges": "10.0.0.1-10.0.0.9"});
    let body = r#"{"name":"p","ranges":"10.0.0.1-10.0.0.9","comment":"c"}"#;
    assert_eq!(desk.put(POOLS, body).await, (201, row));
    let row = json!({".id": "*2", "comment": "c", "name": "p", "ranges": "10.0.0.1"});
    assert_eq!(
        desk.patch("/rest/ip/pool/*2", r#"{"ranges":"10.0.0.1"}"#).await,
        (200, row)
    );
    assert_eq!(desk.delete("/rest/ip/pool/*2").await, (204, Value::Null));
    assert_eq!(
        desk.delete("/rest/ip/pool/*2").await,
        (404, json!({"error": 404, "message": "Not Found"}))
    );
    assert_eq!(desk.patch("/rest/ip/pool/*2", "{}").await.0, 404);
}

#[tokio::test]
async fn item_10_put_and_delete_can_answer_200() {
    let switches = Switches {
        put_answers_ok: true,
        delete_answers_ok: true,
        ..Switches::default()
    };
    let desk = desk(Config {
        switches,
        ..Config::default()
    })
    .await;
    let (status, row) = desk.put(POOLS, r#"{"name":"p","ranges":"10.0.0.1"}"#).await;
    assert_eq!((status, &row[".id"]), (200, &json!("*2")));
    assert_eq!(desk.delete("/rest/ip/pool/*2").await, (200, Value::Null));
}

#[tokio::test]
async fn item_11_post_adds_sets_switches_and_removes() {
    let desk = default_desk().await;
    let body = r#"{"address":"192.168.1.5","mac-address":"02:00:00:00:00:05"}"#;
    assert_eq!(
        desk.post("/rest/ip/dhcp-server/lease/add", body).await,
        (200, json!({"ret": "*1"}))
    );
    for (command, body) in [
        ("set", r#"{".id":"*1","comment":"c"}"#),
        ("disable", r#"{".id":"*1"}"#),
        ("enable", r#"{"numbers":"*1"}"#),
        ("comment", r#"{"numbers":"*1","comment":"nas"}"#),
        ("unset", r#"{"numbers":"*1","value-name":"comment"}"#),
        ("remove", r#"{".id":"*1"}"#),
    ] {
        let path = format!("/rest/ip/dhcp-server/lease/{command}");
        assert_eq!(desk.post(&path, body).await, (200, json!([])), "{command}");
    }
    assert_eq!(desk.rows(Menu::Lease), []);
    for command in ["set", "remove", "enable", "comment", "unset"] {
        let path = format!("/rest/ip/dhcp-server/lease/{command}");
        assert_eq!(desk.refusal("POST", &path, "{}").await, "missing =.id=");
    }
    assert_eq!(
        desk.refusal("POST", "/rest/ip/pool/add", r#"{"ranges":"10.0.0.1"}"#)
            .await,
        "missing =name="
    );
}

#[tokio::test]
async fn item_11_comment_and_unset_change_one_property_and_move_the_order() {
    let desk = default_desk().await;
    let comments = |desk: &Desk| desk.rows(Menu::Pool)[0].get("comment").map(ToOwned::to_owned);
    desk.post("/rest/ip/pool/comment", r#"{"numbers":"*1","comment":"home"}"#)
        .await;
    assert_eq!(comments(&desk).as_deref(), Some("home"));
    desk.post("/rest/ip/pool/comment", r#"{"numbers":"*1","comment":""}"#)
        .await;
    assert_eq!(comments(&desk), None);

    let lease = r#"{"address":"192.168.1.5","mac-address":"02:00:00:00:00:05","rate-limit":"1M"}"#;
    desk.post("/rest/ip/dhcp-server/lease/add", lease).await;
    desk.post(
        "/rest/ip/dhcp-server/lease/unset",
        r#"{"numbers":"*1","value-name":"rate-limit"}"#,
    )
    .await;
    assert_eq!(desk.rows(Menu::Lease)[0].get("rate-limit"), None);
    assert_eq!(
        desk.refusal("POST", "/rest/ip/dhcp-server/lease/unset", r#"{"numbers":"*1"}"#)
            .await,
        "missing =value-name="
    );

    let names = "/rest/ip/dns/static";
    for name in ["a", "b", "c"] {
        desk.put(names, &format!(r#"{{"name":"{name}","address":"10.0.0.1"}}"#))
            .await;
    }
    desk.put(names, r#"{"name":"d","address":"10.0.0.1","place-before":"*2"}"#)
        .await;
    let order = |desk: &Desk| -> Vec<String> {
        let rows = desk.rows(Menu::DnsStatic);
        rows.iter()
            .map(|row| row.get("name").unwrap().to_owned())
            .collect()
    };
    assert_eq!(order(&desk), ["a", "d", "b", "c"]);
    let moving = format!("{names}/move");
    assert_eq!(
        desk.post(&moving, r#"{"numbers":"*3","destination":"*1"}"#).await,
        (200, json!([]))
    );
    assert_eq!(order(&desk), ["c", "a", "d", "b"]);
    desk.post(&moving, r#"{"numbers":"*3"}"#).await;
    assert_eq!(order(&desk), ["a", "d", "b", "c"]);
    assert_eq!(
        desk.refusal("POST", &moving, r#"{"numbers":"*1","destination":"*1"}"#)
            .await,
        "failure: can not move object before itself"
    );
    assert_eq!(desk.refusal("POST", &moving, "{}").await, "missing =.id=");
    assert_eq!(
        desk.refusal("POST", "/rest/ip/pool/move", r#"{"numbers":"*1"}"#)
            .await,
        "no such command or directory (move)",
        "pools have no order"
    );
}

#[tokio::test]
async fn singletons_are_set_by_post_and_refuse_patch() {
    let desk = default_desk().await;
    let body = r#"{"name":"attic"}"#;
    assert_eq!(
        desk.post("/rest/system/identity/set", body).await,
        (200, json!([]))
    );
    assert_eq!(
        desk.get("/rest/system/identity").await.1,
        json!({"name": "attic"})
    );
    assert_eq!(
        desk.refusal("PATCH", "/rest/system/identity", body).await,
        "missing or invalid resource identifier"
    );
    assert_eq!(
        desk.post("/rest/ip/settings/set", r#"{"arp-timeout":"1m"}"#)
            .await
            .0,
        200
    );
    assert_eq!(desk.get("/rest/ip/settings").await.1["arp-timeout"], "1m");
}

#[tokio::test]
async fn item_14_an_unknown_property_is_refused_by_its_name_and_changes_nothing() {
    let desk = default_desk().await;
    assert_eq!(
        desk.refusal(
            "PATCH",
            "/rest/ip/pool/*1",
            r#"{"ranges":"10.0.0.1","shadow":"x"}"#
        )
        .await,
        "unknown parameter shadow"
    );
    assert_eq!(
        desk.refusal("PUT", POOLS, r#"{"disabled":"yes"}"#).await,
        "unknown parameter disabled"
    );
    assert_eq!(
        desk.refusal("PATCH", "/rest/ip/pool/dhcp_pool", r#"{"shadow":"x"}"#)
            .await,
        "missing or invalid resource identifier",
        "by name the refusal misleads"
    );
    assert_eq!(
        desk.patch("/rest/ip/pool/dhcp_pool", r#"{"comment":"by name"}"#)
            .await
            .1["comment"],
        "by name"
    );
    assert_eq!(
        desk.get("/rest/ip/pool/*1").await.1["ranges"],
        "192.168.1.100-192.168.1.254"
    );
}

#[tokio::test]
async fn item_14_a_property_exists_from_its_version_on() {
    for (version, property, known) in [
        ("7.16.2", "address-lists", false),
        ("7.17.1", "address-lists", true),
        ("7.20.8", "add-dns-entries-suffix", false),
        ("7.24", "add-dns-entries-suffix", true),
    ] {
        let body = format!(r#"{{"{property}":"lan"}}"#);
        let (status, answer) = desk_of(version)
            .await
            .patch("/rest/ip/dhcp-server/*1", &body)
            .await;
        if known {
            assert_eq!(
                (status, &answer[property]),
                (200, &json!("lan")),
                "{version} {property}"
            );
        } else {
            assert_eq!(
                answer["detail"],
                format!("unknown parameter {property}"),
                "{version} {property}"
            );
        }
    }
}

#[tokio::test]
async fn item_15_paths_commands_and_methods_that_do_not_exist() {
    let desk = default_desk().await;
    for (method, path, detail) in [
        (
            "GET",
            "/rest/ip/firewall/filter",
            "no such command or directory (filter)",
        ),
        ("GET", "/rest/nonsense", "no such command or directory (nonsense)"),
        (
            "GET",
            "/rest/ip/pool/used/more/less",
            "no such command or directory (more)",
        ),
        ("GET", "/rest/ip/pool/print", "no such command"),
        ("GET", "/rest/ip", "no such command"),
        ("POST", "/rest/ip/pool", "no such command"),
        (
            "POST",
            "/rest/ip/pool/explode",
            "no such command or directory (explode)",
        ),
        ("PATCH", "/rest/ip/pool", "missing or invalid resource identifier"),
        (
            "DELETE",
            "/rest/ip/pool",
            "missing or invalid resource identifier",
        ),
    ] {
        assert_eq!(desk.refusal(method, path, "{}").await, detail, "{method} {path}");
    }
    for (method, path, command) in [
        ("DELETE", "/rest/ip/service/*0", "remove"),
        ("PUT", "/rest/ip/pool/used", "add"),
        ("PATCH", "/rest/user/*1", "set"),
    ] {
        let (status, answer) = desk.ask(method, path, Some("{}")).await;
        let detail = format!("no such command or directory ({command})");
        assert_eq!(
            (status, answer),
            (
                406,
                json!({"error": 406, "message": "Not Acceptable", "detail": detail})
            )
        );
    }
    let head = desk.send("HEAD", "/rest/ip/pool", None).await;
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-type"]),
        (501, &"application/json".parse().unwrap())
    );
    assert_eq!(
        desk.http
            .get(desk.url())
            .basic_auth("tiklb", Some(routeros_sim::PASSWORD))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn item_16_references_are_checked_follow_a_rename_and_dangle_after_a_removal() {
    let desk = default_desk().await;
    let server = "/rest/ip/dhcp-server/*1";
    for (path, body, property) in [
        (server, r#"{"address-pool":"other"}"#, "address-pool"),
        (server, r#"{"interface":"ether9"}"#, "interface"),
        ("/rest/ip/pool/*1", r#"{"next-pool":"other"}"#, "next-pool"),
    ] {
        let detail = format!("input does not match any value of {property}");
        assert_eq!(desk.refusal("PATCH", path, body).await, detail);
    }
    desk.patch("/rest/ip/pool/*1", r#"{"name":"renamed"}"#).await;
    assert_eq!(desk.get(server).await.1["address-pool"], "renamed");
    assert_eq!(
        desk.delete("/rest/ip/pool/*1").await.0,
        204,
        "a pool in use may be removed"
    );
    assert_eq!(desk.get(server).await.1["address-pool"], "*1");
    desk.put(POOLS, r#"{"name":"renamed","ranges":"10.0.0.1"}"#).await;
    assert_eq!(
        desk.get(server).await.1["address-pool"],
        "*1",
        "the same name does not link again"
    );
    let (_, row) = desk.patch(server, r#"{"address-pool":"static-only"}"#).await;
    assert_eq!(row["address-pool"], "static-only");
}

#[tokio::test]
async fn a_property_is_cleared_by_an_exclamation_mark_and_required_ones_stay() {
    let desk = default_desk().await;
    desk.patch("/rest/ip/pool/*1", r#"{"comment":"c"}"#).await;
    let (_, row) = desk.patch("/rest/ip/pool/*1", r#"{"!comment":""}"#).await;
    assert_eq!(row.get("comment"), None);
    assert_eq!(
        desk.refusal("PATCH", "/rest/ip/pool/*1", r#"{"!name":""}"#).await,
        "missing =name="
    );
}

#[tokio::test]
async fn other_menus_refuse_doubles_in_their_own_words() {
    let desk = default_desk().await;
    for (path, body, detail) in [
        (
            POOLS,
            r#"{"name":"dhcp_pool","ranges":"10.0.0.1"}"#,
            "failure: pool with such name exists",
        ),
        (
            "/rest/ip/dhcp-server",
            r#"{"name":"defconf","interface":"ether1"}"#,
            "failure: server with such name already exists",
        ),
        (
            "/rest/ip/dhcp-server",
            r#"{"name":"two","interface":"bridge"}"#,
            "failure: server or relay with such interface already exists",
        ),
        (
            "/rest/ip/dhcp-server/network",
            r#"{"address":"192.168.1.0/24"}"#,
            "failure: such network already exists",
        ),
        (
            "/rest/ip/dhcp-server/network",
            r#"{"address":"192.168.1.1/24"}"#,
            "failure: invalid network",
        ),
        (
            "/rest/ip/address",
            r#"{"address":"192.168.1.1/24","interface":"bridge"}"#,
            "failure: already have such address",
        ),
        (
            "/rest/ip/address",
            r#"{"interface":"bridge"}"#,
            "missing =address=",
        ),
        (
            "/rest/ip/dhcp-server/network",
            r#"{"address":"10.0.0.0/24","netmask":"40"}"#,
            "value of netmask out of range (0..32)",
        ),
    ] {
        assert_eq!(desk.refusal("PUT", path, body).await, detail, "{path} {body}");
    }
}

#[tokio::test]
async fn a_row_can_be_copied_from_another() {
    let desk = default_desk().await;
    let (status, row) = desk.put(POOLS, r#"{"copy-from":"*1","name":"twin"}"#).await;
    assert_eq!(
        (status, &row["ranges"]),
        (201, &json!("192.168.1.100-192.168.1.254"))
    );
    assert_eq!(
        desk.refusal("PUT", POOLS, r#"{"copy-from":"*99","name":"third"}"#)
            .await,
        "input does not match any value of copy-from"
    );
}
