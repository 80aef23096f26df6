//! keepalived on the same nodes: a third address behind the same cable, moved by VRRP.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use tempfile::TempDir;

use crate::home::Home;
use crate::lan::Process;
use crate::peers::keepalived::{self, Instance, Keepalived};
use crate::wire::Echo;

/// In no pool, and on nobody's `lo`: whoever is master has it.
pub(super) const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 61), 7_000);

/// The shortest that keepalived takes, and what it is compared at.
pub(super) const INTERVAL: Duration = Duration::from_millis(10);

/// The master's, and those of the nodes behind it in their order. VRRP waits (256 - priority)/256 of an interval longer
/// the lower one is: 2 ms apart, so that two do not take over at once.
const PRIORITIES: [u8; 3] = [250, 200, 150];

/// It takes its addresses away and then waits for a second.
const GRACE: Duration = Duration::from_secs(5);

/// One on each node, with what answers behind its address.
pub(super) struct Rival {
    program: Keepalived,
    folder: TempDir,
    running: RefCell<Vec<Process>>,
    _echoes: Vec<Echo>,
}

impl Rival {
    /// Makes all ready; nothing runs until it is [settled](Self::settle).
    pub(super) async fn new(home: &Home, program: Keepalived) -> Result<Self> {
        let hosts = home.node_names().map(|node| home.lan().host(node));
        let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            program,
            folder: tempfile::tempdir().context("making a folder for keepalived's files")?,
            running: RefCell::default(),
            _echoes: try_join_all(hosts.into_iter().map(|host| Echo::start(host, ADDRESS))).await?,
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
            };
            let host = home.lan().host(node)?;
            let process = self.program.start(host, self.folder.path(), &instance).await?;
            keepalived::settled(&process, node == master).await?;
            started.push(process);
        }
        self.running.replace(started);
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
