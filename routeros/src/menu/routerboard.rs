//! `/system/routerboard`.

use super::{BadField, Fields, Menu, Sealed, Singleton};

/// MikroTik's own hardware. Absent on virtual routers, which answer 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routerboard {
    /// The board's serial number: the best name that a device has.
    pub serial_number: Option<String>,
    /// The model. Empty when not told.
    pub model: String,
}

impl Sealed for Routerboard {}
impl Singleton for Routerboard {}

impl Menu for Routerboard {
    const PATH: &'static str = "system/routerboard";
    const PROPLIST: &'static [&'static str] = &["serial-number", "model"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            serial_number: fields.optional_string("serial-number"),
            model: fields.string("model"),
        })
    }
}
