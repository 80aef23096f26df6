//! Writes over a script of calls and answers: what is sent, in which order, and what is made of the answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tower::service_fn;
use tower::util::BoxCloneSyncService;

use super::*;
use crate::client::credentials::CredentialStore;
use crate::client::{Credentials, NoConnection, PermitStore, RequestKind};
use crate::menu::{
    Arp, ArpChange, Comment, Lease, LeaseChange, NewArp, NewLease, NewPool, Pool, PoolChange, PoolRanges,
};
use crate::value::{AddressRanges, LocalMac, MacAddr};

/// What the router answers.
type Reply = Result<Value, Failure>;

/// Expects these calls, in this order and no others.
struct Script(Arc<Mutex<VecDeque<(String, Reply)>>>);

impl Script {
    /// A client of a router whose version is known and that expects `steps`.
    fn new(steps: Vec<(&str, Reply)>) -> (Client, Self) {
        let version = (
            "GET system/resource",
            Ok(json!({"version": "7.23.7 (long-term)", "uptime": "1d"})),
        );
        Self::unknown_version([vec![version], steps].concat())
    }

    fn unknown_version(steps: Vec<(&str, Reply)>) -> (Client, Self) {
        let steps: VecDeque<_> = steps
            .into_iter()
            .map(|(call, reply)| (call.to_owned(), reply))
            .collect();
        let steps = Arc::new(Mutex::new(steps));
        let left = Arc::clone(&steps);
        let service = service_fn(move |call: Call| {
            let step = left.lock().unwrap().pop_front();
            let (expected, reply) = step.unwrap_or_else(|| panic!("surplus call {}", shown(&call)));
            assert_eq!(shown(&call), expected);
            std::future::ready(reply.map(|body| Answer { body }))
        });
        let credentials = Arc::new(CredentialStore::new(Credentials::new("tiklb", "")));
        (
            Client::over(
                BoxCloneSyncService::new(service),
                credentials,
                PermitStore::default(),
            ),
            Self(steps),
        )
    }

    fn assert_done(&self) {
        let left = self.0.lock().unwrap();
        assert!(left.is_empty(), "calls that did not come: {left:?}");
    }
}

/// A call in one line, without the properties that are read.
fn shown(call: &Call) -> String {
    let method = match call.kind {
        RequestKind::Read => "GET",
        RequestKind::Add => "PUT",
        RequestKind::Set => "PATCH",
        RequestKind::Remove => "DELETE",
    };
    let id = call.id.map(|id| format!("/{id}")).unwrap_or_default();
    let filter = call
        .query
        .as_ref()
        .and_then(|query| query.split_once("&.proplist"))
        .map(|(filter, _)| filter);
    let filter = filter.map(|filter| format!("?{filter}")).unwrap_or_default();
    let body = call
        .body
        .as_ref()
        .map(|body| format!(" {body}"))
        .unwrap_or_default();
    format!("{method} {}{id}{filter}{body}", call.menu)
}

const MARK: &str = "tiklb/v1 home/0a1b2c3d default/web";
const LEASES: &str = "GET ip/dhcp-server/lease?address=192.168.1.200";
const PUT: &str = "PUT ip/dhcp-server/lease {\"address\":\"192.168.1.200\",\
    \"comment\":\"tiklb/v1 home/0a1b2c3d default/web\",\"mac-address\":\"02:00:C0:A8:01:C8\",\"server\":\"defconf\"}";

fn claim() -> NewLease {
    NewLease {
        address: [192, 168, 1, 200].into(),
        mac_address: LocalMac::try_from(MacAddr([2, 0, 0xC0, 0xA8, 1, 0xC8])).unwrap(),
        server: "defconf".into(),
        comment: Comment::new(MARK).unwrap(),
    }
}

fn lease_row() -> Value {
    json!({".id": "*9", "address": "192.168.1.200", "mac-address": "02:00:C0:A8:01:C8", "server": "defconf",
           "comment": MARK, "status": "waiting", "dynamic": "false", "disabled": "false"})
}

fn pool_row(ranges: &str) -> Value {
    json!({".id": "*1", "name": "dhcp_pool", "ranges": ranges})
}

fn row<M: crate::menu::Menu>(value: &Value) -> M {
    crate::menu::row(value).unwrap()
}

