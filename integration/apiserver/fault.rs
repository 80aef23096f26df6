//! Faults on request: answers that fail, answers that come late.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::journal::{Request, Verb};

/// Which requests are meant. An empty matcher means all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matcher {
    user: Option<String>,
    verb: Option<Verb>,
    resource: Option<String>,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of this user.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            ..self
        }
    }

    /// Requests that want this done.
    #[must_use]
    pub fn verb(self, verb: Verb) -> Self {
        Self {
            verb: Some(verb),
            ..self
        }
    }

    /// Requests for this resource: `services`, or `ipaddresspools.metallb.io` outside of core.
    #[must_use]
    pub fn resource(self, resource: &str) -> Self {
        Self {
            resource: Some(resource.to_owned()),
            ..self
        }
    }

    /// Requests for this subresource: `status`, or empty for the object itself.
    #[must_use]
    pub fn subresource(self, subresource: &str) -> Self {
        Self {
            subresource: Some(subresource.to_owned()),
            ..self
        }
    }

    /// Requests for objects in this namespace.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        Self {
            namespace: Some(namespace.to_owned()),
            ..self
        }
    }

    /// Requests for the object of this name.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }

    /// The request is one of those meant.
    pub fn matches(&self, request: &Request) -> bool {
        let same =
            |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        self.verb.is_none_or(|verb| verb == request.verb)
            && same(&self.user, &request.user)
            && same(&self.resource, &request.resource)
            && same(&self.subresource, &request.subresource)
            && same(&self.namespace, &request.namespace)
            && same(&self.name, &request.name)
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Rules>);

#[derive(Debug, Default)]
struct Rules {
    failures: Vec<(Matcher, u32, u16)>,
    delays: Vec<(Matcher, Duration)>,
}

impl Faults {
    /// The next `times` fitting requests are answered with `status` and change nothing.
    pub(crate) fn fail_next(&self, matcher: Matcher, times: u32, status: u16) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failures
            .push((matcher, times, status));
    }

    /// Fitting requests wait before they are looked at.
    pub(crate) fn delay(&self, matcher: Matcher, duration: Duration) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .delays
            .push((matcher, duration));
    }

    /// Takes every fault back.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Rules::default();
    }

    /// How long this request waits.
    pub(crate) fn delay_of(&self, request: &Request) -> Option<Duration> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules
            .delays
            .iter()
            .filter(|(matcher, _)| matcher.matches(request))
            .map(|(_, duration)| *duration)
            .max()
    }

    /// How this request fails. Each answer uses one of the times up.
    pub(crate) fn failure_of(&self, request: &Request) -> Option<u16> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules
            .failures
            .iter_mut()
            .find(|(matcher, times, _)| *times > 0 && matcher.matches(request))?;
        rule.1 -= 1;
        let status = rule.2;
        rules.failures.retain(|(_, times, _)| *times > 0);
        Some(status)
    }
}
