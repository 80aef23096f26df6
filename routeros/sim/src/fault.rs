//! What can go wrong with a router, switched on and off while it runs.
//!
//! Everything here is one state that [`crate::http`] asks at fixed points of a request; a new fault is a field
//! of [`State`] and a question at its point.

mod name;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Method, StatusCode};

use crate::http::pending::Confusion;
use crate::menu::Menu;
use crate::person::{EditError, Person};
use crate::router::{Shared, locked};
use crate::tls::Certificate;
use crate::trap::Trap;

/// When a failing write takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    BeforeApplying,
    AfterApplying,
}

/// What is answered instead of the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A status and its `detail`.
    Refusal(StatusCode, Option<String>),
    /// Nothing: the connection ends.
    Lost,
}

impl Reply {
    pub(crate) fn transient() -> Self {
        let trap = Trap::transient();
        Reply::Refusal(trap.status, trap.detail)
    }

    pub(crate) fn is_lost(&self) -> bool {
        *self == Reply::Lost
    }

    pub(crate) fn trap(&self) -> Trap {
        match self {
            Reply::Refusal(status, detail) => Trap {
                status: *status,
                detail: detail.clone(),
            },
            Reply::Lost => Trap::transient(),
        }
    }
}

/// Writes that are not answered as they should be: with a 500, unless another answer is named. Without limits: every
/// PUT, PATCH, DELETE and POST that writes.
#[derive(Debug, Clone)]
pub struct FailingWrites {
    moment: Moment,
    reply: Reply,
    method: Option<Method>,
    menu: Option<Menu>,
    times: u32,
}

impl FailingWrites {
    /// The write is not carried out.
    pub fn before_applying() -> Self {
        Self {
            moment: Moment::BeforeApplying,
            reply: Reply::transient(),
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

    /// Answered with this status and `detail`: a 400 of a write that was carried out has been seen, too.
    #[must_use]
    pub fn answering(mut self, status: StatusCode, detail: &str) -> Self {
        self.reply = Reply::Refusal(status, Some(detail.to_owned()));
        self
    }

    /// Not answered at all: the connection ends. After applying, this is the answer that got lost.
    #[must_use]
    pub fn lost(mut self) -> Self {
        self.reply = Reply::Lost;
        self
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// Nothing is wrong with it.
    #[default]
    Sound,
    /// Answer this instead of carrying it out.
    Refuse(Reply),
    /// Carry it out and answer this.
    Hide(Reply),
}

type Hook = Box<dyn FnOnce(&Person) + Send>;

/// A person who edits between a client's read and its write.
struct Visit {
    menu: Menu,
    /// The client has read the menu since the visit was arranged.
    read: bool,
    hook: Hook,
}

/// When a boot lets go, by the router's clock. Both are in the past when none is under way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Boot {
    /// Until then connections are refused.
    pub(crate) listens_at: Duration,
    /// Until then tables are empty.
    pub(crate) ready_at: Duration,
}

/// The faults that are on.
#[derive(Default)]
pub(crate) struct State {
    /// The cable is cut.
    pub(crate) unreachable: bool,
    /// A boot that is under way, or was.
    pub(crate) boot: Boot,
    pub(crate) confusion: Confusion,
    delay: Duration,
    per_row: Duration,
    work: Duration,
    failing_reads: u32,
    failing: Vec<FailingWrites>,
    visits: Vec<Visit>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("unreachable", &self.unreachable)
            .field("boot", &self.boot)
            .field("confusion", &self.confusion)
            .field("delay", &self.delay)
            .field("per_row", &self.per_row)
            .field("work", &self.work)
            .field("failing_reads", &self.failing_reads)
            .field("failing", &self.failing)
            .field("visits", &self.visits.len())
            .finish()
    }
}

impl State {
    /// How long an answer of so many rows is held back.
    pub(crate) fn delay(&self, rows: u32) -> Duration {
        self.delay.saturating_add(self.per_row.saturating_mul(rows))
    }

    /// How long the router takes before it carries a request out.
    pub(crate) fn work(&self) -> Duration {
        self.work
    }

    /// Whether this read is answered 500.
    pub(crate) fn read_fails(&mut self) -> bool {
        let fails = self.failing_reads > 0;
        self.failing_reads = self.failing_reads.saturating_sub(1);
        fails
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
            Moment::BeforeApplying => Verdict::Refuse(fault.reply.clone()),
            Moment::AfterApplying => Verdict::Hide(fault.reply.clone()),
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
        locked(&self.shared.faults).unreachable = on;
        self.shared.open_or_close();
    }

    /// Each answer is held back for so long after the request was carried out. Zero ends it.
    pub fn delay(&self, delay: Duration) {
        locked(&self.shared.faults).delay = delay;
    }

    /// Each row of a list makes its answer so much later: large tables take about 1 ms a row. Zero ends it.
    pub fn delay_per_row(&self, delay: Duration) {
        locked(&self.shared.faults).per_row = delay;
    }

    /// Each request is carried out only after so long, also when its client has gone meanwhile. Zero ends it.
    pub fn work(&self, time: Duration) {
        locked(&self.shared.faults).work = time;
    }

    /// So many reads are answered 500.
    pub fn fail_reads(&self, times: u32) {
        locked(&self.shared.faults).failing_reads = times;
    }

    /// A request whose client goes away before its answer confuses the router for so long: requests are reset, or
    /// carried out and answered with what was meant for the abandoned one, in turn. Measured: 1 to 2.4 s. Zero ends
    /// it.
    pub fn confuse_after_abort(&self, lasts: Duration) {
        locked(&self.shared.faults).confusion.lasts = lasts;
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
