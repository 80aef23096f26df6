//! `deploy/routeros/probe.sh` on the simulator: what it reports is what the simulator does, and nothing stays behind.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

use routeros_sim::{Certificate, Config, FailingWrites, Menu, PASSWORD, RangeForm, Router, Switches};

async fn start(config: Config) -> Router {
    Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap()
}

fn script() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/routeros/probe.sh")
}

/// Runs the script on `router`; the simulator goes on meanwhile.
async fn probe(router: &Router, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new("sh");
    command
        .arg(script())
        .args(arguments)
        .env("ROUTER", router.url())
        .env("ROUTER_USER", "tiklb")
        .env("ROUTER_PASSWORD", PASSWORD)
        .envs(environment.iter().copied());
    let ca = router.ca_pem().map(|pem| {
        let name = format!("the CA of {}.pem", router.url().rsplit(':').next().unwrap());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, pem).unwrap();
        path
    });
    if let Some(ca) = ca {
        command.env("ROUTER_CA", ca);
    }
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What the simulator says whatever its switches are.
fn assert_refusals(report: &str) {
    for (start, said) in [
        (
            "-) a property that does not exist: ",
            "400 \"unknown parameter no-such-thing\"",
        ),
        (
            "j) ranges that overlap within a pool: ",
            "400 \"failure: ranges overlap\"",
        ),
        ("g) a comment of 212 characters: ", "200, reads back 212"),
        (
            "d) a second one for its address: ",
            "400 \"failure: already have such entry\"",
        ),
        (
            "c) a second one for its address: ",
            "400 \"failure: already have static lease with this IP address\"",
        ),
    ] {
        assert_eq!(line(report, start), said);
    }
    assert!(
        line(report, "g) UTF-8 ").ends_with("6bc3bc63686520e282ac"),
        "{report}"
    );
}

/// The report's line that starts so.
fn line<'a>(report: &'a str, start: &str) -> &'a str {
    report
        .lines()
        .find_map(|line| line.strip_prefix(start))
        .unwrap_or_else(|| panic!("no line {start:?} in:\n{report}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_alone_without_being_told_to_write() {
    let router = start(Config::default()).await;
    let output = probe(&router, &[], &[]).await;
    let report = text(&output.stdout);
    assert!(output.status.success(), "{report}{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert!(report.starts_with("RouterOS 7.20.8 "), "{report}");
    assert_eq!(line(report, "i) .proplist without .id: "), "the id comes along");
    assert_eq!(line(report, "-) a row that is not there: "), "404");
    assert_eq!(
        line(report, "-) the same with %2A: "),
        "400 \"missing or invalid resource identifier\""
    );
    assert!(
        report.ends_with("a) d) e) g) j): not asked (--write)\n"),
        "{report}"
    );
    assert!(router.journal().writes.is_empty());
    for secret in [PASSWORD, "tiklb-secret", "HFG0A1B2C3D"] {
        assert!(!report.contains(secret), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_reported_as_they_went_and_undone() {
    let forms = [
        (Switches::default(), "192.0.2.64-192.0.2.95", "201", "204"),
        (
            Switches {
                range_form: RangeForm::Cidr,
                put_answers_ok: true,
                delete_answers_ok: true,
                ..Switches::default()
            },
            "192.0.2.64/27",
            "200",
            "200",
        ),
    ];
    for (switches, reads_back, added, deleted) in forms {
        let config = Config {
            switches,
            ..Config::default()
        };
        let router = start(config).await;
        let before = router.snapshot();
        let output = probe(&router, &["--write"], &[]).await;
        let report = text(&output.stdout);
        assert!(output.status.success(), "{report}{}", text(&output.stderr));
        assert_eq!(
            line(report, "a) ranges 192.0.2.64-192.0.2.95 read back: "),
            reads_back
        );
        assert_eq!(
            line(report, "e) "),
            format!("add (PUT): {added}, PATCH 200, DELETE {deleted}, once more 404")
        );
        assert_refusals(report);
        let left = routeros_sim::diff(&before.configured(), &router.snapshot().configured());
        assert!(left.changes().is_empty(), "{left:?}");
        for write in router.journal().writes {
            let menus = ["ip/pool", "ip/arp", "ip/dhcp-server/lease"];
            assert!(
                menus.contains(&write.path.as_str()),
                "{} {}",
                write.method,
                write.path
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_write_is_asked_with_its_own_password() {
    let config = Config::default()
        .row(
            Menu::UserGroup,
            [("name", "reader"), ("policy", "read,api,rest-api")],
        )
        .user("reader", "pa\"ss\\word", "reader");
    let router = start(config).await;
    let output = probe(&router, &["--write"], &[("ROUTER_READER", "reader:pa\"ss\\word")]).await;
    let report = text(&output.stdout);
    assert_eq!(
        line(report, "h) add without the policy write: "),
        "500 \"not enough permissions (9)\"",
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_has_is_never_touched() {
    for (name, ranges) in [("tiklb-probe-a", "10.9.9.1"), ("lab", "192.0.2.1-192.0.2.9")] {
        let router = start(Config::default().row(Menu::Pool, [("name", name), ("ranges", ranges)])).await;
        let output = probe(&router, &["--write"], &[]).await;
        assert!(!output.status.success());
        assert!(
            text(&output.stderr).contains("remove it first"),
            "{}",
            text(&output.stderr)
        );
        assert!(router.journal().writes.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_removed_is_named() {
    let router = start(Config::default()).await;
    let failing = FailingWrites::before_applying().method("DELETE".parse().unwrap());
    router.faults().fail_writes(failing);
    let output = probe(&router, &["--write"], &[]).await;
    let told = text(&output.stderr);
    let left = router
        .rows(Menu::Pool)
        .iter()
        .filter(|row| {
            row.get("comment")
                .is_some_and(|comment| comment.starts_with("tiklb-probe"))
        })
        .count();
    assert!(left > 0);
    let named = told
        .lines()
        .filter(|line| line.starts_with("left behind: /ip/pool *") && line.contains("/ip pool remove *"))
        .count();
    assert_eq!(named, left, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_ends_it() {
    let router = start(Config::default()).await;
    let output = probe(&router, &["--write"], &[("ROUTER_PASSWORD", "wrong")]).await;
    assert!(!output.status.success());
    assert!(
        text(&output.stderr)
            .contains("/rest/system/resource answers 401: check address, certificate, user and password"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_is_as_good_as_a_ca_and_a_wrong_one_is_none() {
    let router = start(Config::default()).await;
    router.faults().certificate(Certificate::SelfSigned).unwrap();
    let pin = routeros::client::SpkiPin::of(&router.public_key_der().unwrap()).to_string();
    // curl writes a pin with two strokes.
    let pin = pin.replacen('/', "//", 1);
    let output = probe(&router, &[], &[("ROUTER_PIN", &pin)]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let wrong = format!("sha256//{}=", "A".repeat(43));
    for environment in [[("ROUTER_PIN", wrong.as_str())], [("ROUTER_PIN", "")]] {
        let output = probe(&router, &[], &environment).await;
        assert!(!output.status.success());
        assert!(
            text(&output.stderr).contains("answers none"),
            "{}",
            text(&output.stderr)
        );
    }
}
