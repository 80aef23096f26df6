//! Items 3, 17, 18 and 19: every value is a string, in one form.

use routeros_sim::{Menu, Pace};
use serde_json::{Value, json};

use crate::desk::{default_desk, desk, desk_of};

/// Everything that a success may hold, in all menus at once.
#[tokio::test]
async fn item_3_every_value_of_every_menu_is_a_string_and_error_is_a_number() {
    let desk = desk_of("7.24").await;
    desk.meet(
        "192.168.1.50".parse().unwrap(),
        "02:00:00:00:00:50".parse().unwrap(),
    );
    for menu in Menu::ALL {
        let (status, answer) = desk.get(&format!("/rest/{}", menu.path())).await;
        assert_eq!(status, 200, "{menu}");
        let rows = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
        for row in rows {
            for (key, value) in row.as_object().unwrap() {
                assert!(value.is_string(), "{menu} {key}: {value}");
            }
        }
    }
    let (_, refusal) = desk.get("/rest/ip/pool/*FF").await;
    assert_eq!(refusal, json!({"error": 404, "message": "Not Found"}));
}

#[tokio::test]
async fn item_17_a_comment_is_absent_when_empty_and_an_empty_one_clears_it() {
    let desk = default_desk().await;
    let (_, row) = desk.patch("/rest/ip/pool/*1", r#"{"comment":"mine"}"#).await;
    assert_eq!(row["comment"], "mine");
    let (status, row) = desk.patch("/rest/ip/pool/*1", r#"{"comment":""}"#).await;
    assert_eq!((status, row.get("comment")), (200, None));
}

#[tokio::test]
async fn item_17_a_comment_may_be_bounded() {
    let desk = default_desk().await;
    let long = |bytes: usize| json!({"comment": "x".repeat(bytes)}).to_string();
    assert_eq!(desk.patch("/rest/ip/pool/*1", &long(1000)).await.0, 200);
    desk.switch(|switches| switches.comment_limit = 200);
    assert_eq!(desk.patch("/rest/ip/pool/*1", &long(200)).await.0, 200);
    assert_eq!(
        desk.refusal("PATCH", "/rest/ip/pool/*1", &long(201)).await,
        "failure: contents too long"
    );
}

#[tokio::test]
async fn item_18_flags_are_taken_in_five_forms_and_shown_in_one() {
    let desk = default_desk().await;
    for (given, shown) in [
        (r#""yes""#, "true"),
        (r#""no""#, "false"),
        (r#""true""#, "true"),
        (r#""false""#, "false"),
        ("true", "true"),
        ("false", "false"),
    ] {
        let (status, row) = desk
            .patch("/rest/ip/address/*1", &format!(r#"{{"disabled":{given}}}"#))
            .await;
        assert_eq!((status, &row["disabled"]), (200, &json!(shown)), "{given}");
    }
    let (_, server) = desk
        .patch(
            "/rest/ip/dhcp-server/*1",
            r#"{"use-radius":"yes","authoritative":"after-2sec-delay"}"#,
        )
        .await;
    assert_eq!(
        server["use-radius"], "yes",
        "a word that looks like a flag stays a word"
    );
    assert_eq!(server["authoritative"], "after-2sec-delay");
    assert_eq!(
        desk.refusal("PATCH", "/rest/ip/address/*1", r#"{"disabled":"maybe"}"#)
            .await,
        "input does not match any value of disabled"
    );
}

#[tokio::test]
async fn item_19_durations_and_macs_are_normalised() {
    let desk = default_desk().await;
    for (given, shown) in [
        (r#""24h""#, "1d"),
        (r#""1800""#, "30m"),
        ("5400", "1h30m"),
        (r#""00:10:00""#, "10m"),
    ] {
        let (_, row) = desk
            .patch("/rest/ip/dhcp-server/*1", &format!(r#"{{"lease-time":{given}}}"#))
            .await;
        assert_eq!(row["lease-time"], shown, "{given}");
    }
    let (_, lease) = desk
        .put(
            "/rest/ip/dhcp-server/lease",
            r#"{"address":"192.168.1.9","mac-address":"02-00-c0-a8-01-09"}"#,
        )
        .await;
    assert_eq!(lease["mac-address"], "02:00:C0:A8:01:09");
    assert_eq!(
        desk.refusal("PATCH", "/rest/ip/dhcp-server/*1", r#"{"lease-time":"0s"}"#)
            .await,
        "value of lease-time is out of range (00:00:01 .. 7101w3d06:28:15)"
    );
    assert_eq!(
        desk.refusal("PUT", "/rest/ip/dhcp-server/lease", r#"{"mac-address":"nic"}"#)
            .await,
        "invalid value for argument mac-address"
    );
}

#[tokio::test]
async fn item_19_absolute_times_are_written_after_the_version() {
    for (version, form) in [("7.9.2", "mmm/dd/dddd dd:dd:dd"), ("7.10", "dddd-dd-dd dd:dd:dd")] {
        let desk = desk_of(version).await;
        let (_, rows) = desk.get("/rest/interface").await;
        let shown: String = rows[0]["last-link-up-time"]
            .as_str()
            .unwrap()
            .chars()
            .map(|c| match c {
                '0'..='9' => 'd',
                'a'..='z' => 'm',
                other => other,
            })
            .collect();
        assert_eq!(shown, form, "{version}");
    }
}

#[tokio::test]
async fn uptime_is_a_duration_that_follows_the_clock() {
    let config = routeros_sim::Config {
        pace: Pace::Stopped,
        ..routeros_sim::Config::default()
    };
    let desk = desk(config).await;
    desk.clock().advance(std::time::Duration::from_secs(93_784));
    let (_, resource) = desk.get("/rest/system/resource").await;
    assert_eq!(resource["uptime"], "1d2h3m4s");
    assert_eq!(resource["version"], "7.20.8 (stable)");
}

#[tokio::test]
async fn null_lists_and_fractions_are_no_values() {
    let desk = default_desk().await;
    for body in [
        r#"{"comment":null}"#,
        r#"{"comment":["a"]}"#,
        r#"{"comment":1.5}"#,
    ] {
        assert_eq!(
            desk.refusal("PATCH", "/rest/ip/pool/*1", body).await,
            "invalid value for argument comment"
        );
    }
    for body in ["{", "[]", "\"text\""] {
        assert_eq!(
            desk.refusal("PATCH", "/rest/ip/pool/*1", body).await,
            "Failed to parse json"
        );
    }
    let (_, row) = desk.get("/rest/ip/pool/*1").await;
    assert_eq!(row.get("comment"), None::<&Value>);
}
