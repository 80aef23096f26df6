//! A router as its own `/export` tells it, for one whose REST API cannot be asked: an older version, or one where it
//! shall stay off.
//!
//! An export holds what people configured: pools, servers, networks, addresses, static leases and static ARP rows. It
//! does not hold who has which address at the moment. Other menus are passed over unread: passwords stand there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Result, bail};
use ipnet::IpNet;
use tiklb_core::model::{MacAddr, RangeSet};
use tiklb_core::reservation::Reading;
use tiklb_core::reservation::observed::{AddressRow, ArpRow, LeaseRow, NetworkRow, PoolRow, ServerRow};
use tiklb_core::reservation::uses::{Pointed, PointedRole};

#[cfg(test)]
mod tests;

/// What every plan made from an export must say.
pub(super) const BLIND: &str = "read from an export, which does not say who has an address now: look at /ip dhcp-server lease print and /ip arp print before you use these commands";

/// The version before which a DHCP server is off unless it says `disabled=no`.
const SERVERS_ON_BY_DEFAULT: u32 = 7;

/// Reads what `/export` or `/export terse` printed.
///
/// # Errors
/// It is no export, or a row that matters cannot be understood.
pub(super) fn reading(text: &str) -> Result<Reading> {
    let text = joined(text);
    let mut export = Export {
        reading: Reading {
            identity: "MikroTik".to_owned(),
            board: "a router".to_owned(),
            version: "unknown".to_owned(),
            ..Reading::default()
        },
        servers_on: true,
        rows: 0,
    };
    let mut menu = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(remark) = line.strip_prefix('#') {
            export.header(remark.trim());
        } else if let Some(path) = line.strip_prefix('/') {
            // `/ip pool`, and in the terse form `/ip pool add name=…`; slashes instead of spaces mean the same.
            match path.split_once(" add ").or_else(|| path.split_once(" set ")) {
                Some((path, rest)) => export.row(&path.replace('/', " "), line.contains(" add "), rest)?,
                None => menu = path.replace('/', " "),
            }
        } else if let Some(rest) = line.strip_prefix("add ") {
            export.row(&menu, true, rest)?;
        } else if let Some(rest) = line.strip_prefix("set ") {
            export.row(&menu, false, rest)?;
        }
    }
    if export.reading.addresses.is_empty() {
        bail!("it holds no row of /ip address: give what `/export file=router` wrote on the router, whole");
    }
    Ok(export.reading)
}

/// A backslash at the end of a line goes on behind the next line's indentation.
fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim_end_matches('\r').to_owned();
        while line.ends_with('\\') {
            line.pop();
            let Some(next) = lines.next() else { break };
            line.push_str(next.trim_end_matches('\r').trim_start());
        }
        joined.push_str(&line);
        joined.push('\n');
    }
    joined
}

struct Export {
    reading: Reading,
    servers_on: bool,
    rows: usize,
}

impl Export {
    /// `2026-11-28 08:00:00 by RouterOS 7.20.8`, `model = …`, `serial number = …`.
    fn header(&mut self, remark: &str) {
        if let Some((_, version)) = remark.split_once("by RouterOS ") {
            version.clone_into(&mut self.reading.version);
            let major = version.split('.').next().and_then(|major| major.parse().ok());
            self.servers_on = major.is_none_or(|major: u32| major >= SERVERS_ON_BY_DEFAULT);
        }
        match remark.split_once(" = ") {
            Some(("model", model)) => model.clone_into(&mut self.reading.board),
            Some(("serial number", serial)) => self.reading.serial = Some(serial.to_owned()),
            _ => {}
        }
    }

    fn row(&mut self, menu: &str, added: bool, rest: &str) -> Result<()> {
        let known = [
            "ip address",
            "ip pool",
            "ip dhcp-server",
            "ip dhcp-server lease",
            "ip dhcp-server network",
            "ip arp",
            "system identity",
        ];
        if !known.contains(&menu) {
            return Ok(());
        }
        let values = values(rest);
        if menu == "system identity" {
            let name = values.get("name").cloned();
            self.reading.identity = name.unwrap_or_else(|| self.reading.identity.clone());
            return Ok(());
        }
        if !added {
            return Ok(()); // Changes of rows that are always there: none of these menus has such.
        }
        self.rows += 1;
        let row = Row {
            menu,
            id: format!("*{:X}", self.rows),
            values: &values,
        };
        self.take(&row)
    }

