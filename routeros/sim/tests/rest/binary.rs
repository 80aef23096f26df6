//! The stand-alone program.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

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

/// The page's first two commands and what it says that is printed. Ports are whatever is free here.
#[tokio::test]
async fn what_its_page_tells_to_type_shows_what_the_page_shows() {
    let page = include_str!("../../README.md");
    let mut lines = page.lines().skip_while(|line| !line.starts_with("$ "));
    let (run, ask, shown) = (
        lines.next().unwrap(),
        lines.next().unwrap(),
        lines.next().unwrap(),
    );
    let arguments = run.strip_prefix("$ cargo run -p routeros-sim -- ").unwrap();
    let arguments = arguments.replace(":8080", ":0").replace(":8444", ":0");
    let mut command = Command::new(env!("CARGO_BIN_EXE_routeros-sim"));
    command.args(arguments.split_whitespace()).stdout(Stdio::piped());
    let mut program = Program(command.spawn().unwrap());
    let mut said = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    let url = first.split_whitespace().next().unwrap();
    assert!(url.ends_with("/rest"), "{first}");

    let words: Vec<&str> = ask.split_whitespace().collect();
    let ["$", "curl", "-u", account, asked] = words[..] else {
        panic!("another second command: {ask}");
    };
    let (user, password) = account.split_once(':').unwrap();
    let path = asked.strip_prefix("http://127.0.0.1:8080/rest").unwrap();
    let http = crate::desk::builder().build().unwrap();
    let request = http.get(format!("{url}{path}")).basic_auth(user, Some(password));
    let answer = request.send().await.unwrap().text().await.unwrap();
    assert_eq!(answer.trim(), shown);
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

fn said(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_routeros-sim"))
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn the_help_teaches_and_every_flag_has_a_twin_in_the_environment() {
    let (success, help) = said(&["--help"]);
    assert!(success);
    let mut flags = 0;
    for line in help.lines().map(str::trim).filter(|line| line.starts_with("--")) {
        let flag = line.trim_start_matches("--").split_whitespace().next().unwrap();
        flags += 1;
        let rest = help.split(&format!("--{flag}")).nth(1).unwrap();
        let about: String = rest.lines().take(14).collect::<Vec<_>>().join("\n");
        assert!(
            about.contains("[env: ROUTEROS_SIM_"),
            "--{flag} has no twin: {about}"
        );
    }
    assert!(flags >= 18, "{help}");
    // Long lines are wrapped.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in routeros_sim::Switches::default().named() {
        assert!(
            help.contains(name.name) && help.contains(name.does),
            "{}",
            name.name
        );
    }
    for (name, takes, does) in routeros_sim::Faults::known() {
        assert!(
            help.contains(name) && help.contains(takes) && help.contains(does),
            "{name}"
        );
    }
    for word in ["curl -u tiklb", "--interface br0", "\"ip/pool\"", "NAME=VALUE"] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn wrong_arguments_are_told_what_would_be_right() {
    let folder = TempDir::new().unwrap();
    let (menu, row) = (
        file(&folder, "menu.json", r#"{"ip/pols": []}"#),
        file(
            &folder,
            "row.json",
            r#"{"ip/pool": [{"name": "lan", "range": "10.0.0.1"}]}"#,
        ),
    );
    let missing = folder.path().join("missing.json").to_str().unwrap().to_owned();
    for (arguments, expected) in [
        (
            &["--switch", "renewal-outside-pool=maybe"][..],
            "ack, silent or nak",
        ),
        (&["--switch", "renewal=ack"], "renewal-outside-pool"),
        (&["--switch", "chunked"], "write NAME=VALUE"),
        (&["--fault", "latency=3s"], "delay-per-row"),
        (&["--fault", "delay=soon"], "a time such as 300ms"),
        (&["--certificate", "none"], "self-signed-ca"),
        (&["--clock", "fast"], "real, stopped"),
        (&["--listen", "8443"], "--listen"),
        (&["--routeros", "7"], "7.20.8"),
        (&["--rows", &missing], "missing.json"),
        (&["--rows", &menu], "ip/pool/used"),
        (&["--rows", &row], "unknown parameter range"),
        (
            &["--journal", "/no-such-folder/journal"],
            "its directory must exist",
        ),
    ] {
        let arguments = [&["--listen", "127.0.0.1:0", "--plain"], arguments].concat();
        let arguments = if arguments.contains(&"8443") {
            arguments[3..].to_vec()
        } else {
            arguments
        };
        let (success, text) = said(&arguments);
        assert!(!success && text.contains(expected), "{arguments:?}: {text}");
    }
}

fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A running program, its REST and its admin surface.
fn with_admin(mut command: Command) -> (Program, String, String) {
    let mut program = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let mut url = || {
        let line = lines.next().unwrap().unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let (rest, admin) = (url(), url());
    (program, rest, admin)
}

fn interrupt(mut program: Program) {
    kill(Pid::from_raw(program.0.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert!(program.0.wait().unwrap().success());
}

#[tokio::test]
async fn the_program_takes_rows_switches_and_faults_and_keeps_its_journal() {
    let folder = TempDir::new().unwrap();
    let rows =
        r#"{"ip/pool": [{"name": "lan", "ranges": "10.0.0.1"}], "system/identity": {"name": "attic"}}"#;
    let (rows, journal) = (file(&folder, "rows.json", rows), file(&folder, "journal", ""));
    let mut command = Command::new(env!("CARGO_BIN_EXE_routeros-sim"));
    command
        .args([
            "--plain",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--user",
            "ann",
        ])
        .args([
            "--switch",
            "put-answers-200=yes",
            "--rows",
            &rows,
            "--journal",
            &journal,
        ])
        .env("ROUTEROS_SIM_FAULTS", "fail-reads=1;fail-applied-writes=1")
        .env("ROUTEROS_SIM_PASSWORD", "secret");
    let (program, rest, admin) = with_admin(command);
    let http = crate::desk::builder().build().unwrap();
    let ask = async |method: &str, path: &str, body: &'static str| {
        let request = http.request(method.parse().unwrap(), format!("{rest}{path}"));
        let answer = request
            .basic_auth("ann", Some("secret"))
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let mut statuses = vec![ask("GET", "/ip/pool", "").await.0];
    assert_eq!(ask("GET", "/ip/pool", "").await.1[0]["name"], "lan");
    assert_eq!(ask("GET", "/system/identity", "").await.1["name"], "attic");
    for body in [
        r#"{"name":"a","ranges":"10.0.0.2"}"#,
        r#"{"name":"b","ranges":"10.0.0.3"}"#,
    ] {
        statuses.push(ask("PUT", "/ip/pool", body).await.0);
    }
    assert_eq!(statuses, [500, 500, 200]);
    let shown = http.get(format!("{admin}journal")).send().await.unwrap();
    let shown: Value = shown.json().await.unwrap();
    assert_eq!(shown["writes"].as_array().unwrap().len(), 2);
    assert_eq!(shown["violations"], serde_json::json!([]));
    interrupt(program);
    let kept = std::fs::read_to_string(&journal).unwrap();
    assert_eq!(
        kept.lines().filter(|line| line.contains("PUT /ip/pool")).count(),
        2,
        "{kept}"
    );
}
