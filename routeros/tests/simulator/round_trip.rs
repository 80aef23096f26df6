//! A first sync and its release: what is written, and that nothing stays behind.

use routeros::client::Outcome;
use routeros::menu::{Arp, ArpChange, ArpMode, Lease, LeaseServer, LeaseStatus, Pool, Target, Writable};
use routeros::value::{MacAddr, Reference};
use routeros_sim::{Lease as SimLease, Mac, RangeForm, Switches, diff};

use super::*;

fn mac(octets: [u8; 6]) -> Mac {
    MacAddr(octets).to_string().parse().unwrap()
}

fn applied<M: Writable, A>(outcome: Outcome<M, A>) -> A {
    match outcome {
        Outcome::Applied(applied) => applied,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_reading_is_what_the_router_has() {
    let phone = SimLease::bound(Ipv4Addr::new(192, 168, 1, 207), mac([0xAA, 0xBB, 0xCC, 0, 0, 1]));
    let printer = SimLease::fixed(Ipv4Addr::new(192, 168, 1, 50), mac([0, 0x0C, 0x42, 0, 0, 1]));
    let config = Config::default()
        .lease(phone.server("defconf").host_name("phone"))
        .lease(printer.comment("printer"));
    let router = start(config).await;
    router.meet(Ipv4Addr::new(192, 168, 1, 50), mac([0, 0x0C, 0x42, 0, 0, 1]));
    let reading = client(&router).reading().await.unwrap();

    assert_eq!(reading.bad, []);
    assert_eq!(reading.identity.name, "MikroTik");
    assert!(reading.serial_number().is_some());
    assert_eq!(reading.pools.len(), 1);
    assert_eq!(reading.pools[0].ranges, ranges("192.168.1.100-192.168.1.254"));
    assert_eq!(reading.servers[0].name, "defconf");
    assert_eq!(reading.networks[0].gateways, [Ipv4Addr::new(192, 168, 1, 1)]);
    assert_eq!(reading.addresses[0].address.to_string(), "192.168.1.1/24");
    assert!(
        reading
            .bridges
            .iter()
            .any(|bridge| bridge.name == "bridge" && bridge.arp == ArpMode::Enabled)
    );
    assert!(
        reading
            .interfaces
            .iter()
            .any(|interface| interface.name == "bridge")
    );

    let lease = |last| {
        reading
            .leases
            .iter()
            .find(|lease| lease.address.ip() == Some(Ipv4Addr::new(192, 168, 1, last)))
    };
    let (phone, printer) = (lease(207).unwrap(), lease(50).unwrap());
    assert!(phone.dynamic && phone.status == LeaseStatus::Bound);
    assert_eq!(phone.host_name.as_deref(), Some("phone"));
    assert_eq!(
        phone.active_mac_address,
        Some(MacAddr([0xAA, 0xBB, 0xCC, 0, 0, 1]))
    );
    assert!(phone.expires_after.is_some());
    assert_eq!(phone.server, LeaseServer::One(Reference::Name("defconf".into())));
    assert_eq!((printer.dynamic, &printer.server), (false, &LeaseServer::All));
    assert_eq!(printer.comment.as_deref(), Some("printer"));
    assert_eq!(reading.arp.len(), 1);
    assert!(reading.arp[0].dynamic && reading.arp[0].complete);

    assert_eq!(router.violations(), []);
    assert!(router.journal().writes.is_empty());
    assert_eq!(router.journal().most_in_flight, 1);
}

/// Takes the addresses, claims one, moves its ARP row, and takes all of it back; gives the writes that this should
/// have been.
async fn take_and_give_back(client: &Client) -> Vec<String> {
    let pool: Pool = client.read().await.unwrap().rows.remove(0);
    let shrunk = applied(client.set(&Target::of(&pool), &taken(&pool)).await.unwrap());
    assert_eq!(
        shrunk.ranges,
        ranges("192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254")
    );
    let ours: Pool = applied(client.add(&new_pool()).await.unwrap());
    let lease: Lease = applied(client.add(&new_lease()).await.unwrap());
    let arp: Arp = applied(client.add(&new_arp()).await.unwrap());
    let follows = ArpChange {
        mac_address: Some(MacAddr([2, 0, 0, 0, 0, 2])),
        ..ArpChange::default()
    };
    let moved = applied(client.set(&Target::of(&arp), &follows).await.unwrap());

    applied(client.remove(&Target::of(&moved)).await.unwrap());
    applied(client.remove(&Target::of(&lease)).await.unwrap());
    applied(client.remove(&Target::of(&ours)).await.unwrap());
    let whole = applied(
        client
            .set(&Target::of(&shrunk), &given_back(&shrunk))
            .await
            .unwrap(),
    );
    assert_eq!(whole.ranges, pool.ranges);
    vec![
        format!("PATCH ip/pool/{}", pool.id),
        "PUT ip/pool".to_owned(),
        "PUT ip/dhcp-server/lease".to_owned(),
        "PUT ip/arp".to_owned(),
        format!("PATCH ip/arp/{}", arp.id),
        format!("DELETE ip/arp/{}", arp.id),
        format!("DELETE ip/dhcp-server/lease/{}", lease.id),
        format!("DELETE ip/pool/{}", ours.id),
        format!("PATCH ip/pool/{}", pool.id),
    ]
}

#[tokio::test]
async fn what_is_taken_is_given_back() {
    let dialects = [
        Switches::default(),
        Switches {
            range_form: RangeForm::Cidr,
            put_answers_ok: true,
            ..Switches::default()
        },
        Switches {
            range_form: RangeForm::Merged,
            delete_answers_ok: true,
            reuse_ids: true,
            ..Switches::default()
        },
    ];
    for switches in dialects {
        let router = start(Config {
            switches,
            ..Config::default()
        })
        .await;
        let before = router.snapshot();
        let expected = take_and_give_back(&client(&router)).await;
        let sent: Vec<_> = writes(&router).iter().map(|write| two_words(write)).collect();
        assert_eq!(sent, expected);
        let difference = diff(&before.configured(), &router.snapshot().configured());
        assert!(only_spelling(&difference), "{difference:?}");
        assert_eq!(router.violations(), []);
        assert_eq!(router.journal().most_in_flight, 1);
    }
}

fn two_words(text: &str) -> String {
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A pool's ranges may read back in another spelling than the one that the person typed.
fn only_spelling(difference: &routeros_sim::Difference) -> bool {
    difference.changes().iter().all(|change| match change {
        routeros_sim::Change::Changed(_, _, values) => values.iter().all(|(key, before, after)| {
            let parsed = |text: &Option<String>| ranges(text.as_deref().unwrap_or_default());
            key == "ranges" && parsed(before) == parsed(after)
        }),
        _ => false,
    })
}

#[tokio::test]
async fn the_same_again_sends_nothing() {
    let router = start(Config::default()).await;
    let client = client(&router);
    let lease: Lease = applied(client.add(&new_lease()).await.unwrap());
    let again: Lease = applied(client.add(&new_lease()).await.unwrap());
    assert_eq!(again.id, lease.id);
    applied(client.remove(&Target::of(&lease)).await.unwrap());
    applied(client.remove(&Target::of(&lease)).await.unwrap());
    assert_eq!(writes(&router).len(), 2);
}

#[tokio::test]
async fn many_callers_are_one_request_at_a_time() {
    let router = start(Config::default()).await;
    router.faults().delay(Duration::from_millis(20));
    let client = client(&router);
    let (lease, arp) = (new_lease(), new_arp());
    let (a, b, c, d) = tokio::join!(
        client.reading(),
        client.add::<Lease>(&lease),
        client.add::<Arp>(&arp),
        client.read::<Pool>()
    );
    a.unwrap();
    applied(b.unwrap());
    applied(c.unwrap());
    d.unwrap();
    assert_eq!(router.journal().most_in_flight, 1);
}
