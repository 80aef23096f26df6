//! Writes as calls, and their ends as outcomes.

use std::time::Duration;

use routeros::client::{CertificateProblem, NoConnection, Permission, SpkiPin};
use routeros::menu::{self, Pool, Writable};
use routeros::value::Version;
use serde_json::json;
use tiklb_core::model::{MacAddr, RangeSet};
use tiklb_core::reservation::observed::{ArpRow, LeaseRow, PoolRow};
use tiklb_core::reservation::write::{ArpSpec, LeaseSpec};

use super::*;

const MARK: &str = "tiklb/v1 home/1a2b3c4d default/web";
const NOTED: &str = "tiklb/v1 home/1a2b3c4d default/web | für Bob";

fn ranges(text: &str) -> RangeSet {
    text.parse().unwrap()
}

fn mac() -> MacAddr {
    "02:4c:c0:a8:01:c8".parse().unwrap()
}

fn pool(comment: &str) -> PoolRow {
    PoolRow {
        id: "*1F".to_owned(),
        name: "dhcp_pool".to_owned(),
        ranges: ranges("192.168.1.100-192.168.1.254"),
        next_pool: Some("more".to_owned()),
        comment: comment.to_owned(),
    }
}

fn lease(comment: &str) -> LeaseRow {
    LeaseRow {
        id: "*A".to_owned(),
        address: "192.168.1.200".parse().unwrap(),
        mac: None,
        server: None,
        dynamic: false,
        evidence: false,
        disabled: true,
        bound: false,
        expires_after: None,
        host_name: None,
        comment: comment.to_owned(),
    }
}

fn lease_spec(comment: &str) -> LeaseSpec {
    LeaseSpec {
        address: "192.168.1.200".parse().unwrap(),
        mac: mac(),
        server: "defconf".to_owned(),
        comment: comment.to_owned(),
    }
}

fn arp(comment: &str) -> ArpRow {
    ArpRow {
        id: "*3".to_owned(),
        address: "192.168.1.200".parse().unwrap(),
        mac: None,
        interface: "bridge".to_owned(),
        dynamic: false,
        disabled: true,
        alive: false,
        comment: comment.to_owned(),
    }
}

fn arp_spec(comment: &str) -> ArpSpec {
    ArpSpec {
        address: "192.168.1.200".parse().unwrap(),
        mac: "48:a9:8a:00:00:10".parse().unwrap(),
        interface: "bridge".to_owned(),
        enabled: false,
        comment: comment.to_owned(),
    }
}

/// What is asked of the client, in one line: the verb, the row as it was read, the properties.
fn asked(write: &Write) -> String {
    match Call::of(write).unwrap() {
        Call::Pool(request) => shown(request),
        Call::Lease(request) => shown(request),
        Call::Eviction(lease) => format!("evict {} [{lease}]", lease.id),
        Call::Arp(request) => shown(request),
    }
}

fn shown<M: Writable>(request: Request<M>) -> String {
    use menu::Properties;
    let list = |properties: Vec<(&str, String)>| {
        let each = properties.iter().map(|(name, value)| format!("{name}={value}"));
        each.collect::<Vec<_>>().join(" ")
    };
    match request {
        Request::Add(new) => format!("add: {}", list(new.properties())),
        Request::Set(target, change) => format!(
            "set {} [{}]: {}",
            target.id,
            target.expected,
            list(change.properties())
        ),
        Request::Remove(target) => format!("remove {} [{}]", target.id, target.expected),
    }
}

#[test]
fn every_write_of_pools_as_a_call() {
    let ours = ranges("192.168.1.200-192.168.1.220");
    let left = ranges("192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254");
    let stood = "192.168.1.100-192.168.1.254";
    for (write, call) in [
        (
            Write::SetPoolRanges {
                row: pool(""),
                ranges: left.clone(),
            },
            format!("set *1F [pool dhcp_pool with {stood}]: ranges={left}"),
        ),
        (
            Write::SetPoolRanges {
                row: pool("a person's"),
                ranges: left.clone(),
            },
            format!("set *1F [pool dhcp_pool with {stood} (a person's)]: ranges={left}"),
        ),
        (
            Write::AddPool {
                name: "tiklb-home-lan".to_owned(),
                ranges: ours.clone(),
                comment: MARK.to_owned(),
            },
            format!("add: name=tiklb-home-lan ranges={ours} comment={MARK}"),
        ),
        (
            Write::SetPool {
                row: pool(MARK),
                ranges: ours.clone(),
                comment: format!("{MARK} +2"),
            },
            format!("set *1F [pool dhcp_pool with {stood} ({MARK})]: ranges={ours} comment={MARK} +2"),
        ),
        (
            Write::RemovePool(pool(MARK)),
            format!("remove *1F [pool dhcp_pool with {stood} ({MARK})]"),
        ),
    ] {
        assert_eq!(asked(&write), call);
    }
}

