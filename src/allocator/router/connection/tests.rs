//! Objects and Secrets as people leave them.

use serde_json::json;

use super::*;
use crate::cluster::object::Verdict;
use crate::cluster::object::secret::secret;

const DIGEST: &str = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn access() -> RouterAccess {
    RouterAccess {
        url: "https://192.168.1.1".to_owned(),
        allow_plain_http: false,
        credentials: "mikrotik".to_owned(),
        ca: None,
        pins: vec![DIGEST.to_owned()],
        server_name: None,
    }
}

fn with_ca() -> RouterAccess {
    RouterAccess {
        ca: Some(SecretKey {
            secret: "mikrotik-ca".to_owned(),
            key: "ca.crt".to_owned(),
        }),
        pins: vec![],
        ..access()
    }
}

/// A Secret with these texts.
fn stored(name: &str, data: &[(&str, &[u8])]) -> (String, SecretObject) {
    let data: serde_json::Map<String, serde_json::Value> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(k8s_openapi::ByteString(value.to_vec()))))
        .collect();
    let object = json!({"metadata": {"name": name, "namespace": "metallb-system"}, "data": data});
    match secret(serde_json::from_value(object).unwrap()) {
        Verdict::Keep(secret) => (name.to_owned(), secret),
        other => panic!("{other:?}"),
    }
}

fn mikrotik() -> (String, SecretObject) {
    stored(
        "mikrotik",
        &[("username", b"tiklb"), ("password", b"correct horse")],
    )
}

fn looked_up(
    access: &RouterAccess,
    secrets: impl IntoIterator<Item = (String, SecretObject)>,
) -> Result<Connection, Failure> {
    connection("metallb-system", access, &secrets.into_iter().collect())
}

fn client(connection: Connection) -> Result<Client, Failure> {
    struct Nobody;
    impl Observer for Nobody {
        fn request(&self, _: routeros::client::RequestReport) {}
    }
    let Connection { peer, credentials } = connection;
    peer.client(credentials, Timeouts::default(), Arc::new(Nobody))
}

#[test]
fn a_missing_secret_and_a_missing_key_are_named() {
    use FailureKind::SecretMissing;
    let ca = |data: &[(&str, &[u8])]| stored("mikrotik-ca", data);
    for (access, secrets, words) in [
        (
            access(),
            vec![],
            "Secret metallb-system/mikrotik does not exist: create it with the keys username and password",
        ),
        (
            access(),
            vec![stored("mikrotik", &[("username", b"tiklb")])],
            "Secret metallb-system/mikrotik has no key password: create it with the keys username and password",
        ),
        (
            access(),
            vec![stored("mikrotik", &[("password", b"correct horse")])],
            "Secret metallb-system/mikrotik has no key username: create it with the keys username and password",
        ),
        (
            access(),
            vec![stored(
                "mikrotik",
                &[("username", b"\n"), ("password", b"correct horse")],
            )],
            "the key username of Secret metallb-system/mikrotik is empty: write the router user's name there",
        ),
        (
            access(),
            vec![stored(
                "mikrotik",
                &[("username", b"tiklb"), ("password", b"correct\xffhorse")],
            )],
            "the key password of Secret metallb-system/mikrotik is no text in UTF-8: write the router user's password there",
        ),
        (
            with_ca(),
            vec![mikrotik()],
            "Secret metallb-system/mikrotik-ca does not exist: put the CA's certificate there, in PEM; spec.tls.caSecretRef names it",
        ),
        (
            with_ca(),
            vec![mikrotik(), ca(&[("tls.crt", b"x")])],
            "Secret metallb-system/mikrotik-ca has no key ca.crt: put the CA's certificate there, in PEM; spec.tls.caSecretRef names it",
        ),
    ] {
        let failure = looked_up(&access, secrets).unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (SecretMissing, words));
    }
}

/// The failure that the object and these Secrets besides its credentials end in.
fn unusable(access: &RouterAccess, secrets: Vec<(String, SecretObject)>) -> String {
    let failure = looked_up(access, secrets.into_iter().chain([mikrotik()]))
        .and_then(client)
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidSpec, "{}", failure.message);
    failure.message
}