    fn take(&mut self, row: &Row<'_>) -> Result<()> {
        let reading = &mut self.reading;
        match row.menu {
            "ip address" if !row.is("disabled") => {
                let network: IpNet = row.parsed("address")?;
                reading.addresses.push(AddressRow {
                    address: network.addr(),
                    network,
                    interface: row.text("interface"),
                });
            }
            "ip pool" => reading.pools.push(PoolRow {
                id: row.id.clone(),
                name: row.text("name"),
                ranges: row.parsed::<RangeSet>("ranges")?,
                next_pool: row.named("next-pool").filter(|pool| pool != "none"),
                comment: row.text("comment"),
            }),
            "ip dhcp-server" => reading.servers.push(ServerRow {
                name: row.text("name"),
                interface: row.text("interface"),
                pool: row.named("address-pool").filter(|pool| pool != "static-only"),
                idle: row
                    .values
                    .get("disabled")
                    .map_or(!self.servers_on, |word| word == "yes"),
            }),
            "ip dhcp-server network" => {
                let told = [
                    ("dns-server", PointedRole::Dns),
                    ("ntp-server", PointedRole::Ntp),
                    ("next-server", PointedRole::Boot),
                ];
                for (property, role) in told {
                    let servers = row.addresses(property);
                    let pointed = servers.map(|address| Pointed::one(address, role));
                    reading.uses.pointed.extend(pointed);
                }
                reading.networks.push(NetworkRow {
                    network: row.parsed("address")?,
                    gateways: row.addresses("gateway").collect(),
                });
            }
            "ip dhcp-server lease" => reading.leases.extend(row.lease()),
            "ip arp" => reading.arps.push(row.arp()?),
            _ => {}
        }
        Ok(())
    }
}

/// One row's properties.
struct Row<'a> {
    menu: &'a str,
    id: String,
    values: &'a BTreeMap<String, String>,
}

impl Row<'_> {
    fn named(&self, property: &str) -> Option<String> {
        self.values.get(property).cloned()
    }

    fn text(&self, property: &str) -> String {
        self.named(property).unwrap_or_default()
    }

    fn is(&self, property: &str) -> bool {
        self.values.get(property).is_some_and(|word| word == "yes")
    }

    fn parsed<T: std::str::FromStr>(&self, property: &str) -> Result<T> {
        let text = self.text(property);
        text.parse().map_err(|_| {
            anyhow::anyhow!(
                "a row of /{} has {property}={text}, which cannot be understood: please report it",
                self.menu
            )
        })
    }

    /// The addresses of a list; what else newer versions take there is left out.
    fn addresses(&self, property: &str) -> impl Iterator<Item = IpAddr> {
        let list = self.values.get(property).into_iter();
        list.flat_map(|list| list.split(','))
            .filter_map(|text| text.trim().parse().ok())
    }

    fn mac(&self) -> Option<MacAddr> {
        self.values.get("mac-address")?.parse().ok()
    }

    /// A row for any address of a pool keeps nobody from any address.
    fn lease(&self) -> Option<LeaseRow> {
        let address: IpAddr = self.values.get("address")?.parse().ok()?;
        Some(LeaseRow {
            id: self.id.clone(),
            address,
            mac: self.mac(),
            server: self.named("server").filter(|server| server != "all"),
            dynamic: false,
            evidence: false,
            disabled: self.is("disabled"),
            bound: false,
            expires_after: None,
            host_name: None,
            comment: self.text("comment"),
        })
    }

    fn arp(&self) -> Result<ArpRow> {
        Ok(ArpRow {
            id: self.id.clone(),
            address: self.parsed("address")?,
            mac: self.mac(),
            interface: self.text("interface"),
            dynamic: false,
            disabled: self.is("disabled"),
            alive: true,
            comment: self.text("comment"),
        })
    }
}

/// `property=value` words; a value may stand in quotes.
fn values(rest: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut rest = rest.trim_start();
    while let Some((property, after)) = rest.split_once('=') {
        let (value, left) = value(after);
        // What stands before a property, such as `[ find default=yes ]`, is no part of its name.
        let property = property.rsplit(' ').next().unwrap_or(property);
        values.insert(property.to_owned(), value);
        rest = left.trim_start();
    }
    values
}

/// One value and what stands behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut bytes = Vec::new();
    let mut rest = quoted.as_bytes();
    loop {
        match rest {
            [] => break,
            [b'"', after @ ..] => {
                rest = after;
                break;
            }
            [b'\\', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hexadecimal(*high) << 4 | hexadecimal(*low));
                rest = after;
            }
            [b'\\', b'_' | b'n' | b'r' | b't', after @ ..] => {
                bytes.push(b' ');
                rest = after;
            }
            [b'\\', plain, after @ ..] | [plain, after @ ..] => {
                bytes.push(*plain);
                rest = after;
            }
        }
    }
    // Both ends are at an ASCII character, so that this is a boundary of the text.
    let left = quoted.get(quoted.len() - rest.len()..).unwrap_or_default();
    (String::from_utf8_lossy(&bytes).into_owned(), left)
}

fn hexadecimal(digit: u8) -> u8 {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or_default()
}
