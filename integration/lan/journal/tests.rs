//! The journal keeps its bound, and a waiter misses nothing.

use super::*;

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_waiter_sees_what_comes_after_it() {
    let journal = Journal::new(10);
    journal.push(1);
    let writer = journal.clone();
    let waiting = tokio::spawn(async move { journal.wait_for(|entry| *entry == 3, SOON).await });
    tokio::task::yield_now().await;
    writer.push(2);
    writer.push(3);
    assert_eq!(waiting.await.unwrap(), Some(3));
}

#[tokio::test]
async fn each_entry_is_shown_once_even_when_old_ones_fall_out() {
    let journal = Journal::new(2);
    (1..=3).for_each(|entry| journal.push(entry));
    let writer = journal.clone();
    let waiting = tokio::spawn(async move {
        let mut shown = Vec::new();
        journal
            .wait_for(
                |entry| {
                    shown.push(*entry);
                    *entry == 6
                },
                SOON,
            )
            .await;
        shown
    });
    tokio::task::yield_now().await;
    writer.push(4);
    tokio::task::yield_now().await;
    writer.push(5);
    writer.push(6);
    assert_eq!(waiting.await.unwrap(), [2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn the_bound_ends_the_wait() {
    let journal = Journal::<u8>::new(1);
    assert_eq!(journal.wait_for(|_| true, Duration::from_millis(1)).await, None);
}
