//! Requests that outlive their callers.

use std::task::{Context, Poll};

use tower::Service;

use crate::client::Error;
use crate::client::call::{Answer, Call, Failure};
use crate::client::transport::Response;

/// Runs each request on a task of its own, so that it runs to its end when the caller's future is dropped. The
/// limit of one in flight below bounds these tasks to one: the place is held by the task, not by the caller.
#[derive(Debug, Clone)]
pub(super) struct Outlive<S>(pub(super) S);

impl<S> Service<Call> for Outlive<S>
where
    S: Service<Call, Response = Answer, Error = Failure>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = Failure;
    type Future = Response;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Response {
        let task = tokio::spawn(self.0.call(call));
        Box::pin(async move {
            let lost = |error| {
                Err(Failure::interrupted(Error::Busy {
                    why: format!("the request's task ended: {error}"),
                }))
            };
            task.await.unwrap_or_else(lost)
        })
    }
}
