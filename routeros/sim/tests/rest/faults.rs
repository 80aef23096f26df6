//! Faults, switched on and off while the router runs.

use std::time::{Duration, Instant};

use routeros_sim::{Config, FailingWrites, Menu};
use serde_json::{Value, json};

use crate::desk::{Desk, builder, default_desk};

const POOL: &str = "/rest/ip/pool/*1";

async fn try_get(desk: &Desk) -> Result<u16, reqwest::Error> {
    let request = desk
        .http
        .get(format!("{}{POOL}", desk.url()))
        .basic_auth("tiklb", Some(routeros_sim::PASSWORD));
    request.send().await.map(|response| response.status().as_u16())
}

#[tokio::test]
async fn an_unreachable_router_refuses_connections_and_comes_back_on_its_port() {
    let desk = default_desk().await;
    assert_eq!(try_get(&desk).await.unwrap(), 200);
    let url = desk.url();
    for _ in 0..3 {
        desk.faults().unreachable(true);
        desk.faults().unreachable(true);
        // The first may meet the old connection, which was dropped; any other is refused.
        assert!(try_get(&desk).await.is_err());
        assert!(try_get(&desk).await.unwrap_err().is_connect());
        desk.faults().unreachable(false);
        assert_eq!(try_get(&desk).await.unwrap(), 200);
    }
    assert_eq!(desk.url(), url);
}

/// The switch is used by another thread than the one that accepts: whichever of them is first, the router is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_router_that_comes_back_is_reached_whoever_is_first_to_notice() {
    let mut desk = default_desk().await;
    // A new connection each time: this is about those that wait to be accepted.
    desk.http = builder().pool_max_idle_per_host(0).build().unwrap();
    for round in 0..300 {
        desk.faults().unreachable(true);
        assert!(try_get(&desk).await.unwrap_err().is_connect(), "round {round}");
        desk.faults().unreachable(false);
        let answer = tokio::time::timeout(Duration::from_secs(5), try_get(&desk)).await;
        let status = answer.unwrap_or_else(|_| panic!("nobody accepts any more in round {round}"));
        assert_eq!(status.unwrap(), 200, "round {round}");
    }
}

#[tokio::test]
async fn a_router_that_becomes_unreachable_drops_what_it_was_about_to_answer() {
    let desk = default_desk().await;
    desk.faults().delay(Duration::from_hours(1));
    let faults = desk.faults();
    let (answer, ()) = tokio::join!(try_get(&desk), async {
        while desk.journal().most_in_flight == 0 {
            tokio::task::yield_now().await;
        }
        faults.unreachable(true);
    });
    assert!(answer.is_err());
}

#[tokio::test]
async fn a_slow_router_answers_late() {
    let desk = default_desk().await;
    let delay = Duration::from_millis(300);
    desk.faults().delay(delay);
    let asked = Instant::now();
    assert_eq!(try_get(&desk).await.unwrap(), 200);
    assert!(asked.elapsed() >= delay);
    desk.faults().delay(Duration::ZERO);
    assert_eq!(try_get(&desk).await.unwrap(), 200);
}

#[tokio::test]
async fn a_changed_password_is_refused_until_it_is_changed_back() {
    let desk = default_desk().await;
    desk.faults().password("tiklb", "another").unwrap();
    assert_eq!(try_get(&desk).await.unwrap(), 401);
    desk.faults().password("tiklb", routeros_sim::PASSWORD).unwrap();
    assert_eq!(try_get(&desk).await.unwrap(), 200);
    assert!(desk.faults().password("nobody", "x").is_err());
}

