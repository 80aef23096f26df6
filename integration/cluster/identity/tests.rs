//! Whether a client that knows the CA alone believes the API server, and nobody else reads the keys.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 43, 0, 1);

fn identity(folder: &Path) -> Identity {
    Identity::create(folder, ADDRESS, SERVICE).unwrap()
}

/// A TLS handshake in memory between the API server's files and a client that trusts `ca_pem`.
async fn handshake(files: &Files, ca_pem: &str, name: &str) -> Result<()> {
    let provider = Arc::new(crypto::ring::default_provider());
    let certificates = CertificateDer::pem_file_iter(&files.certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&files.private_key)?;
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let name = ServerName::try_from(name.to_owned())?;
    let (client, server) = (
        TlsConnector::from(Arc::new(client)),
        TlsAcceptor::from(Arc::new(server)),
    );
    let (connected, _) = tokio::join!(client.connect(name, ours), server.accept(theirs));
    connected?;
    Ok(())
}

#[tokio::test]
async fn the_api_server_is_believed_by_its_addresses_and_names_only() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(folder.path());
    for name in ["192.168.1.10", "10.43.0.1", "127.0.0.1", "kubernetes.default.svc"] {
        handshake(identity.files(), &identity.ca_pem, name).await.unwrap();
    }
    assert!(
        handshake(identity.files(), &identity.ca_pem, "192.168.1.11")
            .await
            .is_err()
    );

    let other = self::identity(&folder.path().join("other"));
    assert!(
        handshake(identity.files(), &other.ca_pem, "192.168.1.10")
            .await
            .is_err(),
        "another cluster's CA"
    );
}

#[test]
fn secrets_are_fresh_private_and_not_in_debug() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        identity(&folder.path().join("1")),
        identity(&folder.path().join("2")),
    );
    assert_ne!(one.admin_token, two.admin_token);
    assert_ne!(one.admin_token, one.proxy_token);
    let files = one.files();
    for file in [&files.private_key, &files.signing_key, &files.tokens] {
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
        assert_ne!(
            fs::read(file).unwrap(),
            fs::read(two.files.tokens.with_file_name(file.file_name().unwrap())).unwrap()
        );
    }
    let debug = format!("{one:?}");
    assert!(
        !debug.contains(&one.admin_token) && !debug.contains(&one.proxy_token),
        "{debug}"
    );
}

#[test]
fn the_token_file_names_each_user_and_group() {
    let folder = tempfile::tempdir().unwrap();
    let identity = identity(folder.path());
    let rows = fs::read_to_string(&identity.files().tokens).unwrap();
    let wanted = format!(
        "{},admin,admin,\"system:masters\"\n{},system:kube-proxy,system:kube-proxy\n",
        identity.admin_token, identity.proxy_token
    );
    assert_eq!(rows, wanted);
}
