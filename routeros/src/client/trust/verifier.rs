//! Checking the certificate that a router presents.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use crate::client::{CertificateProblem, Error};
use crate::value::{Duration, quote};

use super::{SpkiPin, Trust};

/// A TLS configuration that trusts what `trust` says, for `server_name` if given and else for the URL's host.
/// Uses ring explicitly: which provider the process has as its default does not matter.
pub(in crate::client) fn client_config(
    trust: &Trust,
    server_name: Option<&str>,
) -> Result<ClientConfig, Error> {
    let unusable = |why: String| Error::Configuration(why);
    let server_name = server_name.map(|name| {
        ServerName::try_from(name.to_owned()).map_err(|_| {
            unusable(format!(
                "tls.serverName `{}` is neither a name nor an address",
                quote(name)
            ))
        })
    });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier {
        trust: trust.clone(),
        server_name: server_name.transpose()?,
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(format!("TLS: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// Why a certificate was refused. Travels through rustls and HTTP as the source of their errors.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}")]
pub(in crate::client) struct CertificateFault {
    pub(in crate::client) problem: CertificateProblem,
    pub(in crate::client) pin: SpkiPin,
    /// As [`crate::client::Presented`] has it.
    pub(in crate::client) fingerprint: String,
}

struct Verifier {
    trust: Trust,
    server_name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// Why the chain of CAs does not vouch for `leaf`, if it does not.
    fn check_chain(
        &self,
        leaf: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateProblem> {
        if self.trust.roots.is_empty() {
            return Err(match self.trust.pins.as_slice() {
                [] => CertificateProblem::NothingTrusted,
                _ => CertificateProblem::NotPinned,
            });
        }
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(leaf, &self.trust.roots, intermediates, now, algorithms)
            .and_then(|()| verify_server_name(leaf, self.server_name.as_ref().unwrap_or(name)))
            .map_err(|error| problem(&error))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let leaf = ParsedCertificate::try_from(end_entity)?;
        let pin = SpkiPin::of(&leaf.subject_public_key_info());
        if self.trust.pins.contains(&pin) {
            return Ok(ServerCertVerified::assertion());
        }
        self.check_chain(&leaf, intermediates, server_name, now)
            .map_err(|problem| {
                let fault = CertificateFault {
                    problem,
                    pin,
                    fingerprint: fingerprint(end_entity),
                };
                rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(fault))))
            })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    digest.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String fails never.
        _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn problem(error: &rustls::Error) -> CertificateProblem {
    let rustls::Error::InvalidCertificate(error) = error else {
        return CertificateProblem::Other(quote(&error.to_string()));
    };
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => CertificateProblem::UnknownIssuer,
        CertificateError::ExpiredContext { time, not_after } => {
            CertificateProblem::Expired(between(*not_after, *time))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            CertificateProblem::NotYetValid(between(*time, *not_before))
        }
        CertificateError::NotValidForNameContext { expected, presented } => CertificateProblem::WrongName {
            expected: expected.to_str().into_owned(),
            presented: presented
                .iter()
                .take(MOST_NAMES)
                .map(|name| quote(bare(name)))
                .collect(),
        },
        // webpki's own word for it; rustls has none.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            CertificateProblem::IsAuthority
        }
        other => CertificateProblem::Other(quote(&other.to_string())),
    }
}

/// The name in `DnsName("router.lan")` or `IpAddress(10.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, inner)| inner.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

/// How many of a certificate's names an error lists.
const MOST_NAMES: usize = 8;

fn between(earlier: UnixTime, later: UnixTime) -> Duration {
    Duration::from_secs(later.as_secs().saturating_sub(earlier.as_secs()))
}
