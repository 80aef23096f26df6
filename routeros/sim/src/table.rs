//! A menu's rows with their ids: `*` and upper-case hexadecimal, one counter for static and dynamic rows.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::dhcp::lease::Life;
use crate::neighbor::Neighbor;
use crate::value::Value;

#[cfg(test)]
mod tests;

/// A row's `.id`. It names a row only until the next reboot, and `*0` is a valid one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

/// Why a text is not an `.id`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reading {0:?} as a row's id: write an asterisk and hexadecimal digits, such as *1A")]
pub struct IdError(String);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{:X}", self.0)
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix('*')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        number.map(Id).ok_or_else(|| IdError(text.to_owned()))
    }
}

/// A row's identity inside the simulator. Unlike an id it never comes to mean another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) u64);

/// A row as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) id: Id,
    /// Made by the router itself, not by a person or a client.
    pub(crate) dynamic: bool,
    pub(crate) values: BTreeMap<&'static str, Value>,
    pub(crate) live: Live,
}

/// What changes by itself, with time or by packets.
#[derive(Debug, Clone, Default)]
pub(crate) enum Live {
    /// Nothing.
    #[default]
    Nothing,
    /// A DHCP lease's state.
    Lease(Box<Life>),
    /// An ARP entry's state.
    Neighbor(Neighbor),
}

impl Entry {
    /// A row that is not in a table yet.
    pub(crate) fn new(dynamic: bool) -> Self {
        Self {
            key: Key(0),
            id: Id(0),
            dynamic,
            values: BTreeMap::new(),
            live: Live::Nothing,
        }
    }

    /// The text stored for `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::text)
    }

    /// Whether the flag `name` is set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The row that `name` refers to.
    pub(crate) fn link(&self, name: &str) -> Option<Key> {
        match self.values.get(name) {
            Some(Value::Link(link)) => Some(link.key),
            _ => None,
        }
    }
}

/// A menu's rows in console order.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    next: u32,
    /// Ids of removed rows, given to the next rows when `reuse` is on.
    freed: Vec<Id>,
    reuse: bool,
}

impl Table {
    /// An empty table, whose first row gets the id `*1`.
    pub(crate) fn new(reuse: bool) -> Self {
        Self {
            entries: Vec::new(),
            next: 1,
            freed: Vec::new(),
            reuse,
        }
    }

    /// Whether removed rows' ids are given again.
    pub(crate) fn set_reuse(&mut self, reuse: bool) {
        self.reuse = reuse;
    }

    /// Appends a row under `key` and gives it an id.
    pub(crate) fn push(&mut self, key: Key, mut entry: Entry) -> Id {
        entry.key = key;
        entry.id = match self.freed.pop() {
            Some(id) if self.reuse => id,
            _ => self.fresh_id(),
        };
        let id = entry.id;
        self.entries.push(entry);
        id
    }

    /// Appends a row that has its id already, such as the services, whose ids have gaps.
    pub(crate) fn push_with_id(&mut self, key: Key, id: Id, mut entry: Entry) {
        (entry.key, entry.id) = (key, id);
        self.next = self.next.max(id.0.saturating_add(1));
        self.entries.push(entry);
    }

    fn fresh_id(&mut self) -> Id {
        let id = Id(self.next);
        self.next = self.next.saturating_add(1);
        id
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        let entry = self.entries.remove(at);
        if self.reuse {
            self.freed.push(entry.id);
        }
        Some(entry)
    }

    /// Moves a row before another one, or to the end.
    pub(crate) fn place(&mut self, key: Key, before: Option<Key>) {
        let at = |entries: &[Entry], key| entries.iter().position(|entry| entry.key == key);
        let Some(from) = at(&self.entries, key) else {
            return;
        };
        let entry = self.entries.remove(from);
        let to = before
            .and_then(|before| at(&self.entries, before))
            .unwrap_or(self.entries.len());
        self.entries.insert(to, entry);
    }

    /// The static rows are those of `before` again; dynamic ones stay as they are, under another id where a row that came
    /// back has theirs. No two rows have one id.
    pub(crate) fn restore(&mut self, before: &Table) {
        let fixed = before.entries.iter().filter(|entry| !entry.dynamic);
        let mut entries: Vec<Entry> = fixed.cloned().collect();
        self.next = self.next.max(before.next);
        self.freed
            .retain(|id| entries.iter().all(|entry| entry.id != *id));
        let dynamic = std::mem::take(&mut self.entries);
        for mut entry in dynamic.into_iter().filter(|entry| entry.dynamic) {
            if entries.iter().any(|other| other.id == entry.id) {
                entry.id = self.fresh_id();
            }
            entries.push(entry);
        }
        self.entries = entries;
    }

    /// What a reboot does: static rows keep their ids, the dynamic ones are numbered anew behind them, in
    /// reverse order, so that a remembered id means another row.
    pub(crate) fn renumber(&mut self) {
        let last_static = self
            .entries
            .iter()
            .filter(|entry| !entry.dynamic)
            .map(|entry| entry.id.0)
            .max();
        self.next = last_static.map_or(1, |id| id.saturating_add(1));
        self.freed.clear();
        for at in (0..self.entries.len())
            .rev()
            .filter(|at| self.entries[*at].dynamic)
            .collect::<Vec<_>>()
        {
            self.entries[at].id = self.fresh_id();
        }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Entry> {
        self.entries.iter_mut()
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// The row that shows this id now.
    pub(crate) fn by_id(&self, id: Id) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