fn with(mut row: Value, property: &str, value: &str) -> Value {
    row[property] = value.into();
    row
}

fn refused(detail: &str) -> Reply {
    Err(Failure::answered(Error::Refused {
        menu: "x",
        status: 400,
        detail: detail.into(),
    }))
}

fn lost() -> Reply {
    Err(Failure::interrupted(Error::Busy {
        why: "the connection broke".into(),
    }))
}

/// No answer within the time that a write is given.
fn late() -> Reply {
    Err(Failure::interrupted(Error::Timeout {
        menu: "x",
        after: std::time::Duration::from_secs(65),
    }))
}

fn unreachable() -> Reply {
    let (address, why) = ("192.168.1.1:443".into(), "connection refused".into());
    Err(Failure::unsent(Error::Unreachable {
        address,
        service: "www-ssl",
        cause: NoConnection::ServiceOff,
        why,
    }))
}

fn gone() -> Reply {
    Err(Failure::answered(Error::NotFound {
        menu: "x",
        id: "*9".parse().unwrap(),
    }))
}

fn taken() -> (PoolChange, &'static str) {
    let left: AddressRanges = "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254"
        .parse()
        .unwrap();
    let change = PoolChange {
        ranges: Some(PoolRanges::try_from(left).unwrap()),
        comment: None,
    };
    (
        change,
        "PATCH ip/pool/*1 {\"ranges\":\"192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254\"}",
    )
}

#[tokio::test]
async fn adds_a_row_and_reads_it_back() {
    let (client, script) = Script::new(vec![
        (LEASES, Ok(json!([]))),
        (PUT, Ok(json!({".id": "*9"}))),
        ("GET ip/dhcp-server/lease/*9", Ok(lease_row())),
    ]);
    assert_eq!(
        client.add(&claim()).await,
        Ok(Outcome::Applied(row::<Lease>(&lease_row())))
    );
    script.assert_done();
}

#[tokio::test]
async fn adds_nothing_beside_a_row_in_its_place() {
    let dynamic = json!({".id": "*3", "address": "192.168.1.200", "dynamic": "true", "status": "bound"});
    for found in [
        dynamic,
        with(lease_row(), "comment", "printer"),
        with(lease_row(), "server", "guests"),
    ] {
        let (client, script) = Script::new(vec![(LEASES, Ok(json!([found.clone()])))]);
        let outcome = client.add::<Lease>(&claim()).await.unwrap();
        assert_eq!(
            outcome,
            Outcome::Precondition {
                expected: None,
                found: Some(row(&found))
            }
        );
        script.assert_done();
    }
    // A row of somebody else's beside it does not hide ours.
    for rows in [
        json!([lease_row()]),
        json!([with(lease_row(), "disabled", "true"), lease_row()]),
    ] {
        let (client, script) = Script::new(vec![(LEASES, Ok(rows))]);
        let there = Outcome::Applied(row::<Lease>(&lease_row()));
        assert_eq!(client.add(&claim()).await, Ok(there), "it is there already");
        script.assert_done();
    }

    let unreadable = json!([{".id": "*3", "address": "192.168.1.200", "mac-address": "?"}]);
    let (client, script) = Script::new(vec![(LEASES, Ok(unreadable))]);
    assert_eq!(
        client.add::<Lease>(&claim()).await.unwrap_err().category(),
        "Malformed"
    );
    script.assert_done();
}

#[tokio::test]
async fn a_lost_answer_to_an_add_is_settled_by_reading() {
    let (client, script) = Script::new(vec![
        (LEASES, Ok(json!([]))),
        (PUT, lost()),
        (LEASES, Ok(json!([lease_row()]))),
    ]);
    assert_eq!(client.add::<Lease>(&claim()).await.unwrap().category(), "Applied");
    script.assert_done();

    let (client, script) = Script::new(vec![
        (LEASES, Ok(json!([]))),
        (PUT, lost()),
        (LEASES, Ok(json!([]))),
    ]);
    let outcome = client.add::<Lease>(&claim()).await.unwrap();
    // The connection broke: the router may add it yet.
    assert_eq!(
        outcome,
        Outcome::Unknown {
            error: lost().unwrap_err().error
        }
    );
    script.assert_done();

    let (client, script) = Script::new(vec![
        (LEASES, Ok(json!([]))),
        (PUT, late()),
        (LEASES, Ok(json!([]))),
    ]);
    let outcome = client.add::<Lease>(&claim()).await.unwrap();
    // RouterOS itself has ended it by now.
    assert_eq!(
        outcome,
        Outcome::NotApplied {
            error: late().unwrap_err().error,
            row: None
        }
    );
    script.assert_done();

    let (client, script) = Script::new(vec![
        (LEASES, Ok(json!([]))),
        (PUT, lost()),
        (LEASES, unreachable()),
    ]);
    let outcome = client.add::<Lease>(&claim()).await.unwrap();
    assert_eq!(
        outcome,
        Outcome::Unknown {
            error: lost().unwrap_err().error
        }
    );
    script.assert_done();
}

