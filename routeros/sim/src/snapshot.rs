//! All rows of all menus at one moment, and the difference between two moments.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::menu::Menu;
use crate::row::Row;

#[cfg(test)]
mod tests;

/// Read-only keys that change by themselves.
const VOLATILE: [&str; 12] = [
    "expires-after",
    "last-seen",
    "age",
    "uptime",
    "cpu-load",
    "free-memory",
    "cache-used",
    "available",
    "used",
    "last-link-up-time",
    "write-sect-since-reboot",
    "write-sect-total",
];

/// Ends of the interfaces' counters.
const COUNTERS: [&str; 5] = ["-byte", "-packet", "-drop", "-error", "-bytes"];

/// A copy of everything that the router shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot(BTreeMap<Menu, Vec<Row>>);

impl Snapshot {
    pub(crate) fn new(rows: BTreeMap<Menu, Vec<Row>>) -> Self {
        Self(rows)
    }

    /// A menu's rows.
    pub fn rows(&self, menu: Menu) -> &[Row] {
        self.0.get(&menu).map_or(&[], Vec::as_slice)
    }

    /// The same without what changes by itself: times left, ages, counters, clients' connections, and hosts behind the
    /// bridge, which are nothing but neighbours and leases seen from another side.
    #[must_use]
    pub fn settled(&self) -> Snapshot {
        let mut kept = self.map(|row| {
            let connection = row.get("connection") == Some("true");
            (!connection).then(|| row.iter().filter(|(key, _)| !is_volatile(key)).collect())
        });
        kept.0.remove(&Menu::BridgeHost);
        kept
    }

    /// What a person or a client configured: [`Snapshot::settled`] without the rows that the router makes itself.
    #[must_use]
    pub fn configured(&self) -> Snapshot {
        let mut kept = self
            .settled()
            .map(|row| (row.get("dynamic") != Some("true")).then(|| row.clone()));
        kept.0.remove(&Menu::PoolUsed);
        kept
    }

    fn map(&self, change: impl Fn(&Row) -> Option<Row>) -> Snapshot {
        Snapshot(
            self.0
                .iter()
                .map(|(menu, rows)| (*menu, rows.iter().filter_map(&change).collect()))
                .collect(),
        )
    }
}

fn is_volatile(key: &str) -> bool {
    VOLATILE.contains(&key) || COUNTERS.iter().any(|end| key.ends_with(end))
}

/// One row's difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A row that was not there before.
    Added(Menu, Row),
    /// A row that is no longer there.
    Removed(Menu, Row),
    /// A row with other values: key, before, after.
    Changed(Menu, Row, Vec<(String, Option<String>, Option<String>)>),
}

/// What differs between two snapshots. Rows are matched by menu and id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference(Vec<Change>);

impl Difference {
    /// The changes, menu by menu.
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What happened between `before` and `after`.
pub fn diff(before: &Snapshot, after: &Snapshot) -> Difference {
    let mut changes = Vec::new();
    for menu in Menu::ALL {
        let (old, new) = (before.rows(menu), after.rows(menu));
        for row in old {
            match new.iter().find(|other| other.id() == row.id()) {
                None => changes.push(Change::Removed(menu, row.clone())),
                Some(other) if other != row => {
                    changes.push(Change::Changed(menu, other.clone(), keys(row, other)));
                }
                Some(_) => {}
            }
        }
        let known = |row: &&Row| old.iter().any(|other| other.id() == row.id());
        changes.extend(
            new.iter()
                .filter(|row| !known(row))
                .map(|row| Change::Added(menu, row.clone())),
        );
    }
    Difference(changes)
}

fn keys(before: &Row, after: &Row) -> Vec<(String, Option<String>, Option<String>)> {
    let names: BTreeSet<&str> = before.iter().chain(after.iter()).map(|(key, _)| key).collect();
    let value = |row: &Row, key: &str| row.get(key).map(ToOwned::to_owned);
    names
        .into_iter()
        .map(|key| (key.to_owned(), value(before, key), value(after, key)))
        .filter(|(_, before, after)| before != after)
        .collect()
}

impl fmt::Display for Difference {
    /// `+` added, `-` removed, `~` changed with each key's old and new value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no difference");
        }
        for change in &self.0 {
            match change {
                Change::Added(menu, row) => writeln!(f, "+ {menu} {row}")?,
                Change::Removed(menu, row) => writeln!(f, "- {menu} {row}")?,
                Change::Changed(menu, row, keys) => {
                    writeln!(f, "~ {menu} {}", title(row))?;
                    for (key, before, after) in keys {
                        writeln!(
                            f,
                            "    {key}: {} -> {}",
                            shown(before.as_ref()),
                            shown(after.as_ref())
                        )?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a person calls the row.
fn title(row: &Row) -> String {
    let named = ["name", "address", "comment"].iter().find_map(|key| row.get(key));
    [row.id(), named]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

fn shown(value: Option<&String>) -> String {
    value.map_or_else(|| "(absent)".into(), |value| format!("{value:?}"))
}
