//! Items 1 and 2: Basic authentication on each request, and the policies of the user's group.

use std::time::{Duration, Instant};

use routeros_sim::{Config, Menu};
use serde_json::{Value, json};

use crate::desk::{Desk, default_desk, desk};

async fn as_user(desk: &Desk, user: &str, password: &str, method: &str) -> (u16, Value) {
    let url = format!("{}/rest/ip/pool", desk.url());
    let request = desk
        .http
        .request(method.parse().unwrap(), url)
        .basic_auth(user, Some(password));
    let response = request
        .body(r#"{"name":"p","ranges":"10.0.0.1"}"#)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn item_1_a_wrong_password_is_401_without_detail_after_an_eighth_of_a_second() {
    let desk = default_desk().await;
    let unauthorized = json!({"error": 401, "message": "Unauthorized"});
    for (user, password) in [("tiklb", "wrong"), ("tiklb", ""), ("nobody", "x")] {
        let asked = Instant::now();
        assert_eq!(
            as_user(&desk, user, password, "GET").await,
            (401, unauthorized.clone())
        );
        assert!(
            asked.elapsed() >= Duration::from_millis(125),
            "{:?}",
            asked.elapsed()
        );
    }
    let anonymous = desk
        .http
        .get(format!("{}/rest/ip/pool", desk.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(anonymous.status(), 401);
    assert_eq!(anonymous.json::<Value>().await.unwrap(), unauthorized);
}

#[tokio::test]
async fn item_1_the_log_has_one_line_per_connection_and_one_per_wrong_password() {
    let desk = default_desk().await;
    for _ in 0..3 {
        assert_eq!(desk.get("/rest/ip/pool").await.0, 200);
    }
    as_user(&desk, "tiklb", "wrong", "GET").await;
    let lines: Vec<(String, String)> = desk
        .log()
        .into_iter()
        .map(|line| (line.topics.to_owned(), line.message))
        .collect();
    assert_eq!(
        lines,
        [
            (
                "system,info,account".into(),
                "user tiklb logged in from 127.0.0.1 via rest-api".into()
            ),
            (
                "system,error,critical".into(),
                "login failure for user tiklb from 127.0.0.1 via rest-api".into()
            ),
        ]
    );
}

#[tokio::test]
async fn an_empty_password_and_a_disabled_user() {
    let desk = default_desk().await;
    assert_eq!(as_user(&desk, "admin", "", "GET").await.0, 200);
    desk.person()
        .set(Menu::User, ("name", "admin"), [("disabled", "yes")])
        .unwrap();
    assert_eq!(as_user(&desk, "admin", "", "GET").await.0, 401);
}

#[tokio::test]
async fn item_2_each_missing_policy_has_its_own_answer() {
    let denied = |detail: &str| json!({"error": 500, "message": "Internal Server Error", "detail": detail});
    let (not_allowed, not_enough) = (
        denied("std failure: not allowed (9)"),
        denied("not enough permissions (9)"),
    );
    let unauthorized = json!({"error": 401, "message": "Unauthorized"});
    for (policy, method, status, body) in [
        ("read,write,api", "GET", 401, unauthorized),
        ("read,write,rest-api", "GET", 500, not_allowed),
        ("write,api,rest-api", "GET", 500, not_enough.clone()),
        ("read,api,rest-api", "PUT", 500, not_enough),
    ] {
        let config = Config::default()
            .row(Menu::UserGroup, [("name", "narrow"), ("policy", policy)])
            .user("narrow", "secret", "narrow");
        let desk = desk(config).await;
        assert_eq!(
            as_user(&desk, "narrow", "secret", method).await,
            (status, body),
            "{policy}"
        );
        assert_eq!(desk.rows(Menu::Pool).len(), 1, "nothing was added");
    }
    assert_eq!(
        as_user(&default_desk().await, "tiklb", routeros_sim::PASSWORD, "PUT")
            .await
            .0,
        201
    );
}

#[tokio::test]
async fn item_2_what_a_missing_write_is_answered_is_switchable() {
    let config = Config::default()
        .row(
            Menu::UserGroup,
            [("name", "narrow"), ("policy", "read,api,rest-api")],
        )
        .user("narrow", "secret", "narrow");
    let desk = desk(config).await;
    desk.switch(|switches| switches.missing_write_text = "std failure: not allowed (9)".into());
    let (status, answer) = as_user(&desk, "narrow", "secret", "PUT").await;
    assert_eq!(
        (status, &answer["detail"]),
        (500, &json!("std failure: not allowed (9)"))
    );
    assert_eq!(as_user(&desk, "narrow", "secret", "GET").await.0, 200);
}
