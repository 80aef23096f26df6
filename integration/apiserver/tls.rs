//! A certificate authority and a server certificate, made at every start.

use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// The server's identity, and the authority that clients trust.
pub(crate) struct Identity {
    /// The authority's certificate.
    pub(crate) ca_pem: String,
    /// Does the server's side of the handshakes.
    pub(crate) acceptor: TlsAcceptor,
}

impl Identity {
    /// A new authority and a certificate for `names` (DNS names or addresses).
    pub(crate) fn new(names: Vec<String>) -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params
            .distinguished_name
            .push(DnType::CommonName, "lab API server CA");
        let key = KeyPair::generate().context("making the API server's CA key")?;
        let ca = CertifiedIssuer::self_signed(params, key).context("signing the API server's CA")?;

        let mut params = CertificateParams::new(names).context("naming the API server's certificate")?;
        params
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().context("making the API server's key")?;
        let certificate = params
            .signed_by(&key, &ca)
            .context("signing the API server's certificate")?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("choosing the API server's TLS versions")?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .context("loading the API server's certificate")?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            ca_pem: ca.pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}
