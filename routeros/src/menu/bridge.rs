//! `/interface/bridge`.

use std::convert::Infallible;
use std::str::FromStr;

use crate::value::RowId;

use super::{BadField, Fields, Menu, Sealed, Table};

/// A bridge. `arp` stands here: the list of `/interface` does not carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// How it does ARP.
    pub arp: ArpMode,
}

/// How an interface does ARP (`arp=`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum ArpMode {
    /// As every host does. The default, and what an absent property means.
    #[default]
    Enabled,
    /// Not at all: only static rows are used.
    Disabled,
    /// It answers for addresses that it can route to.
    ProxyArp,
    /// It answers for hosts of the same network too.
    LocalProxyArp,
    /// It learns nothing: it talks only to addresses that have a row.
    ReplyOnly,
    /// A word that this crate does not know.
    Other(String),
}

impl FromStr for ArpMode {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "enabled" => Self::Enabled,
            "disabled" => Self::Disabled,
            "proxy-arp" => Self::ProxyArp,
            "local-proxy-arp" => Self::LocalProxyArp,
            "reply-only" => Self::ReplyOnly,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Sealed for Bridge {}

impl Table for Bridge {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Bridge {
    const PATH: &'static str = "interface/bridge";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "arp"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            arp: fields.optional("arp")?.unwrap_or_default(),
        })
    }
}
