//! The switches by name, for the command line, the admin surface and tests that draw them at random.

use std::fmt::Write as _;

use crate::config::{Renewal, Switches};
use crate::menu::Menu;
use crate::value::duration;
use crate::value::ranges::RangeForm;

#[cfg(test)]
mod tests;

/// A name or value that is none. Its text names those that are.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// Nothing is called so.
    #[error("{name:?} is no {kind}: write one of {known}")]
    Unknown {
        /// `switch` or `fault`.
        kind: &'static str,
        /// What was written.
        name: String,
        /// What could have been.
        known: String,
    },
    /// It does not take this value.
    #[error("{name} does not take {value:?}: write {takes}")]
    Value {
        /// The switch or fault.
        name: &'static str,
        /// What was written.
        value: String,
        /// What could have been.
        takes: &'static str,
    },
    /// It was understood, and could not be done.
    #[error("turning {name}")]
    Refused {
        /// The fault.
        name: &'static str,
        /// Why not.
        source: crate::tls::TlsError,
    },
}

/// A switch or a fault as it is told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: &'static str,
    /// What it does.
    pub does: &'static str,
    /// How it stands.
    pub value: String,
}

/// One switch.
struct Switch {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    get: fn(&Switches) -> String,
    set: fn(&mut Switches, &str) -> Option<()>,
}

/// A switch that is on or off.
macro_rules! flag {
    ($name:literal, $field:ident, $does:literal) => {
        Switch {
            name: $name,
            takes: "yes or no",
            does: $does,
            get: |switches| yes_no(switches.$field).to_owned(),
            set: |switches, text| {
                switches.$field = crate::value::flag(text)?;
                Some(())
            },
        }
    };
}

/// A switch that holds a text.
macro_rules! text {
    ($name:literal, $field:ident, $does:literal) => {
        Switch {
            name: $name,
            takes: "a text",
            does: $does,
            get: |switches| switches.$field.clone(),
            set: |switches, text| {
                switches.$field = text.to_owned();
                Some(())
            },
        }
    };
}

/// A switch that holds a number, 0 for no bound.
macro_rules! bound {
    ($name:literal, $field:ident, $does:literal) => {
        Switch {
            name: $name,
            takes: "a number, 0 for no bound",
            does: $does,
            get: |switches| switches.$field.to_string(),
            set: |switches, text| {
                switches.$field = text.parse().ok()?;
                Some(())
            },
        }
    };
}

const SWITCHES: [Switch; 26] = [
    Switch {
        name: "range-form",
        takes: "verbatim, cidr or merged",
        does: "how a pool's ranges read back",
        get: |switches| {
            match switches.range_form {
                RangeForm::Verbatim => "verbatim",
                RangeForm::Cidr => "cidr",
                RangeForm::Merged => "merged",
            }
            .to_owned()
        },
        set: |switches, text| {
            switches.range_form = match text {
                "verbatim" => RangeForm::Verbatim,
                "cidr" => RangeForm::Cidr,
                "merged" => RangeForm::Merged,
                _ => return None,
            };
            Some(())
        },
    },
    Switch {
        name: "renewal-outside-pool",
        takes: "ack, silent or nak",
        does: "what becomes of a renewal whose address is no longer in the pool",
        get: |switches| {
            match switches.renewal_outside_pool {
                Renewal::Ack => "ack",
                Renewal::Silent => "silent",
                Renewal::Nak => "nak",
            }
            .to_owned()
        },
        set: |switches, text| {
            switches.renewal_outside_pool = match text {
                "ack" => Renewal::Ack,
                "silent" => Renewal::Silent,
                "nak" => Renewal::Nak,
                _ => return None,
            };
            Some(())
        },
    },
    flag!(
        "static-leases-reserve",
        static_leases_reserve,
        "an enabled static lease keeps its address from dynamic clients"
    ),
    flag!(
        "pools-may-overlap",
        pools_may_overlap,
        "two pools may hold the same addresses"
    ),
    bound!("max-ranges", max_ranges, "how many ranges a pool may have"),
    bound!(
        "comment-limit",
        comment_limit,
        "how many bytes a comment may have"
    ),
    flag!(
        "gratuitous-arp-creates",
        gratuitous_arp_creates,
        "a gratuitous ARP frame makes a row for an address that has none"
    ),
    flag!(
        "gratuitous-arp-moves-static",
        gratuitous_arp_moves_static,
        "a gratuitous ARP frame changes the MAC of a permanent row"
    ),
    flag!(
        "put-answers-200",
        put_answers_ok,
        "PUT answers 200 instead of 201"
    ),
    flag!(
        "delete-answers-200",
        delete_answers_ok,
        "DELETE answers 200 instead of 204"
    ),
    flag!(
        "proplist-adds-id",
        proplist_adds_id,
        ".proplist answers .id although nobody asked for it"
    ),
    flag!(
        "reuse-ids",
        reuse_ids,
        "a removed row's id is given to the next new row"
    ),
    flag!(
        "rest-off",
        rest_off,
        "REST is switched off in the web server (7.21 and newer)"
    ),
    flag!(
        "no-such-item",
        no_such_item,
        "POST of a command for a row that is gone answers 400 \"no such item\" instead of 404"
    ),
    flag!(
        "user-address-answers-403",
        user_address_answers_403,
        "a user at a wrong address is answered 403 instead of 401"
    ),
    flag!("extra-keys", extra_keys, "every row has a key that nobody knows"),
    flag!("about", about, "every row has .about"),
    flag!(
        "shuffle-keys",
        shuffle_keys,
        "keys come in another order in each answer"
    ),
    flag!("chunked", chunked, "bodies come in chunks"),
    flag!(
        "close-connections",
        close_connections,
        "each answer ends its connection"
    ),
    Switch {
        name: "session-limit",
        takes: "a time such as 60s or 1m",
        does: "after so long a request is answered 400 \"Session closed\"",
        get: |switches| shown(switches.session_limit),
        set: |switches, text| {
            switches.session_limit = span(text)?;
            Some(())
        },
    },
    Switch {
        name: "allowed",
        takes: "menus such as ip/pool,ip/arp, or all",
        does: "menus that may be written without being counted as a violation",
        get: |switches| {
            let paths: Vec<&str> = switches.allowed.iter().map(|menu| menu.path()).collect();
            paths.join(",")
        },
        set: |switches, text| {
            switches.allowed = if text == "all" {
                Menu::ALL.to_vec()
            } else {
                let paths = text.split(',').filter(|path| !path.is_empty());
                paths.map(|path| path.parse().ok()).collect::<Option<_>>()?
            };
            Some(())
        },
    },
    text!(
        "missing-write-text",
        missing_write_text,
        "the refusal of a write without the policy write"
    ),
    text!(
        "range-overlap-text",
        range_overlap_text,
        "the refusal of ranges that overlap"
    ),
    text!(
        "max-ranges-text",
        max_ranges_text,
        "the refusal of more ranges than max-ranges"
    ),
    text!(
        "arp-duplicate-text",
        arp_duplicate_text,
        "the refusal of a second permanent ARP row for an address"
    ),
];

