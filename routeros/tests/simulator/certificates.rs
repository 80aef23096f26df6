//! The certificates that a router can present.

use routeros::client::{CertificateProblem, Error, SpkiPin};
use routeros::menu::Pool;
use routeros_sim::Certificate;

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
