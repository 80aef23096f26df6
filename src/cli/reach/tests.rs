//! What flags say, in place of an object or before it.

use serde_json::json;

use super::*;
use crate::cluster::object::Verdict;
use crate::cluster::object::router::SecretKey;
use crate::cluster::object::secret::secret;

fn access() -> RouterAccess {
    RouterAccess {
        url: "https://192.168.1.1".to_owned(),
        allow_plain_http: false,
        credentials: "mikrotik".to_owned(),
        ca: Some(SecretKey {
            secret: "mikrotik-ca".to_owned(),
            key: "ca.crt".to_owned(),
        }),
        pins: Vec::new(),
        server_name: None,
    }
}

fn pinned() -> Given {
    Given {
        username: Some("tiklb".to_owned()),
        password: Some("hunter2".to_owned().into()),
        pins: vec![SpkiPin::of(b"key")],
        ..Given::default()
    }
}

#[test]
fn flags_go_before_what_the_object_says() {
    let (access, secrets) = (access(), BTreeMap::new());
    let said = Said {
        namespace: "metallb-system",
        access: &access,
        secrets: &secrets,
    };
    // Neither Secret is there, and neither is missed.
    assert!(pinned().client(&access.url, Some(&said)).is_ok());
    let without = Given::default().client(&access.url, Some(&said)).err().unwrap();
    for words in [
        "Secret metallb-system/mikrotik does not exist",
        "-f",
        "--password-file",
        "--ca-file",
    ] {
        assert!(without.message.contains(words), "{words}: {without:?}");
    }
    let account = Given {
        pins: Vec::new(),
        ..pinned()
    };
    let no_ca = account.client(&access.url, Some(&said)).err().unwrap();
    assert!(
        no_ca.message.contains("mikrotik-ca") && no_ca.message.contains("--ca-file"),
        "{no_ca:?}"
    );
}

#[test]
fn without_an_account_the_flags_are_named() {
    let given = Given {
        username: None,
        ..pinned()
    };
    let failure = given.client("https://192.168.1.1", None).err().unwrap();
    assert!(
        failure.message.contains("--username and --password-file"),
        "{failure:?}"
    );
}

#[test]
fn the_clients_words_are_about_flags_where_flags_were_given() {
    let url = pinned().client("http://192.168.1.1", None).err().unwrap();
    assert!(url.message.contains("give --allow-plain-http"), "{url:?}");
    let bundle = Given {
        ca: Some(b"none".to_vec()),
        ..pinned()
    };
    let bundle = bundle.client("https://192.168.1.1", None).err().unwrap();
    assert!(bundle.message.contains("--ca-file"), "{bundle:?}");
    for words in [
        routeros::client::Error::Unauthorized.to_string(),
        routeros::client::CertificateProblem::NothingTrusted.to_string(),
        routeros::client::CertificateProblem::NotPinned.to_string(),
        routeros::client::CertificateProblem::UnknownIssuer.to_string(),
        routeros::client::CertificateProblem::IsAuthority.to_string(),
    ] {
        let failure = in_flags(Failure {
            kind: FailureKind::Certificate,
            message: words,
        });
        for field in ["tls.", "credentialsSecretRef", "SecretRef"] {
            assert!(!failure.message.contains(field), "{failure:?}");
        }
    }
}

#[test]
fn a_form_that_nobody_filled_in_is_named_as_the_secret_that_it_is() {
    let access = access();
    let form = json!({
        "metadata": {"namespace": "metallb-system", "name": "mikrotik-ca"},
        // -----BEGIN CERTIFICATE-----, REPLACE-ME
        "data": {"ca.crt": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tClJFUExBQ0UtTUUKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="},
    });
    let Verdict::Keep(form) = secret(serde_json::from_value(form).unwrap()) else {
        panic!("a Secret that is left out");
    };
    let secrets = BTreeMap::from([("mikrotik-ca".to_owned(), form)]);
    let said = Said {
        namespace: "metallb-system",
        access: &access,
        secrets: &secrets,
    };
    let account = Given {
        pins: Vec::new(),
        ..pinned()
    };
    let failure = account.client(&access.url, Some(&said)).err().unwrap();
    for words in ["the bundle of tls.caSecretRef is no PEM", "or give --ca-file"] {
        assert!(failure.message.contains(words), "{failure:?}");
    }
    let flag = Given {
        ca: Some(b"none".to_vec()),
        ..account
    };
    let failure = flag.client(&access.url, Some(&said)).err().unwrap();
    assert!(failure.message.contains("the bundle of --ca-file"), "{failure:?}");
}

#[test]
fn ranges_are_read_as_pools_write_them() {
    assert_eq!(
        range("192.168.1.200-192.168.1.203, 192.168.1.210")
            .unwrap()
            .count(),
        5
    );
    assert_eq!(range("192.168.1.192/30").unwrap().count(), 4);
    for wrong in ["", "192.168.1.200-210x", "fd00::1", "192.168.1.20-192.168.1.10"] {
        let why = range(wrong).unwrap_err();
        assert!(why.contains("192.168.1.200-192.168.1.220"), "{wrong}: {why}");
    }
}
