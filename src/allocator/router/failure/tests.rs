//! Each of the client's errors and the condition that says it.

use std::time::Duration;

use routeros::client::{CertificateProblem, Permission};
use routeros::value::Version;

use super::*;

#[test]
fn every_error_has_its_place() {
    let (menu, id) = ("ip/pool", "*1".parse().unwrap());
    let (address, why) = ("192.168.1.1:443".to_owned(), "because".to_owned());
    for (error, kind) in [
        (Error::Configuration(why.clone()), FailureKind::InvalidSpec),
        (Error::Unauthorized, FailureKind::Credentials),
        (Error::PolicyMissing(Permission::Write), FailureKind::Policy),
        (
            Error::Unreachable {
                address: address.clone(),
                service: "www-ssl",
                why: why.clone(),
            },
            FailureKind::Unreachable,
        ),
        (
            Error::Certificate {
                problem: CertificateProblem::UnknownIssuer,
                pin: "sha256/x".to_owned(),
            },
            FailureKind::Certificate,
        ),
        (
            Error::NoRest {
                address,
                why: why.clone(),
            },
            FailureKind::NoRest,
        ),
        (Error::TooOld(Version::new(7, 11, 2)), FailureKind::VersionTooOld),
        (Error::Busy { why: why.clone() }, FailureKind::Rebooting),
        (Error::NotFound { menu, id }, FailureKind::Rebooting),
        (
            Error::Refused {
                menu,
                status: 400,
                detail: why.clone(),
            },
            FailureKind::NoRest,
        ),
        (
            Error::Timeout {
                menu,
                after: Duration::from_secs(30),
            },
            FailureKind::Unreachable,
        ),
        (
            Error::Malformed {
                menu,
                why: why.clone(),
            },
            FailureKind::Rebooting,
        ),
        (
            Error::Protected {
                row: why,
                why: "it is dynamic",
            },
            FailureKind::Rebooting,
        ),
    ] {
        let said = failure(&error);
        assert_eq!(said.kind, kind, "{error}");
        assert_eq!(said.message, error.to_string());
    }
}
