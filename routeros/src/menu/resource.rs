//! `/system/resource`.

use crate::value::{Uptime, Version};

use super::{BadField, Fields, Menu, Sealed, Singleton};

/// What the router is and how long it has been up. While it boots, REST can answer with foreign or empty data:
/// an answer without `version` and `uptime` is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The running RouterOS.
    pub version: Version,
    /// Time since the last start.
    pub uptime: Uptime,
    /// The board's product name; `CHR` and the like on virtual ones. Empty when not told.
    pub board_name: String,
    /// The processor architecture. Empty when not told.
    pub architecture: String,
}

impl Sealed for Resource {}
impl Singleton for Resource {}

impl Menu for Resource {
    const PATH: &'static str = "system/resource";
    const PROPLIST: &'static [&'static str] = &["version", "uptime", "board-name", "architecture-name"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            version: fields.required("version")?,
            uptime: fields.required("uptime")?,
            board_name: fields.string("board-name"),
            architecture: fields.string("architecture-name"),
        })
    }
}
