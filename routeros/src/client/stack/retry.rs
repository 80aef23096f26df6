//! Repeating reads.

use std::time::Duration;

use tokio::time::Sleep;
use tower::retry::Policy;
use tower::retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff};
use tower::util::rng::HasherRng;

use crate::client::RequestKind;
use crate::client::call::{Answer, Call, Failure};

/// How often a read is repeated. A router that fails three times in a row is not helped by a fourth request: the next
/// poll comes soon enough.
const REPEATS: u32 = 2;

/// How much of the back-off is random: half of it, so that routers that came back together are not asked together.
const JITTER: f64 = 0.5;

/// The longest back-off, as a multiple of the first: what the last repeat waits.
const LONGEST: u32 = 1 << (REPEATS - 1);

/// Repeats reads after errors that pass. A write is never repeated: without an answer it may have been applied, and
/// reading tells. A 401 is never repeated: each fills the router's log and may lock the user out.
#[derive(Debug, Clone)]
pub(super) struct ReadRetry {
    left: u32,
    backoff: Option<ExponentialBackoff>,
}

impl ReadRetry {
    pub(super) fn new(backoff: Duration) -> Self {
        let maker = ExponentialBackoffMaker::new(backoff, backoff * LONGEST, JITTER, HasherRng::new());
        // Fails for a zero back-off alone: then there is none.
        Self {
            left: REPEATS,
            backoff: maker.ok().map(|mut maker| maker.make_backoff()),
        }
    }
}

impl Policy<Call, Answer, Failure> for ReadRetry {
    type Future = Sleep;

    fn retry(&mut self, call: &mut Call, result: &mut Result<Answer, Failure>) -> Option<Self::Future> {
        let failure = result.as_ref().err()?;
        if call.kind != RequestKind::Read || !failure.error.is_transient() {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        tracing::debug!(
            menu = call.menu,
            outcome = failure.error.category(),
            left = self.left,
            "repeating a read"
        );
        Some(
            self.backoff
                .as_mut()
                .map_or_else(|| tokio::time::sleep(Duration::ZERO), Backoff::next_backoff),
        )
    }

    fn clone_request(&mut self, call: &Call) -> Option<Call> {
        (call.kind == RequestKind::Read).then(|| call.clone())
    }
}
