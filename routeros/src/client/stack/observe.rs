//! Reports of what was sent.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tower::Service;

use crate::client::call::{Answer, Call, Failure};
use crate::client::transport::Response;
use crate::client::{Observer, RequestReport};

/// Tells the observer about each request that passes.
#[derive(Clone)]
pub(super) struct Observe<S> {
    inner: S,
    observer: Arc<dyn Observer>,
}

impl<S> Observe<S> {
    pub(super) fn new(inner: S, observer: Arc<dyn Observer>) -> Self {
        Self { inner, observer }
    }
}

impl<S> Service<Call> for Observe<S>
where
    S: Service<Call, Response = Answer, Error = Failure, Future = Response>,
{
    type Response = Answer;
    type Error = Failure;
    type Future = Response;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Response {
        let observer = Arc::clone(&self.observer);
        let (kind, menu) = (call.kind, call.menu);
        let start = Instant::now();
        let answer = self.inner.call(call);
        Box::pin(async move {
            let result = answer.await;
            let outcome = result
                .as_ref()
                .map_or_else(|failure| failure.error.category(), |_| "Ok");
            let duration = start.elapsed();
            tracing::debug!(kind = kind.as_str(), menu, outcome, ?duration, "router request");
            observer.request(RequestReport {
                kind,
                menu,
                outcome,
                duration,
            });
            result
        })
    }
}
