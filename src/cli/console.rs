//! Writes as commands for the router's own console, for people who make them by hand.
//!
//! Menus are written with spaces (`/ip pool`), which every RouterOS understands; the form `/ip/pool` began with 7.
//! A row is named by what it is, never by a number: numbers are positions in somebody's last `print`, and `.id`s change.
//! A row of ours is named with its comment besides, so that a command that is pasted late finds nothing rather than a
//! stranger's row. Which menus and properties exist is held by a test, see `menus.txt`.

use std::fmt;

use tiklb_core::model::RangeSet;
use tiklb_core::reservation::Write;
use tiklb_core::reservation::observed::{ArpRow, LeaseRow, PoolRow};
use tiklb_core::reservation::write::{ArpSpec, LeaseSpec};

#[cfg(test)]
mod tests;

const POOL: &str = "ip pool";
const LEASE: &str = "ip dhcp-server lease";
const ARP: &str = "ip arp";

/// One command of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    menu: &'static str,
    verb: &'static str,
    /// The row it is about; empty where one is added.
    find: Vec<Assignment>,
    values: Vec<Assignment>,
}

/// `property=value`.
type Assignment = (&'static str, String);

impl Command {
    /// The command that does what `write` does.
    pub(super) fn of(write: &Write) -> Self {
        match write {
            Write::SetPoolRanges { row, ranges } => {
                // Somebody else's row: it is found by its name alone, its comment is nothing of ours.
                set(POOL, vec![("name", quoted(&row.name))], vec![ranges_of(ranges)])
            }
            Write::AddPool {
                name,
                ranges,
                comment,
            } => {
                let values = vec![
                    ("name", quoted(name)),
                    ranges_of(ranges),
                    ("comment", quoted(comment)),
                ];
                add(POOL, values)
            }
            Write::SetPool { row, ranges, comment } => {
                let values = vec![ranges_of(ranges), ("comment", quoted(comment))];
                set(POOL, pool(row), values)
            }
            Write::RemovePool(row) => remove(POOL, pool(row)),
            Write::AddLease(spec) => add(LEASE, lease_values(spec, true)),
            Write::SetLease { row, spec } => set(LEASE, lease(row), lease_values(spec, false)),
            Write::RemoveLease(row) => remove(LEASE, lease(row)),
            Write::EvictLease { row, .. } => remove(LEASE, client(row)),
            Write::AddArp(spec) => add(ARP, arp_values(spec, true)),
            Write::SetArp { row, spec } => set(ARP, arp(row), arp_values(spec, false)),
            Write::RemoveArp(row) => remove(ARP, arp(row)),
        }
    }

    /// `/ip/pool`, as the REST API and Winbox's documentation call the menu.
    pub(super) fn menu(&self) -> String {
        format!("/{}", self.menu.replace(' ', "/"))
    }

    /// `add`, `set` or `remove`.
    pub(super) fn verb(&self) -> &'static str {
        self.verb
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{} {}", self.menu, self.verb)?;
        if !self.find.is_empty() {
            let terms: Vec<String> = self.find.iter().map(assignment).collect();
            write!(f, " [find where {}]", terms.join(" and "))?;
        }
        self.values
            .iter()
            .try_for_each(|value| write!(f, " {}", assignment(value)))
    }
}

fn assignment((property, value): &Assignment) -> String {
    format!("{property}={value}")
}

fn add(menu: &'static str, values: Vec<Assignment>) -> Command {
    let (verb, find) = ("add", Vec::new());
    Command {
        menu,
        verb,
        find,
        values,
    }
}

fn set(menu: &'static str, find: Vec<Assignment>, values: Vec<Assignment>) -> Command {
    Command {
        menu,
        verb: "set",
        find,
        values,
    }
}

fn remove(menu: &'static str, find: Vec<Assignment>) -> Command {
    Command {
        menu,
        verb: "remove",
        find,
        values: Vec::new(),
    }
}

fn pool(row: &PoolRow) -> Vec<Assignment> {
    vec![("name", quoted(&row.name)), ("comment", quoted(&row.comment))]
}

fn lease(row: &LeaseRow) -> Vec<Assignment> {
    vec![
        ("address", row.address.to_string()),
        ("comment", quoted(&row.comment)),
    ]
}

/// A client's lease: one that a person made static meanwhile is not found by it.
fn client(row: &LeaseRow) -> Vec<Assignment> {
    let mac = row.mac.map(|mac| ("mac-address", mac.to_string().to_uppercase()));
    let mut find = vec![("address", row.address.to_string())];
    find.extend(mac);
    find.push(("dynamic", "yes".to_owned()));
    find
}

fn arp(row: &ArpRow) -> Vec<Assignment> {
    vec![
        ("address", row.address.to_string()),
        ("comment", quoted(&row.comment)),
    ]
}

fn lease_values(spec: &LeaseSpec, new: bool) -> Vec<Assignment> {
    let mut values = Vec::new();
    if new {
        values.push(("address", spec.address.to_string()));
    }
    values.push(("mac-address", spec.mac.to_string().to_uppercase()));
    values.push(("server", quoted(&spec.server)));
    values.push(("comment", quoted(&spec.comment)));
    if !new {
        values.push(("disabled", "no".to_owned()));
    }
    values
}

fn arp_values(spec: &ArpSpec, new: bool) -> Vec<Assignment> {
    let mut values = Vec::new();
    if new {
        values.push(("address", spec.address.to_string()));
    }
    values.push(("mac-address", spec.mac.to_string().to_uppercase()));
    if new {
        values.push(("interface", quoted(&spec.interface)));
    }
    values.push(("comment", quoted(&spec.comment)));
    let disabled = if spec.enabled { "no" } else { "yes" };
    values.push(("disabled", disabled.to_owned()));
    values
}

fn ranges_of(ranges: &RangeSet) -> Assignment {
    ("ranges", ranges.to_string())
}

/// A text as the console reads it back: in quotes, with what it would take for its own escaped. Whatever is not plain
/// ASCII goes byte by byte, because a terminal may send it in another charset than the row holds.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'$' => quoted.extend(['\\', byte.into()]),
            // `?` asks for help in the console of RouterOS 6, also inside of quotes.
            b' '..=b'~' if byte != b'?' => quoted.push(byte.into()),
            _ => quoted.extend(['\\', hexadecimal(byte >> 4), hexadecimal(byte & 15)]),
        }
    }
    quoted.push('"');
    quoted
}

/// RouterOS wants capitals.
fn hexadecimal(digit: u8) -> char {
    char::from_digit(digit.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// A file for `/import`, or to be pasted: comments, then one command a line.
pub(super) fn script(title: &[String], commands: &[(String, Command)]) -> String {
    let mut lines: Vec<String> = title.iter().map(|line| comment(line)).collect();
    for (because, command) in commands {
        lines.push(String::new());
        lines.push(comment(because));
        lines.push(command.to_string());
    }
    lines.join("\n") + "\n"
}

/// A comment line: whatever a row's name or comment holds, it stays in this line.
fn comment(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    format!("# {}", text.chars().map(printable).collect::<String>())
        .trim_end()
        .to_owned()
}
