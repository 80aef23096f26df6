//! Counts and states in Prometheus' words.
//!
//! MetalLB's names are kept to the letter, so that its dashboards and alerts go on; what is ours begins with `tiklb_`.
//! Almost everything is a [`Collector`]: it reads what the process shares when somebody scrapes, so that no value is
//! left behind by a Service, a pool or a router that is gone.
//!
//! **Invariant:** a label's value is an object's or a node's name, an address of a pool, or one of the few words of a
//! closed list; never a text out of an error or a packet.
//!
//! [`Collector`]: prometheus_client::collector::Collector

pub mod allocator;
pub mod cluster;
mod family;
pub mod process;
pub mod router;
pub mod services;
pub mod speaker;

use http::header::HeaderValue;
pub use prometheus_client::registry::Registry;

/// What [`text`] is. Prometheus reads it by this header, whatever it asked for.
pub const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Everything that is registered, in the text form of `OpenMetrics`.
///
/// # Errors
/// A collector could not write.
pub fn text(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry)?;
    Ok(text)
}

/// A number that is kept elsewhere, read at each scrape.
pub struct Reading<T>(Box<dyn Fn() -> T + Send + Sync>);

impl<T> Reading<T> {
    /// `read` is called on the admin server's task: it must not block.
    pub fn new(read: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }

    fn now(&self) -> T {
        (self.0)()
    }
}

impl<T> std::fmt::Debug for Reading<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading")
    }
}

#[cfg(test)]
mod tests;