#[test]
fn every_write_of_leases_and_arp_rows_as_a_call() {
    for (write, call) in [
        (
            Write::AddLease(lease_spec(MARK)),
            format!("add: address=192.168.1.200 mac-address=02:4C:C0:A8:01:C8 server=defconf comment={MARK}"),
        ),
        (
            Write::SetLease {
                row: lease("old"),
                spec: lease_spec(MARK),
            },
            format!(
                "set *A [lease of 192.168.1.200 (old)]: mac-address=02:4C:C0:A8:01:C8 server=defconf comment={MARK} disabled=false"
            ),
        ),
        (
            Write::RemoveLease(lease(MARK)),
            format!("remove *A [lease of 192.168.1.200 ({MARK})]"),
        ),
        (
            Write::EvictLease {
                row: LeaseRow {
                    mac: Some("48:a9:8a:00:00:10".parse().unwrap()),
                    dynamic: true,
                    ..lease("")
                },
                wanted_by: "Service default/web".to_owned(),
            },
            "evict *A [dynamic lease of 192.168.1.200 for 48:A9:8A:00:00:10]".to_owned(),
        ),
        (
            Write::AddArp(arp_spec(MARK)),
            format!(
                "add: address=192.168.1.200 mac-address=48:A9:8A:00:00:10 interface=bridge comment={MARK} disabled=true"
            ),
        ),
        (
            Write::SetArp {
                row: arp("old"),
                spec: arp_spec(MARK),
            },
            format!(
                "set *3 [ARP row of 192.168.1.200 (old)]: mac-address=48:A9:8A:00:00:10 comment={MARK} disabled=true"
            ),
        ),
        (
            Write::RemoveArp(arp(MARK)),
            format!("remove *3 [ARP row of 192.168.1.200 ({MARK})]"),
        ),
    ] {
        assert_eq!(asked(&write), call);
    }
}

#[test]
fn ranges_of_the_other_family_never_reach_the_router() {
    let write = Write::SetPoolRanges {
        row: pool(""),
        ranges: ranges("192.168.1.100-192.168.1.199,fd00::1-fd00::9"),
    };
    assert!(asked(&write).ends_with(": ranges=192.168.1.100-192.168.1.199"));
}

#[test]
fn a_note_in_any_characters_holds_up_nothing_while_it_stays() {
    let write = Write::SetLease {
        row: lease(NOTED),
        spec: lease_spec(NOTED),
    };
    assert!(
        asked(&write).ends_with("]: mac-address=02:4C:C0:A8:01:C8 server=defconf disabled=false"),
        "{}",
        asked(&write)
    );
}

#[test]
fn what_cannot_be_written_is_said() {
    let real = LeaseSpec {
        mac: "48:a9:8a:00:00:10".parse().unwrap(),
        ..lease_spec(MARK)
    };
    let six = LeaseSpec {
        address: "fd00::1".parse().unwrap(),
        ..lease_spec(MARK)
    };
    let nameless = PoolRow {
        id: "dhcp_pool".to_owned(),
        ..pool(MARK)
    };
    for (write, words) in [
        (
            Write::AddLease(real),
            "`48:A9:8A:00:00:10` is not a made-up MAC address",
        ),
        (Write::AddLease(six), "fd00::1 is an IPv6 address"),
        (
            Write::SetLease {
                row: lease(MARK),
                spec: lease_spec(NOTED),
            },
            "characters other than printable ASCII; RouterOS has no fixed character set for them; shorten or change",
        ),
        (
            Write::AddLease(lease_spec("")),
            "a comment that marks a row as ours cannot be empty",
        ),
        (
            Write::AddArp(arp_spec(&"x".repeat(201))),
            "the comment has 201 characters",
        ),
        (
            Write::SetPoolRanges {
                row: pool(""),
                ranges: ranges("fd00::1-fd00::9"),
            },
            "no address would be left in the pool",
        ),
        (
            Write::RemovePool(nameless),
            "the row has no usable id (`dhcp_pool` is not a row id",
        ),
    ] {
        let made = unwritable(&Call::of(&write).unwrap_err());
        assert!(
            made.words.starts_with("not sent: ") && made.words.contains(words),
            "{}",
            made.words
        );
        assert_eq!(made.outcome, Outcome::Refused(made.words));
    }
}