#[tokio::test]
async fn a_refused_add_shows_who_is_in_the_way() {
    let other = with(lease_row(), "comment", "printer");
    let refusal = refused("failure: already have static lease with this IP address");
    let (client, script) = Script::new(vec![
        (LEASES, Ok(json!([]))),
        (PUT, refusal.clone()),
        (LEASES, Ok(json!([other.clone()]))),
    ]);
    let outcome = client.add::<Lease>(&claim()).await.unwrap();
    assert_eq!(
        outcome,
        Outcome::NotApplied {
            error: refusal.unwrap_err().error,
            row: Some(row(&other))
        }
    );
    script.assert_done();
}

#[tokio::test]
async fn an_agreed_add_without_its_row_is_an_alarm() {
    let (client, script) = Script::new(vec![
        (LEASES, Ok(json!([]))),
        (PUT, Ok(Value::Null)),
        (LEASES, Ok(json!([]))),
    ]);
    let outcome = client.add::<Lease>(&claim()).await.unwrap();
    assert_eq!(
        outcome,
        Outcome::Differs {
            row: None,
            properties: vec![]
        }
    );
    assert_eq!(outcome.to_string(), "the router agreed, but there is no row");
    script.assert_done();
}

#[tokio::test]
async fn shrinks_a_pool_that_is_as_expected() {
    let (change, patch) = taken();
    let before = row::<Pool>(&pool_row("192.168.1.100-192.168.1.254"));
    // Read back in another form, and spelt differently at the look before: equal as sets.
    let after = pool_row("192.168.1.221-192.168.1.254,192.168.1.100-192.168.1.199");
    let (client, script) = Script::new(vec![
        (
            "GET ip/pool/*1",
            Ok(pool_row(
                "192.168.1.128-192.168.1.254,192.168.1.100-192.168.1.127",
            )),
        ),
        (patch, Ok(after.clone())),
        ("GET ip/pool/*1", Ok(after.clone())),
    ]);
    assert_eq!(
        client.set(&Target::of(&before), &change).await,
        Ok(Outcome::Applied(row(&after)))
    );
    script.assert_done();
}

#[tokio::test]
async fn sends_nothing_when_the_row_is_not_as_expected() {
    let target = Target::of(&row::<Pool>(&pool_row("192.168.1.100-192.168.1.254")));
    let edited = pool_row("192.168.1.50-192.168.1.254");
    for (now, found) in [
        (Ok(edited.clone()), Some(row::<Pool>(&edited))),
        (
            Ok(with(pool_row("192.168.1.100-192.168.1.254"), "name", "other")),
            None,
        ),
        (gone(), None),
    ] {
        let renamed = now.as_ref().is_ok_and(|row| row["name"] == "other");
        let found = if renamed {
            now.as_ref().ok().map(row::<Pool>)
        } else {
            found
        };
        let (client, script) = Script::new(vec![("GET ip/pool/*1", now)]);
        let outcome = client.set(&target, &taken().0).await.unwrap();
        assert_eq!(
            outcome,
            Outcome::Precondition {
                expected: Some(target.expected.clone()),
                found
            }
        );
        script.assert_done();
    }

    let target = Target::of(&row::<Lease>(&lease_row()));
    let foreign = json!({".id": "*9", "address": "192.168.1.7", "dynamic": "true"});
    let (client, script) = Script::new(vec![("GET ip/dhcp-server/lease/*9", Ok(foreign))]);
    let outcome = client.remove(&target).await.unwrap();
    assert_eq!(
        outcome.to_string(),
        format!("not sent: expected lease of 192.168.1.200 ({MARK}), found lease of 192.168.1.7")
    );
    script.assert_done();
}

