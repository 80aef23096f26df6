//! `tiklb plan` from files and a URL.

use std::path::Path;

use routeros_sim::{Config, Lease, Menu, PASSWORD};
use serde_json::Value;

use super::shell::{Desk, assert_golden, held};

fn homelab() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/examples/homelab")
        .display()
        .to_string()
}

/// A home router on which a phone has an address of the range, and a person reserved another.
fn home() -> Config {
    let phone = Lease::bound(
        "192.168.1.201".parse().unwrap(),
        "02:00:00:00:01:E7".parse().unwrap(),
    );
    let printer = Lease::fixed(
        "192.168.1.205".parse().unwrap(),
        "48:A9:8A:01:02:03".parse().unwrap(),
    );
    Config::default()
        .lease(phone.host_name("annas-phone"))
        .lease(printer.comment("printer in the hall"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_is_compared_with_a_router_and_nothing_is_written() {
    let desk = Desk::start("page", home()).await;
    let said = desk.ask(&format!("plan -f {} --router URL", homelab())).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_golden("plan.txt", &desk.plain(&said.out));
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_and_the_console_get_the_same_plan() {
    let desk = Desk::start("json", home()).await;
    let file = desk.path("plan.rsc");
    let line = format!("plan -f {} --router URL -o json --export {file}", homelab());
    let said = desk.ask(&line).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_golden("plan.json", &desk.plain(&said.out));
    let script = std::fs::read_to_string(&file).unwrap();
    assert_golden("plan.rsc", &desk.plain(&script));
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let writes = document["routers"][0]["writes"].as_array().unwrap();
    for write in writes {
        let command = write["command"].as_str().unwrap();
        assert!(
            script.lines().any(|line| line == command),
            "no {command} in {script}"
        );
    }
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_alone_is_enough_for_a_first_look() {
    let desk = Desk::start("range", home()).await;
    let said = desk
        .ask("plan --router URL --range 192.168.1.200-192.168.1.220")
        .await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.out
            .contains("dhcp_pool: ranges 192.168.1.100-192.168.1.254 -> "),
        "{said:?}"
    );
    let outside = desk
        .ask("plan --router URL --range 192.168.1.2-192.168.1.9")
        .await;
    assert_eq!(
        outside.code,
        Some(2),
        "our own pool row is still to be written: {outside:?}"
    );
    let object = desk.file(
        "router.yaml",
        "apiVersion: tiklb.io/v1alpha1\nkind: MikrotikRouter\nmetadata: {name: router}\n\
         spec: {url: 'https://x', clusterName: home, mode: DryRun, credentialsSecretRef: {name: none}}\n",
    );
    let shown = desk
        .ask(&format!("plan -f {object} --router URL --range 192.168.1.200/30"))
        .await;
    assert_eq!(shown.code, Some(2), "{shown:?}");
    assert!(
        shown
            .out
            .contains("none of these writes: spec.mode is not Enforce"),
        "{shown:?}"
    );
    let nothing = desk.ask("plan --router URL --range 10.0.0.1-10.0.0.9").await;
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    assert!(
        nothing
            .out
            .contains("not done: 10.0.0.1-10.0.0.9 of pool range is in no network"),
        "{nothing:?}"
    );
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_is_known_from_the_marks_alone() {
    let desk = Desk::start("undo", held()).await;
    let said = desk.ask("plan --undo --router URL").await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_golden("undo.rsc", &desk.plain(&said.out));
    let json = desk.ask("plan --undo -o json --router URL").await;
    let document: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&document["undo"], &document["changes"]),
        (&true.into(), &5.into())
    );
    desk.assert_untouched();
    let other = Desk::start("undo-nothing", home()).await;
    let said = other.ask("plan --undo --router URL").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("the router holds no row of tiklb's"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_router_reserves_is_printed_for_git() {
    let desk = Desk::start("import", held()).await;
    let said = desk
        .ask("plan --import --router URL --range 192.168.1.200-192.168.1.220")
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_golden("import.yaml", &said.out);
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_ends_with_1_and_names_the_fix() {
    let desk = Desk::start("wrong", home()).await;
    let url = desk.router.url();
    let ca = desk.path("ca.crt");
    let run = async |line: &str, variables: &[(&str, &str)]| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let said = desk.run(&words, variables).await;
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            !said.out.contains("hunter2") && !said.err.contains("hunter2"),
            "{said:?}"
        );
        said
    };
    let range = "--range 192.168.1.200-192.168.1.220";
    let base = format!("plan --router {url} {range}");
    let nobody = run(&base, &[]).await;
    assert!(
        nobody.out.contains("--username and --password-file"),
        "{nobody:?}"
    );
    let account = [("TIKLB_USERNAME", "tiklb"), ("TIKLB_PASSWORD", "hunter2")];
    let untrusted = run(&base, &account).await;
    assert!(
        untrusted.out.contains("--ca-file") && untrusted.out.contains("sha256/"),
        "{untrusted:?}"
    );
    let wrong = run(&format!("{base} --ca-file {ca}"), &account).await;
    assert!(
        wrong.out.contains("refuses the user name or password"),
        "{wrong:?}"
    );
    assert!(wrong.out.contains("--username and --password-file"), "{wrong:?}");
    let half = run(&base, &[("TIKLB_USERNAME", "tiklb")]).await;
    assert!(half.err.contains("--password-file"), "{half:?}");
    let no_pool = run(&format!("plan --router {url}"), &account).await;
    assert!(no_pool.err.contains("--range"), "{no_pool:?}");
    let missing = run("plan -f nowhere.yaml", &[]).await;
    assert!(missing.err.contains("nowhere.yaml"), "{missing:?}");
    desk.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_and_their_variables_are_one() {
    let desk = Desk::start("twins", home()).await;
    let (url, password, ca) = (desk.router.url(), desk.path("password"), desk.path("ca.crt"));
    let homelab = homelab();
    let variables = [
        ("TIKLB_FILENAME", homelab.as_str()),
        ("TIKLB_ROUTER", &url),
        ("TIKLB_USERNAME", "tiklb"),
        ("TIKLB_PASSWORD_FILE", &password),
        ("TIKLB_CA_FILE", &ca),
    ];
    let said = desk.run(&["plan".to_owned()], &variables).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_golden("plan.txt", &desk.plain(&said.out));
    assert!(!said.out.contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_without_rest_is_known_by_its_export() {
    let desk = Desk::start("export", home()).await;
    let export = desk.file(
        "router.rsc",
        "# 2026-11-28 08:00:00 by RouterOS 6.49.17\n# model = RB750Gr3\n/ip pool\nadd name=dhcp_pool ranges=192.168.1.100-192.168.1.254\n\
         /ip dhcp-server\nadd address-pool=dhcp_pool disabled=no interface=bridge name=defconf\n\
         /ip address\nadd address=192.168.1.1/24 interface=bridge network=192.168.1.0\n\
         /ip dhcp-server lease\nadd address=192.168.1.205 comment=\"printer in the hall\" mac-address=48:A9:8A:01:02:03 server=defconf\n",
    );
    let line = format!("plan -f {} --from-export {export} --export -", homelab());
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let said = desk.run(&words, &[]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_golden("from-export.rsc", &said.out.replace(&export, "FILE"));
    desk.assert_untouched();
    assert!(desk.router.journal().reads.is_empty(), "the router was asked");
    let other = desk
        .run(
            &[
                "plan",
                "--from-export",
                "nowhere.rsc",
                "--range",
                "192.168.1.200/30",
            ]
            .map(str::to_owned),
            &[],
        )
        .await;
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.err.contains("nowhere.rsc"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_that_use_addresses_are_named() {
    let others = Config::default()
        .row(
            Menu::PppSecret,
            [("name", "anna"), ("remote-address", "192.168.1.207")],
        )
        .row(
            Menu::Nat,
            [
                ("chain", "dstnat"),
                ("action", "dst-nat"),
                ("to-addresses", "192.168.1.202"),
            ],
        );
    let desk = Desk::start("others", others).await;
    let ask = "plan --router URL --range 192.168.1.200-192.168.1.220";
    let said = desk.ask(ask).await;
    for words in [
        "left alone: 192.168.1.207 the remote-address of a PPP secret (configured on MikroTik)",
        "note: 192.168.1.202 only for a Service that asks for it: the router forwards to it (dst-nat)",
    ] {
        assert!(said.out.contains(words), "{said:?}");
    }
    let guests = [
        ("name", "guests"),
        ("interface", "bridge"),
        ("address-pool", "dhcp_pool"),
    ];
    desk.router.person().add(Menu::Hotspot, guests).unwrap();
    let said = desk.ask(ask).await;
    let words = "not done: the router's pool dhcp_pool is also used by hotspot guests";
    assert!(said.out.contains(words), "{said:?}");
    desk.assert_untouched();
}