#[tokio::test]
async fn a_write_can_fail_before_or_after_it_was_carried_out() {
    let desk = default_desk().await;
    let comment = |desk: &Desk| desk.rows(Menu::Pool)[0].get("comment").map(ToOwned::to_owned);
    desk.faults()
        .fail_writes(FailingWrites::before_applying().menu(Menu::Pool).times(1));
    assert_eq!(desk.patch(POOL, r#"{"comment":"one"}"#).await.0, 500);
    assert_eq!(comment(&desk), None);
    assert_eq!(desk.patch(POOL, r#"{"comment":"two"}"#).await.0, 200);

    desk.faults()
        .fail_writes(FailingWrites::after_applying().method(reqwest::Method::PATCH));
    let (status, answer) = desk.patch(POOL, r#"{"comment":"three"}"#).await;
    assert_eq!(
        (status, &answer["message"]),
        (500, &json!("Internal Server Error"))
    );
    assert_eq!(
        comment(&desk).as_deref(),
        Some("three"),
        "answered as failed, and carried out"
    );
    assert_eq!(
        desk.put("/rest/ip/pool", r#"{"name":"p","ranges":"10.0.0.1"}"#)
            .await
            .0,
        201
    );
    assert_eq!(desk.get(POOL).await.0, 200, "reads do not fail");
    desk.faults().mend_writes();
    assert_eq!(desk.patch(POOL, r#"{"comment":"four"}"#).await.0, 200);
    let statuses: Vec<u16> = desk.journal().writes.iter().map(|write| write.status).collect();
    assert_eq!(statuses, [500, 200, 500, 201, 200]);
}

#[tokio::test]
async fn item_33_a_write_may_be_answered_400_and_be_done_all_the_same() {
    let desk = default_desk().await;
    let failing =
        FailingWrites::after_applying().answering(reqwest::StatusCode::BAD_REQUEST, "update canceled");
    desk.faults().fail_writes(failing.times(1));
    assert_eq!(
        desk.patch(POOL, r#"{"comment":"done"}"#).await,
        (
            400,
            json!({"error": 400, "message": "Bad Request", "detail": "update canceled"})
        )
    );
    assert_eq!(desk.rows(Menu::Pool)[0].get("comment"), Some("done"));
}

#[tokio::test]
async fn item_33_an_answer_may_get_lost_before_or_after_the_write() {
    let desk = default_desk().await;
    let send = |comment: &'static str| {
        let request = desk.http.patch(format!("{}{POOL}", desk.url()));
        let body = json!({"comment": comment}).to_string();
        request
            .basic_auth("tiklb", Some(routeros_sim::PASSWORD))
            .body(body)
            .send()
    };
    let comment = || desk.rows(Menu::Pool)[0].get("comment").map(ToOwned::to_owned);
    desk.faults()
        .fail_writes(FailingWrites::before_applying().lost().times(1));
    let lost = send("one").await.unwrap_err();
    assert!(!lost.is_connect() && !lost.is_timeout(), "{lost:?}");
    assert_eq!(comment(), None);
    desk.faults()
        .fail_writes(FailingWrites::after_applying().lost().times(1));
    assert!(send("two").await.is_err());
    assert_eq!(comment().as_deref(), Some("two"));
    assert_eq!(send("three").await.unwrap().status(), 200);
}

#[tokio::test]
async fn item_33_reads_fail_for_a_moment() {
    let desk = default_desk().await;
    desk.faults().fail_reads(2);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(try_get(&desk).await.unwrap());
    }
    assert_eq!(statuses, [500, 500, 200]);
}

#[tokio::test]
async fn a_person_edits_between_a_clients_read_and_its_write() {
    let desk = default_desk().await;
    let ranges = |answer: &Value| answer["ranges"].as_str().unwrap().to_owned();
    desk.faults().between_read_and_write(Menu::Pool, |person| {
        person
            .set(
                Menu::Pool,
                ("name", "dhcp_pool"),
                [("ranges", "192.168.1.50-192.168.1.60")],
            )
            .unwrap();
    });
    // A write without a read before it, and one to another menu, do not meet the person.
    assert_eq!(
        ranges(&desk.patch(POOL, r#"{"comment":"mine"}"#).await.1),
        "192.168.1.100-192.168.1.254"
    );
    assert_eq!(ranges(&desk.get(POOL).await.1), "192.168.1.100-192.168.1.254");
    desk.patch("/rest/ip/address/*1", r#"{"comment":"other"}"#).await;
    assert!(desk.journal().edits.is_empty());
    assert_eq!(
        ranges(&desk.patch(POOL, r#"{"comment":"ours"}"#).await.1),
        "192.168.1.50-192.168.1.60"
    );
    let edits = desk.journal().edits;
    assert_eq!(edits.len(), 1);
    assert_eq!(
        edits[0].before.as_ref().unwrap().get("ranges"),
        Some("192.168.1.100-192.168.1.254")
    );
    assert_eq!(
        edits[0].after.as_ref().unwrap().get("ranges"),
        Some("192.168.1.50-192.168.1.60")
    );
    desk.get(POOL).await;
    desk.patch(POOL, r#"{"comment":"again"}"#).await;
    assert_eq!(desk.journal().edits.len(), 1, "the person came by once");
}

#[tokio::test]
async fn a_person_may_edit_what_the_api_may_not_and_is_refused_like_anybody() {
    let desk = default_desk().await;
    let person = desk.person();
    let id = person
        .add(
            Menu::Lease,
            [("address", "192.168.1.5"), ("mac-address", "02:00:00:00:00:05")],
        )
        .unwrap();
    assert_eq!(id.to_string(), "*1");
    person
        .set(Menu::Service, ("name", "ftp"), [("disabled", "no")])
        .unwrap();
    person
        .set(Menu::Identity, ("name", "MikroTik"), [("name", "attic")])
        .unwrap();
    assert_eq!(
        desk.get("/rest/system/identity").await.1,
        json!({"name": "attic"})
    );
    let refused = person
        .set(Menu::Pool, ("name", "dhcp_pool"), [("ranges", "garbage")])
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("value of range expects range of ip addresses"),
        "{refused}"
    );
    let missing = person
        .remove(Menu::Lease, ("address", "192.168.1.9"))
        .unwrap_err();
    assert!(missing.to_string().contains("0 rows"), "{missing}");
    person.remove(Menu::Lease, (".id", "*1")).unwrap();
    assert_eq!(desk.rows(Menu::Lease), []);
    assert!(
        desk.journal().writes.is_empty(),
        "a person's edits are no client's writes"
    );
    assert_eq!(desk.journal().edits.len(), 4);
}

#[tokio::test]
async fn rest_can_be_switched_off_and_is_not_served_over_http_before_7_9() {
    let desk = crate::desk::desk_of("7.24").await;
    desk.switch(|switches| switches.rest_off = true);
    assert_eq!(try_get(&desk).await.unwrap(), 404);
    desk.switch(|switches| switches.rest_off = false);
    assert_eq!(try_get(&desk).await.unwrap(), 200);
    assert_eq!(try_get(&crate::desk::desk_of("7.8").await).await.unwrap(), 404);
    assert_eq!(try_get(&crate::desk::desk_of("7.9").await).await.unwrap(), 200);
}

#[tokio::test]
async fn a_reboot_starts_the_uptime_anew_and_keeps_the_configuration() {
    let config = Config {
        pace: routeros_sim::Pace::Stopped,
        ..Config::default()
    };
    let desk = crate::desk::desk(config).await;
    desk.meet(
        "192.168.1.50".parse().unwrap(),
        "02:00:00:00:00:50".parse().unwrap(),
    );
    desk.clock().advance(Duration::from_hours(1));
    let before = desk.snapshot().configured();
    desk.reboot();
    let (_, resource) = desk.get("/rest/system/resource").await;
    assert_eq!(resource["uptime"], "0s");
    assert_eq!(desk.rows(Menu::Arp), [], "learned neighbours are gone");
    assert_eq!(desk.snapshot().configured(), before);
}

#[tokio::test]
async fn a_stopped_router_is_gone() {
    let desk = default_desk().await;
    let other = desk.router.clone();
    other.stop();
    assert!(try_get(&desk).await.unwrap_err().is_connect());
    desk.faults().unreachable(false);
    assert!(try_get(&desk).await.is_err(), "for good");
}

#[test]
fn handles_are_used_from_any_thread() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    anywhere::<routeros_sim::Router>();
    anywhere::<routeros_sim::Faults>();
    anywhere::<routeros_sim::Person>();
    anywhere::<routeros_sim::Clock>();
}