#[tokio::test]
async fn sends_nothing_when_the_row_already_means_what_is_asked() {
    let target = Target::of(&row::<Lease>(&lease_row()));
    let change = LeaseChange {
        server: Some("defconf".into()),
        disabled: Some(false),
        ..Default::default()
    };
    for change in [change, LeaseChange::default()] {
        let (client, script) = Script::new(vec![("GET ip/dhcp-server/lease/*9", Ok(lease_row()))]);
        assert_eq!(client.set(&target, &change).await.unwrap().category(), "Applied");
        script.assert_done();
    }
}

/// What becomes of shrinking a pool that gets this answer and then reads as this.
async fn shrunk(answer: Reply, now: Reply) -> Outcome<Pool> {
    let (change, patch) = taken();
    let target = Target::of(&row::<Pool>(&old_pool()));
    let (client, script) = Script::new(vec![
        ("GET ip/pool/*1", Ok(old_pool())),
        (patch, answer),
        ("GET ip/pool/*1", now),
    ]);
    let outcome = client.set(&target, &change).await.unwrap();
    script.assert_done();
    outcome
}

fn old_pool() -> Value {
    pool_row("192.168.1.100-192.168.1.254")
}

#[tokio::test]
async fn an_answer_proves_nothing_reading_does() {
    let new = pool_row("192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254");
    let other = pool_row("192.168.1.100-192.168.1.199");
    let refusal = refused("failure: x").unwrap_err().error;
    let loss = lost().unwrap_err().error;
    let applied = Outcome::Applied(row(&new));
    let not_applied = |error: &Error, row: Option<Pool>| Outcome::NotApplied {
        error: error.clone(),
        row,
    };
    let differs = |row, properties| Outcome::Differs { row, properties };
    let unknown = |error: &Error| Outcome::Unknown { error: error.clone() };

    assert_eq!(shrunk(refused("failure: x"), Ok(new.clone())).await, applied);
    assert_eq!(shrunk(lost(), Ok(new.clone())).await, applied);

    let old = Some(row(&old_pool()));
    assert_eq!(
        shrunk(refused("failure: x"), Ok(old_pool())).await,
        not_applied(&refusal, old.clone())
    );
    assert_eq!(shrunk(lost(), Ok(old_pool())).await, unknown(&loss));
    let timeout = late().unwrap_err().error;
    assert_eq!(shrunk(late(), Ok(old_pool())).await, not_applied(&timeout, old));
    assert_eq!(
        shrunk(refused("failure: x"), gone()).await,
        not_applied(&refusal, None)
    );

    let alarm = differs(Some(row(&other)), vec!["ranges"]);
    assert_eq!(shrunk(Ok(new.clone()), Ok(other)).await, alarm);
    assert_eq!(
        alarm.to_string(),
        "the router agreed, but ranges of pool dhcp_pool with 192.168.1.100-192.168.1.199 differ"
    );
    assert_eq!(shrunk(Ok(new.clone()), gone()).await, differs(None, vec![]));

    assert_eq!(shrunk(lost(), lost()).await, unknown(&loss));
    assert_eq!(
        shrunk(Ok(new), unreachable()).await,
        unknown(&unreachable().unwrap_err().error)
    );
}

#[tokio::test]
async fn what_was_never_sent_is_an_error_and_needs_no_reading() {
    let (change, patch) = taken();
    let old = pool_row("192.168.1.100-192.168.1.254");
    let target = Target::of(&row::<Pool>(&old));
    let (client, script) = Script::new(vec![("GET ip/pool/*1", Ok(old)), (patch, unreachable())]);
    assert_eq!(
        client.set(&target, &change).await,
        Err(unreachable().unwrap_err().error)
    );
    script.assert_done();
    let (client, script) = Script::new(vec![("GET ip/pool/*1", lost())]);
    assert_eq!(client.set(&target, &change).await, Err(lost().unwrap_err().error));
    script.assert_done();
}

