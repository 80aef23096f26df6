//! Sessions that begin, change and end while something is under way.

use futures::FutureExt;
use routeros_sim::Menu;
use tiklb_core::reservation::{Depth, FailureKind};

use super::*;

#[tokio::test]
async fn a_write_that_was_planned_for_another_configuration_is_not_made() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    // The session has not taken the write up when the object changes.
    desk.sessions.write(&key(), planned(cut(&reading)));
    desk.set_secret("mikrotik", &[("username", "tiklb"), ("password", PASSWORD)]);
    assert_eq!(desk.apply(), [key()]);
    let event = desk.event().await;
    assert!(
        matches!(
            event,
            Event::RouterWritten {
                outcome: Outcome::Changed,
                ..
            }
        ),
        "{event:?}"
    );
    assert_eq!(desk.writes(), [""; 0]);
    let outcome = desk.write(cut(&reading)).await;
    assert!(
        matches!(outcome, Outcome::Applied(_)),
        "planned anew it is: {outcome:?}"
    );
}

#[tokio::test]
async fn an_object_of_the_same_name_may_be_about_another_router() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    let other = Desk::start(Config::default()).await;
    desk.sessions.write(&key(), planned(cut(&reading)));
    desk.spec["url"] = other.sim.url().into();
    desk.set_secret("mikrotik-ca", &[("ca.crt", &other.sim.ca_pem().unwrap())]);
    assert_eq!(desk.apply(), [key()]);
    let event = desk.event().await;
    assert!(
        matches!(
            event,
            Event::RouterWritten {
                outcome: Outcome::Changed,
                ..
            }
        ),
        "{event:?}"
    );
    desk.read().await.unwrap();
    assert_eq!((desk.writes().len(), other.writes().len()), (0, 0));
    assert!(other.sim.journal().reads.contains_key(&Menu::Pool));
}

#[tokio::test]
async fn commands_are_carried_out_in_order_and_each_is_answered() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    desk.sessions.read(&key(), Depth::Whole);
    desk.sessions.write(&key(), planned(cut(&reading)));
    desk.sessions.read(&key(), Depth::Whole);
    let mut order = vec![];
    for _ in 0..3 {
        order.push(match desk.event().await {
            Event::RouterRead { result, .. } => {
                let row = pool(&result.unwrap(), "dhcp_pool");
                row.ranges.contains(VIP.parse().unwrap()).to_string()
            }
            Event::RouterWritten { outcome, .. } => {
                assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
                "cut".to_owned()
            }
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(order, ["true", "cut", "false"]);
}

#[tokio::test]
async fn commands_beyond_those_that_wait_are_dropped() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    for _ in 0..50 {
        desk.sessions.read(&key(), Depth::Whole);
    }
    desk.sessions.write(&key(), planned(cut(&reading)));
    for _ in 0..4 {
        let event = desk.event().await;
        assert!(matches!(event, Event::RouterRead { .. }), "{event:?}");
    }
    let outcome = desk.write(cut(&reading)).await;
    assert!(
        matches!(outcome, Outcome::Applied(_)),
        "it is the next to be answered: {outcome:?}"
    );
}

#[tokio::test]
async fn a_router_without_a_session_is_answered_for() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    assert_eq!(desk.sessions.apply(&[], &desk.secrets), []);
    let failure = desk.read().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidSpec);
    assert_eq!(desk.write(cut(&reading)).await, Outcome::Changed);
    assert_eq!(desk.writes(), [""; 0]);
    assert_eq!(desk.apply(), [], "it is a new one");
    desk.read().await.unwrap();
}

/// What is in flight when everything ends is carried through; what waits behind it is not begun.
#[tokio::test]
async fn the_end_waits_for_the_request_in_flight() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    let (under_way, mut begun) = mpsc::channel(1);
    let faults = desk.sim.faults();
    desk.sim.faults().between_read_and_write(Menu::Pool, move |_| {
        faults.delay(Duration::from_millis(200));
        under_way.try_send(()).unwrap();
    });
    desk.sessions.write(&key(), planned(cut(&reading)));
    desk.sessions
        .write(&key(), planned(Write::AddLease(lease_spec(MARK))));
    begun.recv().await.unwrap();
    let Desk {
        sim,
        sessions,
        mut events,
        ..
    } = desk;
    tokio::time::timeout(PATIENCE, sessions.finish()).await.unwrap();
    assert_eq!(sim.journal().writes.len(), 1);
    // Read back too: nothing of the router's answer is left for anybody else.
    let last = events.recv().await.unwrap();
    assert!(
        matches!(
            last,
            Event::RouterWritten {
                outcome: Outcome::Applied(_),
                ..
            }
        ),
        "{last:?}"
    );
    assert_eq!(events.recv().await, None);
}

/// Sessions that are merely dropped end on their own in the same way.
#[tokio::test]
async fn a_dropped_session_finishes_what_it_is_at() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    let (under_way, mut begun) = mpsc::channel(1);
    desk.sim.faults().between_read_and_write(Menu::Pool, move |_| {
        under_way.try_send(()).unwrap();
    });
    desk.sessions.write(&key(), planned(cut(&reading)));
    desk.sessions.read(&key(), Depth::Whole);
    begun.recv().await.unwrap();
    drop(desk.sessions);
    let last = desk.events.recv().await.unwrap();
    assert!(
        matches!(
            last,
            Event::RouterWritten {
                outcome: Outcome::Applied(_),
                ..
            }
        ),
        "{last:?}"
    );
    assert_eq!(desk.events.recv().await, None, "nothing else was begun");
}

/// Whoever ends may no longer take events; that must not keep it from ending.
#[tokio::test]
async fn an_end_does_not_wait_for_somebody_to_take_events() {
    let mut desk = Desk::start(Config::default()).await;
    desk.read().await.unwrap();
    let (tell, mut nobody) = mpsc::channel(1);
    let mut sessions = Sessions::new(
        Settings {
            timeouts: timeouts(),
            watchers: watched_by(&desk.reports),
        },
        tell,
    );
    sessions.apply(&[seen(&desk.spec)], &desk.secrets);
    for _ in 0..3 {
        sessions.read(&key(), Depth::Whole);
    }
    // One event is taken into the channel, the next finds it full.
    let two = async {
        while desk.sim.journal().reads[&Menu::Arp] < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, two).await.unwrap();
    tokio::time::timeout(PATIENCE, sessions.finish()).await.unwrap();
    assert!(nobody.recv().await.is_some());
    assert_eq!(nobody.recv().await, None);
}

#[tokio::test]
async fn sessions_that_end_are_no_failure() {
    let mut desk = Desk::start(Config::default()).await;
    desk.sessions.apply(&[], &desk.secrets);
    for _ in 0..10 {
        tokio::task::yield_now().await;
        let failed = desk.sessions.failed().now_or_never();
        assert!(failed.is_none(), "{failed:?}");
    }
}
