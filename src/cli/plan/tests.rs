//! The page that a person reads before anything is written. That a plan writes nothing is told by the stories, on a
//! router.

use serde_json::{Value, json};
use tiklb_core::config::{ReservationObject, ReservationSpec};
use tiklb_core::reservation::condition::{Condition, Listing, Truth};
use tiklb_core::reservation::observed::{ArpRow, LeaseRow};
use tiklb_core::reservation::{ConditionKind, Failure, FailureKind, Planned, Reading, RouterStatus, Write};

use super::page::page;
use super::*;

fn home() -> Finding {
    Finding {
        name: "home".to_owned(),
        namespace: "metallb-system".to_owned(),
        url: "https://192.168.1.1".to_owned(),
        read: Ok(reading()),
        writes: Vec::new(),
        obstacles: Vec::new(),
        held: Vec::new(),
        status: None,
        notes: Vec::new(),
    }
}

fn reading() -> Reading {
    Reading {
        identity: "MikroTik".to_owned(),
        board: "RB750Gr3".to_owned(),
        version: "7.20.8 (stable)".to_owned(),
        ..Reading::default()
    }
}

fn add(name: &str) -> Planned {
    Planned {
        write: Write::AddPool {
            name: name.to_owned(),
            ranges: "192.168.1.200-192.168.1.220".parse().unwrap(),
            comment: "tiklb/v1".to_owned(),
        },
        because: "shows IPAddressPool homelab in Winbox".to_owned(),
    }
}

#[test]
fn each_write_stands_with_its_reason_and_its_command_and_the_end_counts_them() {
    let mut finding = home();
    finding.writes.push(add("tiklb-home-a"));
    assert_eq!(
        page(&finding),
        "MikrotikRouter home: MikroTik (RB750Gr3, RouterOS 7.20.8 (stable)) at https://192.168.1.1\n  \
         /ip/pool add tiklb-home-a: 192.168.1.200-192.168.1.220  \"tiklb/v1\"\n      \
         because shows IPAddressPool homelab in Winbox\n      \
         console: /ip pool add name=\"tiklb-home-a\" ranges=192.168.1.200-192.168.1.220 comment=\"tiklb/v1\"\n  \
         1 write to be made; nothing was written now\n"
    );
    finding.writes.push(add("tiklb-home-b"));
    let page = page(&finding);
    assert!(
        page.ends_with("  2 writes to be made, one after another; nothing was written now\n"),
        "{page}"
    );
}

#[test]
fn a_router_that_agrees_has_nothing_to_be_done() {
    let page = page(&home());
    assert!(page.ends_with("\n  nothing to be done\n"), "{page}");
}

fn refused() -> RouterStatus {
    let no = |reason, message: &str| Condition {
        truth: Truth::False,
        reason,
        message: message.to_owned(),
    };
    let conflicts = (0..30).map(|last| format!("192.168.1.{last} somebody"));
    RouterStatus {
        conditions: [
            (ConditionKind::PoolsExcluded, no("PoolNotFound", "no such pool")),
            (
                ConditionKind::ReservationsInSync,
                no("Writing", "3 writes are still to be made"),
            ),
        ]
        .into(),
        conflicts: conflicts.collect::<Listing>(),
        ..RouterStatus::default()
    }
}

#[test]
fn what_is_in_the_way_refused_or_left_alone_is_said() {
    let mut finding = home();
    finding
        .obstacles
        .push("a pool named tiklb-home-a exists that is not ours: rename it on the router".to_owned());
    finding.notes.push("a remark".to_owned());
    finding.status = Some(refused());
    let text = page(&finding);
    for wanted in [
        "\n  in the way: a pool named tiklb-home-a exists",
        "\n  not done: no such pool (PoolNotFound)\n",
        "\n  left alone: 192.168.1.0 somebody\n",
        "\n  left alone: 10 addresses more\n",
        "\n  note: a remark\n",
    ] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    assert!(
        !text.contains("Writing"),
        "what is planned is no obstacle: {text}"
    );
    finding.status = None;
    assert!(!page(&finding).contains("left alone"));
}

fn unread() -> Finding {
    Finding {
        read: Err(Failure {
            kind: FailureKind::Credentials,
            message: "the router refuses the password".to_owned(),
        }),
        ..home()
    }
}

#[test]
fn a_router_that_cannot_be_read_is_said_with_why_and_without_a_count() {
    assert_eq!(
        page(&unread()),
        "MikrotikRouter home at https://192.168.1.1 cannot be read: the router refuses the password\n"
    );
}

#[test]
fn an_error_goes_before_changes_and_changes_before_nothing() {
    let changed = || Finding {
        writes: vec![add("a")],
        ..home()
    };
    let code = |findings: &[Finding]| format!("{:?}", verdict(findings));
    assert_eq!(code(&[home()]), format!("{:?}", ExitCode::SUCCESS));
    assert_eq!(code(&[home(), changed()]), format!("{:?}", ExitCode::from(2)));
    assert_eq!(code(&[changed(), unread()]), format!("{:?}", ExitCode::FAILURE));
}