#[tokio::test]
async fn removes_the_expected_row_once() {
    const GET: &str = "GET ip/dhcp-server/lease/*9";
    const DELETE: &str = "DELETE ip/dhcp-server/lease/*9";
    let target = Target::of(&row::<Lease>(&lease_row()));
    let reused = json!({".id": "*9", "address": "192.168.1.7", "dynamic": "true"});
    let refusal = refused("failure: x").unwrap_err().error;
    let now: Option<Lease> = Some(row(&lease_row()));
    let cases: Vec<(Reply, Reply, Outcome<Lease, ()>)> = vec![
        (Ok(Value::Null), gone(), Outcome::Applied(())),
        (Ok(Value::Null), Ok(reused), Outcome::Applied(())),
        (lost(), gone(), Outcome::Applied(())),
        (
            refused("failure: x"),
            Ok(lease_row()),
            Outcome::NotApplied {
                error: refusal,
                row: now.clone(),
            },
        ),
        (
            Ok(Value::Null),
            Ok(lease_row()),
            Outcome::Differs {
                row: now,
                properties: vec![],
            },
        ),
        (
            lost(),
            lost(),
            Outcome::Unknown {
                error: lost().unwrap_err().error,
            },
        ),
    ];
    for (answer, now, expected) in cases {
        let (client, script) = Script::new(vec![(GET, Ok(lease_row())), (DELETE, answer), (GET, now)]);
        assert_eq!(client.remove(&target).await.unwrap(), expected);
        script.assert_done();
    }
    let (client, script) = Script::new(vec![(GET, gone())]);
    assert_eq!(
        client.remove(&target).await.unwrap(),
        Outcome::Applied(()),
        "it is gone already"
    );
    script.assert_done();
}

#[tokio::test]
async fn rows_that_are_not_ours_are_protected() {
    let dynamic = json!({".id": "*4", "address": "192.168.1.207", "dynamic": "true", "comment": "x"});
    let (client, script) = Script::new(vec![("GET ip/dhcp-server/lease/*4", Ok(dynamic.clone()))]);
    let error = client
        .remove(&Target::of(&row::<Lease>(&dynamic)))
        .await
        .unwrap_err();
    assert_eq!(error.category(), "Protected");
    script.assert_done();

    let (client, script) = Script::new(vec![("GET ip/dhcp-server/lease/*4", Ok(dynamic.clone()))]);
    let change = LeaseChange {
        disabled: Some(true),
        ..Default::default()
    };
    let error = client
        .set(&Target::of(&row::<Lease>(&dynamic)), &change)
        .await
        .unwrap_err();
    assert_eq!(error.category(), "Protected");
    script.assert_done();

    let theirs = pool_row("10.0.0.0/24");
    let (client, script) = Script::new(vec![("GET ip/pool/*1", Ok(theirs.clone()))]);
    let error = client
        .remove(&Target::of(&row::<Pool>(&theirs)))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "pool dhcp_pool with 10.0.0.0-10.0.0.255 is left alone: the pool has no comment, so it is nobody's but its owner's"
    );
    script.assert_done();
}

fn phone() -> (DynamicLease, Value) {
    let lease = DynamicLease {
        id: "*5".parse().unwrap(),
        address: [192, 168, 1, 205].into(),
        mac_address: MacAddr([0xAA, 0xBB, 0xCC, 0, 0, 1]),
    };
    let row = json!({".id": "*5", "address": "192.168.1.205", "mac-address": "AA:BB:CC:00:00:01", "server": "defconf",
                     "status": "bound", "active-address": "192.168.1.205", "host-name": "phone", "dynamic": "true"});
    (lease, row)
}

const PHONE: &str = "GET ip/dhcp-server/lease/*5";
const EVICT: &str = "DELETE ip/dhcp-server/lease/*5";

