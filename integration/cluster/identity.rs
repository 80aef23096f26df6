//! What proves who is who in the cluster: a CA of the lab's own, the API server's certificate, the key that signs
//! service-account tokens, and the tokens of the administrator and of each node's proxy.
//!
//! Every key is a fresh ECDSA P-256 one from rcgen (ring underneath), so that no openssl is needed. kube-apiserver could
//! make its own certificate (`--cert-dir`), but a self-signed one made at its start cannot be handed to a client before.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use uuid::Uuid;

/// The group that Kubernetes binds to the role cluster-admin by itself.
const ADMINISTRATORS: &str = "system:masters";

/// The user that Kubernetes binds to the role system:node-proxier by itself: all that kube-proxy needs.
const PROXY: &str = "system:kube-proxy";

/// The names that pods know the API server by.
const SERVICE_NAMES: [&str; 3] = [
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "kubernetes.default",
];

/// The secrets of one cluster, as files for its programs and as text for its clients.
pub(super) struct Identity {
    /// The certificate that clients trust, PEM.
    pub ca_pem: String,
    /// A token of the group system:masters.
    pub admin_token: String,
    /// A token of the user system:kube-proxy.
    pub proxy_token: String,
    files: Files,
}

/// Where kube-apiserver reads them.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// `--tls-cert-file`.
    pub certificate: PathBuf,
    /// `--tls-private-key-file`.
    pub private_key: PathBuf,
    /// `--service-account-signing-key-file`.
    pub signing_key: PathBuf,
    /// `--service-account-key-file`, the public half.
    pub verifying_key: PathBuf,
    /// `--token-auth-file`.
    pub tokens: PathBuf,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Makes all of it for an API server at `address` (and at its Service's address), with the files in `folder`.
    pub(super) fn create(folder: &Path, address: Ipv4Addr, service: Ipv4Addr) -> Result<Self> {
        let files = Files {
            certificate: folder.join("apiserver.crt"),
            private_key: folder.join("apiserver.key"),
            signing_key: folder.join("service-account.key"),
            verifying_key: folder.join("service-account.pub"),
            tokens: folder.join("tokens.csv"),
        };
        let ca_key = KeyPair::generate().context("making the key of the cluster's CA")?;
        let ca = authority()?;
        let ca_pem = ca
            .self_signed(&ca_key)
            .context("signing the certificate of the cluster's CA")?
            .pem();
        let key = KeyPair::generate().context("making the API server's key")?;
        let certificate = serving([address, Ipv4Addr::LOCALHOST, service])?
            .signed_by(&key, &Issuer::new(ca, ca_key))
            .context("signing the API server's certificate")?;
        let tokens = KeyPair::generate().context("making the key of the service accounts")?;
        let (admin_token, proxy_token) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        // token,user,uid,"groups" (kubernetes.io: static token file)
        let rows = format!("{admin_token},admin,admin,\"{ADMINISTRATORS}\"\n{proxy_token},{PROXY},{PROXY}\n");

        write_secret(&files.certificate, &certificate.pem())?;
        write_secret(&files.private_key, &key.serialize_pem())?;
        write_secret(&files.signing_key, &tokens.serialize_pem())?;
        write_secret(&files.verifying_key, &tokens.public_key_pem())?;
        write_secret(&files.tokens, &rows)?;
        Ok(Self {
            ca_pem,
            admin_token,
            proxy_token,
            files,
        })
    }

    /// Where kube-apiserver reads them.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }
}

fn authority() -> Result<CertificateParams> {
    let mut params = CertificateParams::new([]).context("describing the cluster's CA")?;
    params
        .distinguished_name
        .push(DnType::CommonName, "lab cluster CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn serving(addresses: [Ipv4Addr; 3]) -> Result<CertificateParams> {
    // rcgen makes an IP entry of a name that reads as an address.
    let addresses = addresses.map(|address| IpAddr::V4(address).to_string());
    let names: Vec<String> = SERVICE_NAMES
        .map(str::to_owned)
        .into_iter()
        .chain(addresses)
        .collect();
    let mut params = CertificateParams::new(names).context("describing the API server's certificate")?;
    params
        .distinguished_name
        .push(DnType::CommonName, "kube-apiserver");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A new file that only its owner reads.
pub(crate) fn write_secret(file: &Path, text: &str) -> Result<()> {
    let write = || {
        fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
        let mut open = OpenOptions::new();
        open.write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(file)?
            .write_all(text.as_bytes())
    };
    write().with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests;
