//! Everything between core's wishes about routers and the RouterOS client.
//!
//! | module | does |
//! |---|---|
//! | [`reading`] | what the client read, as core decides on it; pure |
//! | [`failure`] | what went wrong, as a condition says it; pure |
//! | [`mod@write`] | one write of core's as one call of the client, and what became of it |
//! | [`connection`] | an object and its Secrets as a client |
//! | [`session`] | one router: one command after another, each answered with one event |
//! | [`sessions`] | all of them, by object |
//!
//! **Invariant:** what is written to a router is what core planned, on the row that core planned it for. A write that
//! was planned before the router's object or Secrets changed is not made.
//!
//! **Invariant:** every command is answered with exactly one event: core takes a router for busy until then.

pub mod connection;
pub mod failure;
pub mod reading;
pub mod session;
pub mod sessions;
pub mod write;

pub use sessions::{Sessions, Settings};

#[cfg(test)]
mod tests;
