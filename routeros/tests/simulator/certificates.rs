//! The certificates that a router can present: the simulator's own, and those of a front before it.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, date_time_ymd,
};
use routeros::client::{CertificateProblem, Error, SpkiPin, presented};
use routeros::menu::Pool;
use routeros_sim::Certificate;

use super::front::{Front, plain, presenting};
use super::*;

async fn problem(client: &Client) -> Option<CertificateProblem> {
    match client.read::<Pool>().await {
        Ok(_) => None,
        Err(Error::Certificate { problem, .. }) => Some(problem),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_ca_vouches_for_the_right_ones_only() {
    let router = start(Config::default()).await;
    let client = client(&router);
    for (certificate, expected) in [
        (Certificate::Right, "none"),
        (Certificate::Rotated, "none"),
        (Certificate::NoNames, "no name at all"),
        (Certificate::WrongName, "set tls.serverName"),
        (Certificate::Expired, "expired"),
        (Certificate::SelfSigned, "set tls.pins"),
        (Certificate::OtherCa, "the CA in tls.caSecretRef did not sign it"),
        (Certificate::Right, "none"),
    ] {
        router.faults().certificate(certificate).unwrap();
        let found = problem(&client)
            .await
            .map_or("none".to_owned(), |problem| problem.to_string());
        assert!(found.contains(expected), "{certificate:?}: {found}");
    }
}

#[tokio::test]
async fn a_pin_vouches_for_one_key() {
    let router = start(Config::default()).await;
    for certificate in [
        Certificate::NoNames,
        Certificate::WrongName,
        Certificate::Expired,
        Certificate::SelfSigned,
    ] {
        router.faults().certificate(certificate).unwrap();
        let pin = SpkiPin::of(&router.public_key_der().unwrap());
        let trust = Trust::new(None, vec![pin]).unwrap();
        let client = Client::new(Endpoint {
            trust,
            ..endpoint(&router)
        })
        .unwrap();
        assert_eq!(problem(&client).await, None, "{certificate:?}");
        router.faults().certificate(Certificate::Right).unwrap();
        let now = SpkiPin::of(&router.public_key_der().unwrap());
        let expected = (now != pin).then_some(CertificateProblem::NotPinned);
        assert_eq!(
            problem(&client).await,
            expected,
            "{certificate:?}, then the right one"
        );
    }
}

/// A CA as `/certificate/sign` makes it: it may sign certificates and lists of revoked ones, and nothing else.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(of_authority(name), KeyPair::generate().unwrap()).unwrap()
}

fn of_authority(name: &str) -> CertificateParams {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A server's, with a common name, which counts for nothing (RFC 9525 section 6.3), and these alternative names.
fn named(common: &str, alternative: &[&str]) -> CertificateParams {
    let names: Vec<String> = alternative.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

/// A front that presents a certificate, and what a client needs to know of it.
struct Presented {
    router: Router,
    front: Front,
    pin: SpkiPin,
    pem: String,
}

impl Presented {
    async fn start(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self::chain(vec![certificate.der().clone()], certificate.pem(), key, &[]).await
    }

    async fn chain(
        chain: Vec<rustls_pki_types::CertificateDer<'static>>,
        pem: String,
        key: &KeyPair,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Self {
        let router = plain().await;
        let front = Front::of(&router, Some(presenting(chain, key, versions))).await;
        let pin = SpkiPin::of(&key.subject_public_key_info());
        Self {
            router,
            front,
            pin,
            pem,
        }
    }

    /// Of a certificate that `authority` signs.
    async fn signed(params: &CertificateParams, authority: &CertifiedIssuer<'static, KeyPair>) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        Self::start(&certificate, &key).await
    }

    /// What a client is told that reads the whole router, having this trust; `None` when it may.
    async fn refusal(&self, ca: Option<&str>, pins: &[SpkiPin]) -> Option<String> {
        self.refusal_as(None, ca, pins).await
    }

    /// The same, of a client that checks the certificate for `name`.
    async fn refusal_as(&self, name: Option<&str>, ca: Option<&str>, pins: &[SpkiPin]) -> Option<String> {
        let client = Client::new(Endpoint {
            url: self.front.url.clone(),
            trust: Trust::new(ca.map(str::as_bytes), pins.to_vec()).unwrap(),
            server_name: name.map(str::to_owned),
            credentials: Credentials::new("tiklb", PASSWORD),
            allow_plain_http: false,
            timeouts: timeouts(),
        })
        .unwrap();
        let before = self.router.log();
        match client.reading().await {
            Ok(_) => None,
            Err(Error::Certificate { problem, pin, .. }) => {
                assert_eq!(pin.to_string(), self.pin.to_string(), "the pin that would do");
                assert_eq!(self.router.log(), before, "nobody told the password");
                Some(problem.to_string())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_cas_own_certificate_is_no_servers() {
    let key = KeyPair::generate().unwrap();
    let served = Presented::start(&of_authority("router").self_signed(&key).unwrap(), &key).await;
    for ca in [served.pem.clone(), authority("another").pem()] {
        assert_eq!(
            served.refusal(Some(&ca), &[]).await.as_deref(),
            Some(
                "it is a CA's certificate, not a server's; issue a server's with it on the router, or set tls.pins"
            )
        );
    }
    assert_eq!(served.refusal(None, &[served.pin]).await, None);
}

#[tokio::test]
async fn a_self_signed_certificate_with_the_address_in_it_vouches_for_itself() {
    let key = KeyPair::generate().unwrap();
    let served = Presented::start(&named("router", &["127.0.0.1"]).self_signed(&key).unwrap(), &key).await;
    assert_eq!(served.refusal(Some(&served.pem), &[]).await, None);
    assert_eq!(served.refusal(None, &[served.pin]).await, None);
    let told = served
        .refusal(Some(&authority("another").pem()), &[])
        .await
        .unwrap();
    assert!(
        told.starts_with("the CA in tls.caSecretRef did not sign it"),
        "{told}"
    );
}

#[tokio::test]
async fn a_router_that_is_addressed_by_number_and_certified_by_name() {
    let ca = authority("home");
    let served = Presented::signed(&named("router", &["router.lan", "10.0.0.1"]), &ca).await;
    let ca = Some(ca.pem());
    let with = async |name| served.refusal_as(name, ca.as_deref(), &[]).await;
    assert_eq!(
        with(None).await.as_deref(),
        Some(
            "it is not for 127.0.0.1 but for router.lan, 10.0.0.1; set tls.serverName to one of these, or tls.pins"
        )
    );
    assert_eq!(with(Some("router.lan")).await, None);
    assert_eq!(with(Some("10.0.0.1")).await, None);
    assert!(with(Some("other.lan")).await.is_some());
    assert_eq!(
        served.refusal_as(Some("other.lan"), None, &[served.pin]).await,
        None,
        "a pin ignores names"
    );
}

#[tokio::test]
async fn a_certificate_without_alternative_names() {
    let ca = authority("home");
    let served = Presented::signed(&named("127.0.0.1", &[]), &ca).await;
    assert_eq!(
        served.refusal(Some(&ca.pem()), &[]).await.as_deref(),
        Some(
            "it is not for 127.0.0.1 but carries no name at all (RouterOS's own often do not); set tls.pins"
        )
    );
    assert_eq!(served.refusal(Some(&ca.pem()), &[served.pin]).await, None);
}

#[tokio::test]
async fn a_certificate_out_of_its_time() {
    let ca = authority("home");
    let mut params = named("router", &["127.0.0.1"]);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let expired = Presented::signed(&params, &ca).await;
    let told = expired.refusal(Some(&ca.pem()), &[]).await.unwrap();
    assert!(
        told.starts_with("it expired ") && told.ends_with(" ago; renew it on the router, or set tls.pins"),
        "{told}"
    );
    assert_eq!(
        expired.refusal(None, &[expired.pin]).await,
        None,
        "a pin ignores the dates"
    );
    // Signed while the router's clock was ahead, or ours is behind.
    (params.not_before, params.not_after) = (date_time_ymd(3020, 1, 1), date_time_ymd(3021, 1, 1));
    let early = Presented::signed(&params, &ca).await;
    let told = early.refusal(Some(&ca.pem()), &[]).await.unwrap();
    assert!(
        told.ends_with("; check the clocks of router and cluster, or set tls.pins"),
        "{told}"
    );
}

#[tokio::test]
async fn a_leaf_that_is_replaced() {
    let ca = authority("home");
    let params = named("router", &["127.0.0.1"]);
    let (old, new) = (
        Presented::signed(&params, &ca).await,
        Presented::signed(&params, &ca).await,
    );
    assert_ne!(old.pin, new.pin);
    for served in [&old, &new] {
        assert_eq!(
            served.refusal(Some(&ca.pem()), &[]).await,
            None,
            "the CA vouches for both"
        );
        assert_eq!(
            served.refusal(None, &[old.pin, new.pin]).await,
            None,
            "both keys are pinned"
        );
    }
    assert_eq!(
        new.refusal(None, &[old.pin]).await.as_deref(),
        Some(
            "its key is none of tls.pins; if the certificate was replaced on purpose, add the new pin there"
        )
    );
}

#[tokio::test]
async fn a_certificate_for_another_purpose() {
    let ca = authority("home");
    let mut params = named("router", &["127.0.0.1"]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let served = Presented::signed(&params, &ca).await;
    let told = served.refusal(Some(&ca.pem()), &[]).await.unwrap();
    assert!(told.ends_with("; issue another one, or set tls.pins"), "{told}");
    assert_eq!(served.refusal(None, &[served.pin]).await, None);
}

#[tokio::test]
async fn an_intermediate_ca_and_tls_1_2_alone() {
    let root = authority("root");
    let between =
        CertifiedIssuer::signed_by(of_authority("between"), KeyPair::generate().unwrap(), &root).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = named("router", &["127.0.0.1"]).signed_by(&key, &between).unwrap();
    let chain = vec![leaf.der().clone(), between.der().clone()];
    // `tls-version=only-1.2` is a choice of /ip/service.
    let served = Presented::chain(chain, leaf.pem(), &key, &[&rustls::version::TLS12]).await;
    assert_eq!(served.refusal(Some(&root.pem()), &[]).await, None);
    assert_eq!(served.refusal(None, &[served.pin]).await, None);
}

#[tokio::test]
async fn a_look_at_a_certificate_tells_nobody_anything() {
    let patience = Duration::from_secs(10);
    let router = start(Config::default()).await;
    let seen = presented(&router.url(), patience).await.unwrap().unwrap();
    assert_eq!(seen.pin, SpkiPin::of(&router.public_key_der().unwrap()));
    let digest = sha_256(&router.certificate_der().unwrap());
    assert_eq!(seen.fingerprint, digest);
    assert_eq!((router.log(), router.journal().reads.len()), (vec![], 0));

    let plain = plain().await;
    assert_eq!(
        presented(&plain.url(), patience).await,
        Ok(None),
        "over http there is none"
    );
    router.faults().unreachable(true);
    assert_eq!(
        presented(&router.url(), patience).await.unwrap_err().category(),
        "Unreachable"
    );
}

/// A SHA-256 in hexadecimal digits, by the library that the product does not use for it.
fn sha_256(bytes: &[u8]) -> String {
    let provider = rustls::crypto::ring::default_provider();
    let suites = provider
        .cipher_suites
        .iter()
        .filter_map(rustls::SupportedCipherSuite::tls13);
    let hash = suites
        .map(|suite| suite.common.hash_provider)
        .find(|hash| hash.output_len() == 32);
    let digest = hash.unwrap().hash(bytes);
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}
