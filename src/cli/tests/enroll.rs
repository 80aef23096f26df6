//! `tiklb router enroll`

use routeros_sim::{Config, Lease, Menu, PASSWORD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::shell::{Desk, assert_golden};

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

fn fingerprint(der: &[u8]) -> String {
    let digits: Vec<String> = Sha256::digest(der)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    digits.concat()
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_whose_ca_is_known_becomes_objects_for_git() {
    let phone = Lease::bound(
        "192.168.1.201".parse().unwrap(),
        "02:00:00:00:01:E7".parse().unwrap(),
    );
    let desk = Desk::start("enroll", Config::default().lease(phone.host_name("annas-phone"))).await;
    let said = desk
        .ask("router enroll URL --range 192.168.1.200-192.168.1.220")
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let ca = documents(&said.out)[1]["stringData"]["ca.crt"].clone();
    assert_eq!(ca.as_str(), desk.router.ca_pem().as_deref());
    let pem: Vec<&str> = ca.as_str().unwrap().lines().collect();
    let plain = pem[1..pem.len() - 1]
        .iter()
        .fold(desk.plain(&said.out), |text, line| text.replace(line, "PEM"));
    assert_golden("enroll.yaml", &plain);
    let seen = fingerprint(&desk.router.certificate_der().unwrap());
    let key = said.err.split("key ").nth(1).unwrap().lines().next().unwrap();
    let report = said.err.replace(&seen, "FINGERPRINT").replace(key, "PIN");
    assert_golden("enroll.txt", &report);
    assert!(!said.out.contains(PASSWORD), "nobody asked for the password");
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nothing_vouches_for_is_shown_and_no_password_is_sent() {
    let desk = Desk::start("tofu", Config::default()).await;
    let password = desk.path("password");
    let line = format!(
        "router enroll {} --username tiklb --password-file {password}",
        desk.router.url()
    );
    let said = desk.run(&words(&line), &[]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let seen = fingerprint(&desk.router.certificate_der().unwrap());
    assert!(
        said.err.contains(&seen) && said.err.contains("--pin sha256/"),
        "{said:?}"
    );
    assert_eq!(said.out, "");
    assert!(desk.router.journal().reads.is_empty(), "somebody logged in");
    assert!(desk.router.log().is_empty(), "{:?}", desk.router.log());

    let said = desk
        .run(&words(&format!("{line} --trust-on-first-use")), &[])
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let pin = documents(&said.out)[1]["spec"]["tls"]["pins"][0].clone();
    let pin = pin.as_str().unwrap();
    assert!(said.err.contains(pin), "{said:?}");
    // The pin that was printed is one that the router's key has.
    let again = desk.run(&words(&format!("{line} --pin {pin}")), &[]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let other = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let stranger = desk.run(&words(&format!("{line} --pin {other}")), &[]).await;
    assert_eq!(stranger.code, Some(1), "{stranger:?}");
    assert!(stranger.err.contains("none of --pin"), "{stranger:?}");
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_printed_into_the_secret_when_asked_and_nowhere_else() {
    let desk = Desk::start("password", Config::default()).await;
    let said = desk.ask("router enroll URL --with-password").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let found = documents(&said.out);
    assert_eq!(found[0]["stringData"]["password"], PASSWORD);
    assert_eq!(said.out.matches(PASSWORD).count(), 1, "{said:?}");
    // What was printed is what `tiklb plan` reads.
    let file = desk.file("router.yaml", &said.out);
    let line = format!("plan -f {file} --range 192.168.1.200-192.168.1.220");
    let said = desk.run(&words(&line), &[]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(!said.out.contains(PASSWORD));
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_account_may_not_do_is_read_and_not_tried() {
    let config = Config::default()
        .row(
            Menu::UserGroup,
            [("name", "looker"), ("policy", "read,api,rest-api,ftp")],
        )
        .user("anna", PASSWORD, "looker");
    let desk = Desk::start("policies", config).await;
    let (url, password, ca) = (desk.router.url(), desk.path("password"), desk.path("ca.crt"));
    let line = format!("router enroll {url} --username anna --password-file {password} --ca-file {ca}");
    let said = desk.run(&words(&line), &[]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    for wanted in [
        "account anna (group looker): LACKS write: /user group set [find where name=\"looker\"] policy=api,read,rest-api,write",
        "account anna: has more than is needed: ftp.",
        "account anna: may log in from anywhere",
    ] {
        assert!(said.err.contains(wanted), "no {wanted} in {}", said.err);
    }
    assert_eq!(documents(&said.out)[2]["spec"]["mode"], "DryRun");
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_else_has_addresses_of_the_range_is_shown() {
    let others = Config::default()
        .row(Menu::Veth, [("name", "veth1"), ("address", "192.168.1.203/24")])
        .row(
            Menu::Nat,
            [
                ("chain", "dstnat"),
                ("action", "dst-nat"),
                ("to-addresses", "192.168.1.202"),
            ],
        );
    let desk = Desk::start("enroll-others", others).await;
    let said = desk
        .ask("router enroll URL --range 192.168.1.200-192.168.1.220")
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in [
        "192.168.1.203 a container on veth1 (configured on MikroTik)",
        "192.168.1.202 only for a Service that asks for it: the router forwards to it (dst-nat) (configured on MikroTik)",
    ] {
        assert!(said.err.contains(words), "{said:?}");
    }
    desk.assert_untouched();
}