fn row() -> Pool {
    let row = json!({".id": "*1F", "name": "dhcp_pool", "ranges": "192.168.1.100-192.168.1.254",
                     "next-pool": "more", "comment": "a person's"});
    menu::row(&row).unwrap()
}

fn ended(result: Result<client::Outcome<Pool>, Error>) -> Made {
    made(result, |row| Some(ReadBack::Pool(reading::pool(&row))))
}

#[test]
fn every_end_of_a_write() {
    let busy = || Error::Busy {
        why: "500".to_owned(),
    };
    let applied = ended(Ok(client::Outcome::Applied(row())));
    assert_eq!(
        applied.outcome,
        Outcome::Applied(ReadBack::Pool(pool("a person's"))),
        "the row comes back whole"
    );
    let found = client::Outcome::Precondition {
        expected: None,
        found: Some(row()),
    };
    let changed = ended(Ok(found));
    assert_eq!(changed.outcome, Outcome::Changed);
    assert_eq!(
        changed.words,
        "not sent: expected no row, found pool dhcp_pool with 192.168.1.100-192.168.1.254 (a person's)"
    );
    for refused in [
        client::Outcome::NotApplied {
            error: busy(),
            row: None,
        },
        client::Outcome::Differs {
            row: Some(row()),
            properties: vec!["ranges"],
        },
    ] {
        let words = refused.to_string();
        assert_eq!(ended(Ok(refused)).outcome, Outcome::Refused(words));
    }
    let unknown = client::Outcome::Unknown { error: busy() };
    let words = unknown.to_string();
    assert_eq!(ended(Ok(unknown)).outcome, Outcome::Unknown(words));
    let gone = made(Ok(client::Outcome::<Pool, ()>::Applied(())), |()| {
        Some(ReadBack::Gone)
    });
    assert_eq!(gone.outcome, Outcome::Applied(ReadBack::Gone));
    let odd = made(Ok(client::Outcome::<Pool>::Applied(row())), |_| None);
    assert_eq!(
        odd.outcome,
        Outcome::Changed,
        "a row that core has no word for is read again"
    );
}

#[test]
fn before_anything_was_sent_the_way_is_read_again_and_the_row_is_refused() {
    let (menu, id) = ("ip/pool", "*1".parse().unwrap());
    let why = || "because".to_owned();
    let certificate = Error::Certificate {
        problem: CertificateProblem::NotPinned,
        pin: SpkiPin::of(b"because"),
        fingerprint: why(),
    };
    let unreachable = Error::Unreachable {
        address: why(),
        service: "www-ssl",
        cause: NoConnection::Silence,
        why: why(),
    };
    let timeout = Error::Timeout {
        menu,
        after: Duration::from_secs(30),
    };
    let refused = Error::Refused {
        menu,
        status: 400,
        detail: why(),
    };
    let no_rest = Error::NoRest {
        address: why(),
        why: why(),
    };
    for error in [
        Error::Unauthorized,
        Error::PolicyMissing(Permission::Read),
        unreachable,
        certificate,
        no_rest,
        Error::TooOld(Version::new(7, 11, 0)),
        Error::Busy { why: why() },
        timeout,
        Error::NotFound { menu, id },
    ] {
        let made = ended(Err(error.clone()));
        assert_eq!(
            (made.outcome, made.words),
            (Outcome::Changed, format!("not sent: {error}"))
        );
    }
    for error in [
        Error::Configuration(why()),
        refused,
        Error::Malformed { menu, why: why() },
        Error::Protected {
            row: why(),
            why: "the pool is dynamic",
        },
    ] {
        let made = ended(Err(error.clone()));
        assert_eq!(made.words, format!("not sent: {error}"));
        assert_eq!(made.outcome, Outcome::Refused(made.words));
    }
}
