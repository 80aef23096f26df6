//! Whether whoever decided on a write still may make it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tower::Service;

use crate::client::call::{Answer, Call, Failure};
use crate::client::transport::Response;
use crate::client::{Error, RequestKind};

/// Asked immediately before a write is sent. It must not block.
pub type Permit = Arc<dyn Fn() -> bool + Send + Sync>;

/// The permit in force. Without one, every write may be made.
#[derive(Clone, Default)]
pub(in crate::client) struct PermitStore(Arc<Mutex<Option<Permit>>>);

impl PermitStore {
    pub(in crate::client) fn replace(&self, permit: Permit) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }

    fn is_given(&self) -> bool {
        let permit = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        permit.is_none_or(|permit| permit())
    }
}

/// Lets no write pass without a permit. Below everything that waits, so that nothing comes between the question and the
/// wire.
#[derive(Clone)]
pub(super) struct Permitted<S> {
    inner: S,
    permits: PermitStore,
}

impl<S> Permitted<S> {
    pub(super) fn new(inner: S, permits: PermitStore) -> Self {
        Self { inner, permits }
    }
}

impl<S> Service<Call> for Permitted<S>
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
        if call.kind != RequestKind::Read && !self.permits.is_given() {
            let menu = call.menu;
            return Box::pin(async move { Err(Failure::unsent(Error::Forbidden { menu })) });
        }
        self.inner.call(call)
    }
}
