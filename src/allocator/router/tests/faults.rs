//! People in between, writes that fail before or after they took effect, a router that goes away.

use routeros_sim::{FailingWrites, Lease, Mac, Menu};
use tiklb_core::reservation::FailureKind;

use super::*;

#[tokio::test]
async fn a_persons_edit_after_the_reading_stops_the_write() {
    let mut desk = Desk::start(Config::default()).await;
    let mut reading = desk.read().await.unwrap();
    let cut_before = cut(&reading);
    let wider = [("ranges", "192.168.1.50-192.168.1.254")];
    let person = desk.sim.person();
    person.set(Menu::Pool, ("name", "dhcp_pool"), wider).unwrap();
    assert_eq!(desk.write(cut_before).await, Outcome::Changed);
    assert_eq!(desk.writes(), [""; 0], "nothing was sent");

    desk.apply_write(Write::AddLease(lease_spec(MARK)), &mut reading)
        .await;
    let row = reading.leases[0].clone();
    person
        .set(Menu::Lease, ("comment", MARK), [("comment", "my printer")])
        .unwrap();
    assert_eq!(
        desk.write(Write::RemoveLease(row.clone())).await,
        Outcome::Changed
    );
    let set = Write::SetLease {
        row,
        spec: lease_spec(MARK),
    };
    assert_eq!(desk.write(set).await, Outcome::Changed);
    assert_eq!(desk.writes().len(), 1, "only the lease was added");

    let fresh = desk.read().await.unwrap();
    let outcome = desk.write(cut(&fresh)).await;
    assert!(
        matches!(outcome, Outcome::Applied(_)),
        "on a fresh reading it is made: {outcome:?}"
    );
    let row = &desk.sim.rows(Menu::Pool)[0];
    assert_eq!(
        row.get("ranges"),
        Some("192.168.1.50-192.168.1.199,192.168.1.221-192.168.1.254")
    );
}

#[tokio::test]
async fn what_stands_in_the_place_of_a_new_row_stops_it() {
    let phone = Lease::bound([192, 168, 1, 200].into(), Mac([0xAA, 0xBB, 0xCC, 0, 0, 1]));
    let mut desk = Desk::start(Config::default().lease(phone)).await;
    desk.read().await.unwrap();
    assert_eq!(
        desk.write(Write::AddLease(lease_spec(MARK))).await,
        Outcome::Changed
    );
    assert_eq!(desk.writes(), [""; 0]);
}

#[tokio::test]
async fn what_is_gone_already_counts_as_removed() {
    let mut desk = Desk::start(Config::default()).await;
    let mut reading = desk.read().await.unwrap();
    desk.apply_write(Write::AddLease(lease_spec(MARK)), &mut reading)
        .await;
    desk.sim.person().remove(Menu::Lease, ("comment", MARK)).unwrap();
    let row = reading.leases[0].clone();
    desk.apply_write(Write::RemoveLease(row), &mut reading).await;
    assert_eq!(reading.leases, []);
    assert_eq!(desk.writes().len(), 1);
}

#[tokio::test]
async fn a_dynamic_row_is_refused_whoever_asks() {
    let phone = Lease::bound([192, 168, 1, 200].into(), Mac([0xAA, 0xBB, 0xCC, 0, 0, 1]));
    let mut desk = Desk::start(Config::default().lease(phone)).await;
    let reading = desk.read().await.unwrap();
    let outcome = desk.write(Write::RemoveLease(reading.leases[0].clone())).await;
    let Outcome::Refused(words) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        words.starts_with("not sent: lease of 192.168.1.200 is left alone: the lease is dynamic"),
        "{words}"
    );
    assert_eq!(desk.writes(), [""; 0]);
}

#[tokio::test]
async fn a_500_is_settled_by_reading() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    desk.sim
        .faults()
        .fail_writes(FailingWrites::before_applying().times(1));
    let outcome = desk.write(cut(&reading)).await;
    let Outcome::Refused(words) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        words.starts_with("not applied: the router is busy or restarting"),
        "{words}"
    );
    desk.sim
        .faults()
        .fail_writes(FailingWrites::after_applying().times(1));
    let outcome = desk.write(cut(&reading)).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert_eq!(desk.writes().len(), 2);
}

/// The cable is cut when the router has the write and before it answers.
#[tokio::test]
async fn a_lost_answer_is_unknown_until_the_next_reading() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    let faults = desk.sim.faults();
    desk.sim
        .faults()
        .between_read_and_write(Menu::Pool, move |_| faults.unreachable(true));
    let outcome = desk.write(cut(&reading)).await;
    let Outcome::Unknown(words) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        words.starts_with("unknown until the next reading: the router is busy or restarting"),
        "{words}"
    );
    desk.sim.faults().unreachable(false);
    let fresh = desk.read().await.unwrap();
    let left = pool(&fresh, "dhcp_pool").ranges;
    assert!(!left.contains(VIP.parse().unwrap()), "it was made");
    assert_eq!(desk.writes().len(), 1, "and not repeated");
}

#[tokio::test]
async fn a_router_that_goes_away_and_comes_back() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    desk.sim.faults().unreachable(true);
    assert_eq!(desk.write(cut(&reading)).await, Outcome::Changed, "not sent");
    let failure = desk.read().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable, "{}", failure.message);
    assert!(
        failure.message.contains("if it restarts, wait two minutes"),
        "{}",
        failure.message
    );
    desk.sim.faults().unreachable(false);
    let fresh = desk.read().await.unwrap();
    let outcome = desk.write(cut(&fresh)).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert_eq!(desk.writes().len(), 1);
}
