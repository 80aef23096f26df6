//! The journal: what clients and people did to the router, in order, so that a test can say what was never touched.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::menu::Menu;
use crate::row::Row;

/// How many writes, edits and violations are kept each. A test that makes more has another problem, and
/// [`Journal::dropped`] says so.
const KEPT: usize = 100_000;

/// One write by a client, in the order in which the router carried them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// PUT, PATCH, DELETE or POST.
    pub method: String,
    /// The path below `/rest/` without the id: `ip/pool`, or `ip/pool/set` for a POST.
    pub path: String,
    /// The id in the path, as it was sent.
    pub id: Option<String>,
    /// The body as it was sent.
    pub body: String,
    /// Who sent it.
    pub user: String,
    /// The HTTP status that was answered.
    pub status: u16,
    /// The row afterwards; `None` after a removal and where nothing was changed.
    pub row: Option<Row>,
    /// Since the router was started, by a clock that only goes forward and is never advanced.
    pub at: Duration,
    /// Time of day.
    pub wall: SystemTime,
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
        write!(
            f,
            "{:9.3}s {} /{}{id} {} -> {}",
            self.at.as_secs_f64(),
            self.method,
            self.path,
            self.body,
            self.status
        )?;
        match &self.row {
            Some(row) => write!(f, " {row}"),
            None => Ok(()),
        }
    }
}

/// What a person did in Winbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where.
    pub menu: Menu,
    /// The row before; `None` for an added one.
    pub before: Option<Row>,
    /// The row after; `None` for a removed one.
    pub after: Option<Row>,
    /// Since the router was started.
    pub at: Duration,
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9.3}s a person at {}:", self.at.as_secs_f64(), self.menu)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, " {before} -> {after}"),
            (Some(before), None) => write!(f, " removes {before}"),
            (None, Some(after)) => write!(f, " adds {after}"),
            (None, None) => Ok(()),
        }
    }
}

/// A request for something that no client of this router should use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// What was wrong with it.
    pub reason: String,
    /// Since the router was started.
    pub at: Duration,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:9.3}s {} {}: {}",
            self.at.as_secs_f64(),
            self.method,
            self.path,
            self.reason
        )
    }
}

/// A copy of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    /// Every write, also refused ones.
    pub writes: VecDeque<Write>,
    /// How often each menu was read.
    pub reads: BTreeMap<Menu, u64>,
    /// What people did.
    pub edits: VecDeque<Edit>,
    /// How many requests were being answered at once, at most.
    pub most_in_flight: usize,
    /// How many entries were dropped because there were too many.
    pub dropped: u64,
    pub(crate) violations: VecDeque<Violation>,
}

impl Journal {
    /// The writes that changed something, as far as the status tells.
    pub fn applied(&self) -> impl Iterator<Item = &Write> {
        self.writes
            .iter()
            .filter(|write| (200..300).contains(&write.status))
    }

    pub(crate) fn write(&mut self, write: Write) {
        tracing::info!(target: "routeros_sim::journal", "{write}");
        keep(&mut self.writes, &mut self.dropped, write);
    }

    pub(crate) fn edit(&mut self, edit: Edit) {
        tracing::info!(target: "routeros_sim::journal", "{edit}");
        keep(&mut self.edits, &mut self.dropped, edit);
    }

    pub(crate) fn violation(&mut self, violation: Violation) {
        tracing::warn!(target: "routeros_sim::journal", "violation: {violation}");
        keep(&mut self.violations, &mut self.dropped, violation);
    }

    pub(crate) fn read(&mut self, menu: Menu) {
        *self.reads.entry(menu).or_default() += 1;
    }
}

fn keep<T>(list: &mut VecDeque<T>, dropped: &mut u64, item: T) {
    if list.len() >= KEPT {
        list.pop_front();
        *dropped += 1;
    }
    list.push_back(item);
}
