//! The Kubernetes side: what is read becomes core's values, what core wishes becomes requests.
//!
//! | module | does |
//! |---|---|
//! | [`client`] | one connection pool to the API server, with a bound on every wait |
//! | [`watch`] | one kind as a stream of changes that survives whatever happens to the API server |
//! | [`object`] | API objects to core's values and back, pure |
//! | [`writer`] | the one that writes: what is wished of an object against what is stored of it |
//! | [`service`] | statuses of Services, each write with its outcome |
//! | [`event`] | events, for people, never in the way |
//! | [`lease`] | which replica leads |
//! | [`identity`] | who we are in this cluster |
//!
//! Nothing is decided here, and nothing of the API server's client is named outside of here.

pub mod client;
pub mod event;
pub mod identity;
pub mod lease;
pub mod object;
pub mod service;
pub mod watch;
pub mod writer;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
pub use kube::Client;

#[cfg(test)]
mod tests;
