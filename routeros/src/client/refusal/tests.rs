//! The literal error answers of routeros.md 1.7.

use serde_json::json;

use super::*;
use crate::menu::{Lease, Pool};

fn read_error(status: u16, body: &Value) -> Error {
    classify(&Call::list::<Lease>(None), status, body, "192.168.1.1:443")
}

fn remove_error(status: u16, body: &Value) -> Error {
    classify(
        &Call::remove::<Pool>("*1".parse().unwrap()),
        status,
        body,
        "192.168.1.1:443",
    )
}

fn detail(status: u16, text: &str) -> Value {
    json!({"error": status, "message": "Reason", "detail": text})
}

#[test]
fn names_the_missing_policy() {
    assert_eq!(
        read_error(401, &json!({"error": 401, "message": "Unauthorized"})),
        Error::Unauthorized
    );
    assert_eq!(read_error(403, &Value::Null), Error::SourceRefused);
    let not_allowed = detail(500, "std failure: not allowed (9)");
    let not_enough = detail(500, "not enough permissions (9)");
    assert_eq!(
        read_error(500, &not_allowed),
        Error::PolicyMissing(Permission::Api)
    );
    assert_eq!(
        read_error(500, &not_enough),
        Error::PolicyMissing(Permission::Read)
    );
    assert_eq!(
        remove_error(500, &not_enough),
        Error::PolicyMissing(Permission::Write)
    );
}

#[test]
fn tells_a_missing_row_from_a_missing_service() {
    let id = "*1".parse().unwrap();
    let gone = Error::NotFound { menu: "ip/pool", id };
    assert_eq!(
        remove_error(404, &json!({"error": 404, "message": "Not Found"})),
        gone
    );
    assert_eq!(remove_error(400, &detail(400, "no such item")), gone);
    assert_eq!(remove_error(404, &Value::Null).category(), "NoRest");
    assert_eq!(read_error(404, &Value::Null).category(), "NoRest");
    assert_eq!(read_error(302, &Value::Null).category(), "NoRest");
}

#[test]
fn keeps_the_routers_words() {
    let text = "failure: already have static lease with this IP address";
    let error = remove_error(400, &detail(400, text));
    assert_eq!(
        error,
        Error::Refused {
            menu: "ip/pool",
            status: 400,
            detail: text.into()
        }
    );
    assert!(error.to_string().contains(text));
    let long = "x".repeat(10_000);
    assert!(
        remove_error(400, &detail(400, &long)).to_string().len() < 300,
        "foreign text is shortened"
    );
    assert_eq!(
        remove_error(406, &detail(406, "no such command or directory (remove)")).category(),
        "Refused"
    );
}

#[test]
fn tells_slow_from_broken() {
    assert_eq!(
        read_error(400, &detail(400, "Session closed")).category(),
        "Timeout"
    );
    for status in [500, 501, 502, 503, 504] {
        assert_eq!(read_error(status, &Value::Null).category(), "Busy", "{status}");
    }
    assert_eq!(
        read_error(500, &detail(500, "failure: x")),
        Error::Busy {
            why: "500 failure: x".into()
        }
    );
}

#[test]
fn knows_the_refusals_that_were_seen() {
    for known in [
        "failure: already have static lease with this IP address",
        "failure: already have static lease for this client",
        "failure: can not change dynamic lease",
        "failure: pool with such name exists",
        "failure: server with such name already exists",
        "input does not match any value of server",
        "value of range expects range of ip addresses",
        "value of ranges must have ip address before '-'",
        "invalid value for argument address",
        "value of lease-time is out of range (00:00:10 .. 1d00:00:00)",
        "missing or invalid resource identifier",
        "missing =.id=",
        "failure: contents too long",
        "no such item",
    ] {
        assert!(is_known(known), "{known}");
    }
    for unknown in ["unknown parameter ranges", "failure: denied by policy engine", ""] {
        assert!(!is_known(unknown), "{unknown}");
    }
}
