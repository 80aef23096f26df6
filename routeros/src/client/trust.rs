//! Which router certificates are trusted.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::Error;

mod verifier;

pub(super) use verifier::{CertificateFault, client_config};

/// The SHA-256 of a certificate's public key: `sha256/BASE64`. Trusting a key means trusting whoever holds it, so
/// that the certificate's name, CA flag and dates do not matter: RouterOS's own certificates often have none that
/// would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpkiPin([u8; 32]);

/// A text that is no pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pin should be sha256/ and the 44 characters of a SHA-256 in base64")]
pub struct InvalidPin;

impl SpkiPin {
    /// The pin of a DER-encoded `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
    pub fn of(spki: &[u8]) -> Self {
        Self(Sha256::digest(spki).into())
    }
}

impl fmt::Display for SpkiPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", STANDARD.encode(self.0))
    }
}

impl FromStr for SpkiPin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, InvalidPin> {
        let encoded = text.trim().strip_prefix("sha256/").ok_or(InvalidPin)?;
        let digest = STANDARD.decode(encoded).map_err(|_| InvalidPin)?;
        digest.try_into().map(Self).map_err(|_| InvalidPin)
    }
}

/// What makes a certificate trusted: one of the pins is its key's, or one of the CAs signed it, its dates hold and it
/// is for the right name. Either is enough, so that a pin can bridge the change of a CA and the other way round.
#[derive(Debug, Clone)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    pins: Vec<SpkiPin>,
}

impl Trust {
    /// Trusts what the CAs of a PEM bundle signed, and what carries one of the pins. With neither, no certificate is
    /// trusted, and the error of the first request shows the pin of the one that is there.
    ///
    /// # Errors
    /// [`Error::Configuration`] when there is a bundle without a certificate in it, or with a broken one.
    pub fn new(ca_bundle: Option<&[u8]>, pins: Vec<SpkiPin>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        if let Some(bundle) = ca_bundle {
            let broken = |why: String| Error::Configuration(format!("the bundle of tls.caSecretRef {why}"));
            for certificate in CertificateDer::pem_slice_iter(bundle) {
                let certificate = certificate.map_err(|error| broken(format!("is no PEM: {error}")))?;
                roots
                    .add(certificate)
                    .map_err(|error| broken(format!("has an unusable certificate: {error}")))?;
            }
            if roots.is_empty() {
                return Err(broken("has no certificate in it".to_owned()));
            }
        }
        Ok(Self {
            roots: Arc::new(roots),
            pins,
        })
    }
}
