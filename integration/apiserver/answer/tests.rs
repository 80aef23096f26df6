//! What clients read off an answer besides its body.

use serde_json::json;

use super::Answer;
use crate::apiserver::status::Refusal;

#[test]
fn who_shall_come_back_is_told_when() {
    for (code, wanted) in [(429, Some("1")), (503, Some("1")), (500, None), (409, None)] {
        let response = Answer::refused(&Refusal::injected(code)).into_response();
        let header = response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), header), (code, wanted));
    }
}

#[test]
fn warnings_go_into_headers() {
    let lines = vec![
        "unknown field \"spec.a\"".to_owned(),
        "unknown field \"spec.b\"".to_owned(),
    ];
    let response = Answer::json(201, &json!({}))
        .with_write("one", Some(7), lines)
        .into_response();
    let found: Vec<_> = response.headers().get_all("warning").iter().collect();
    assert_eq!(
        found,
        [
            r#"299 - "unknown field \"spec.a\"""#,
            r#"299 - "unknown field \"spec.b\"""#
        ]
    );
    assert_eq!(response.headers()["content-type"], "application/json");
}
