//! keepalived on the same nodes as tiklb: one more address behind the same cables, moved by VRRP.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::home::Home;
use crate::lan::Process;
use crate::peers::keepalived::{self, Instance, Keepalived};

/// In no pool, and on nobody's `lo`: whoever is master has it.
pub(super) const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 61), 7_000);

/// The shortest that keepalived takes, and what it is compared at.
pub(super) const INTERVAL: Duration = Duration::from_millis(10);

/// How tables name it.
pub(super) const PEER: &str = "keepalived at 10 ms";

/// Where there is nothing to compare with.
pub(super) const MISSING: &str = "keepalived is NOT INSTALLED: no peer is measured, so that half of the goal is not \
    judged (Debian: apt-get install keepalived). With CI=true this is a failure.";

/// The master's, and those of the nodes behind it in their order. VRRP waits (256 - priority)/256 of an interval longer
/// the lower one is: 2 ms apart, so that two do not take over at once.
const PRIORITIES: [u8; 3] = [250, 200, 150];

/// It takes its addresses away and then waits for a second.
const GRACE: Duration = Duration::from_secs(5);

/// One on each node.
pub(super) struct Rival {
    program: Keepalived,
    /// Whether the address goes back to its master.
    preempts: bool,
    folder: TempDir,
    running: RefCell<Vec<Process>>,
}

/// How keepalived was run, for the record.
pub(super) fn configuration(version: &str, preempts: bool) -> Value {
    json!({"version": version, "interval_ms": INTERVAL.as_millis(), "preempts": preempts})
}

impl Rival {
    /// Makes all ready; nothing runs until it is [settled](Self::settle).
    pub(super) fn new(program: Keepalived, preempts: bool) -> Result<Self> {
        Ok(Self {
            program,
            preempts,
            folder: tempfile::tempdir().context("making a folder for keepalived's files")?,
            running: RefCell::default(),
        })
    }

    /// Starts all of them anew, `master` ahead of the others, and waits until it has the address and they know.
    pub(super) async fn settle(&self, home: &Home, master: &str) -> Result<()> {
        let old = self.running.take();
        try_join_all(old.iter().map(|process| process.end(GRACE))).await?;
        let others = home.node_names().filter(|node| *node != master);
        let mut started = Vec::new();
        for (node, priority) in std::iter::once(master).chain(others).zip(PRIORITIES) {
            let instance = Instance {
                address: *ADDRESS.ip(),
                priority,
                interval: INTERVAL,
                preempts: self.preempts,
            };
            let host = home.lan().host(node)?;
            let process = self.program.start(host, self.folder.path(), &instance).await?;
            keepalived::settled(&process, node == master).await?;
            started.push(process);
        }
        self.running.replace(started);
        Ok(())
    }

    /// For example `v2.2.7`.
    pub(super) fn version(&self) -> &str {
        &self.program.version
    }

    /// # Errors
    /// One of them has ended: what it did not do then says nothing.
    pub(super) fn all_run(&self) -> Result<()> {
        for process in self.running.borrow().iter() {
            ensure!(
                process.ended().is_none(),
                "{} on {} has ended: {}",
                keepalived::NAME,
                process.host(),
                self.last_words()
            );
        }
        Ok(())
    }

    /// What it said, for whoever has to find out what went wrong.
    pub(super) fn last_words(&self) -> String {
        let running = self.running.borrow();
        let logs: BTreeMap<&str, Vec<String>> = running
            .iter()
            .map(|process| {
                let lines = process.logs().into_iter().map(|line| line.text);
                (process.host(), lines.collect())
            })
            .collect();
        let told = logs.iter().map(|(host, lines)| {
            let last = &lines[lines.len().saturating_sub(LAST)..];
            format!("{} on {host}:\n  {}\n", keepalived::NAME, last.join("\n  "))
        });
        told.collect()
    }
}

/// How many of its last lines are told of a failure.
const LAST: usize = 8;
