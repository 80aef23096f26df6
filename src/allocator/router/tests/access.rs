//! Passwords, certificates and Secrets that are wrong, and then right.

use routeros_sim::{Certificate, Menu, Version};
use tiklb_core::reservation::FailureKind;

use super::*;

#[tokio::test]
async fn a_wrong_password_is_said_and_another_is_used_at_once() {
    let mut desk = Desk::start(Config::default()).await;
    desk.read().await.unwrap();
    let logins = desk.sim.log().len();
    desk.sim.faults().password("tiklb", "another").unwrap();
    for _ in 0..5 {
        let failure = desk.read().await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Credentials);
        assert!(!failure.message.contains(PASSWORD), "{}", failure.message);
    }
    assert_eq!(
        desk.sim.log().len(),
        logins + 1,
        "one entry in the router's log, not five"
    );
    desk.set_secret("mikrotik", &[("username", "tiklb"), ("password", "another\n")]);
    assert_eq!(desk.apply(), [key()], "core is owed word of it");
    assert_eq!(desk.apply(), [], "once");
    let reading = desk.read().await.unwrap();
    let outcome = desk.write(cut(&reading)).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
}

#[tokio::test]
async fn an_account_that_may_not_write() {
    let config = Config::default()
        .row(
            Menu::UserGroup,
            [("name", "looks"), ("policy", "read,api,rest-api")],
        )
        .user("looker", "secret", "looks");
    let mut desk = Desk::start(config).await;
    desk.set_secret("mikrotik", &[("username", "looker"), ("password", "secret")]);
    desk.apply();
    let reading = desk.read().await.unwrap();
    let outcome = desk.write(cut(&reading)).await;
    let Outcome::Refused(words) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(words.contains("lacks the policy write"), "{words}");
}

#[tokio::test]
async fn a_ca_that_did_not_sign_and_a_pin_that_fits() {
    let mut desk = Desk::start(Config::default()).await;
    desk.read().await.unwrap();
    desk.sim.faults().certificate(Certificate::OtherCa).unwrap();
    let failure = desk.read().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Certificate);
    assert!(
        failure
            .message
            .contains("the CA in tls.caSecretRef did not sign it"),
        "{}",
        failure.message
    );
    let pin = failure.message.rsplit(' ').next().unwrap().to_owned();
    assert!(pin.starts_with("sha256/"), "{}", failure.message);
    desk.spec["tls"] = json!({"pins": [pin]});
    assert_eq!(desk.apply(), [key()]);
    desk.read().await.unwrap();
    assert_eq!(desk.writes(), [""; 0]);
}

#[tokio::test]
async fn what_is_missing_is_named_until_it_is_there() {
    let mut desk = Desk::start(Config::default()).await;
    let kept = desk.secrets.remove("mikrotik").unwrap();
    assert_eq!(desk.apply(), [key()]);
    let failure = desk.read().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::SecretMissing);
    assert_eq!(
        failure.message,
        "Secret metallb-system/mikrotik does not exist: create it with the keys username and password"
    );
    assert!(desk.sim.journal().reads.is_empty(), "nothing was sent");
    desk.secrets.insert("mikrotik".to_owned(), kept);
    assert_eq!(desk.apply(), [key()]);
    desk.read().await.unwrap();

    desk.spec = json!({"url": "https://192.168.1.1"});
    assert_eq!(desk.apply(), [key()]);
    let failure = desk.read().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidSpec, "{}", failure.message);
}

/// `kubectl delete -f` of a folder: the Secrets may go before the router was given back with them.
#[tokio::test]
async fn an_object_that_is_being_deleted_is_served_with_the_secrets_that_it_had() {
    let mut desk = Desk::start(Config::default()).await;
    desk.read().await.unwrap();
    desk.secrets.clear();
    desk.apply();
    let failure = desk.read().await.unwrap_err();
    assert_eq!(
        failure.kind,
        FailureKind::SecretMissing,
        "a Secret that is missing is said"
    );
    let mut deleted = seen(&desk.spec);
    deleted.object.deleting = true;
    assert_eq!(desk.sessions.apply(&[deleted.clone()], &desk.secrets), [key()]);
    let reading = desk.read().await.unwrap();
    let outcome = desk.write(cut(&reading)).await;
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");

    // An object of that name which is made anew has what is there, and that is nothing.
    deleted.object.uid = tiklb_core::model::Uid("u2".to_owned());
    desk.sessions.apply(&[deleted], &desk.secrets);
    assert_eq!(desk.read().await.unwrap_err().kind, FailureKind::SecretMissing);
}

#[tokio::test]
async fn an_old_router_is_asked_nothing_else() {
    let version: Version = "7.11.2 (stable)".parse().unwrap();
    let mut desk = Desk::start(Config {
        version,
        ..Config::default()
    })
    .await;
    let failure = desk.read().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::VersionTooOld, "{}", failure.message);
    assert!(!desk.sim.journal().reads.contains_key(&Menu::Lease));
}

/// Each new connection costs the router a handshake and a line in its log.
#[tokio::test]
async fn other_credentials_need_no_other_connection() {
    let mut desk = Desk::start(Config::default()).await;
    desk.read().await.unwrap();
    let logins = desk.sim.log().len();
    desk.set_secret("mikrotik", &[("username", "tiklb"), ("password", PASSWORD)]);
    assert_eq!(desk.apply(), [key()]);
    desk.read().await.unwrap();
    assert_eq!(desk.sim.log().len(), logins);
    desk.spec["tls"]["serverName"] = "localhost".into();
    assert_eq!(desk.apply(), [key()]);
    desk.read().await.unwrap();
    assert_eq!(
        desk.sim.log().len(),
        logins + 1,
        "another trust is another client"
    );
}
