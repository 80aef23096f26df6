//! Quiet after a transport error.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower::Service;

use crate::client::call::{Answer, Call, Failure, Stage};
use crate::client::transport::Response;

/// The moment before which nothing is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock(Arc<Mutex<Option<Instant>>>);

impl Clock {
    fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, not_before: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(not_before);
    }
}

/// After a request that ended without a whole answer RouterOS can mix up the answers of those that follow. So the
/// next one waits; it takes a new connection, since the broken one is closed and there is no other.
#[derive(Debug, Clone)]
pub(super) struct Settle<S> {
    inner: S,
    clock: Clock,
    quiet: Duration,
}

impl<S> Settle<S> {
    pub(super) fn new(inner: S, clock: Clock, quiet: Duration) -> Self {
        Self { inner, clock, quiet }
    }
}

impl<S> Service<Call> for Settle<S>
where
    S: Service<Call, Response = Answer, Error = Failure, Future = Response> + Clone + Send + 'static,
{
    type Response = Answer;
    type Error = Failure;
    type Future = Response;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Response {
        let mut this = self.clone();
        // The clone has not been polled for readiness, the original has.
        std::mem::swap(&mut this.inner, &mut self.inner);
        Box::pin(async move {
            if let Some(not_before) = this.clock.get() {
                tokio::time::sleep_until(not_before).await;
            }
            let result = this.inner.call(call).await;
            if result
                .as_ref()
                .is_err_and(|failure| failure.stage != Stage::Answered)
            {
                this.clock.set(Instant::now() + this.quiet);
            }
            result
        })
    }
}
