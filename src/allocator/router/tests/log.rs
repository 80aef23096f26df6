//! What the log says of it all, and what it never says.

use std::io;
use std::sync::{LazyLock, PoisonError};

use tracing::Dispatch;

use super::*;

/// Takes the log's bytes.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    /// The lines with our targets.
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .filter(|line: &Value| line["target"].as_str().unwrap().starts_with("tiklb"))
            .collect()
    }
}

/// The subscriber of this thread writes JSON to the paper.
fn paper() -> (Paper, tracing::subscriber::DefaultGuard) {
    // As long as there is but one subscriber, tracing asks that of the thread which comes to a line of code first, and
    // remembers the answer for all: a test beside this one that has none would switch the line off.
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
    LazyLock::force(&ANOTHER);
    let paper = Paper::default();
    let writer = paper.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    (paper, tracing::subscriber::set_default(subscriber))
}

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
    let all = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
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
