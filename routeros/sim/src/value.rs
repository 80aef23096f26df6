//! Values: what RouterOS accepts for a property, and the one form in which it reads back.

pub(crate) mod duration;
pub(crate) mod mac;
pub(crate) mod policy;
pub(crate) mod ranges;

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::menu::Menu;
use crate::table::Key;
use crate::trap::Trap;

#[cfg(test)]
mod tests;

/// What a property holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// yes, no, true or false; reads back as true or false.
    Flag,
    /// One word of a list. Words such as `yes` read back as they are.
    Choice(&'static [&'static str]),
    /// A time in whole seconds within bounds, or one of the words.
    Duration {
        min: u64,
        max: u64,
        words: &'static [&'static str],
    },
    /// A decimal number within bounds, or one of the words.
    Number {
        min: u64,
        max: u64,
        words: &'static [&'static str],
    },
    /// A MAC address.
    Mac,
    /// An IPv4 address.
    Address,
    /// An IPv4 address, or the name of a pool to take one from (leases).
    AddressOrPool,
    /// `A.B.C.D/len`, host bits allowed; without a length /32.
    Prefix,
    /// `A.B.C.D/len` without host bits.
    Network,
    /// Comma-separated IPv4 addresses, or empty.
    Addresses,
    /// A pool's ranges.
    Ranges,
    /// A user group's policies.
    Policy,
    /// The name of a row in another menu, one of `words`, or `unset`, which clears it.
    Link {
        menu: Menu,
        words: &'static [&'static str],
        unset: Option<&'static str>,
    },
}

/// A property's value as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// As it reads back.
    Text(String),
    /// A reference. It follows its row through renames and dangles when the row is gone.
    Link(Link),
}

impl Value {
    /// The text of anything but a reference.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Link(_) => None,
        }
    }
}

/// A reference to a row: by key, which is never used twice, with the id that it shows once the row is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) menu: Menu,
    pub(crate) key: Key,
    pub(crate) id: crate::table::Id,
}

impl Kind {
    /// Reads `text` given for `argument`. `None` means that the value clears the property.
    ///
    /// `find` looks a row up by menu and name.
    pub(crate) fn read(
        self,
        argument: &str,
        text: &str,
        find: &dyn Fn(Menu, &str) -> Option<Link>,
    ) -> Result<Option<Value>, Trap> {
        let value = match self {
            Kind::Ranges => Value::Text(self.normal(argument, text)?),
            _ if text.is_empty() => return Ok(None),
            Kind::Link { unset, .. } if unset == Some(text) => return Ok(None),
            Kind::Link { menu, words, .. } => match word(words, text) {
                Some(word) => Value::Text(word),
                None => Value::Link(find(menu, text).ok_or_else(|| Trap::no_match(argument))?),
            },
            Kind::AddressOrPool => match (address(argument, text), find(Menu::Pool, text)) {
                (Ok(address), _) => Value::Text(address.to_string()),
                (Err(_), Some(pool)) => Value::Link(pool),
                (Err(trap), None) => return Err(trap),
            },
            _ => Value::Text(self.normal(argument, text)?),
        };
        Ok(Some(value))
    }

    /// The form in which a text reads back.
    fn normal(self, argument: &str, text: &str) -> Result<String, Trap> {
        let no_match = || Trap::no_match(argument);
        Ok(match self {
            Kind::Text | Kind::Link { .. } | Kind::AddressOrPool => text.to_owned(),
            Kind::Flag => flag(text).ok_or_else(no_match)?.to_string(),
            Kind::Choice(words) => word(words, text).ok_or_else(no_match)?,
            Kind::Duration { min, max, words } => match word(words, text) {
                Some(word) => word,
                None => time(argument, text, min, max)?,
            },
            Kind::Number { min, max, words } => match word(words, text) {
                Some(word) => word,
                None => number(argument, text, min, max)?,
            },
            Kind::Mac => text
                .parse::<mac::Mac>()
                .map_err(|_| Trap::invalid_value(argument))?
                .to_string(),
            Kind::Address => address(argument, text)?.to_string(),
            Kind::Prefix => prefix(argument, text)?.to_string(),
            Kind::Network => {
                let net = prefix(argument, text)?;
                if net.addr() != net.network() {
                    return Err(Trap::failure("invalid network"));
                }
                net.to_string()
            }
            Kind::Addresses => {
                let list: Result<Vec<_>, _> = text.split(',').map(|one| address(argument, one)).collect();
                list?
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(",")
            }
            Kind::Ranges => {
                // Kept as written: in which form it reads back is the router's own affair (`RangeForm`).
                ranges::Ranges::parse(text)?;
                text.to_owned()
            }
            Kind::Policy => policy::Policies::parse(text).ok_or_else(no_match)?.to_string(),
        })
    }
}

/// yes, no, true, false.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn word(words: &[&str], text: &str) -> Option<String> {
    words.contains(&text).then(|| text.to_owned())
}

fn time(argument: &str, text: &str, min: u64, max: u64) -> Result<String, Trap> {
    let millis = duration::parse(text).ok_or_else(|| Trap::invalid_value(argument))?;
    let bounds = min.saturating_mul(1000)..=max.saturating_mul(1000);
    if !bounds.contains(&millis) {
        return Err(Trap::time_out_of_range(
            argument,
            &duration::console(min),
            &duration::console(max),
        ));
    }
    Ok(duration::show(millis))
}

fn number(argument: &str, text: &str, min: u64, max: u64) -> Result<String, Trap> {
    let number: u64 = text.parse().map_err(|_| Trap::invalid_value(argument))?;
    if !(min..=max).contains(&number) {
        return Err(Trap::number_out_of_range(argument, min, max));
    }
    Ok(number.to_string())
}

fn address(argument: &str, text: &str) -> Result<Ipv4Addr, Trap> {
    text.parse().map_err(|_| Trap::invalid_value(argument))
}

fn prefix(argument: &str, text: &str) -> Result<Ipv4Net, Trap> {
    if text.contains('/') {
        return text.parse().map_err(|_| Trap::invalid_value(argument));
    }
    Ok(Ipv4Net::from(address(argument, text)?))
}
