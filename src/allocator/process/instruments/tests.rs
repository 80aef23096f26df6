//! Tests of what an allocator remembers of its writes.

use std::net::IpAddr;

use tiklb_core::reservation::Write;
use tiklb_core::reservation::write::{LeaseSpec, ReadBack};

use super::*;
use crate::observe::metrics::router::Routers;

fn planned(last: usize) -> Planned {
    let address: IpAddr = "192.168.1.200".parse().unwrap();
    Planned {
        write: Write::AddLease(LeaseSpec {
            address,
            mac: tiklb_core::reservation::marker::claim_mac(address),
            server: "defconf".to_owned(),
            comment: format!("tiklb/v1 home/1a2b3c4d default/s{last}"),
        }),
        because: "a test wants it".to_owned(),
    }
}

#[test]
fn the_last_writes_are_remembered_with_their_reason_and_their_end() {
    let audit = Audit::default();
    let auditor = Auditor {
        router: "metallb-system/home".to_owned(),
        meter: Routers::register(&mut Registry::default()).meter("home"),
        audit: audit.clone(),
    };
    for last in 0..REMEMBERED {
        auditor.written(&planned(last), &Outcome::Applied(ReadBack::Gone));
    }
    auditor.written(&planned(REMEMBERED), &Outcome::Refused("failure: no".to_owned()));
    let kept = audit.lock().unwrap();
    assert_eq!(kept.len(), REMEMBERED);
    let (first, last) = (&kept[0], &kept[REMEMBERED - 1]);
    assert!(
        first["write"].as_str().unwrap().contains("default/s1\""),
        "{first}"
    );
    assert_eq!(first["outcome"], "applied");
    assert_eq!(
        (&last["because"], &last["outcome"], &last["why"]),
        (
            &json!("a test wants it"),
            &json!("refused"),
            &json!("failure: no")
        )
    );
    assert_eq!(last["router"], "metallb-system/home");
}
