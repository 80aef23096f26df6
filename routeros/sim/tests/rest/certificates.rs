//! Item 36: a private CA, certificates of every kind, and swaps while the router runs.

use reqwest::Client;
use routeros_sim::{Certificate, Config, PASSWORD, Router};

use crate::desk::client;

async fn router(certificate: Certificate) -> Router {
    let config = Config {
        certificate: Some(certificate),
        ..Config::default()
    };
    Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap()
}

/// The answer's status, or the TLS failure with all its causes.
async fn ask(http: &Client, url: &str) -> Result<u16, String> {
    let request = http
        .get(format!("{url}/rest/system/identity"))
        .basic_auth("tiklb", Some(PASSWORD));
    match request.send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => {
            let mut causes = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                causes = format!("{causes}: {error}");
                cause = error.source();
            }
            Err(causes)
        }
    }
}

#[tokio::test]
async fn item_36_the_right_certificate_is_trusted_by_name_and_by_address() {
    let router = router(Certificate::Right).await;
    assert!(router.url().starts_with("https://127.0.0.1:"));
    assert_eq!(ask(&client(&router), &router.url()).await, Ok(200));
    let by_name = router.url().replace("127.0.0.1", "localhost");
    assert_eq!(ask(&client(&router), &by_name).await, Ok(200));
    let stranger = Router::start(Config::default(), "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap();
    let refused = ask(&client(&stranger), &router.url()).await.unwrap_err();
    assert!(
        refused.contains("UnknownIssuer") || refused.contains("BadSignature"),
        "{refused}"
    );
}

#[tokio::test]
async fn item_36_each_wrong_certificate_is_refused_for_its_own_reason() {
    for (certificate, reason) in [
        (Certificate::NoNames, "NotValidForName"),
        (Certificate::WrongName, "NotValidForName"),
        (Certificate::Expired, "expired"),
        (Certificate::SelfSigned, "UnknownIssuer"),
        (Certificate::SelfSignedCa, "CaUsedAsEndEntity"),
        (Certificate::OtherCa, "UnknownIssuer"),
    ] {
        let router = router(certificate).await;
        let refused = ask(&client(&router), &router.url()).await.expect_err("refused");
        assert!(
            refused.contains(reason) || refused.contains("not valid for name"),
            "{certificate:?}: {refused}"
        );
    }
}

/// As [`ask`], after a swap: the client's first try meets its old connection, which was dropped.
async fn ask_again(http: &Client, url: &str) -> Result<u16, String> {
    match ask(http, url).await {
        Ok(status) => Ok(status),
        Err(_) => ask(http, url).await,
    }
}

#[tokio::test]
async fn item_36_a_certificate_is_swapped_while_a_client_is_connected() {
    let router = router(Certificate::Right).await;
    let http = client(&router);
    assert_eq!(ask(&http, &router.url()).await, Ok(200));
    let (leaf, key) = (router.certificate_der(), router.public_key_der());
    router.faults().certificate(Certificate::Rotated).unwrap();
    assert_eq!(
        ask_again(&http, &router.url()).await,
        Ok(200),
        "a rotated one under the same CA is trusted"
    );
    assert_ne!(router.certificate_der(), leaf);
    assert_ne!(router.public_key_der(), key, "rotated, the key is another one");
    router.faults().certificate(Certificate::OtherCa).unwrap();
    assert!(
        ask_again(&http, &router.url()).await.is_err(),
        "the old connection is gone, the new one is refused"
    );
    router.faults().certificate(Certificate::Right).unwrap();
    assert_eq!(ask_again(&http, &router.url()).await, Ok(200));
    assert_eq!(
        router.public_key_der(),
        key,
        "the right one keeps its key, so that a pin goes on to fit"
    );
}

#[tokio::test]
async fn item_36_plain_http_has_no_certificate() {
    let config = Config {
        certificate: None,
        ..Config::default()
    };
    let router = Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
        .await
        .unwrap();
    assert!(router.url().starts_with("http://"));
    assert_eq!((router.ca_pem(), router.certificate_der()), (None, None));
    assert_eq!(ask(&client(&router), &router.url()).await, Ok(200));
    assert!(router.faults().certificate(Certificate::Right).is_err());
}
