//! The Kubernetes side: what is read becomes core's values, what core wishes becomes requests.
//!
//! | module | does |
//! |---|---|
//! | [`client`] | one connection pool to the API server, with a bound on every wait |
//! | [`leftover`] | which kinds of MetalLB's are defined and not read |
//! | [`watch`] | one kind as a stream of changes that survives whatever happens to the API server |
//! | [`source`] | every kind that is read, as a stream of core's values |
//! | [`object`] | API objects to core's values and back, pure |
//! | [`writer`] | the one that writes: what is wished of an object against what is stored of it |
//! | [`service`] | statuses of Services, each write with its outcome |
//! | [`survey`] | records of surveys |
//! | [`event`] | events, for people, never in the way |
//! | [`heartbeat`] | the Secret with the speakers' key |
//! | [`inventory`] | one look at anything on a cluster, for a person's verb |
//! | [`lease`] | which replica leads |
//! | [`tenure`] | for how long that one may write |
//! | [`identity`] | who we are in this cluster |
//!
//! Nothing is decided here, and nothing of the API server's client is named outside of here.

pub mod client;
pub mod event;
pub mod heartbeat;
pub mod identity;
pub mod inventory;
pub mod lease;
pub mod leftover;
pub mod object;
pub mod removal;
pub mod service;
pub mod source;
pub mod survey;
pub mod tenure;
pub mod watch;
pub mod writer;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
pub use kube::Client;

#[cfg(test)]
pub(crate) mod tests;
