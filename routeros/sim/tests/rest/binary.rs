//! The stand-alone program.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// A running program; killed if the test fails.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

#[tokio::test]
async fn the_program_serves_a_router_prints_its_journal_and_ends_on_interrupt() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_routeros-sim"));
    command.args(["--listen", "127.0.0.1:0", "--routeros", "7.23.7 (long-term)"]);
    command
        .env("ROUTEROS_SIM_PLAIN", "true")
        .env("ROUTEROS_SIM_PASSWORD", "changed");
    let mut program = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let url = first.split_whitespace().next().unwrap();

    let http = crate::desk::builder().build().unwrap();
    let resource = http
        .get(format!("{url}/system/resource"))
        .basic_auth("tiklb", Some("changed"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        resource.json::<Value>().await.unwrap()["version"],
        "7.23.7 (long-term)"
    );
    let body = r#"{"name":"p","ranges":"10.0.0.1"}"#;
    http.put(format!("{url}/ip/pool"))
        .basic_auth("tiklb", Some("changed"))
        .body(body)
        .send()
        .await
        .unwrap();
    let journal = lines.next().unwrap().unwrap();
    assert!(
        journal.contains("PUT /ip/pool") && journal.contains("-> 201"),
        "{journal}"
    );

    kill(Pid::from_raw(program.0.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert!(program.0.wait().unwrap().success());
}

#[test]
fn the_program_says_what_it_cannot_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_routeros-sim"));
    let refused = command
        .args(["--listen", "127.0.0.1:0", "--interface", "no-such-if"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("no-such-if"), "{said}");
    let refused = Command::new(env!("CARGO_BIN_EXE_routeros-sim"))
        .args(["--routeros", "seven"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("seven"));
}
