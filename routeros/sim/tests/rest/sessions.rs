//! Items 29, 30 and 31: connections as rows, their number, their time limit, and what an abort leaves behind.

use std::time::{Duration, Instant};

use routeros_sim::{Config, Menu, PASSWORD, Pace, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::desk::{Desk, PATIENCE, builder, default_desk, desk, desk_of};

const LEASE: &str = r#"{"address":"192.168.1.7","mac-address":"02:00:00:00:00:07"}"#;

/// Waits until something holds, asking often.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "waited in vain until {what}"
    );
}

fn connections(router: &Router) -> Vec<(String, String)> {
    let rows = router.rows(Menu::Service);
    let dynamic = rows.iter().filter(|row| row.get("dynamic") == Some("true"));
    dynamic
        .map(|row| (row.id().unwrap().to_owned(), row.get("name").unwrap().to_owned()))
        .collect()
}

/// Each attempt is a connection of its own.
async fn attempt(desk: &Desk) -> Result<u16, reqwest::Error> {
    let http = builder().build().unwrap();
    let request = http.get(format!("{}/rest/ip/pool", desk.url()));
    let response = request.basic_auth("tiklb", Some(PASSWORD)).send().await?;
    Ok(response.status().as_u16())
}

#[tokio::test]
async fn item_29_each_living_connection_is_a_row_of_its_service_our_own_too() {
    let desk = desk_of("7.23.7").await;
    let before = desk.snapshot();
    let (_, rows) = desk.get("/rest/ip/service?dynamic=true").await;
    let own = &rows[0];
    assert_eq!(
        (&own["name"], &own["connection"], &own["local"]),
        (&json!("www"), &json!("true"), &json!(desk.address().to_string()))
    );
    assert!(own["remote"].as_str().unwrap().starts_with("127.0.0.1:"), "{own}");
    let first = connections(&desk);
    assert_eq!(attempt(&desk).await.unwrap(), 200);
    until("the second connection is gone", || connections(&desk) == first).await;
    attempt(&desk).await.unwrap();
    let seen = desk.get("/rest/ip/service/www").await.1;
    assert_eq!(seen[".id"], "*2", "the service itself is still found by its name");
    let ids = desk.journal();
    assert_eq!(ids.writes.len(), 0);
    assert!(
        routeros_sim::diff(&before.settled(), &desk.snapshot().settled()).is_empty(),
        "connections come and go by themselves"
    );
    let older = desk_of("7.20.8").await;
    assert_eq!(older.get("/rest/ip/service?dynamic=true").await.1, json!([]));
}

#[tokio::test]
async fn item_29_a_connection_gets_another_id_each_time() {
    let desk = desk_of("7.23.7").await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(desk.address()).await.unwrap();
        until("it is shown", || connections(&desk).len() == 1).await;
        ids.extend(connections(&desk));
        drop(stream);
        until("it is gone", || connections(&desk).is_empty()).await;
    }
    assert_ne!(ids[0].0, ids[1].0);
}

#[tokio::test]
async fn item_29_more_connections_than_max_sessions_are_refused() {
    let desk = default_desk().await;
    desk.person()
        .set(Menu::Service, ("name", "www"), [("max-sessions", "2")])
        .unwrap();
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(desk.address()).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: r\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        kept.push(stream);
    }
    assert!(attempt(&desk).await.is_err());
    kept.pop();
    let freed = async {
        while attempt(&desk).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.unwrap();

    let older = desk_of("7.15").await;
    let many: Vec<TcpStream> = futures::future::join_all(
        (0..25).map(|_| async { TcpStream::connect(older.address()).await.unwrap() }),
    )
    .await;
    assert_eq!(attempt(&older).await.unwrap(), 200, "{} connections", many.len());
}

#[tokio::test]
async fn a_service_or_a_user_may_be_restricted_to_addresses() {
    let desk = default_desk().await;
    let service =
        |values: [(&str, &str); 1]| desk.person().set(Menu::Service, ("name", "www"), values).unwrap();
    service([("address", "192.168.1.0/24")]);
    assert!(attempt(&desk).await.is_err(), "the connection is reset");
    service([("address", "192.168.1.0/24,127.0.0.0/8")]);
    assert_eq!(attempt(&desk).await.unwrap(), 200);
    service([("disabled", "yes")]);
    assert!(
        attempt(&desk).await.unwrap_err().is_connect(),
        "a service that is off does not listen"
    );
    service([("disabled", "no")]);
    assert_eq!(attempt(&desk).await.unwrap(), 200);

    let user = |address| {
        desk.person()
            .set(Menu::User, ("name", "tiklb"), [("address", address)])
            .unwrap();
    };
    user("10.0.0.0/8");
    assert_eq!(attempt(&desk).await.unwrap(), 401);
    desk.switch(|switches| switches.user_address_answers_403 = true);
    assert_eq!(attempt(&desk).await.unwrap(), 403);
    user("127.0.0.1");
    assert_eq!(attempt(&desk).await.unwrap(), 200);
}

