//! A router's rows from a JSON file, so that a simulator can stand for a particular router.
//!
//! ```json
//! {
//!   "system/identity": {"name": "attic"},
//!   "ip/address": [{"address": "10.0.0.1/24", "interface": "bridge"}],
//!   "ip/pool": [{"name": "lan", "ranges": "10.0.0.100-10.0.0.199"}],
//!   "ip/dhcp-server": [{"name": "lan", "interface": "bridge", "address-pool": "lan"}],
//!   "ip/dhcp-server/network": [{"address": "10.0.0.0/24", "gateway": "10.0.0.1"}],
//!   "ip/dhcp-server/lease": [
//!     {"address": "10.0.0.7", "mac-address": "AA:BB:CC:00:00:07", "comment": "printer"},
//!     {"address": "10.0.0.150", "mac-address": "AA:BB:CC:00:00:50", "host-name": "phone", "dynamic": true}
//!   ]
//! }
//! ```
//! Rows hold what can be written, as in `add`; `.id` is ignored. A lease with `dynamic` is one that a client just took.
//! Ports, bridges and services that exist already are changed instead of added.

use serde_json::{Map, Value};

use crate::config::{Config, Lease};
use crate::http::call;
use crate::menu::Menu;

#[cfg(test)]
mod tests;

/// What is wrong with a file of rows.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is no JSON.
    #[error(
        "reading the rows as JSON: write an object of menus, such as {{\"ip/pool\": [{{\"name\": \"lan\"}}]}}"
    )]
    Json(#[from] serde_json::Error),
    /// A menu is not simulated.
    #[error("reading the rows: {0}; the menus are {menus}", menus = Menu::ALL.map(Menu::path).join(", "))]
    Menu(#[from] crate::menu::MenuError),
    /// A menu does not hold rows.
    #[error(
        "reading the rows of {0}: write a list of objects, or one object where the menu has a single row"
    )]
    Shape(Menu),
    /// A value is none.
    #[error("reading {key} in row {row} of {menu}: write a text, a whole number, true or false")]
    Value {
        /// Where.
        menu: Menu,
        /// The row, counted from 1.
        row: usize,
        /// The key.
        key: String,
    },
    /// A dynamic lease lacks what makes one.
    #[error(
        "reading row {row} of /ip/dhcp-server/lease: a dynamic lease needs address and mac-address, and may have \
             server, host-name and comment"
    )]
    Lease {
        /// The row, counted from 1.
        row: usize,
    },
}

impl Config {
    /// Adds the rows of a JSON text to those that are there. They are added in an order in which references are known:
    /// pools before servers, servers before leases.
    ///
    /// # Errors
    /// [`FileError`] names the menu and the row. What the router itself refuses shows when it starts.
    pub fn rows_from_json(mut self, text: &str) -> Result<Config, FileError> {
        let file: Map<String, Value> = serde_json::from_str(text)?;
        let mut menus = file
            .into_iter()
            .map(|(path, rows)| Ok((path.parse::<Menu>()?, rows)))
            .collect::<Result<Vec<_>, FileError>>()?;
        menus.sort_by_key(|(menu, _)| Menu::ALL.iter().position(|known| known == menu));
        for (menu, rows) in menus {
            let rows = match rows {
                Value::Array(rows) => rows,
                object @ Value::Object(_) => vec![object],
                _ => return Err(FileError::Shape(menu)),
            };
            for (at, row) in rows.into_iter().enumerate() {
                let Value::Object(row) = row else {
                    return Err(FileError::Shape(menu));
                };
                self = self.row_from_json(menu, at + 1, &row)?;
            }
        }
        Ok(self)
    }

    fn row_from_json(mut self, menu: Menu, at: usize, row: &Map<String, Value>) -> Result<Config, FileError> {
        let mut values = Vec::new();
        for (key, value) in row.iter().filter(|(key, _)| *key != ".id") {
            let text = call::text(key, value).map_err(|_| FileError::Value {
                menu,
                row: at,
                key: key.clone(),
            })?;
            values.push((key.clone(), text));
        }
        let dynamic = values
            .iter()
            .any(|(key, value)| key == "dynamic" && crate::value::flag(value) == Some(true));
        if menu == Menu::Lease && dynamic {
            let lease = dynamic_lease(&values).ok_or(FileError::Lease { row: at })?;
            return Ok(self.lease(lease));
        }
        self.rows.push((menu, values));
        Ok(self)
    }
}

fn dynamic_lease(values: &[(String, String)]) -> Option<Lease> {
    let get = |name: &str| {
        values
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let known = [
        "address",
        "mac-address",
        "server",
        "host-name",
        "comment",
        "dynamic",
    ];
    if values.iter().any(|(key, _)| !known.contains(&key.as_str())) {
        return None;
    }
    let mut lease = Lease::bound(get("address")?.parse().ok()?, get("mac-address")?.parse().ok()?);
    if let Some(server) = get("server") {
        lease = lease.server(server);
    }
    if let Some(name) = get("host-name") {
        lease = lease.host_name(name);
    }
    if let Some(comment) = get("comment") {
        lease = lease.comment(comment);
    }
    Some(lease)
}