#[test]
fn certificates_and_pins_that_cannot_be_used_are_named() {
    let place = "Secret metallb-system/mikrotik-ca, key ca.crt, which spec.tls.caSecretRef names: ";
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["no certificate at all", broken] {
        let message = unusable(
            &with_ca(),
            vec![stored("mikrotik-ca", &[("ca.crt", text.as_bytes())])],
        );
        assert!(
            message.starts_with(place) && message.ends_with("put the CA's certificate there, in PEM"),
            "{message}"
        );
        assert!(
            !message.contains("at all") && !message.contains("AAAA"),
            "{message}"
        );
    }
    let pins = RouterAccess {
        pins: vec![DIGEST.to_owned(), "md5/x".to_owned()],
        ..access()
    };
    let message = unusable(&pins, vec![]);
    assert!(
        message.starts_with("spec.tls.pins[1]: a pin should be sha256/"),
        "{message}"
    );
    let name = RouterAccess {
        server_name: Some("not a name".to_owned()),
        ..access()
    };
    let message = unusable(&name, vec![]);
    assert!(
        message.starts_with("spec.tls.serverName `not a name` is neither"),
        "{message}"
    );
}

#[test]
fn urls_that_cannot_be_used_are_named() {
    for (url, words) in [
        ("192.168.1.1", "spec.url is not one: "),
        ("ftp://192.168.1.1", "spec.url should start with https://"),
        ("http://192.168.1.1", "spec.url is http, where anybody"),
        (
            "https://me:secret@192.168.1.1",
            "spec.url holds a user name or password",
        ),
        (
            "https://192.168.1.1/rest",
            "spec.url should end after the host and port",
        ),
    ] {
        let access = RouterAccess {
            url: url.to_owned(),
            ..access()
        };
        let message = unusable(&access, vec![]);
        assert!(
            message.starts_with(words) && !message.contains("me:secret"),
            "{message}"
        );
    }
}

#[test]
fn passwords_as_people_write_them() {
    let full: [&[u8]; 3] = [b"", b"correct horse\n", b"correct horse\r\n"];
    for password in full {
        let secret = stored("mikrotik", &[("username", b"tiklb\n"), ("password", password)]);
        let connection = looked_up(&access(), [secret]).unwrap();
        let shown = format!("{connection:?}");
        assert!(!shown.contains("horse") && !shown.contains("tiklb"), "{shown}");
        client(connection).unwrap();
    }
}

#[test]
fn over_http_what_is_said_of_certificates_holds_up_nothing() {
    let access = RouterAccess {
        url: "http://192.168.1.1".to_owned(),
        allow_plain_http: true,
        pins: vec!["no pin".to_owned()],
        server_name: Some("no name".to_owned()),
        ..with_ca()
    };
    client(looked_up(&access, [mikrotik()]).unwrap()).unwrap();
}

#[test]
fn other_credentials_are_the_same_router_and_anything_else_is_another() {
    let peer = |access: &RouterAccess, ca: &[u8]| {
        let secrets = [mikrotik(), stored("mikrotik-ca", &[("ca.crt", ca)])];
        looked_up(access, secrets).unwrap().peer
    };
    let before = peer(&with_ca(), b"one");
    let elsewhere = stored("other", &[("username", b"me"), ("password", b"")]);
    let other_credentials = RouterAccess {
        credentials: "other".to_owned(),
        ..with_ca()
    };
    let ca = stored("mikrotik-ca", &[("ca.crt", b"one")]);
    assert_eq!(
        looked_up(&other_credentials, [elsewhere, ca]).unwrap().peer,
        before
    );
    assert_ne!(peer(&with_ca(), b"two"), before);
    for other in [
        RouterAccess {
            url: "https://192.168.1.2".to_owned(),
            ..with_ca()
        },
        RouterAccess {
            pins: vec![DIGEST.to_owned()],
            ..with_ca()
        },
        RouterAccess {
            server_name: Some("router.lan".to_owned()),
            ..with_ca()
        },
    ] {
        assert_ne!(peer(&other, b"one"), before, "{other:?}");
    }
}
