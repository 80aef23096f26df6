//! Waiting for what nobody announces: looking again and again, with a bound.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

/// Between two looks. What is looked at here answers in microseconds, and a person sees no difference.
const BETWEEN: Duration = Duration::from_millis(10);

/// Looks until `look` succeeds, and returns what it found. `what` completes the sentence "waited for …".
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> anyhow::Result<()> {
/// use std::time::{Duration, Instant};
/// let begun = Instant::now();
/// let late = lab::wait::until("20 ms to pass", Duration::from_secs(5), async || {
///     let passed = begun.elapsed();
///     anyhow::ensure!(passed >= Duration::from_millis(20), "only {passed:?} have");
///     Ok(passed)
/// });
/// assert!(late.await? < Duration::from_secs(5));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What the last look said, once `bound` has passed. A look under way then is finished first.
pub async fn until<T>(what: &str, bound: Duration, mut look: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + bound;
    loop {
        match look().await {
            Err(why) if Instant::now() >= deadline => {
                return Err(why).with_context(|| format!("waited {bound:?} for {what}"));
            }
            Err(_) => sleep(BETWEEN).await,
            found => return found,
        }
    }
}

/// The signals by which a person, a terminal or a supervisor ends a program.
pub(crate) struct Termination(Vec<Signal>);

impl Termination {
    /// From now on they end nothing by themselves.
    ///
    /// # Errors
    /// When the kernel does not let them be caught.
    pub(crate) fn listen() -> Result<Self> {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let signals = kinds.into_iter().map(signal).collect::<std::io::Result<_>>();
        Ok(Self(signals.context("listening for Ctrl-C")?))
    }

    /// Waits for the first one.
    pub(crate) async fn comes(&mut self) {
        let any = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures::future::select_all(any).await;
    }
}
