//! People in between, writes that fail before or after they took effect, a router that goes away.

use routeros::client::Outcome;
use routeros::menu::{Lease, Pool, Target};
use routeros_sim::{FailingWrites, Lease as SimLease, Menu};

use super::*;

async fn pool(client: &Client) -> Pool {
    client.read().await.unwrap().rows.remove(0)
}

#[tokio::test]
async fn a_persons_edit_stops_the_write() {
    let router = start(Config::default()).await;
    let client = client(&router);
    let pool = pool(&client).await;
    let wider = [("ranges", "192.168.1.50-192.168.1.254")];
    router
        .person()
        .set(Menu::Pool, ("name", "dhcp_pool"), wider)
        .unwrap();
    let outcome = client.set(&Target::of(&pool), &taken(&pool)).await.unwrap();
    assert_eq!(
        outcome.to_string(),
        "not sent: expected pool dhcp_pool with 192.168.1.100-192.168.1.254, \
         found pool dhcp_pool with 192.168.1.50-192.168.1.254"
    );
    assert_eq!(writes(&router), [""; 0]);

    let Outcome::Applied(lease) = client.add::<Lease>(&new_lease()).await.unwrap() else {
        panic!("no lease")
    };
    let mine = [("comment", "my printer")];
    router.person().set(Menu::Lease, ("comment", MARK), mine).unwrap();
    let outcome = client.remove(&Target::of(&lease)).await.unwrap();
    assert_eq!(outcome.category(), "Precondition");
    assert_eq!(writes(&router).len(), 1, "only the lease was added");
}

#[tokio::test]
async fn an_id_that_means_another_row_stops_the_write() {
    let mut config = Config::default();
    config.switches.reuse_ids = true;
    let router = start(config).await;
    let client = client(&router);
    let Outcome::Applied(lease) = client.add::<Lease>(&new_lease()).await.unwrap() else {
        panic!("no lease")
    };
    router.person().remove(Menu::Lease, ("comment", MARK)).unwrap();
    let phone = SimLease::bound(
        Ipv4Addr::new(192, 168, 1, 130),
        "AA:BB:CC:00:00:01".parse().unwrap(),
    );
    let id = router.lease(&phone).unwrap();
    assert_eq!(
        id.to_string(),
        lease.id.to_string(),
        "the simulator reuses the id"
    );
    let outcome = client.remove(&Target::of(&lease)).await.unwrap();
    assert_eq!(outcome.category(), "Precondition");
    assert_eq!(router.rows(Menu::Lease).len(), 1, "the phone keeps its lease");
    assert_eq!(writes(&router).len(), 1);
}

#[tokio::test]
async fn a_live_lease_in_the_place_stops_the_claim() {
    let phone = SimLease::bound(VIP, "AA:BB:CC:00:00:01".parse().unwrap());
    let router = start(Config::default().lease(phone)).await;
    let outcome = client(&router).add::<Lease>(&new_lease()).await.unwrap();
    let Outcome::Precondition {
        expected: None,
        found: Some(found),
    } = outcome
    else {
        panic!("{outcome}")
    };
    assert!(found.dynamic);
    assert_eq!(writes(&router), [""; 0]);
}

#[tokio::test]
async fn a_500_is_settled_by_reading_and_never_repeated() {
    let router = start(Config::default()).await;
    let client = client(&router);
    let pool = pool(&client).await;

    router.faults().fail_writes(FailingWrites::before_applying());
    let outcome = client.set(&Target::of(&pool), &taken(&pool)).await.unwrap();
    let Outcome::NotApplied { error, row } = outcome else {
        panic!("{outcome}")
    };
    assert_eq!((error.category(), row.as_ref()), ("Busy", Some(&pool)));
    assert_eq!(
        client.add::<Lease>(&new_lease()).await.unwrap().category(),
        "NotApplied"
    );
    assert_eq!(writes(&router).len(), 2);

    router.faults().mend_writes();
    router.faults().fail_writes(FailingWrites::after_applying());
    let Outcome::Applied(shrunk) = client.set(&Target::of(&pool), &taken(&pool)).await.unwrap() else {
        panic!("the router applied it")
    };
    let Outcome::Applied(lease) = client.add::<Lease>(&new_lease()).await.unwrap() else {
        panic!("the router applied it")
    };
    assert_eq!(
        client.remove(&Target::of(&lease)).await.unwrap(),
        Outcome::Applied(())
    );
    assert_eq!(writes(&router).len(), 5);
    assert_eq!(shrunk.ranges, taken(&pool).ranges.unwrap().get().clone());
}

#[tokio::test]
async fn a_late_answer_is_settled_by_reading() {
    let router = start(Config::default()).await;
    let timeouts = Timeouts {
        write: Duration::from_millis(50),
        ..timeouts()
    };
    let client = Client::new(Endpoint {
        timeouts,
        ..endpoint(&router)
    })
    .unwrap();
    client.reading().await.unwrap();
    // Carried out, and answered too late: the reads, with more patience, see it.
    router.faults().delay(Duration::from_millis(200));
    assert_eq!(
        client.add::<Lease>(&new_lease()).await.unwrap().category(),
        "Applied"
    );
    assert_eq!(writes(&router).len(), 1);
}

#[tokio::test]
async fn a_router_that_goes_away_and_comes_back() {
    let router = start(Config::default()).await;
    let client = client(&router);
    let pool = pool(&client).await;
    router.faults().unreachable(true);
    let error = client.set(&Target::of(&pool), &taken(&pool)).await.unwrap_err();
    assert!(["Away", "Busy"].contains(&error.category()), "{error}");
    assert_eq!(client.reading().await.unwrap_err().category(), "Away");
    router.faults().unreachable(false);
    let earlier = client.reading().await.unwrap();
    router.reboot();
    let later = client.reading().await.unwrap();
    assert!(later.uptime() <= earlier.uptime());
    assert_eq!(writes(&router), [""; 0]);
}
