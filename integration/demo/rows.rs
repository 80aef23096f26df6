//! The router's rows as Winbox shows them.

use routeros_sim::Row;

use crate::table::Table;

/// Flags of a row, as the console's legend has them: X disabled, D dynamic, C complete.
fn flags(row: &Row) -> String {
    let flags = [("disabled", 'X'), ("dynamic", 'D'), ("complete", 'C')];
    let set = flags.iter().filter(|(key, _)| row.get(key) == Some("true"));
    set.map(|(_, flag)| *flag).collect()
}

fn value<'a>(row: &'a Row, key: &str) -> &'a str {
    row.get(key).unwrap_or_default()
}

/// `/ip/pool` before and now.
pub(super) fn pools(before: &[Row], now: &[Row]) -> Table {
    let mut table = Table::new(["NAME", "RANGES BEFORE", "RANGES NOW", "COMMENT"]);
    for row in now {
        let name = value(row, "name");
        let old = before.iter().find(|old| old.get("name") == Some(name));
        let old = old.map_or("-", |old| value(old, "ranges"));
        table.row([name, old, value(row, "ranges"), value(row, "comment")]);
    }
    for old in before {
        let name = value(old, "name");
        if !now.iter().any(|row| row.get("name") == Some(name)) {
            table.row([name, value(old, "ranges"), "-", value(old, "comment")]);
        }
    }
    table
}

/// `/ip/dhcp-server/lease`.
pub(super) fn leases(rows: &[Row]) -> Table {
    let headings = [
        "",
        "ADDRESS",
        "MAC-ADDRESS",
        "SERVER",
        "STATUS",
        "HOST-NAME",
        "COMMENT",
    ];
    let mut table = Table::new(headings);
    for row in rows {
        table.row([
            &flags(row),
            value(row, "address"),
            value(row, "mac-address"),
            value(row, "server"),
            value(row, "status"),
            value(row, "host-name"),
            value(row, "comment"),
        ]);
    }
    table
}

/// `/ip/arp`.
pub(super) fn neighbors(rows: &[Row]) -> Table {
    let mut table = Table::new(["", "ADDRESS", "MAC-ADDRESS", "INTERFACE", "STATUS", "COMMENT"]);
    for row in rows {
        table.row([
            &flags(row),
            value(row, "address"),
            value(row, "mac-address"),
            value(row, "interface"),
            value(row, "status"),
            value(row, "comment"),
        ]);
    }
    table
}

#[cfg(test)]
mod tests;
