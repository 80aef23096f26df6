//! A person in Winbox: edits like a client, but in every menu, and recorded as a person's edits.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::device::Device;
use crate::journal::Edit;
use crate::menu::{Menu, Shape};
use crate::router::{Shared, locked};
use crate::row::Row;
use crate::table::{Id, Key};
use crate::trap::Trap;

/// Why an edit was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No row, or more than one, has the value that was asked for.
    #[error("editing {menu}: {found} rows have {key}={value:?}, exactly one must")]
    NotOne {
        /// Where.
        menu: Menu,
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// How many rows have it.
        found: usize,
    },
    /// The router refuses it.
    #[error("editing {menu}: the router refuses it with {detail:?}")]
    Refused {
        /// Where.
        menu: Menu,
        /// Its words.
        detail: String,
    },
    /// Safe Mode is another person's, or nobody's.
    #[error("{}", match holder {
        Some(user) => format!("taking Safe Mode: {user} has it; release or abort it first"),
        None => "ending Safe Mode: nobody has it; take it first".to_owned(),
    })]
    SafeMode {
        /// Who has it.
        holder: Option<String>,
    },
}

/// A person at the router.
#[derive(Clone)]
pub struct Person {
    pub(crate) shared: Arc<Shared>,
}

impl Person {
    /// Adds a row.
    ///
    /// # Errors
    /// Where the router refuses it.
    pub fn add<'a>(
        &self,
        menu: Menu,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Id, EditError> {
        let values = owned(values);
        self.edit(menu, |device| device.add(menu, &values))?
            .ok_or_else(|| refused(menu, &Trap::not_found()))
    }

    /// Changes the one row whose `key` has this value; `.id` is a key like any other. An empty value clears.
    ///
    /// # Errors
    /// Where not exactly one row has it, or the router refuses the change.
    pub fn set<'a>(
        &self,
        menu: Menu,
        (key, value): (&str, &str),
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), EditError> {
        let values = owned(values);
        let row = self.one(menu, key, value)?;
        self.edit(menu, |device| device.set(menu, row, &values).map(|()| row))
            .map(|_| ())
    }

    /// Removes the one row whose `key` has this value.
    ///
    /// # Errors
    /// Where not exactly one row has it.
    pub fn remove(&self, menu: Menu, (key, value): (&str, &str)) -> Result<(), EditError> {
        let row = self.one(menu, key, value)?;
        self.edit(menu, |device| device.remove(menu, row).map(|()| row))
            .map(|_| ())
    }

    /// Makes the one dynamic lease whose `key` has this value static (the button in Winbox): its id stays.
    ///
    /// # Errors
    /// Where not exactly one row has it, or the router refuses it.
    pub fn make_static(&self, (key, value): (&str, &str)) -> Result<(), EditError> {
        let row = self.one(Menu::Lease, key, value)?;
        self.edit(Menu::Lease, |device| device.make_static(row).map(|()| row))
            .map(|_| ())
    }

    /// Takes Safe Mode: from now on an abort takes everything back, whoever did it.
    ///
    /// # Errors
    /// Where another person has it.
    pub fn take_safe_mode(&self, user: &str) -> Result<(), EditError> {
        let taken = self.shared.device().take_safe_mode(user);
        taken.map_err(|holder| EditError::SafeMode { holder: Some(holder) })
    }

    /// Leaves Safe Mode; everything that was done meanwhile stays.
    ///
    /// # Errors
    /// Where nobody has it.
    pub fn release_safe_mode(&self) -> Result<(), EditError> {
        let released = self.shared.device().release_safe_mode();
        released.then_some(()).ok_or(EditError::SafeMode { holder: None })
    }

    /// The session in Safe Mode is lost: what people and clients configured since it was taken is undone. Each row
    /// that changes by it is recorded as an edit.
    ///
    /// # Errors
    /// Where nobody has it.
    pub fn abort_safe_mode(&self) -> Result<(), EditError> {
        let mut device = self.shared.device();
        device.settle();
        let before = configured(&device);
        if !device.abort_safe_mode() {
            return Err(EditError::SafeMode { holder: None });
        }
        let mut after = configured(&device);
        let mut journal = locked(&self.shared.journal);
        let at = self.shared.elapsed();
        for (place, old) in before {
            let new = after.remove(&place);
            if new.as_ref() != Some(&old) {
                journal.edit(Edit {
                    menu: place.0,
                    before: Some(old),
                    after: new,
                    at,
                });
            }
        }
        for ((menu, _), new) in after {
            journal.edit(Edit {
                menu,
                before: None,
                after: Some(new),
                at,
            });
        }
        Ok(())
    }

    fn one(&self, menu: Menu, key: &str, value: &str) -> Result<Key, EditError> {
        let mut device = self.shared.device();
        device.settle();
        // A singleton has one row whatever is asked for.
        let single = matches!(menu.spec().shape, Shape::Single);
        let has = |row: &Row| single || row.get(key) == Some(value);
        let found: Vec<Key> = device
            .entries(menu)
            .filter(|entry| has(&device.show(menu, entry)))
            .map(|entry| entry.key)
            .collect();
        match found[..] {
            [key] => Ok(key),
            _ => Err(EditError::NotOne {
                menu,
                key: key.into(),
                value: value.into(),
                found: found.len(),
            }),
        }
    }

    /// Carries an edit out under the device's lock, and records the row before and after it.
    fn edit(
        &self,
        menu: Menu,
        change: impl FnOnce(&mut Device) -> Result<Key, Trap>,
    ) -> Result<Option<Id>, EditError> {
        let mut device = self.shared.device();
        device.settle();
        let rows: BTreeMap<Key, Row> = device
            .entries(menu)
            .map(|entry| (entry.key, device.show(menu, entry)))
            .collect();
        let key = change(&mut device).map_err(|trap| refused(menu, &trap))?;
        let after = device.get(menu, key).map(|entry| device.show(menu, entry));
        let id = device.get(menu, key).map(|entry| entry.id);
        let edit = Edit {
            menu,
            before: rows.get(&key).cloned(),
            after,
            at: self.shared.elapsed(),
        };
        locked(&self.shared.journal).edit(edit);
        drop(device);
        if menu == Menu::Service {
            self.shared.open_or_close();
        }
        Ok(id)
    }
}

/// Every row that somebody configured.
fn configured(device: &Device) -> BTreeMap<(Menu, Key), Row> {
    let stored =
        |menu: &Menu| matches!(menu.spec().shape, Shape::Rows | Shape::Single) && menu.table() == *menu;
    Menu::ALL
        .into_iter()
        .filter(stored)
        .flat_map(|menu| {
            let fixed = device.entries(menu).filter(|entry| !entry.dynamic);
            fixed.map(move |entry| ((menu, entry.key), device.show(menu, entry)))
        })
        .collect()
}

fn owned<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn refused(menu: Menu, trap: &Trap) -> EditError {
    EditError::Refused {
        menu,
        detail: trap.detail.clone().unwrap_or_else(|| trap.status.to_string()),
    }
}