#[tokio::test]
async fn a_clients_lease_goes_once_if_it_is_still_that_clients() {
    let (lease, row) = phone();
    let there = || Ok(row.clone());
    for (steps, category) in [
        (
            vec![(PHONE, there()), (EVICT, Ok(json!([]))), (PHONE, gone())],
            "Applied",
        ),
        // It is gone already, or another client's row has the id: nothing is sent for it.
        (vec![(PHONE, gone())], "Applied"),
        (
            vec![(PHONE, there()), (EVICT, lost()), (PHONE, gone())],
            "Applied",
        ),
        (
            vec![(PHONE, there()), (EVICT, lost()), (PHONE, there())],
            "Unknown",
        ),
        (
            vec![(PHONE, there()), (EVICT, refused("no")), (PHONE, there())],
            "NotApplied",
        ),
        (
            vec![(PHONE, there()), (EVICT, Ok(json!([]))), (PHONE, there())],
            "Differs",
        ),
        (
            vec![(PHONE, there()), (EVICT, Ok(json!([]))), (PHONE, late())],
            "Unknown",
        ),
    ] {
        let (client, script) = Script::new(steps);
        let outcome = client.evict(&lease).await.unwrap();
        assert_eq!(outcome.category(), category);
        script.assert_done();
    }
}

#[tokio::test]
async fn no_other_lease_than_that_clients_dynamic_one_is_evicted() {
    let (lease, row) = phone();
    for (property, value) in [
        ("dynamic", "false"),
        ("address", "192.168.1.206"),
        ("address", "dhcp_pool"),
        ("mac-address", "AA:BB:CC:00:00:02"),
    ] {
        let other = with(row.clone(), property, value);
        let (client, script) = Script::new(vec![(PHONE, Ok(other))]);
        let outcome = client.evict(&lease).await.unwrap();
        assert_eq!(outcome.category(), "Precondition", "{property}={value}");
        script.assert_done();
    }
    // Nor is it by the way in which rows of ours go.
    let (client, script) = Script::new(vec![(PHONE, Ok(row.clone()))]);
    let target = Target::of(&crate::menu::row::<Lease>(&row).unwrap());
    assert_eq!(client.remove(&target).await.unwrap_err().category(), "Protected");
    script.assert_done();
}

#[tokio::test]
async fn pools_and_arp_rows_of_ours_come_and_go() {
    let ours = json!({".id": "*2", "name": "tiklb-home-lan", "ranges": "192.168.1.200/30", "comment": MARK});
    let new = NewPool {
        name: "tiklb-home-lan".into(),
        ranges: PoolRanges::try_from("192.168.1.200/30".parse::<AddressRanges>().unwrap()).unwrap(),
        comment: Comment::new(MARK).unwrap(),
    };
    let put = format!(
        "PUT ip/pool {{\"comment\":\"{MARK}\",\"name\":\"tiklb-home-lan\",\
         \"ranges\":\"192.168.1.200-192.168.1.203\"}}"
    );
    let (client, script) = Script::new(vec![
        ("GET ip/pool", Ok(json!([pool_row("10.0.0.0/24")]))),
        (&put, Ok(ours.clone())),
        ("GET ip/pool/*2", Ok(ours.clone())),
    ]);
    assert_eq!(client.add(&new).await, Ok(Outcome::Applied(row::<Pool>(&ours))));
    script.assert_done();

    let learnt = json!({".id": "*7", "address": "192.168.1.200", "interface": "bridge", "dynamic": "true"});
    let arp = json!({".id": "*8", "address": "192.168.1.200", "interface": "bridge", "disabled": "true",
                     "mac-address": "02:00:00:00:00:01", "comment": MARK});
    let new = NewArp {
        address: [192, 168, 1, 200].into(),
        mac_address: MacAddr([2, 0, 0, 0, 0, 1]),
        interface: "bridge".into(),
        comment: Comment::new(MARK).unwrap(),
        disabled: true,
    };
    let put = format!(
        "PUT ip/arp {{\"address\":\"192.168.1.200\",\"comment\":\"{MARK}\",\"disabled\":\"true\",\
         \"interface\":\"bridge\",\"mac-address\":\"02:00:00:00:00:01\"}}"
    );
    let moved = with(arp.clone(), "mac-address", "02:00:00:00:00:02");
    let (client, script) = Script::new(vec![
        ("GET ip/arp?address=192.168.1.200", Ok(json!([learnt]))),
        (&put, Ok(arp.clone())),
        ("GET ip/arp/*8", Ok(arp.clone())),
        ("GET ip/arp/*8", Ok(arp.clone())),
        (
            "PATCH ip/arp/*8 {\"mac-address\":\"02:00:00:00:00:02\"}",
            Ok(moved.clone()),
        ),
        ("GET ip/arp/*8", Ok(moved.clone())),
    ]);
    assert_eq!(
        client.add(&new).await,
        Ok(Outcome::Applied(row::<Arp>(&arp))),
        "a learnt row is no obstacle"
    );
    let change = ArpChange {
        mac_address: Some(MacAddr([2, 0, 0, 0, 0, 2])),
        ..Default::default()
    };
    let outcome = client.set(&Target::of(&row::<Arp>(&arp)), &change).await;
    assert_eq!(outcome, Ok(Outcome::Applied(row(&moved))));
    script.assert_done();
}

