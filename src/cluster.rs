//! The Kubernetes side: what is read becomes core's values, what core wishes becomes requests.
//!
//! | module | does |
//! |---|---|
//! | [`object`] | API objects to core's values and back, pure |
//!
//! Nothing is decided here, and nothing of the API server's client is named outside of here.

pub mod object;
