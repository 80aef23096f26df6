//! The admin surface: a person in Winbox, faults, switches and the clock, over HTTP and JSON.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use routeros_sim::{Config, Menu, Pace};
use serde_json::{Value, json};

use crate::desk::{Desk, builder, desk};

/// A router with its admin surface.
struct Console {
    desk: Desk,
    url: String,
}

async fn console() -> Console {
    let desk = desk(Config {
        pace: Pace::Stopped,
        ..Config::default()
    })
    .await;
    let address = desk.admin("127.0.0.1:0".parse().unwrap()).unwrap();
    Console {
        desk,
        url: format!("http://{address}"),
    }
}

impl Console {
    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let http = builder().build().unwrap();
        let request = http
            .request(method, format!("{}{path}", self.url))
            .body(body.to_owned());
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn done(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert_eq!(status, 200, "{method} {path} {body}: {answer}");
        answer
    }

    async fn refusal(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = self.ask(method, path, body).await;
        assert!(
            (400..500).contains(&status),
            "{method} {path} {body}: {status} {answer}"
        );
        answer["error"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_list_of_paths_is_true() {
    let console = console().await;
    let list = console.done("GET", "/", "").await;
    let mut seen = BTreeSet::new();
    for entry in list.as_array().unwrap() {
        let (method, path) = (entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap());
        assert!(
            entry["does"].as_str().is_some_and(|does| !does.is_empty()),
            "{entry}"
        );
        assert!(
            seen.insert((method.to_owned(), path.to_owned())),
            "{entry} stands twice"
        );
        let asked = if path == "/rows/" { "/rows/ip/pool" } else { path };
        let body = entry.get("body").map(ToString::to_string).unwrap_or_default();
        let (status, answer) = console.ask(method, asked, &body).await;
        // The examples name rows that a router need not have; none of them is misread.
        let misread = answer["error"]
            .as_str()
            .is_some_and(|said| said.starts_with("reading"));
        assert!(
            status == 200 || (status == 400 && !misread),
            "{entry}: {status} {answer}"
        );
        console.done("DELETE", "/faults", "").await;
    }
    assert!(seen.len() >= 20, "{seen:?}");
}

#[tokio::test]
async fn item_35_a_person_adds_changes_and_removes() {
    let console = console().await;
    let added = console
        .done(
            "POST",
            "/person/add",
            r#"{"menu":"ip/pool","values":{"name":"guests","ranges":"10.0.0.1"}}"#,
        )
        .await;
    assert_eq!(added, json!({"id": "*2"}));
    let set = r#"{"menu":"/ip/pool","where":{"name":"guests"},"values":{"comment":{"bytes":[66,252]}}}"#;
    console.done("POST", "/person/set", set).await;
    let bytes = console
        .desk
        .send("GET", "/rest/ip/pool/*2", None)
        .await
        .bytes()
        .await
        .unwrap();
    assert!(bytes.windows(4).any(|window| window == b"\"B\xFC\""), "{bytes:?}");
    console
        .done(
            "POST",
            "/person/remove",
            r#"{"menu":"ip/pool","where":{"name":"guests"}}"#,
        )
        .await;
    assert_eq!(console.desk.rows(Menu::Pool).len(), 1);
    let journal = console.done("GET", "/journal", "").await;
    assert_eq!(
        (journal["edits"].as_array().unwrap().len(), &journal["writes"]),
        (3, &json!([])),
        "a person's edits are no client's writes"
    );
    assert_eq!(journal["edits"][2]["before"]["name"], "guests");
}

#[tokio::test]
async fn item_35_named_interferences_between_a_read_and_a_write() {
    let steps = [
        // Change ranges, rename the pool, delete our lease, edit our comment, disable our row.
        (
            r#"{"menu":"ip/pool","edit":"set","where":{"name":"dhcp_pool"},"values":{"ranges":"10.0.0.1"}}"#,
            "ip/pool",
        ),
        (
            r#"{"menu":"ip/pool","edit":"set","where":{"name":"dhcp_pool"},"values":{"name":"lan"}}"#,
            "ip/pool",
        ),
        (
            r#"{"menu":"ip/dhcp-server/lease","edit":"remove","where":{"comment":"ours"}}"#,
            "ip/dhcp-server/lease",
        ),
        (
            r#"{"menu":"ip/dhcp-server/lease","edit":"set","where":{"comment":"ours"},"values":{"comment":"mine"}}"#,
            "ip/dhcp-server/lease",
        ),
        (
            r#"{"menu":"ip/dhcp-server/lease","edit":"set","where":{"comment":"ours"},"values":{"disabled":true}}"#,
            "ip/dhcp-server/lease",
        ),
        // The person works elsewhere than the client.
        (
            r#"{"on":"ip/dhcp-server/lease","menu":"ip/pool","edit":"set","where":{"name":"dhcp_pool"},"values":{"comment":"x"}}"#,
            "ip/dhcp-server/lease",
        ),
    ];
    for (body, menu) in steps {
        let console = console().await;
        let lease = r#"{"address":"192.168.1.7","mac-address":"02:00:00:00:00:07","comment":"ours"}"#;
        console.desk.put("/rest/ip/dhcp-server/lease", lease).await;
        console.done("POST", "/person/between", body).await;
        let path = format!("/rest/{menu}");
        console.desk.get(&path).await;
        assert_eq!(
            console.desk.journal().edits.len(),
            0,
            "not before the write: {body}"
        );
        console.desk.patch(&format!("{path}/*1"), "{}").await;
        assert_eq!(console.desk.journal().edits.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn item_35_a_static_device_takes_an_address() {
    let console = console().await;
    console
        .done(
            "POST",
            "/meet",
            r#"{"address":"192.168.1.20","mac-address":"aa:bb:cc:00:00:20"}"#,
        )
        .await;
    let (_, rows) = console.desk.get("/rest/ip/arp").await;
    assert_eq!(
        (&rows[0]["address"], &rows[0]["mac-address"]),
        (&json!("192.168.1.20"), &json!("AA:BB:CC:00:00:20"))
    );
    let lease =
        r#"{"address":"192.168.1.150","mac-address":"AA:BB:CC:00:00:50","dynamic":true,"host-name":"phone"}"#;
    assert_eq!(console.done("POST", "/lease", lease).await, json!({"id": "*1"}));
    let rows = console.done("GET", "/rows/ip/dhcp-server/lease", "").await;
    assert_eq!(
        (&rows[0]["status"], &rows[0]["host-name"]),
        (&json!("bound"), &json!("phone"))
    );
    let all = console.done("GET", "/rows", "").await;
    assert_eq!(all["ip/dhcp-server/lease"], rows);
}

#[tokio::test]
async fn the_clock_moves_when_it_is_told_to() {
    let console = console().await;
    let lease = r#"{"address":"192.168.1.150","mac-address":"AA:BB:CC:00:00:50","dynamic":true}"#;
    console.done("POST", "/lease", lease).await;
    let clock = console.done("POST", "/clock/advance", r#"{"by":"29m"}"#).await;
    assert_eq!(clock["since-start"], "29m");
    assert_eq!(console.desk.rows(Menu::Lease)[0].get("expires-after"), Some("1m"));
    console.done("POST", "/clock/advance", r#"{"by":"1m"}"#).await;
    assert_eq!(console.desk.rows(Menu::Lease), []);
    assert_eq!(console.done("GET", "/clock", "").await["since-start"], "30m");
}

#[tokio::test]
async fn faults_and_switches_are_turned_and_shown() {
    let console = console().await;
    console
        .done(
            "PATCH",
            "/switches",
            r#"{"put-answers-200":true,"range-form":"merged"}"#,
        )
        .await;
    let pool = r#"{"name":"p","ranges":"10.0.0.2,10.0.0.1"}"#;
    let (status, row) = console.desk.put("/rest/ip/pool", pool).await;
    assert_eq!((status, &row["ranges"]), (200, &json!("10.0.0.1-10.0.0.2")));
    let shown = console.done("GET", "/switches", "").await;
    assert_eq!(
        (&shown["put-answers-200"]["value"], &shown["range-form"]["value"]),
        (&json!("yes"), &json!("merged"))
    );
    console
        .done("PATCH", "/faults", r#"{"fail-applied-writes":1,"fail-reads":1}"#)
        .await;
    assert_eq!(console.desk.get("/rest/ip/pool").await.0, 500);
    assert_eq!(console.desk.get("/rest/ip/pool").await.0, 200);
    assert_eq!(
        console.done("GET", "/faults", "").await["fail-applied-writes"]["value"],
        "1"
    );
    assert_eq!(
        console
            .desk
            .patch("/rest/ip/pool/*1", r#"{"comment":"done"}"#)
            .await
            .0,
        500
    );
    assert_eq!(console.desk.rows(Menu::Pool)[0].get("comment"), Some("done"));
    // The admin surface answers also when the router does not.
    console.done("PATCH", "/faults", r#"{"unreachable":"yes"}"#).await;
    assert_eq!(
        console.done("GET", "/faults", "").await["unreachable"]["value"],
        "yes"
    );
    console.done("DELETE", "/faults", "").await;
    assert_eq!(console.desk.get("/rest/ip/pool").await.0, 200);
    console
        .done("POST", "/password", r#"{"user":"tiklb","password":"new"}"#)
        .await;
    assert_eq!(console.desk.get("/rest/ip/pool").await.0, 401);
    let log = console.done("GET", "/log", "").await;
    assert!(
        log.as_array()
            .unwrap()
            .iter()
            .any(|line| line["topics"] == "system,error,critical"),
        "{log}"
    );
}

#[tokio::test]
async fn safe_mode_and_boots_can_be_played() {
    let console = console().await;
    console
        .done("POST", "/person/safe-mode", r#"{"do":"take","user":"ann"}"#)
        .await;
    assert_eq!(console.desk.get("/rest/safe-mode").await.1["user"], "ann");
    console.desk.patch("/rest/ip/pool/*1", r#"{"comment":"x"}"#).await;
    console
        .done("POST", "/person/safe-mode", r#"{"do":"abort"}"#)
        .await;
    assert_eq!(console.desk.rows(Menu::Pool)[0].get("comment"), None);
    console.done("POST", "/clock/advance", r#"{"by":"1h"}"#).await;
    console.done("POST", "/reboot", "").await;
    assert_eq!(console.desk.rows(Menu::Resource)[0].get("uptime"), Some("0s"));
    console
        .done("POST", "/power-cycle", r#"{"outage":"0s","warm-up":"5s"}"#)
        .await;
    let filled = async {
        while console.desk.http.get(console.desk.url()).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::desk::PATIENCE, filled).await.unwrap();
    assert_eq!(console.desk.get("/rest/ip/pool").await, (200, json!([])));
    console.done("POST", "/clock/advance", r#"{"by":"5s"}"#).await;
    assert_eq!(console.desk.get("/rest/ip/pool").await.1[0]["name"], "dhcp_pool");
}

/// Requests that are wrong: method, path and body, the status, and a part of what is said.
const WRONG: [(&str, &str, &str, u16, &str); 23] = [
    (
        "GET",
        "/nonsense",
        "",
        404,
        "/nonsense is no path: there are /, /rows",
    ),
    ("GET", "/rows/", "", 404, "is no path"),
    (
        "POST",
        "/faults",
        "",
        405,
        "/faults has no POST: use GET, PATCH, DELETE",
    ),
    ("GET", "/rows/ip/pools", "", 400, "is no menu of the simulator"),
    ("GET", "/rows/ip/pools", "", 400, "ip/pool/used"),
    (
        "PATCH",
        "/faults",
        "delay=3",
        400,
        "reading the body: expected value",
    ),
    (
        "PATCH",
        "/faults",
        r#"{"latency":"3s"}"#,
        400,
        "\"latency\" is no fault: write one of unreachable, delay",
    ),
    (
        "PATCH",
        "/faults",
        r#"{"delay":"soon"}"#,
        400,
        "delay does not take \"soon\": write a time",
    ),
    (
        "PATCH",
        "/faults",
        r#"{"fail-reads":-1}"#,
        400,
        "fail-reads does not take \"-1\": write a number",
    ),
    (
        "PATCH",
        "/faults",
        r#"{"certificate":"expired"}"#,
        400,
        "this router serves plain HTTP",
    ),
    (
        "PATCH",
        "/switches",
        r#"{"range-form":"x"}"#,
        400,
        "verbatim, cidr or merged",
    ),
    (
        "POST",
        "/clock/advance",
        r#"{"by":"a while"}"#,
        400,
        "reading by: write a time",
    ),
    (
        "POST",
        "/clock/advance",
        r#"{"for":"1m"}"#,
        400,
        "unknown field `for`, expected `by`",
    ),
    (
        "POST",
        "/person/add",
        r#"{"menu":"ip/pool"}"#,
        400,
        "missing field `values`",
    ),
    (
        "POST",
        "/person/add",
        r#"{"menu":"ip/pool","values":{"name":[]}}"#,
        400,
        "reading name: write a text",
    ),
    (
        "POST",
        "/person/add",
        r#"{"menu":"ip/pool","values":{"name":"p","ranges":"x"}}"#,
        400,
        "the router refuses it with \"value of range expects range of ip addresses\"",
    ),
    (
        "POST",
        "/person/remove",
        r#"{"menu":"ip/pool","where":{}}"#,
        400,
        "name exactly one key",
    ),
    (
        "POST",
        "/person/remove",
        r#"{"menu":"ip/pool","where":{"name":"x"}}"#,
        400,
        "0 rows have name=\"x\"",
    ),
    (
        "POST",
        "/person/between",
        r#"{"menu":"ip/pool"}"#,
        400,
        "reading edit: write add, set or remove",
    ),
    (
        "POST",
        "/person/safe-mode",
        r#"{"do":"release"}"#,
        400,
        "nobody has it",
    ),
    (
        "POST",
        "/meet",
        r#"{"address":"x","mac-address":"y"}"#,
        400,
        "invalid IPv4 address",
    ),
    (
        "POST",
        "/meet",
        r#"{"address":"10.0.0.1","mac-address":"y"}"#,
        400,
        "as a MAC address",
    ),
    (
        "POST",
        "/lease",
        r#"{"address":"10.0.0.1","mac-address":"02:00:00:00:00:01","server":"x"}"#,
        400,
        "server",
    ),
];

#[tokio::test]
async fn wrong_requests_are_told_what_would_be_right() {
    let console = console().await;
    for (method, path, body, status, said) in WRONG {
        let (answered, _) = console.ask(method, path, body).await;
        let refusal = console.refusal(method, path, body).await;
        assert!(
            answered == status && refusal.contains(said),
            "{method} {path} {body}: {answered} {refusal}"
        );
    }
    assert_eq!(
        console.desk.switches(),
        routeros_sim::Switches::default(),
        "all switches of a request or none"
    );
}
