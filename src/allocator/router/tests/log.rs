//! What the log says of it all, and what it never says.

use super::*;
use crate::tasks::tests::paper;

#[tokio::test]
async fn every_write_is_audited_and_no_secret_is_told() {
    let (paper, _guard) = paper();
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    desk.write(cut(&reading)).await;
    desk.write(cut(&reading)).await;
    let audit: Vec<Value> = paper
        .lines()
        .into_iter()
        .filter(|line| line["target"] == super::super::session::AUDIT)
        .map(|line| line["fields"].clone())
        .collect();
    let outcomes: Vec<&str> = audit
        .iter()
        .map(|line| line["outcome"].as_str().unwrap_or("begins"))
        .collect();
    assert_eq!(outcomes, ["begins", "applied", "begins", "changed"]);
    for line in &audit {
        assert_eq!(line["router"], "metallb-system/home");
        assert_eq!(line["because"], "a test wants it");
        assert_eq!(line["write"], cut(&reading).to_string());
        assert_eq!(line["outcome"].is_null(), line["duration"].is_null());
    }
    assert!(
        audit[3]["words"].as_str().unwrap().contains("not sent: expected"),
        "{}",
        audit[3]
    );
    let all = paper.text();
    assert!(!all.contains(PASSWORD) && !all.to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn how_the_router_is_is_said_when_it_changes() {
    let (paper, _guard) = paper();
    let mut desk = Desk::start(Config::default()).await;
    for away in [false, false, true, true, true, false, false] {
        desk.sim.faults().unreachable(away);
        let _ = desk.read().await;
    }
    let said: Vec<String> = paper
        .lines()
        .iter()
        .filter(|line| line["level"] != "DEBUG")
        .map(|line| format!("{} {}", line["level"], line["fields"]["message"]).replace('"', ""))
        .collect();
    assert_eq!(
        said,
        [
            "WARN the router's RouterOS has a known fault",
            "INFO the router answers",
            "WARN the router cannot be read",
            "INFO the router answers"
        ]
    );
}
