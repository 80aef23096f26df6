//! Each of the client's errors and the condition that says it.

use std::time::Duration;

use routeros::client::{CertificateProblem, NoConnection, Permission, SpkiPin};
use routeros::value::Version;

use super::*;

fn said(error: &Error, kind: FailureKind) {
    let said = failure(error);
    assert_eq!(said.kind, kind, "{error}");
    assert_eq!(said.message, error.to_string());
}

#[test]
fn the_way_and_the_account() {
    use FailureKind::{Certificate, Credentials, InvalidSpec, NoRest, Policy, Unreachable};
    let (address, why) = ("192.168.1.1:443".to_owned(), "because".to_owned());
    said(&Error::Configuration(why.clone()), InvalidSpec);
    said(&Error::Unauthorized, Credentials);
    said(&Error::SourceRefused, Credentials);
    said(&Error::PolicyMissing(Permission::Write), Policy);
    let unreachable = Error::Unreachable {
        address: address.clone(),
        service: "www-ssl",
        cause: NoConnection::ServiceOff,
        why: why.clone(),
    };
    said(&unreachable, Unreachable);
    let timeout = Error::Timeout {
        menu: "ip/pool",
        after: Duration::from_secs(30),
    };
    said(&timeout, Unreachable);
    let certificate = Error::Certificate {
        problem: CertificateProblem::UnknownIssuer,
        pin: SpkiPin::of(b"x"),
        fingerprint: "00".to_owned(),
    };
    said(&certificate, Certificate);
    said(&Error::NoRest { address, why }, NoRest);
}

#[test]
fn what_the_router_says() {
    use FailureKind::{NoRest, Rebooting, VersionTooOld};
    let (menu, id, why) = ("ip/pool", "*1".parse().unwrap(), "because".to_owned());
    said(&Error::TooOld(Version::new(7, 11, 2)), VersionTooOld);
    said(&Error::NoRestBefore7(Version::new(6, 49, 17)), VersionTooOld);
    said(&Error::Rebooting { why: why.clone() }, Rebooting);
    let refused = Error::Refused {
        menu,
        status: 400,
        detail: why.clone(),
    };
    said(&refused, NoRest);
    said(&Error::Busy { why: why.clone() }, Rebooting);
    said(&Error::NotFound { menu, id }, Rebooting);
    let malformed = Error::Malformed {
        menu,
        why: why.clone(),
    };
    said(&malformed, Rebooting);
    let protected = Error::Protected {
        row: why,
        why: "it is dynamic",
    };
    said(&protected, Rebooting);
}
