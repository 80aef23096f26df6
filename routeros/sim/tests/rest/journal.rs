//! Item 38: the journal, snapshots and their differences.

use futures::future::join_all;
use routeros_sim::{Config, Lease, Menu, diff};
use serde_json::json;

use crate::desk::{default_desk, desk};

#[tokio::test]
async fn item_38_every_write_is_recorded_in_order_with_what_came_of_it() {
    let desk = default_desk().await;
    let pool = r#"{"name":"p","ranges":"10.0.0.1"}"#;
    desk.put("/rest/ip/pool", pool).await;
    desk.patch("/rest/ip/pool/*2", r#"{"comment":"c"}"#).await;
    desk.patch("/rest/ip/pool/*2", r#"{"ranges":"x"}"#).await;
    desk.post("/rest/ip/pool/set", r#"{".id":"*2","name":"q"}"#).await;
    desk.post("/rest/ip/pool/print", "{}").await;
    desk.delete("/rest/ip/pool/*2").await;
    desk.delete("/rest/ip/pool/*2").await;
    let journal = desk.journal();
    let seen: Vec<_> = journal
        .writes
        .iter()
        .map(|write| {
            let row = write.row.as_ref().map(|row| row.get("name").unwrap_or_default());
            (
                write.method.as_str(),
                write.path.as_str(),
                write.id.as_deref(),
                write.body.as_str(),
                write.status,
                row,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("PUT", "ip/pool", None, pool, 201, Some("p")),
            (
                "PATCH",
                "ip/pool",
                Some("*2"),
                r#"{"comment":"c"}"#,
                200,
                Some("p")
            ),
            ("PATCH", "ip/pool", Some("*2"), r#"{"ranges":"x"}"#, 400, None),
            (
                "POST",
                "ip/pool/set",
                None,
                r#"{".id":"*2","name":"q"}"#,
                200,
                Some("q")
            ),
            ("DELETE", "ip/pool", Some("*2"), "", 204, None),
            ("DELETE", "ip/pool", Some("*2"), "", 404, None),
        ]
    );
    assert!(journal.writes.iter().all(|write| write.user == "tiklb"));
    assert!(
        journal
            .writes
            .iter()
            .zip(journal.writes.iter().skip(1))
            .all(|(a, b)| a.at <= b.at && a.wall <= b.wall)
    );
    assert_eq!(journal.applied().count(), 4);
    assert_eq!(journal.dropped, 0);
}

#[tokio::test]
async fn item_38_reads_are_counted_by_menu() {
    let desk = default_desk().await;
    for path in [
        "/rest/ip/pool",
        "/rest/ip/pool/*1",
        "/rest/ip/pool?name=x",
        "/rest/system/resource",
    ] {
        desk.get(path).await;
    }
    desk.get("/rest/ip/pool/*99").await;
    desk.post("/rest/ip/arp/print", "{}").await;
    let reads = desk.journal().reads;
    let counted: Vec<_> = reads.iter().map(|(menu, count)| (menu.path(), *count)).collect();
    assert_eq!(counted, [("ip/arp", 1), ("ip/pool", 3), ("system/resource", 1)]);
}

#[tokio::test]
async fn item_38_the_most_requests_at_once_are_known() {
    let one_by_one = default_desk().await;
    for _ in 0..5 {
        one_by_one.get("/rest/ip/pool").await;
    }
    assert_eq!(one_by_one.journal().most_in_flight, 1);

    // Held back for ever, so that they meet however slow the machine is.
    let together = default_desk().await;
    together.faults().delay(std::time::Duration::from_hours(1));
    let four = join_all((0..4).map(|_| together.send("GET", "/rest/ip/pool", None)));
    let met = async {
        while together.journal().most_in_flight < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = four => panic!("answered"),
        met = tokio::time::timeout(crate::desk::PATIENCE, met) => assert!(met.is_ok()),
    }
    assert_eq!(together.journal().most_in_flight, 4);
}

#[tokio::test]
async fn item_38_a_router_that_was_put_back_shows_no_difference() {
    let desk = desk(Config::default().lease(Lease::fixed(
        "192.168.1.10".parse().unwrap(),
        "AA:BB:CC:00:00:10".parse().unwrap(),
    )))
    .await;
    let before = desk.snapshot();
    desk.patch("/rest/ip/pool/*1", r#"{"ranges":"192.168.1.100-192.168.1.199"}"#)
        .await;
    let (_, row) = desk
        .put(
            "/rest/ip/dhcp-server/lease",
            r#"{"address":"192.168.1.200","mac-address":"02:00:C0:A8:01:C8"}"#,
        )
        .await;
    let changed = diff(&before.settled(), &desk.snapshot().settled());
    assert_eq!(
        changed.to_string(),
        "~ /ip/pool *1 dhcp_pool\n    ranges: \"192.168.1.100-192.168.1.254\" -> \"192.168.1.100-192.168.1.199\"\n\
         + /ip/dhcp-server/lease .id=*2 address=192.168.1.200 address-lists=\"\" blocked=false dhcp-option=\"\" \
         disabled=false dynamic=false mac-address=02:00:C0:A8:01:C8 radius=false status=waiting\n"
    );
    assert_eq!(row[".id"], "*2");
    desk.patch("/rest/ip/pool/*1", r#"{"ranges":"192.168.1.100-192.168.1.254"}"#)
        .await;
    desk.delete("/rest/ip/dhcp-server/lease/*2").await;
    let rest = diff(&before.settled(), &desk.snapshot().settled());
    assert!(rest.is_empty(), "{rest}");
    assert_eq!(
        json!(desk.snapshot().rows(Menu::Pool)[0].json()),
        desk.get("/rest/ip/pool/*1").await.1
    );
}