#[tokio::test]
async fn item_30_what_takes_too_long_is_closed_and_may_be_done_all_the_same() {
    let desk = default_desk().await;
    assert_eq!(
        Config::default().switches.session_limit,
        Duration::from_mins(1),
        "a router's limit is a minute"
    );
    desk.switch(|switches| switches.session_limit = Duration::from_millis(100));
    let closed = json!({"error": 400, "message": "Bad Request", "detail": "Session closed"});
    desk.faults().delay(Duration::from_hours(1));
    assert_eq!(
        desk.put("/rest/ip/dhcp-server/lease", LEASE).await,
        (400, closed.clone())
    );
    assert_eq!(desk.rows(Menu::Lease).len(), 1);
    desk.faults().delay(Duration::ZERO);
    // One that is still being worked on when its session is closed takes effect later.
    desk.faults().work(Duration::from_millis(300));
    assert_eq!(
        desk.patch("/rest/ip/pool/*1", r#"{"comment":"late"}"#).await,
        (400, closed)
    );
    assert_eq!(desk.rows(Menu::Pool)[0].get("comment"), None);
    until("the write took effect", || {
        desk.rows(Menu::Pool)[0].get("comment") == Some("late")
    })
    .await;
}

#[tokio::test]
async fn item_30_a_large_table_takes_its_time() {
    let desk = default_desk().await;
    for last in 1..=20 {
        let body = format!(r#"{{"address":"192.168.1.{last}","mac-address":"02:00:00:00:00:{last:02x}"}}"#);
        assert_eq!(desk.put("/rest/ip/dhcp-server/lease", &body).await.0, 201);
    }
    desk.faults().delay_per_row(Duration::from_millis(10));
    let asked = Instant::now();
    desk.get("/rest/ip/dhcp-server/lease").await;
    assert!(
        asked.elapsed() >= Duration::from_millis(200),
        "{:?}",
        asked.elapsed()
    );
}

/// Sends a write and goes away before it is answered.
async fn abandon(desk: &Desk, method: &str, path: &str, body: &str) {
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: router\r\nAuthorization: Basic {}\r\nContent-Length: {}\r\n\r\n{body}",
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("tiklb:{PASSWORD}")
        ),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    until("it was carried out", || !desk.journal().writes.is_empty()).await;
}

#[tokio::test]
async fn item_31_after_an_abort_requests_are_reset_or_get_a_foreign_answer_for_a_while() {
    let desk = default_desk().await;
    desk.faults().confuse_after_abort(Duration::from_hours(1));
    desk.faults().delay(Duration::from_hours(1));
    abandon(&desk, "PUT", "/rest/ip/dhcp-server/lease", LEASE).await;
    desk.faults().delay(Duration::ZERO);
    let pool = format!("{}/rest/ip/pool", desk.url());
    let ask = || async {
        desk.http
            .get(&pool)
            .basic_auth("tiklb", Some(PASSWORD))
            .send()
            .await
    };
    let mut met = Vec::new();
    // The abort is noticed when the router looks at its connection again.
    let confused = async {
        while met.len() < 4 {
            match ask().await {
                Err(_) => met.push("reset"),
                Ok(answer) => {
                    let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
                    if status == 201 && body["address"] == "192.168.1.7" {
                        met.push("foreign");
                    }
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, confused).await.unwrap();
    assert_eq!(met, ["reset", "foreign", "reset", "foreign"]);
}

#[tokio::test]
async fn item_31_the_confusion_passes_and_is_off_unless_switched_on() {
    let confused_by_an_abort = async |lasts: Duration, watched: Duration| {
        let desk = default_desk().await;
        desk.faults().confuse_after_abort(lasts);
        desk.faults().delay(Duration::from_hours(1));
        abandon(&desk, "PUT", "/rest/ip/dhcp-server/lease", LEASE).await;
        desk.faults().delay(Duration::ZERO);
        let (began, mut confused) = (Instant::now(), false);
        while !confused && began.elapsed() < watched {
            confused = attempt(&desk).await.ok() != Some(200);
        }
        let sane = async { while attempt(&desk).await.ok() != Some(200) {} };
        tokio::time::timeout(PATIENCE, sane).await.unwrap();
        confused
    };
    assert!(confused_by_an_abort(Duration::from_secs(1), PATIENCE).await);
    assert!(!confused_by_an_abort(Duration::ZERO, Duration::from_millis(300)).await);
}

#[tokio::test]
async fn a_write_whose_client_went_away_takes_effect_later() {
    let desk = desk(Config {
        pace: Pace::Stopped,
        ..Config::default()
    })
    .await;
    desk.faults().work(Duration::from_millis(300));
    let url = format!("{}/rest/ip/pool/*1", desk.url());
    let impatient = desk
        .http
        .patch(url)
        .timeout(Duration::from_millis(50))
        .basic_auth("tiklb", Some(PASSWORD))
        .body(r#"{"comment":"late"}"#);
    assert!(impatient.send().await.unwrap_err().is_timeout());
    assert!(desk.journal().writes.is_empty());
    until("the write took effect", || !desk.journal().writes.is_empty()).await;
    assert_eq!(desk.rows(Menu::Pool)[0].get("comment"), Some("late"));
}
