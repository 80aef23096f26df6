//! What can go wrong with a router, switched on and off while it runs.
//!
//! Everything here is one state that [`crate::http`] asks at fixed points of a request; a new fault is a field
//! of [`State`] and a question at its point.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;

use crate::menu::Menu;
use crate::person::{EditError, Person};
use crate::router::{Shared, locked};
use crate::tls::Certificate;

/// When a failing write takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    BeforeApplying,
    AfterApplying,
}

/// Writes that are answered 500. Without limits: every PUT, PATCH, DELETE and POST that writes.
#[derive(Debug, Clone)]
pub struct FailingWrites {
    moment: Moment,
    method: Option<Method>,
    menu: Option<Menu>,
    times: u32,
}

impl FailingWrites {
    /// The write is not carried out.
    pub fn before_applying() -> Self {
        Self {
            moment: Moment::BeforeApplying,
            method: None,
            menu: None,
            times: u32::MAX,
        }
    }

    /// The write is carried out, and answered as if it had failed.
    pub fn after_applying() -> Self {
        Self {
            moment: Moment::AfterApplying,
            ..Self::before_applying()
        }
    }

    /// Only this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Only this menu.
    #[must_use]
    pub fn menu(mut self, menu: Menu) -> Self {
        self.menu = Some(menu);
        self
    }

    /// Only so many writes; then it is over.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// What a failing write does, decided as it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// Nothing is wrong with it.
    #[default]
    Sound,
    /// Answer 500 instead of carrying it out.
    Refuse,
    /// Carry it out and answer 500.
    Hide,
}

type Hook = Box<dyn FnOnce(&Person) + Send>;

/// A person who edits between a client's read and its write.
struct Visit {
    menu: Menu,
    /// The client has read the menu since the visit was arranged.
    read: bool,
    hook: Hook,
}

/// The faults that are on.
#[derive(Default)]
pub(crate) struct State {
    delay: Duration,
    failing: Vec<FailingWrites>,
    visits: Vec<Visit>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("delay", &self.delay)
            .field("failing", &self.failing)
            .field("visits", &self.visits.len())
            .finish()
    }
}

impl State {
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }

    /// A client has read a menu.
    pub(crate) fn note_read(&mut self, menu: Menu) {
        for visit in self.visits.iter_mut().filter(|visit| visit.menu == menu) {
            visit.read = true;
        }
    }

    /// The people who come by before a write to `menu`.
    pub(crate) fn visitors(&mut self, menu: Menu) -> Vec<Hook> {
        let due = |visit: &mut Visit| visit.menu == menu && visit.read;
        self.visits.extract_if(.., due).map(|visit| visit.hook).collect()
    }

    /// What becomes of a write.
    pub(crate) fn judge(&mut self, method: &Method, menu: Option<Menu>) -> Verdict {
        let meant = |fault: &&mut FailingWrites| {
            let method_fits = fault.method.as_ref().is_none_or(|wanted| wanted == method);
            let menu_fits = fault.menu.is_none_or(|wanted| Some(wanted) == menu);
            fault.times > 0 && method_fits && menu_fits
        };
        let Some(fault) = self.failing.iter_mut().find(meant) else {
            return Verdict::Sound;
        };
        fault.times -= 1;
        match fault.moment {
            Moment::BeforeApplying => Verdict::Refuse,
            Moment::AfterApplying => Verdict::Hide,
        }
    }
}

/// A router's faults.
#[derive(Clone)]
pub struct Faults {
    pub(crate) shared: Arc<Shared>,
}

impl Faults {
    /// The cable is cut: connections are refused, living ones are dropped. `false` mends it, on the same port.
    /// When this returns, nothing is answered any more, or connections are accepted again.
    pub fn unreachable(&self, on: bool) {
        self.shared.gate.set_open(!on);
    }

    /// Each answer is held back for so long after the request was carried out. Zero ends it.
    pub fn delay(&self, delay: Duration) {
        locked(&self.shared.faults).delay = delay;
    }

    /// Another certificate, for new connections; living ones are dropped, so that every client meets it.
    ///
    /// # Errors
    /// Where the certificate cannot be made, and on a router that serves plain HTTP.
    pub fn certificate(&self, certificate: Certificate) -> Result<(), crate::tls::TlsError> {
        let tls = self.shared.tls.as_ref().ok_or(crate::tls::TlsError::Plain)?;
        tls.present(certificate)?;
        self.shared.gate.drop_connections();
        Ok(())
    }

    /// Another password for a user.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn password(&self, user: &str, password: &str) -> Result<(), EditError> {
        let person = Person {
            shared: Arc::clone(&self.shared),
        };
        person.set(Menu::User, ("name", user), [("password", password)])
    }

    /// Some writes are answered 500, in addition to those named before.
    pub fn fail_writes(&self, failing: FailingWrites) {
        locked(&self.shared.faults).failing.push(failing);
    }

    /// All writes work again.
    pub fn mend_writes(&self) {
        locked(&self.shared.faults).failing.clear();
    }

    /// A person comes by once: after a client's next read of `menu`, and before its following write to it is
    /// carried out.
    pub fn between_read_and_write(&self, menu: Menu, visit: impl FnOnce(&Person) + Send + 'static) {
        locked(&self.shared.faults).visits.push(Visit {
            menu,
            read: false,
            hook: Box::new(visit),
        });
    }
}
