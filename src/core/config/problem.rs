//! What is wrong with a configuration object, in words that name the fix.

use std::fmt;

use super::object::RouterObject;
use crate::model::excerpt::SENTENCE;
use crate::model::{ObjectKey, excerpt};

/// The kinds of object a problem can lie with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `metallb.io/v1beta1`.
    IPAddressPool,
    /// `metallb.io/v1beta1`.
    L2Advertisement,
    /// `tiklb.io/v1alpha1`.
    MikrotikRouter,
    /// `tiklb.io/v1alpha1`.
    AddressReservation,
    /// `v1`.
    Service,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IPAddressPool => "IPAddressPool",
            Self::L2Advertisement => "L2Advertisement",
            Self::MikrotikRouter => "MikrotikRouter",
            Self::AddressReservation => "AddressReservation",
            Self::Service => "Service",
        })
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: ObjectKey,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key.name)
    }
}

/// How a problem is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The object is excluded until it is mended.
    Invalid,
    /// The object works, but a field of it is not acted on.
    NotActedOn,
    /// The object is valid and has no effect as things are.
    Idle,
}

/// Something wrong with one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub object: ObjectRef,
    /// What follows from it.
    pub kind: ProblemKind,
    /// What is wrong and what to do, without the object's name.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.message)
    }
}

impl Problem {
    pub(super) fn invalid(kind: Kind, key: &ObjectKey, message: impl Into<String>) -> Self {
        Self::new(kind, key, ProblemKind::Invalid, message.into())
    }

    pub(super) fn not_acted_on(kind: Kind, key: &ObjectKey, field: &str) -> Self {
        let message = format!(
            "{field} is not acted on by this version of tiklb; remove it, or wait for a version that does"
        );
        Self::new(kind, key, ProblemKind::NotActedOn, message)
    }

    /// A pool has IPv6 addresses.
    pub(super) fn not_announced(key: &ObjectKey) -> Self {
        let message = "its IPv6 addresses are given to Services and not announced: this version of tiklb speaks ARP, and not yet NDP";
        Self::new(
            Kind::IPAddressPool,
            key,
            ProblemKind::NotActedOn,
            message.to_owned(),
        )
    }

    pub(super) fn idle(kind: Kind, key: &ObjectKey, message: impl Into<String>) -> Self {
        Self::new(kind, key, ProblemKind::Idle, message.into())
    }

    fn new(kind: Kind, key: &ObjectKey, met: ProblemKind, message: String) -> Self {
        Self {
            object: ObjectRef {
                kind,
                key: key.clone(),
            },
            kind: met,
            // Parsers quote what they could not read, however long it is.
            message: excerpt(message, SENTENCE),
        }
    }
}

/// What can be said of routers without reading them.
pub(super) fn of_routers(routers: &[RouterObject], problems: &mut Vec<Problem>) {
    for router in routers {
        match &router.spec {
            Err(why) => problems.push(Problem::invalid(Kind::MikrotikRouter, &router.key, why)),
            Ok(spec) => problems.extend(
                spec.unsupported
                    .iter()
                    .map(|field| Problem::not_acted_on(Kind::MikrotikRouter, &router.key, field)),
            ),
        }
    }
}
