//! What is wrong with a configuration object, in words that name the fix.

use std::collections::BTreeMap;
use std::fmt;

use super::Pool;
use super::object::RouterObject;
use crate::model::excerpt::SENTENCE;
use crate::model::{LabelSelector, ObjectKey, excerpt};

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
    /// The object works, but a field of it is not acted on: a warning.
    NotActedOn,
    /// The object is valid and has no effect as things are: a warning, which makes no configuration invalid. One that
    /// names something that does not exist is [`Self::Invalid`], as a slip of the pen looks the same.
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
pub(super) fn of_routers(
    routers: &[RouterObject],
    pools: &BTreeMap<String, Pool>,
    problems: &mut Vec<Problem>,
) {
    for router in routers {
        match &router.spec {
            Err(why) => problems.push(Problem::invalid(Kind::MikrotikRouter, &router.key, why)),
            Ok(spec) => {
                problems.extend(
                    spec.unsupported
                        .iter()
                        .map(|field| Problem::not_acted_on(Kind::MikrotikRouter, &router.key, field)),
                );
                problems.extend(without_pools(router, &spec.pool_selector, pools));
            }
        }
    }
}

/// An empty selector is for whatever pools there will be.
fn without_pools(
    router: &RouterObject,
    selector: &LabelSelector,
    pools: &BTreeMap<String, Pool>,
) -> Option<Problem> {
    let idle =
        *selector != LabelSelector::default() && !pools.values().any(|pool| selector.matches(&pool.labels));
    idle.then(|| {
        let words = "spec.poolSelector matches no IPAddressPool, so nothing is asked of the router: correct it, or label a pool";
        Problem::idle(Kind::MikrotikRouter, &router.key, words)
    })
}
