//! `/system/identity`.

use super::{BadField, Fields, Menu, Sealed, Singleton};

/// The router's own name. Not unique: every new one is called `MikroTik`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
}

impl Sealed for Identity {}
impl Singleton for Identity {}

impl Menu for Identity {
    const PATH: &'static str = "system/identity";
    const PROPLIST: &'static [&'static str] = &["name"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            name: fields.required("name")?,
        })
    }
}
