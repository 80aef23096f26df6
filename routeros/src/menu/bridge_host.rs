//! `/interface/bridge/host`.

use crate::value::{MacAddr, Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// A device that a bridge has heard: where a MAC address is. There can be thousands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeHost {
    /// The row's id.
    pub id: RowId,
    /// The device.
    pub mac_address: MacAddr,
    /// The bridge that heard it.
    pub bridge: Reference,
    /// The bridge's port that it was heard on.
    pub port: Option<Reference>,
    /// Whether it is the router's own.
    pub local: bool,
    /// Switched off.
    pub disabled: bool,
    /// Set, but not in effect.
    pub invalid: bool,
}

impl Sealed for BridgeHost {}

impl Table for BridgeHost {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for BridgeHost {
    const PATH: &'static str = "interface/bridge/host";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "mac-address",
        "bridge",
        "on-interface",
        "local",
        "disabled",
        "invalid",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            mac_address: fields.required("mac-address")?,
            bridge: fields.required("bridge")?,
            port: fields.optional("on-interface")?,
            local: fields.flag("local")?,
            disabled: fields.flag("disabled")?,
            invalid: fields.flag("invalid")?,
        })
    }
}
