//! Passwords, policies, versions: what a person is told.

use routeros::client::{Error, Outcome, Permission};
use routeros::menu::{Lease, Pool};
use routeros_sim::Menu;

use super::*;

/// A router with a user `limited` whose group has these policies.
async fn limited(policy: &str) -> (Router, Client) {
    let config = Config::default()
        .row(Menu::UserGroup, [("name", "limited"), ("policy", policy)])
        .user("limited", "secret", "limited");
    let router = start(config).await;
    let credentials = Credentials::new("limited", "secret");
    let client = Client::new(Endpoint {
        credentials,
        ..endpoint(&router)
    })
    .unwrap();
    (router, client)
}

#[tokio::test]
async fn each_missing_policy_is_named() {
    for (policy, expected) in [
        ("read,write,api", Error::Unauthorized),
        ("read,write,rest-api", Error::PolicyMissing(Permission::Api)),
        ("write,api,rest-api", Error::PolicyMissing(Permission::Read)),
    ] {
        let (_router, client) = limited(policy).await;
        assert_eq!(client.read::<Pool>().await.unwrap_err(), expected, "{policy}");
    }
    let (router, client) = limited("read,api,rest-api").await;
    let outcome = client.add::<Lease>(&new_lease()).await.unwrap();
    let expected = Outcome::NotApplied {
        error: Error::PolicyMissing(Permission::Write),
        row: None,
    };
    assert_eq!(outcome, expected);
    assert_eq!(router.rows(Menu::Lease).len(), 0);
}

#[tokio::test]
async fn a_changed_password_is_one_entry_in_the_log() {
    let router = start(Config::default()).await;
    let client = client(&router);
    client.read::<Pool>().await.unwrap();
    let before = router.log().len();
    router.faults().password("tiklb", "another").unwrap();
    for _ in 0..5 {
        assert_eq!(client.read::<Pool>().await.unwrap_err(), Error::Unauthorized);
    }
    assert_eq!(router.log().len(), before + 1, "{:?}", router.log());
    client.set_credentials(Credentials::new("tiklb", "another"));
    client.read::<Pool>().await.unwrap();
}

#[tokio::test]
async fn versions_and_boards() {
    let old = Config {
        version: "7.11.2 (stable)".parse().unwrap(),
        ..Config::default()
    };
    let router = start(old).await;
    let error = client(&router).reading().await.unwrap_err();
    assert_eq!(error.category(), "TooOld", "{error}");

    for version in [
        "7.12.2 (stable)",
        "7.16.2 (stable)",
        "7.20.8 (stable)",
        "7.24.2 (stable)",
    ] {
        let router = start(Config {
            version: version.parse().unwrap(),
            ..Config::default()
        })
        .await;
        let reading = client(&router).reading().await.unwrap();
        assert_eq!(
            (reading.resource.version.to_string().as_str(), reading.bad.len()),
            (version, 0)
        );
    }

    let router = start(Config {
        board: "CHR".into(),
        ..Config::default()
    })
    .await;
    assert_eq!(client(&router).reading().await.unwrap().routerboard, None);
}

#[tokio::test]
async fn rest_switched_off_is_told_from_a_wrong_menu() {
    let version = "7.23.7 (long-term)".parse().unwrap();
    let mut config = Config {
        version,
        ..Config::default()
    };
    config.switches.rest_off = true;
    let router = start(config).await;
    let error = client(&router).reading().await.unwrap_err();
    assert_eq!(error.category(), "NoRest", "{error}");
}

#[tokio::test]
async fn plain_http_is_a_choice() {
    let router = start(Config {
        certificate: None,
        ..Config::default()
    })
    .await;
    let error = Client::new(endpoint(&router)).unwrap_err();
    assert_eq!(error.category(), "Configuration");
    let client = Client::new(Endpoint {
        allow_plain_http: true,
        ..endpoint(&router)
    })
    .unwrap();
    client.read::<Pool>().await.unwrap();
}
