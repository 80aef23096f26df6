//! A look at the certificate that a router presents, before anybody trusts it.
//!
//! The handshake is broken off by us as soon as the certificate is there: no request and no password is sent.

use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::credentials::CredentialStore;
use super::transport::Transport;
use super::trust::CertificateFault;
use super::{CertificateProblem, Credentials, Endpoint, Error, SpkiPin, Timeouts, Trust};
use crate::menu::Resource;

/// What a router presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The certificate's SHA-256 as `/certificate print detail` shows it: 64 hexadecimal digits in small letters.
    pub fingerprint: String,
    /// The pin of its key.
    pub pin: SpkiPin,
}

/// Looks at the certificate of the router at `url`; `None` over http, where there is none.
///
/// # Errors
/// [`Error::Configuration`] for a URL that is none, [`Error::Unreachable`] and its like where nothing presents one.
pub async fn presented(url: &str, connect: Duration) -> Result<Option<Presented>, Error> {
    let endpoint = Endpoint {
        url: url.to_owned(),
        trust: Trust::new(None, Vec::new())?,
        server_name: None,
        credentials: Credentials::new("", String::new()),
        allow_plain_http: true,
        timeouts: Timeouts::default(),
    };
    let base = endpoint.base()?;
    if base.scheme() == "http" {
        return Ok(None);
    }
    let seen = Arc::new(Glance::default());
    let tls = client_config(&seen)?;
    let nobody = Arc::new(CredentialStore::new(endpoint.credentials));
    let transport = Transport::new(base, tls, connect, nobody)?;
    let outcome = tokio::time::timeout(connect, transport.send(Call::singleton::<Resource>())).await;
    let presented = seen.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (presented, outcome) {
        (Some(presented), _) => Ok(Some(presented)),
        (None, Ok(Err(failure))) => Err(failure.error),
        (None, _) => Err(Error::Timeout {
            menu: "the TLS handshake",
            after: connect,
        }),
    }
}

fn client_config(seen: &Arc<Glance>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Configuration(format!("TLS: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(seen) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    Ok(config)
}

/// Remembers the certificate and trusts none.
#[derive(Default)]
struct Glance(Mutex<Option<Presented>>);

impl fmt::Debug for Glance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Glance")
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

impl ServerCertVerifier for Glance {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let leaf = ParsedCertificate::try_from(end_entity)?;
        let pin = SpkiPin::of(&leaf.subject_public_key_info());
        let fingerprint = Sha256::digest(end_entity)
            .iter()
            .fold(String::new(), |mut digits, byte| {
                // Writing to a String fails never.
                _ = write!(digits, "{byte:02x}");
                digits
            });
        let presented = Presented { fingerprint, pin };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(presented);
        let fault = CertificateFault {
            problem: CertificateProblem::NothingTrusted,
            pin,
        };
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(
            OtherError(Arc::new(fault)),
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
