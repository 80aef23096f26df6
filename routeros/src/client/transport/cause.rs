//! What a transport error points to.

use std::error::Error as StdError;
use std::io;

use crate::client::NoConnection;
use crate::client::trust::CertificateFault;

/// A failed attempt to send a request, as its error tells it.
pub(super) struct Attempt {
    /// What the innermost error says.
    pub(super) words: String,
    /// Whether there was a connection, so that the request may have been seen.
    pub(super) connected: bool,
    /// Whether the connection was closed before the first byte of an answer.
    pub(super) unanswered: bool,
    /// Why there was none.
    pub(super) cause: NoConnection,
    /// What is wrong with the certificate.
    pub(super) certificate: Option<CertificateFault>,
}

impl Attempt {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let sources = || Sources(Some(error));
        let fault = sources().find_map(|source| source.downcast_ref::<CertificateFault>());
        Self {
            words: sources().last().map(ToString::to_string).unwrap_or_default(),
            connected: !error.is_connect(),
            unanswered: error.is_request() && !error.is_timeout(),
            cause: cause(error, sources),
            certificate: fault.cloned(),
        }
    }
}

fn cause<'a>(error: &reqwest::Error, sources: impl Fn() -> Sources<'a>) -> NoConnection {
    if error.is_timeout() {
        return NoConnection::Silence;
    }
    // The resolver's error has no type that could be named.
    if sources().any(|source| source.to_string() == "dns error") {
        return NoConnection::Name;
    }
    if let Some(rustls::Error::AlertReceived(_)) = sources().find_map(|source| source.downcast_ref()) {
        return NoConnection::NoCertificate;
    }
    let system = sources()
        .filter_map(|source| source.downcast_ref::<io::Error>())
        .last();
    match system.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => NoConnection::ServiceOff,
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe) => {
            NoConnection::AddressList
        }
        Some(
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::TimedOut,
        ) => NoConnection::Silence,
        _ => NoConnection::Other,
    }
}

/// An error and its sources, outermost first, also through the wrappers that hide theirs.
struct Sources<'a>(Option<&'a (dyn StdError + 'static)>);

impl<'a> Iterator for Sources<'a> {
    type Item = &'a (dyn StdError + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.0.take()?;
        self.0 = wrapped(error).or_else(|| error.source());
        Some(error)
    }
}

/// `io::Error` shows its inner error's source as its own, rustls shows none.
fn wrapped<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error
            .get_ref()
            .map(|inner| -> &(dyn StdError + 'static) { inner });
    }
    match error.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => Some(other.0.as_ref()),
        _ => None,
    }
}
