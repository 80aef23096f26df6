//! Items 4, 7 and 12: ids, how they are written, and what they come to mean.

use routeros_sim::{Config, Lease, Menu, Switches};
use serde_json::json;

use crate::desk::{default_desk, desk};

const LEASES: &str = "/rest/ip/dhcp-server/lease";

fn fixed(last: u8) -> String {
    format!(
        r#"{{"address":"192.168.1.{last}","mac-address":"02:00:C0:A8:01:{last:02X}","server":"defconf"}}"#
    )
}

fn phone() -> Lease {
    Lease::bound(
        "192.168.1.205".parse().unwrap(),
        "AA:BB:CC:00:00:01".parse().unwrap(),
    )
}

#[tokio::test]
async fn item_4_ids_count_in_upper_case_hexadecimal_over_static_and_dynamic_rows() {
    let desk = default_desk().await;
    for last in 1..=9 {
        assert_eq!(desk.put(LEASES, &fixed(last)).await.1[".id"], format!("*{last}"));
    }
    desk.lease(&phone()).unwrap();
    assert_eq!(desk.put(LEASES, &fixed(11)).await.1[".id"], "*B");
    desk.delete(&format!("{LEASES}/*B")).await;
    assert_eq!(
        desk.put(LEASES, &fixed(12)).await.1[".id"],
        "*C",
        "a removed row's id stays unused"
    );
}

#[tokio::test]
async fn item_4_zero_is_an_id() {
    let desk = default_desk().await;
    let (status, row) = desk.get("/rest/ip/service/*0").await;
    assert_eq!(
        (status, &row["name"], &row[".id"]),
        (200, &json!("telnet"), &json!("*0"))
    );
}

#[tokio::test]
async fn item_4_a_reboot_gives_dynamic_rows_other_ids() {
    let desk = default_desk().await;
    desk.lease(&phone()).unwrap();
    desk.put(LEASES, &fixed(9)).await;
    let address = "192.168.1.206".parse().unwrap();
    desk.lease(&Lease::bound(address, "AA:BB:CC:00:00:02".parse().unwrap()))
        .unwrap();
    let ids = |desk: &routeros_sim::Router| {
        let rows = desk.rows(Menu::Lease).into_iter();
        rows.map(|row| {
            (
                row.get("address").unwrap().to_owned(),
                row.id().unwrap().to_owned(),
            )
        })
        .collect::<Vec<_>>()
    };
    let id = |address: &str, id: &str| (address.to_owned(), id.to_owned());
    assert_eq!(
        ids(&desk),
        [
            id("192.168.1.205", "*1"),
            id("192.168.1.9", "*2"),
            id("192.168.1.206", "*3")
        ]
    );
    desk.reboot();
    assert_eq!(
        ids(&desk),
        [
            id("192.168.1.205", "*4"),
            id("192.168.1.9", "*2"),
            id("192.168.1.206", "*3")
        ],
        "static rows keep theirs"
    );
}

#[tokio::test]
async fn item_4_a_removed_rows_id_can_come_to_mean_a_foreign_row() {
    let switches = Switches {
        reuse_ids: true,
        ..Switches::default()
    };
    let desk = desk(Config {
        switches,
        ..Config::default()
    })
    .await;
    desk.put(LEASES, &fixed(8)).await;
    desk.put(LEASES, &fixed(9)).await;
    desk.delete(&format!("{LEASES}/*1")).await;
    desk.lease(&phone()).unwrap();
    let (_, row) = desk.get(&format!("{LEASES}/*1")).await;
    assert_eq!(
        (&row["address"], &row["dynamic"]),
        (&json!("192.168.1.205"), &json!("true"))
    );
    desk.delete("/rest/ip/pool/*1").await;
    let (_, pool) = desk
        .put("/rest/ip/pool", r#"{"name":"dhcp_pool","ranges":"10.0.0.1"}"#)
        .await;
    assert_eq!(pool[".id"], "*1");
    let (_, server) = desk.get("/rest/ip/dhcp-server/*1").await;
    assert_eq!(
        server["address-pool"], "*1",
        "not even a pool with the old name and the old id is linked again"
    );
}

#[tokio::test]
async fn item_7_an_encoded_asterisk_is_no_id() {
    let desk = default_desk().await;
    assert_eq!(desk.get("/rest/ip/pool/*1").await.0, 200);
    for (method, body) in [("GET", ""), ("PATCH", r#"{"comment":"x"}"#), ("DELETE", "")] {
        assert_eq!(
            desk.refusal(method, "/rest/ip/pool/%2A1", body).await,
            "missing or invalid resource identifier"
        );
    }
    assert_eq!(desk.rows(Menu::Pool).len(), 1);
}

#[tokio::test]
async fn item_12_numbers_are_ids_positions_names_or_comments() {
    let desk = default_desk().await;
    for last in [5, 6, 7] {
        desk.put(LEASES, &fixed(last)).await;
    }
    desk.patch(&format!("{LEASES}/*3"), r#"{"comment":"nas"}"#).await;
    for (numbers, disabled) in [
        ("*1", "192.168.1.5"),
        ("1", "192.168.1.6"),
        ("nas", "192.168.1.7"),
    ] {
        let body = format!(r#"{{"numbers":"{numbers}"}}"#);
        assert_eq!(
            desk.post(&format!("{LEASES}/disable"), &body).await,
            (200, json!([]))
        );
        let (_, found) = desk.get(&format!("{LEASES}?disabled=true")).await;
        assert_eq!(
            (found.as_array().unwrap().len(), &found[0]["address"]),
            (1, &json!(disabled))
        );
        desk.post(&format!("{LEASES}/enable"), &body).await;
    }
    assert_eq!(
        desk.post(&format!("{LEASES}/remove"), r#"{"numbers":"*1,*2"}"#)
            .await,
        (200, json!([]))
    );
    assert_eq!(desk.rows(Menu::Lease).len(), 1);
    let (status, _) = desk
        .post(&format!("{LEASES}/remove"), r#"{"numbers":"*1"}"#)
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn item_12_a_command_for_a_row_that_is_gone_has_two_known_answers() {
    let desk = default_desk().await;
    let remove = format!("{LEASES}/remove");
    let body = r#"{"numbers":"*9"}"#;
    assert_eq!(desk.post(&remove, body).await.0, 404);
    desk.switch(|switches| switches.no_such_item = true);
    assert_eq!(desk.refusal("POST", &remove, body).await, "no such item");
    assert_eq!(
        desk.delete(&format!("{LEASES}/*9")).await.0,
        404,
        "of commands alone"
    );
}
