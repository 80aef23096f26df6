//! Telling a person who waits what is waited for.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// Who waits longer than this asks what for.
const PROGRESS: Duration = Duration::from_secs(2);

/// Waits for `work`, and says `what` on standard error if it takes longer than a moment.
pub(super) async fn told<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = tokio::time::sleep(PROGRESS) => {
            eprintln!("{what} …");
            work.await
        }
    }
}