#[tokio::test]
async fn old_versions_are_not_written_to() {
    let version = |version: &str| Ok(json!({"version": version, "uptime": "1d"}));
    let (client, script) = Script::unknown_version(vec![("GET system/resource", version("7.11.2 (stable)"))]);
    for _ in 0..2 {
        let error = client.add::<Lease>(&claim()).await.unwrap_err();
        assert_eq!(error, Error::TooOld("7.11.2 (stable)".parse().unwrap()));
    }
    script.assert_done();

    let (client, script) = Script::unknown_version(vec![("GET system/resource", unreachable())]);
    assert_eq!(
        client.add::<Lease>(&claim()).await.unwrap_err().category(),
        "Unreachable"
    );
    script.assert_done();
}

#[tokio::test]
async fn an_unknown_refusal_of_an_unknown_version_ends_all_writing() {
    const STRANGE: &str = "failure: denied by policy engine";
    const KNOWN: &str = "failure: already have static lease for this client";
    let resource = |version: &str| {
        (
            "GET system/resource",
            Ok(json!({"version": version, "uptime": "1d"})),
        )
    };
    let add = |detail| {
        vec![
            (LEASES, Ok(json!([]))),
            (PUT, refused(detail)),
            (LEASES, Ok(json!([]))),
        ]
    };
    for (version, detail, ends) in [
        ("7.99 (stable)", STRANGE, true),
        ("7.99 (stable)", KNOWN, false),
        ("7.24.5 (stable)", STRANGE, false),
    ] {
        let mut steps = [vec![resource(version)], add(detail)].concat();
        if !ends {
            steps.extend(add(detail));
        }
        let (client, script) = Script::unknown_version(steps);
        assert_eq!(
            client.add::<Lease>(&claim()).await.unwrap().category(),
            "NotApplied"
        );
        let again = client.add::<Lease>(&claim()).await;
        if ends {
            let error = again.unwrap_err();
            let expected = "the router runs RouterOS 7.99 (stable), which is newer than this program knows, and \
                            refused a write in words that it does not know either (failure: denied by policy engine): \
                            nothing more is written to it; look for a newer release of this program, and tell its \
                            authors of these words";
            assert_eq!(error.to_string(), expected);
        } else {
            assert_eq!(again.unwrap().category(), "NotApplied", "{version} {detail}");
        }
        script.assert_done();
    }
}

#[tokio::test]
async fn two_writes_do_not_mix() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let service = service_fn(move |call: Call| {
        log.lock().unwrap().push(shown(&call));
        async move {
            // Whoever waits gets a turn.
            tokio::task::yield_now().await;
            let body = match call.menu {
                "system/resource" => json!({"version": "7.23.7", "uptime": "1d"}),
                _ => lease_row(),
            };
            Ok(Answer { body })
        }
    });
    let credentials = Arc::new(CredentialStore::new(Credentials::new("tiklb", "")));
    let client = Client::over(
        BoxCloneSyncService::new(service),
        credentials,
        PermitStore::default(),
    );
    let target = Target::of(&row::<Lease>(&lease_row()));
    let change = LeaseChange {
        disabled: Some(true),
        ..Default::default()
    };
    let (set, removal) = tokio::join!(client.set(&target, &change), client.remove(&target));
    assert_eq!(
        (set.unwrap().category(), removal.unwrap().category()),
        ("Differs", "Differs")
    );
    let get = "GET ip/dhcp-server/lease/*9".to_owned();
    let patch = "PATCH ip/dhcp-server/lease/*9 {\"disabled\":\"true\"}".to_owned();
    let delete = "DELETE ip/dhcp-server/lease/*9".to_owned();
    let expected = [get.clone(), patch, get.clone(), get.clone(), delete, get];
    assert_eq!(lines.lock().unwrap()[1..], expected);
}
