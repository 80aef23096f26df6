//! The page that a person reads before anything is written. That a plan writes nothing is told by the stories, on a
//! router.

use serde_json::json;
use tiklb_core::reservation::condition::{Condition, Listing};
use tiklb_core::reservation::{Planned, Write};

use super::*;
use crate::api::{Decoded, MikrotikRouter};
use crate::cluster::object::Verdict;
use crate::cluster::object::router::router as seen;

fn home() -> SeenRouter {
    let object = json!({
        "apiVersion": "tiklb.io/v1alpha1",
        "kind": "MikrotikRouter",
        "metadata": {"name": "home", "namespace": "metallb-system", "uid": "u1", "resourceVersion": "1"},
        "spec": {
            "url": "https://192.168.1.1",
            "clusterName": "home",
            "credentialsSecretRef": {"name": "mikrotik"},
        },
    });
    let object: Decoded<MikrotikRouter> = serde_json::from_value(object).unwrap();
    match seen(object) {
        Verdict::Keep(known) => known.value,
        other => panic!("{other:?}"),
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
fn each_write_stands_with_its_reason_and_the_end_counts_them() {
    let mut plan = Plan {
        writes: vec![add("tiklb-home-a")],
        ..Plan::default()
    };
    assert_eq!(
        told(&home(), &Ok(reading()), &plan, None),
        "MikrotikRouter home: MikroTik (RB750Gr3, RouterOS 7.20.8 (stable)) at https://192.168.1.1\n  \
         /ip/pool add tiklb-home-a: 192.168.1.200-192.168.1.220  \"tiklb/v1\"\n      \
         because shows IPAddressPool homelab in Winbox\n  \
         1 write to be made; nothing was written now\n"
    );
    plan.writes.push(add("tiklb-home-b"));
    let page = told(&home(), &Ok(reading()), &plan, None);
    assert!(
        page.ends_with("  2 writes to be made, one after another; nothing was written now\n"),
        "{page}"
    );
}

#[test]
fn a_router_that_agrees_has_nothing_to_be_done() {
    let page = told(&home(), &Ok(reading()), &Plan::default(), None);
    assert!(page.ends_with("\n  nothing to be done\n"), "{page}");
}

#[test]
fn what_is_in_the_way_refused_or_left_alone_is_said() {
    let plan = Plan {
        obstacles: vec![
            "a pool named tiklb-home-a exists that is not ours: rename it on the router".to_owned(),
        ],
        ..Plan::default()
    };
    let no = |reason, message: &str| Condition {
        truth: Truth::False,
        reason,
        message: message.to_owned(),
    };
    let conflicts = (0..30).map(|last| format!("192.168.1.{last} somebody"));
    let mut status = RouterStatus {
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
    };
    let page = told(&home(), &Ok(reading()), &plan, Some(&status));
    assert!(
        page.contains("\n  in the way: a pool named tiklb-home-a exists"),
        "{page}"
    );
    assert!(
        page.contains("\n  not done: no such pool (PoolNotFound)\n"),
        "{page}"
    );
    assert!(
        !page.contains("Writing"),
        "what is planned is no obstacle: {page}"
    );
    assert!(page.contains("\n  left alone: 192.168.1.0 somebody\n"), "{page}");
    assert!(page.contains("\n  left alone: 10 addresses more\n"), "{page}");
    status.conflicts = Listing::default();
    assert!(!told(&home(), &Ok(reading()), &plan, Some(&status)).contains("left alone"));
}

#[test]
fn a_router_that_cannot_be_read_is_said_with_why_and_without_a_count() {
    let why = Err(Failure {
        kind: FailureKind::Credentials,
        message: "the router refuses the password".to_owned(),
    });
    assert_eq!(
        told(&home(), &why, &Plan::default(), None),
        "MikrotikRouter home at https://192.168.1.1 cannot be read: the router refuses the password\n"
    );
}
