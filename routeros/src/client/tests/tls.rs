//! Certificates: what is trusted, and what a person is told when one is not.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa,
    KeyPair, PublicKeyData, date_time_ymd,
};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::menu::Pool;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn signs(&self, params: &CertificateParams) -> Served {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Served { certificate, key }
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A server's certificate, named by the alternative names alone.
fn named(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = common_name("router");
    params
}

/// What a router makes by itself: no alternative name, its own CA.
fn self_signed() -> Served {
    let mut params = named(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    Served {
        certificate: params.self_signed(&key).unwrap(),
        key,
    }
}

struct Served {
    certificate: Certificate,
    key: KeyPair,
}

impl Served {
    fn pin(&self) -> SpkiPin {
        SpkiPin::of(&self.key.subject_public_key_info())
    }

    async fn start(&self) -> Fake {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        Fake::start(Some(TlsAcceptor::from(Arc::new(config))), |_| {
            Reply::Json(200, "[]".into())
        })
        .await
    }
}

/// The problem that a client with this trust has with this certificate, if it has one.
async fn problem(served: &Served, trust: Trust, server_name: Option<&str>) -> Option<CertificateProblem> {
    let fake = served.start().await;
    let server_name = server_name.map(str::to_owned);
    let endpoint = Endpoint {
        trust,
        server_name,
        allow_plain_http: false,
        ..endpoint(&fake.url())
    };
    match Client::new(endpoint).unwrap().read::<Pool>().await {
        Ok(_) => None,
        Err(Error::Certificate { problem, pin, .. }) => {
            assert_eq!(
                pin.to_string(),
                served.pin().to_string(),
                "the error shows the pin of what is there"
            );
            assert!(fake.requests().is_empty(), "the password was not sent");
            Some(problem)
        }
        Err(error) => panic!("{error}"),
    }
}

fn trust(authority: &Authority) -> Trust {
    Trust::new(Some(authority.pem().as_bytes()), vec![]).unwrap()
}

fn pins(pins: &[SpkiPin]) -> Trust {
    Trust::new(None, pins.to_vec()).unwrap()
}

#[tokio::test]
async fn a_certificate_of_the_ca_for_the_right_name() {
    let authority = Authority::new("home CA");
    let by_number = authority.signs(&named(&["127.0.0.1"]));
    assert_eq!(problem(&by_number, trust(&authority), None).await, None);
    let by_name = authority.signs(&named(&["router.lan"]));
    assert_eq!(
        problem(&by_name, trust(&authority), Some("router.lan")).await,
        None
    );
    let bundle = format!("{}{}", Authority::new("other CA").pem(), authority.pem());
    let trust = Trust::new(Some(bundle.as_bytes()), vec![]).unwrap();
    assert_eq!(problem(&by_number, trust, None).await, None, "any CA of a bundle");
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let authority = Authority::new("home CA");
    let served = authority.signs(&named(&["router.lan", "10.0.0.1"]));
    let found = problem(&served, trust(&authority), None).await.unwrap();
    assert_eq!(
        found.to_string(),
        "it is not for 127.0.0.1 but for router.lan, 10.0.0.1; set tls.serverName to one of these, or tls.pins"
    );
    let nameless = problem(
        &authority.signs(&named(&[])),
        trust(&authority),
        Some("router.lan"),
    )
    .await
    .unwrap();
    assert_eq!(
        nameless.to_string(),
        "it is not for router.lan but carries no name at all (RouterOS's own often do not); set tls.pins"
    );
}

#[tokio::test]
async fn a_certificate_of_another_ca() {
    let served = Authority::new("home CA").signs(&named(&["127.0.0.1"]));
    // The same name, another key: what a rebuilt CA looks like.
    for other in ["other CA", "home CA"] {
        let found = problem(&served, trust(&Authority::new(other)), None).await;
        assert_eq!(found, Some(CertificateProblem::UnknownIssuer), "{other}");
    }
    let found = problem(&self_signed(), trust(&Authority::new("home CA")), None).await;
    assert_eq!(found, Some(CertificateProblem::IsAuthority));
}

#[tokio::test]
async fn a_certificate_out_of_its_time() {
    let authority = Authority::new("home CA");
    let mut params = named(&["127.0.0.1"]);
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
    let expired = authority.signs(&params);
    let found = problem(&expired, trust(&authority), None).await;
    assert!(matches!(found, Some(CertificateProblem::Expired(_))), "{found:?}");
    (params.not_before, params.not_after) = (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1));
    let found = problem(&authority.signs(&params), trust(&authority), None).await;
    assert!(
        matches!(found, Some(CertificateProblem::NotYetValid(_))),
        "{found:?}"
    );
    assert_eq!(
        problem(&expired, pins(&[expired.pin()]), None).await,
        None,
        "a pin ignores the dates"
    );
}

#[tokio::test]
async fn a_pinned_key_needs_nothing_else() {
    let served = self_signed();
    assert_eq!(problem(&served, pins(&[served.pin()]), None).await, None);
    assert_eq!(
        problem(&served, pins(&[self_signed().pin(), served.pin()]), Some("x.lan")).await,
        None
    );
    let other = self_signed().pin();
    assert_eq!(
        problem(&served, pins(&[other]), None).await,
        Some(CertificateProblem::NotPinned)
    );

    let authority = Authority::new("home CA");
    let both = |pin| Trust::new(Some(authority.pem().as_bytes()), vec![pin]).unwrap();
    assert_eq!(
        problem(&served, both(served.pin()), None).await,
        None,
        "the pin is enough"
    );
    let signed = authority.signs(&named(&["127.0.0.1"]));
    assert_eq!(
        problem(&signed, both(other), None).await,
        None,
        "the CA is enough"
    );
    assert_eq!(
        problem(&served, both(other), None).await,
        Some(CertificateProblem::IsAuthority)
    );
}

#[tokio::test]
async fn without_trust_the_error_shows_the_pin_that_would_do() {
    let served = self_signed();
    assert_eq!(
        problem(&served, pins(&[]), None).await,
        Some(CertificateProblem::NothingTrusted)
    );
    let fake = served.start().await;
    let error = Client::new(endpoint(&fake.url()))
        .unwrap()
        .read::<Pool>()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the router's certificate is not trusted: nothing says which one to trust; set tls.caSecretRef to the CA \
             that signed it, or compare it with the one on the router and set tls.pins. Its key's pin is {}",
            served.pin()
        )
    );
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let answering = async {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                .await
                .unwrap();
            // Read to the end, so that the answer is not lost to a reset.
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }
    };
    let client = Client::new(endpoint(&url)).unwrap();
    let error = tokio::select! {
        result = client.read::<Pool>() => result.unwrap_err(),
        () = answering => unreachable!("the listener stays"),
    };
    assert_eq!(error.category(), "Unreachable", "{error}");
    assert!(
        error.to_string().contains("/ip/service has www-ssl enabled"),
        "{error}"
    );
}

#[test]
fn pins_and_bundles_are_checked() {
    let pin = SpkiPin::of(b"key");
    assert_eq!(
        pin.to_string(),
        "sha256/LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM="
    );
    assert_eq!(pin.to_string().parse(), Ok(pin));
    for text in [
        "",
        "sha256/",
        "sha256/AAAA",
        "sha1/AAAA",
        &pin.to_string()[7..],
        &format!("{pin}="),
    ] {
        assert_eq!(text.parse::<SpkiPin>(), Err(InvalidPin), "{text}");
    }
    let error = |bundle: &[u8]| Trust::new(Some(bundle), vec![]).unwrap_err().to_string();
    assert_eq!(
        error(b""),
        "the bundle of tls.caSecretRef has no certificate in it"
    );
    assert_eq!(
        error(b"hello"),
        "the bundle of tls.caSecretRef has no certificate in it"
    );
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(error(broken).starts_with("the bundle of tls.caSecretRef has an unusable certificate"));
    let cut = b"-----BEGIN CERTIFICATE-----\nAAAA";
    assert!(error(cut).starts_with("the bundle of tls.caSecretRef is no PEM"));
}