#[test]
fn programs_get_every_part_under_a_version() {
    let mut finding = home();
    finding.writes.push(add("tiklb-home-a"));
    finding.status = Some(refused());
    let text = document::document(&[finding, unread()], false).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["apiVersion"], "cli.tiklb.io/v1");
    assert_eq!(found["kind"], "RouterPlan");
    assert_eq!((&found["undo"], &found["changes"]), (&json!(false), &json!(1)));
    let router = &found["routers"][0];
    assert_eq!(router["identity"], "MikroTik");
    assert_eq!(
        router["writes"],
        json!([{
            "menu": "/ip/pool",
            "action": "add",
            "target": "pool tiklb-home-a",
            "summary": "/ip/pool add tiklb-home-a: 192.168.1.200-192.168.1.220  \"tiklb/v1\"",
            "because": "shows IPAddressPool homelab in Winbox",
            "command": "/ip pool add name=\"tiklb-home-a\" ranges=192.168.1.200-192.168.1.220 comment=\"tiklb/v1\"",
        }])
    );
    assert_eq!(
        router["refusals"],
        json!([{"condition": "PoolsExcluded", "reason": "PoolNotFound", "message": "no such pool"}])
    );
    assert_eq!(router["leftAloneMore"], 10);
    assert_eq!(router["leftAlone"].as_array().map(Vec::len), Some(20));
    let unread = &found["routers"][1];
    assert_eq!(unread["error"], "the router refuses the password");
    assert!(unread.get("identity").is_none());
}

fn lease(address: &str, comment: &str) -> LeaseRow {
    LeaseRow {
        id: "*1".to_owned(),
        address: address.parse().unwrap(),
        mac: None,
        server: None,
        dynamic: false,
        evidence: false,
        disabled: false,
        bound: false,
        expires_after: None,
        host_name: None,
        comment: comment.to_owned(),
    }
}

fn arp(address: &str, comment: &str, dynamic: bool) -> ArpRow {
    ArpRow {
        id: "*1".to_owned(),
        address: address.parse().unwrap(),
        mac: None,
        interface: "bridge".to_owned(),
        dynamic,
        disabled: false,
        alive: true,
        comment: comment.to_owned(),
    }
}

/// A golden page: a static lease with a person's words, one of an earlier cluster, one of whose Service the wish is
/// known, an ARP row; and what is none: dynamic rows, and rows outside of the range.
#[test]
fn what_a_person_reserved_by_hand_is_printed_as_the_objects_that_keep_it() {
    let mut read = reading();
    read.leases = vec![
        lease("192.168.1.203", "photos\nkind: Secret"),
        lease("192.168.1.204", "tiklb/v1 home/1a2b3c4d apps/web | Anna's"),
        lease("192.168.1.205", ""),
        lease("192.168.1.209", "kept already"),
        lease(
            "192.168.1.210",
            &format!("  {}\u{7}", "a foreign comment of any length ".repeat(9)),
        ),
        lease("192.168.1.211", "tiklb/v1 home/1a2b3c4d Not/A-Service"),
        lease(
            "192.168.1.212",
            "tiklb/v1 home/1a2b3c4d reserved | for the new tv",
        ),
        lease("192.168.1.213", "tiklb/v1 home/1a2b3c4d apps/dns-tcp +1"),
        lease("192.168.1.20", "nas"),
        LeaseRow {
            dynamic: true,
            evidence: false,
            ..lease("192.168.1.206", "phone")
        },
    ];
    read.arps = vec![
        arp("192.168.1.203", "", false),
        arp("192.168.1.207", "printer", false),
        arp("192.168.1.208", "", true),
    ];
    let ranges: RangeSet = "192.168.1.200-192.168.1.220".parse().unwrap();
    let service = tiklb_core::model::service::Service {
        key: tiklb_core::model::ObjectKey::new("media", "tv"),
        annotations: [(
            "metallb.io/loadBalancerIPs".to_owned(),
            "192.168.1.205".to_owned(),
        )]
        .into_iter()
        .collect(),
        ..tiklb_core::model::service::Service::default()
    };
    let already = [ReservationObject {
        key: tiklb_core::model::ObjectKey::new("metallb-system", "already"),
        generation: 1,
        seniority: tiklb_core::model::object::Seniority::default(),
        spec: Ok(ReservationSpec {
            address: "192.168.1.209".to_owned(),
            ..ReservationSpec::default()
        }),
    }];
    let services = [service];
    let routers = [import::Held {
        router: "router",
        reading: &read,
    }];
    let kept = import::reservations(&routers, &ranges, &services, &already, None);
    let page = import::yaml(&kept, &ranges, "metallb-system").unwrap();
    assert_eq!(page, include_str!("tests/import.yaml"), "{page}");
    let living = import::reservations(&routers, &ranges, &services, &already, Some("1a2b3c4d"));
    let own = kept.len() - living.len();
    assert_eq!(own, 4, "a living cluster's own rows are no find");
}

/// A golden page: what both of a pair hold is one object that names both; what they say differently is said of each.
#[test]
fn what_two_routers_reserve_alike_is_printed_once_and_names_both() {
    let (mut first, mut second) = (reading(), reading());
    first.leases = vec![
        lease("192.168.1.203", "photos"),
        lease("192.168.1.204", "tiklb/v1 home/1a2b3c4d apps/web"),
        lease("192.168.1.205", ""),
        lease("192.168.1.206", "on the first alone"),
    ];
    second.leases = vec![
        lease("192.168.1.203", "photos"),
        lease("192.168.1.204", "tiklb/v1 office/5e6f7a8b apps/mail"),
        lease("192.168.1.207", "on the second alone"),
    ];
    second.arps = vec![arp("192.168.1.205", "tv", false)];
    let ranges: RangeSet = "192.168.1.200-192.168.1.220".parse().unwrap();
    let pair = [("left", &first), ("right", &second)];
    let pair = pair.map(|(router, reading)| import::Held { router, reading });
    let kept = import::reservations(&pair, &ranges, &[], &[], None);
    let page = import::yaml(&kept, &ranges, "metallb-system").unwrap();
    assert_eq!(page, include_str!("tests/import-pair.yaml"), "{page}");
}
