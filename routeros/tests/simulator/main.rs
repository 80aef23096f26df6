//! The client against the simulator over real HTTPS. The simulator shares no code with it, so what one of the two
//! misreads shows here; its journal says what was really sent.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use routeros::client::{Client, Credentials, Endpoint, Timeouts, Trust};
use routeros::menu::{Comment, NewArp, NewLease, NewPool, Pool, PoolChange, PoolRanges};
use routeros::value::{AddressRanges, LocalMac, MacAddr};
use routeros_sim::{Config, PASSWORD, Router};

mod access;
mod certificates;
mod faults;
mod front;
mod losses;
mod polling;
mod round_trip;
mod sentences;

const MARK: &str = "tiklb/v1 home/0a1b2c3d default/web";
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);
const OURS: &str = "192.168.1.200-192.168.1.220";

async fn start(config: Config) -> Router {
    Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap()
}

/// Quick to fail: every verdict is about order, none about speed.
fn timeouts() -> Timeouts {
    Timeouts {
        settle: Duration::from_millis(10),
        backoff: Duration::from_millis(1),
        ..Timeouts::default()
    }
}

fn endpoint(router: &Router) -> Endpoint {
    let ca = router.ca_pem();
    Endpoint {
        url: router.url(),
        trust: Trust::new(ca.as_ref().map(String::as_bytes), vec![]).unwrap(),
        server_name: None,
        credentials: Credentials::new("tiklb", PASSWORD),
        allow_plain_http: false,
        timeouts: timeouts(),
    }
}

fn client(router: &Router) -> Client {
    Client::new(endpoint(router)).unwrap()
}

fn ranges(text: &str) -> AddressRanges {
    text.parse().unwrap()
}

fn pool_ranges(text: &str) -> PoolRanges {
    PoolRanges::try_from(ranges(text)).unwrap()
}

fn mark() -> Comment {
    Comment::new(MARK).unwrap()
}

fn new_pool() -> NewPool {
    NewPool {
        name: "tiklb-home-lan".into(),
        ranges: pool_ranges(OURS),
        comment: mark(),
    }
}

fn new_lease() -> NewLease {
    NewLease {
        address: VIP,
        mac_address: LocalMac::try_from(MacAddr([2, 0, 192, 168, 1, 200])).unwrap(),
        server: "defconf".into(),
        comment: mark(),
    }
}

fn new_arp() -> NewArp {
    NewArp {
        address: VIP,
        mac_address: MacAddr([2, 0, 0, 0, 0, 1]),
        interface: "bridge".into(),
        comment: mark(),
        disabled: true,
    }
}

/// `pool` without the addresses that we take.
fn taken(pool: &Pool) -> PoolChange {
    let left = pool.ranges.subtract(&ranges(OURS));
    PoolChange {
        ranges: Some(PoolRanges::try_from(left).unwrap()),
        comment: None,
    }
}

/// `pool` with the addresses that we took.
fn given_back(pool: &Pool) -> PoolChange {
    let whole = pool.ranges.union(&ranges(OURS));
    PoolChange {
        ranges: Some(PoolRanges::try_from(whole).unwrap()),
        comment: None,
    }
}

/// The writes that the router saw: method, path, id, status.
fn writes(router: &Router) -> Vec<String> {
    let journal = router.journal();
    let shown = journal.writes.iter().map(|write| {
        let id = write.id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
        format!(
            "{} {}{id} {} -> {}",
            write.method, write.path, write.body, write.status
        )
    });
    shown.collect()
}