const YES_NO: &[&str] = &["yes", "no"];

impl Switches {
    /// What is not known of `RouterOS`, or differs among releases, by name and with values that it may have. A test of
    /// a client that draws them at random finds out whether the client depends on one of them.
    pub const UNKNOWN: &[(&str, &[&str])] = &[
        ("range-form", &["verbatim", "cidr", "merged"]),
        ("renewal-outside-pool", &["ack", "silent", "nak"]),
        ("static-leases-reserve", YES_NO),
        ("gratuitous-arp-creates", YES_NO),
        ("gratuitous-arp-moves-static", YES_NO),
        ("put-answers-200", YES_NO),
        ("delete-answers-200", YES_NO),
        ("proplist-adds-id", YES_NO),
        ("reuse-ids", YES_NO),
        ("no-such-item", YES_NO),
        ("user-address-answers-403", YES_NO),
        ("extra-keys", YES_NO),
        ("about", YES_NO),
        ("shuffle-keys", YES_NO),
        ("chunked", YES_NO),
        ("close-connections", YES_NO),
        ("arp-duplicate-text", &["already have such entry", "unexpected"]),
        (
            "missing-write-text",
            &["not enough permissions (9)", "std failure: not allowed (9)"],
        ),
    ];

    /// Turns the switch called `name`.
    ///
    /// # Errors
    /// Where there is no such switch, or it does not take this value; the text names what there is.
    pub fn turn(&mut self, name: &str, value: &str) -> Result<(), NameError> {
        let switch = SWITCHES
            .iter()
            .find(|switch| switch.name == name)
            .ok_or_else(|| unknown("switch", name, SWITCHES.iter().map(|switch| switch.name)))?;
        (switch.set)(self, value).ok_or_else(|| NameError::Value {
            name: switch.name,
            value: value.to_owned(),
            takes: switch.takes,
        })
    }

    /// Every switch and how it stands.
    pub fn named(&self) -> Vec<Named> {
        let told = |switch: &Switch| Named {
            name: switch.name,
            takes: switch.takes,
            does: switch.does,
            value: (switch.get)(self),
        };
        SWITCHES.iter().map(told).collect()
    }
}

pub(crate) fn unknown(
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'static str>,
) -> NameError {
    let mut list = String::new();
    for (at, one) in known.enumerate() {
        let gap = if at > 0 { ", " } else { "" };
        let _ = write!(list, "{gap}{one}");
    }
    NameError::Unknown {
        kind,
        name: name.to_owned(),
        known: list,
    }
}

pub(crate) fn yes_no(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}

/// A time as a person writes it: `300ms`, `2s`, `1m30s`, or whole seconds.
pub(crate) fn span(text: &str) -> Option<std::time::Duration> {
    duration::parse(text).map(std::time::Duration::from_millis)
}

pub(crate) fn shown(span: std::time::Duration) -> String {
    duration::show(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}
