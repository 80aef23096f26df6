//! `/safe-mode`, from 7.18 on.

use crate::value::{Flag, SAFE_MODE, Version};

use super::{BadField, Fields, Menu, Sealed, Singleton};

/// Whether somebody works in Safe Mode. If that session breaks off, the router takes back every change that was made
/// meanwhile, ours among them: while it is held, nothing should be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeMode {
    /// Whether it is on, where the router says so in a word that is known.
    pub enabled: Option<bool>,
    /// Who holds it.
    pub user: Option<String>,
    /// From where, or in which session; what stands here is not documented.
    pub owner: Option<String>,
}

impl SafeMode {
    /// The first version with this menu.
    pub const SINCE: Version = SAFE_MODE;

    /// Whether somebody may hold it. What the menu's properties hold is documented nowhere, so that anything but a
    /// clear no, or nothing at all, counts as a yes.
    pub fn is_held(&self) -> bool {
        self.enabled
            .unwrap_or_else(|| self.user.is_some() || self.owner.is_some())
    }

    /// Who holds it, for a message.
    pub fn holder(&self) -> &str {
        let told = self.user.as_deref().or(self.owner.as_deref());
        told.unwrap_or("somebody")
    }
}

impl Sealed for SafeMode {}
impl Singleton for SafeMode {}

impl Menu for SafeMode {
    const PATH: &'static str = "safe-mode";
    const PROPLIST: &'static [&'static str] = &["enabled", "user", "owner"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        let enabled = fields.optional_string("enabled");
        Ok(Self {
            // A word that is neither yes nor no may be the name of a state: on.
            enabled: enabled
                .map(|text| text.parse::<Flag>().is_ok_and(|flag| !flag.0))
                .map(|off| !off),
            user: fields.optional_string("user"),
            owner: fields.optional_string("owner"),
        })
    }
}
