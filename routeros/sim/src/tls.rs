//! The router's certificates: a private CA and leaves of every kind that a client has to cope with.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::router::locked;

/// Which certificate the router presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificate {
    /// The router's names and addresses, signed by its CA, valid.
    #[default]
    Right,
    /// Only a common name and no alternative names, as `RouterOS` makes them unless told otherwise.
    NoNames,
    /// Somebody else's name.
    WrongName,
    /// It ended years ago.
    Expired,
    /// Signed by itself.
    SelfSigned,
    /// Signed by itself, and a CA at the same time, without alternative names: what `/certificate` makes of a template
    /// that says nothing else.
    SelfSignedCa,
    /// As the right one, with a new key under the same CA.
    Rotated,
    /// The right names, signed by a CA that the client does not know.
    OtherCa,
}

/// Why a certificate cannot be presented.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error("making the router's certificate: a name in it may not be a valid one")]
    Make(#[from] rcgen::Error),
    /// rustls refuses it.
    #[error("loading the router's certificate into the TLS server")]
    Load(#[from] rustls::Error),
    /// The router has no TLS.
    #[error("presenting a certificate: this router serves plain HTTP; give its Config a certificate")]
    Plain,
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// What is presented at the moment.
struct Presented {
    kind: Certificate,
    server: Arc<ServerConfig>,
    leaf: CertificateDer<'static>,
    public_key: Vec<u8>,
}

/// The router's CA and what it presents.
pub(crate) struct Tls {
    authority: Issuer,
    stranger: Issuer,
    names: Vec<String>,
    /// The key of [`Certificate::Right`], which stays the same when it is presented again.
    right_key: KeyPair,
    presented: Mutex<Presented>,
}

impl Tls {
    /// A new CA. `names` are the DNS names and IP addresses of the right certificate.
    pub(crate) fn new(certificate: Certificate, names: Vec<String>) -> Result<Self, TlsError> {
        let (authority, stranger) = (issuer("MikroTik CA")?, issuer("Another CA")?);
        let right_key = KeyPair::generate()?;
        let presented = make(certificate, &authority, &stranger, &names, &right_key)?;
        Ok(Self {
            authority,
            stranger,
            names,
            right_key,
            presented: Mutex::new(presented),
        })
    }

    /// Presents another certificate to new connections.
    pub(crate) fn present(&self, certificate: Certificate) -> Result<(), TlsError> {
        let made = make(
            certificate,
            &self.authority,
            &self.stranger,
            &self.names,
            &self.right_key,
        )?;
        *locked(&self.presented) = made;
        Ok(())
    }

    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&locked(&self.presented).server)
    }

    pub(crate) fn kind(&self) -> Certificate {
        locked(&self.presented).kind
    }

    pub(crate) fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    pub(crate) fn leaf(&self) -> Vec<u8> {
        locked(&self.presented).leaf.to_vec()
    }

    /// The leaf's `SubjectPublicKeyInfo`, of which a pin is the SHA-256.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        locked(&self.presented).public_key.clone()
    }
}

fn issuer(name: &str) -> Result<Issuer, rcgen::Error> {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn make(
    certificate: Certificate,
    authority: &Issuer,
    stranger: &Issuer,
    names: &[String],
    right_key: &KeyPair,
) -> Result<Presented, TlsError> {
    let mut params = named("router");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let wrong = ["other.invalid".to_owned()];
    let names = match certificate {
        Certificate::NoNames | Certificate::SelfSignedCa => &[],
        Certificate::WrongName => &wrong[..],
        _ => names,
    };
    params.subject_alt_names = names
        .iter()
        .map(|name| alternative(name))
        .collect::<Result<_, _>>()?;
    if certificate == Certificate::Expired {
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    }
    if certificate == Certificate::SelfSignedCa {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
    }
    let new_key = KeyPair::generate()?;
    let key = if certificate == Certificate::Rotated {
        &new_key
    } else {
        right_key
    };
    let leaf = match certificate {
        Certificate::SelfSigned | Certificate::SelfSignedCa => params.self_signed(key)?,
        Certificate::OtherCa => params.signed_by(key, stranger)?,
        _ => params.signed_by(key, authority)?,
    };
    let leaf = leaf.der().clone();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.clone()], private)?;
    Ok(Presented {
        kind: certificate,
        server: Arc::new(server),
        leaf,
        public_key: key.subject_public_key_info(),
    })
}

fn alternative(name: &str) -> Result<SanType, rcgen::Error> {
    Ok(match name.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into()?),
    })
}
