//! A time limit for each request, by what it does.

use std::task::{Context, Poll};
use std::time::Duration;

use tower::Service;

use crate::client::call::{Answer, Call, Failure};
use crate::client::transport::Response;
use crate::client::{Error, RequestKind};

/// Ends a request that takes too long. That closes its connection: the settle layer above waits thereafter.
#[derive(Debug, Clone)]
pub(super) struct Deadline<S> {
    inner: S,
    read: Duration,
    write: Duration,
}

impl<S> Deadline<S> {
    pub(super) fn new(inner: S, read: Duration, write: Duration) -> Self {
        Self { inner, read, write }
    }
}

impl<S> Service<Call> for Deadline<S>
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
        let after = if call.kind == RequestKind::Read {
            self.read
        } else {
            self.write
        };
        let menu = call.menu;
        let answer = self.inner.call(call);
        Box::pin(async move {
            let late = |_| Err(Failure::interrupted(Error::Timeout { menu, after }));
            tokio::time::timeout(after, answer).await.unwrap_or_else(late)
        })
    }
}
