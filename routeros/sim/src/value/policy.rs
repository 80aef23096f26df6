//! A user group's policies: which words it has, written back in full with `!` before those it lacks.

use std::fmt;

/// Every policy in the order in which a group reads back.
const WORDS: [&str; 17] = [
    "local",
    "telnet",
    "ssh",
    "ftp",
    "reboot",
    "read",
    "write",
    "policy",
    "test",
    "winbox",
    "password",
    "web",
    "sniff",
    "sensitive",
    "api",
    "romon",
    "rest-api",
];

/// A set of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Policies(u32);

impl Policies {
    /// Reads `read,write,!ftp`. `None` where a word is no policy.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut set = 0;
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let (word, on) = word.strip_prefix('!').map_or((word, true), |word| (word, false));
            let bit = 1 << WORDS.iter().position(|known| *known == word)?;
            set = if on { set | bit } else { set & !bit };
        }
        Some(Self(set))
    }

    /// Whether the group has `word`.
    pub(crate) fn has(self, word: &str) -> bool {
        WORDS
            .iter()
            .position(|known| *known == word)
            .is_some_and(|at| self.0 & (1 << at) != 0)
    }
}

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = WORDS
            .iter()
            .filter(|word| self.has(word))
            .map(ToString::to_string);
        let lacked = WORDS
            .iter()
            .filter(|word| !self.has(word))
            .map(|word| format!("!{word}"));
        f.write_str(&held.chain(lacked).collect::<Vec<_>>().join(","))
    }
}
