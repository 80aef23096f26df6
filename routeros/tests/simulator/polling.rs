//! Looking again in few requests: what is seen, how much is asked, and when all of it is asked anew.

use routeros::menu::Lease;
use routeros_sim::Menu;

use super::*;

/// How many reads `router` has answered.
fn reads(router: &Router) -> u64 {
    router.journal().reads.values().sum()
}

/// How many reads one poll of `client` takes.
async fn poll(router: &Router, client: &Client) -> u64 {
    let before = reads(router);
    client.poll().await.unwrap();
    reads(router) - before
}

/// A reading of everything.
const WHOLE: u64 = 11;

/// A poll, thereafter.
const FEW: u64 = 6;

#[tokio::test]
async fn six_reads_and_no_write_a_poll() {
    let router = start(Config::default()).await;
    let client = client(&router);
    assert_eq!(poll(&router, &client).await, WHOLE);
    for _ in 0..7 {
        assert_eq!(poll(&router, &client).await, FEW);
    }
    let (polled, whole) = (client.poll().await.unwrap(), client.reading().await.unwrap());
    assert_eq!(
        routeros::Reading {
            resource: whole.resource.clone(),
            ..polled
        },
        whole
    );
    assert!(router.journal().writes.is_empty());
    assert_eq!(router.violations(), []);
}

#[tokio::test]
async fn what_matters_is_seen_at_once_and_the_rest_within_six_polls() {
    let router = start(Config::default()).await;
    let client = client(&router);
    client.poll().await.unwrap();
    let person = router.person();
    person
        .set(
            Menu::Pool,
            ("name", "dhcp_pool"),
            [("ranges", "192.168.1.100-192.168.1.199")],
        )
        .unwrap();
    person
        .set(Menu::DhcpServer, ("name", "defconf"), [("disabled", "yes")])
        .unwrap();
    person
        .set(
            Menu::Network,
            ("comment", "defconf"),
            [("gateway", "192.168.1.2")],
        )
        .unwrap();
    let seen = client.poll().await.unwrap();
    assert_eq!(seen.pools[0].ranges, ranges("192.168.1.100-192.168.1.199"));
    assert!(seen.servers[0].disabled);
    let mut polls = 1;
    while client.poll().await.unwrap().networks[0].gateways != [Ipv4Addr::new(192, 168, 1, 2)] {
        polls += 1;
        assert!(polls < 6, "each menu has its turn");
    }
}

#[tokio::test]
async fn everything_is_read_again_when_it_may_have_changed() {
    let router = start(Config::default()).await;
    let client = client(&router);
    assert_eq!(poll(&router, &client).await, WHOLE);
    assert_eq!(poll(&router, &client).await, FEW);

    // A clock that runs a little off ours is no other router.
    router.clock().advance(Duration::from_secs(10));
    assert_eq!(poll(&router, &client).await, FEW);
    router.reboot();
    assert_eq!(poll(&router, &client).await, WHOLE, "it was restarted");
    assert_eq!(poll(&router, &client).await, FEW);

    // Up for longer than it can be: another router has its address.
    router.clock().advance(Duration::from_hours(1));
    assert_eq!(poll(&router, &client).await, WHOLE, "it may be another router");
    assert_eq!(poll(&router, &client).await, FEW);

    assert_eq!(
        client.add::<Lease>(&new_lease()).await.unwrap().category(),
        "Applied"
    );
    assert_eq!(poll(&router, &client).await, WHOLE, "we wrote");
    assert_eq!(poll(&router, &client).await, FEW);

    router.faults().unreachable(true);
    client.poll().await.unwrap_err();
    router.faults().unreachable(false);
    assert_eq!(poll(&router, &client).await, WHOLE, "it was away");
    assert_eq!(poll(&router, &client).await, FEW);
}
