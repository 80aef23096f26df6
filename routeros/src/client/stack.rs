//! The layers between a call and the wire.

use std::sync::Arc;

use tower::limit::ConcurrencyLimitLayer;
use tower::retry::RetryLayer;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, layer};

mod breaker;
mod deadline;
mod observe;
mod outlive;
mod permit;
mod retry;
mod settle;
#[cfg(test)]
mod tests;

use super::call::{Answer, Call, Failure};
use super::credentials::CredentialStore;
use super::transport::Response;
use super::{Observer, Stack, Timeouts};
use breaker::Breaker;
use deadline::Deadline;
use observe::Observe;
use outlive::Outlive;
pub use permit::Permit;
pub(super) use permit::PermitStore;
use permit::Permitted;
use retry::ReadRetry;
use settle::Settle;

/// Puts the layers over `transport`, in the order that the `client` module's documentation gives.
pub(super) fn build<S>(
    transport: S,
    timeouts: &Timeouts,
    credentials: &Arc<CredentialStore>,
    permits: &PermitStore,
    observer: Arc<dyn Observer>,
) -> Stack
where
    S: Service<Call, Response = Answer, Error = Failure, Future = Response> + Clone + Send + Sync + 'static,
{
    let timeouts = *timeouts;
    let breaker = breaker::State::new(Arc::clone(credentials));
    let clock = settle::Clock::default();
    let permits = permits.clone();
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new(ReadRetry::new(timeouts.backoff)))
        .layer(layer::layer_fn(Outlive))
        // One request in flight: abandoned requests poison others, boards are slow, and what a write rests on should
        // not change under our own hand.
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(layer::layer_fn(move |inner| Breaker::new(inner, breaker.clone())))
        .layer(layer::layer_fn(move |inner| {
            Settle::new(inner, clock.clone(), timeouts.settle)
        }))
        .layer(layer::layer_fn(move |inner| {
            Permitted::new(inner, permits.clone())
        }))
        .layer(layer::layer_fn(move |inner| {
            Observe::new(inner, Arc::clone(&observer))
        }))
        .layer(layer::layer_fn(move |inner| {
            Deadline::new(inner, timeouts.read, timeouts.write)
        }))
        .service(transport);
    BoxCloneSyncService::new(stack)
}
