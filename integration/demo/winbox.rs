//! The router as Winbox shows it: tables with flags and comments.

use std::fmt::Write as _;

use routeros_sim::{Menu, Row};

/// Columns of one menu: heading and property.
struct Window {
    menu: Menu,
    title: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

const WINDOWS: [Window; 3] = [
    Window {
        menu: Menu::Pool,
        title: "IP > Pool",
        columns: &[("Name", "name"), ("Addresses", "ranges"), ("Comment", "comment")],
    },
    Window {
        menu: Menu::Lease,
        title: "IP > DHCP Server > Leases",
        columns: &[
            ("Address", "address"),
            ("MAC Address", "mac-address"),
            ("Server", "server"),
            ("Status", "status"),
            ("Host Name", "host-name"),
            ("Comment", "comment"),
        ],
    },
    Window {
        menu: Menu::Arp,
        title: "IP > ARP",
        columns: &[
            ("Address", "address"),
            ("MAC Address", "mac-address"),
            ("Interface", "interface"),
            ("Comment", "comment"),
        ],
    },
];

/// All windows, the rows as `rows` gives them.
pub(super) fn windows(rows: impl Fn(Menu) -> Vec<Row>) -> String {
    let shown = WINDOWS.iter().map(|window| window.table(&rows(window.menu)));
    shown.collect::<Vec<_>>().join("\n")
}

impl Window {
    fn table(&self, rows: &[Row]) -> String {
        let heading = self.columns.iter().map(|(heading, _)| (*heading).to_owned());
        let mut cells: Vec<Vec<String>> = vec![std::iter::once(String::new()).chain(heading).collect()];
        for row in rows {
            let values = self
                .columns
                .iter()
                .map(|(_, property)| row.get(property).unwrap_or("").to_owned());
            cells.push(std::iter::once(flags(row)).chain(values).collect());
        }
        let width = |column: usize| {
            cells
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..=self.columns.len()).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for row in &cells {
            let mut line = String::from("  ");
            for (cell, width) in row.iter().zip(&widths) {
                // A String takes everything.
                _ = write!(line, "{cell:width$}  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Winbox's letters before a row: D dynamic, X disabled.
fn flags(row: &Row) -> String {
    let mut flags = String::new();
    for (property, letter) in [("disabled", 'X'), ("dynamic", 'D')] {
        if row.get(property) == Some("true") {
            flags.push(letter);
        }
    }
    flags
}

#[cfg(test)]
mod tests;
