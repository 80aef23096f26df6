//! Writes whose leadership ends while they wait, or while they are made.

use super::*;
use crate::cluster::tenure::Tenure;

#[tokio::test]
async fn what_waits_when_the_leadership_ends_is_not_begun() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    let (tenure, warrant) = Tenure::of_a_minute();
    desk.sessions.write_under(warrant);
    // Neither was taken up when the leadership is lost.
    desk.sessions.write(&key(), planned(cut(&reading)));
    desk.sessions
        .write(&key(), planned(Write::AddLease(lease_spec(MARK))));
    tenure.end();
    for _ in 0..2 {
        let event = desk.event().await;
        let not_made = matches!(
            &event,
            Event::RouterWritten {
                outcome: Outcome::Changed,
                ..
            }
        );
        assert!(not_made, "{event:?}");
    }
    assert_eq!(desk.writes(), [""; 0]);
}

#[tokio::test]
async fn a_leadership_that_ends_between_the_look_and_the_write_stops_the_write() {
    let mut desk = Desk::start(Config::default()).await;
    let reading = desk.read().await.unwrap();
    let (tenure, warrant) = Tenure::of_a_minute();
    desk.sessions.write_under(warrant);
    // As after a process that was stopped there and went on: the answer to its look waited in the socket.
    let end: Box<dyn FnOnce() + Send> = Box::new(move || tenure.end());
    *desk.reports.1.lock().unwrap() = Some(("ip/pool", end));
    assert_eq!(desk.write(cut(&reading)).await, Outcome::Changed);
    assert_eq!(desk.writes(), [""; 0]);

    let (_tenure, warrant) = Tenure::of_a_minute();
    desk.sessions.write_under(warrant);
    let outcome = desk.write(cut(&reading)).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
}
