//! What a session says in the log: every write, before and after; how the router is, when that changes.

use std::time::Duration;

use routeros::value::Version;
use tiklb_core::model::ObjectKey;
use tiklb_core::reservation::{Failure, FailureKind, Outcome, Planned, Reading};

use crate::allocator::router::write::Made;

/// The target of the lines that say what was written to a router.
pub const AUDIT: &str = "tiklb::audit";

/// The log of one router.
#[derive(Debug)]
pub(super) struct Log {
    router: ObjectKey,
    health: Option<Health>,
    unreadable: Vec<String>,
    unread: Vec<String>,
    advised: Option<Version>,
}

/// How the router was last said to be.
#[derive(Debug, PartialEq, Eq)]
enum Health {
    Read,
    Failing(FailureKind),
}

impl Log {
    pub(super) fn new(router: ObjectKey) -> Self {
        Self {
            router,
            health: None,
            unreadable: Vec::new(),
            unread: Vec::new(),
            advised: None,
        }
    }

    /// A reading ended.
    pub(super) fn read(&mut self, result: &Result<Reading, Failure>) {
        let router = &self.router;
        let health = match result {
            Ok(reading) => {
                let (leases, arps, pools) = (reading.leases.len(), reading.arps.len(), reading.pools.len());
                tracing::debug!(%router, leases, arps, pools, "the router was read");
                Health::Read
            }
            Err(failure) => {
                tracing::debug!(%router, reason = ?failure.kind, why = failure.message, "a reading failed");
                Health::Failing(failure.kind)
            }
        };
        let changed = self.health.as_ref() != Some(&health);
        self.health = Some(health);
        match result {
            Ok(reading) => {
                if changed {
                    let (identity, board, version) = (&reading.identity, &reading.board, &reading.version);
                    tracing::info!(%router, identity, board, version, "the router answers");
                }
                self.unreadable(&reading.unreadable);
                self.unread(&reading.uses.unread);
            }
            Err(failure) if changed => {
                tracing::warn!(%router, reason = ?failure.kind, why = failure.message, "the router cannot be read");
            }
            Err(_) => {}
        }
    }

    fn unreadable(&mut self, rows: &[String]) {
        if self.unreadable == rows {
            return;
        }
        if let Some(first) = rows.first() {
            let (router, count) = (&self.router, rows.len());
            tracing::warn!(%router, count, first, "rows of the router cannot be read; each may hold an address");
        }
        self.unreadable = rows.to_vec();
    }

    fn unread(&mut self, menus: &[String]) {
        if self.unread == menus {
            return;
        }
        if let Some(first) = menus.first() {
            let (router, count) = (&self.router, menus.len());
            tracing::warn!(%router, count, first, "it is not known who has addresses by this");
        }
        self.unread = menus.to_vec();
    }

    /// Says once for each version what is known to be wrong with it.
    pub(super) fn advisories(&mut self, version: &Version, advisories: &[String]) {
        if self.advised.as_ref() == Some(version) {
            return;
        }
        let router = &self.router;
        for advisory in advisories {
            tracing::warn!(%router, %version, advisory, "the router's RouterOS has a known fault");
        }
        self.advised = Some(version.clone());
    }

    /// A write begins.
    pub(super) fn writing(&self, planned: &Planned) {
        let (router, write, because) = (&self.router, &planned.write, &planned.because);
        tracing::info!(target: AUDIT, %router, %write, because, "writing to the router");
    }

    /// A write ended.
    pub(super) fn written(&self, planned: &Planned, made: &Made, duration: Duration) {
        let (router, write, because) = (&self.router, &planned.write, &planned.because);
        let (outcome, words) = (word(&made.outcome), &made.words);
        match made.outcome {
            Outcome::Applied(_) | Outcome::Changed => {
                tracing::info!(target: AUDIT, %router, %write, because, outcome, words, ?duration, "the write ended");
            }
            Outcome::Refused(_) | Outcome::Unknown(_) => {
                tracing::warn!(target: AUDIT, %router, %write, because, outcome, words, ?duration, "the write ended");
            }
        }
    }

    /// A write was not begun.
    pub(super) fn not_begun(&self, planned: &Planned, why: &str) {
        let (router, write) = (&self.router, &planned.write);
        tracing::info!(target: AUDIT, %router, %write, why, "a write was not begun");
    }
}

/// How a write ended, in one word.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied(_) => "applied",
        Outcome::Changed => "changed",
        Outcome::Refused(_) => "refused",
        Outcome::Unknown(_) => "unknown",
    }
}
