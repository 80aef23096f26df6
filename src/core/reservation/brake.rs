//! What must not go without a person's word: most of our rows at once, or a whole exclusion.
//!
//! A cluster whose Services are all gone, or whose IPAddressPool is, may be one whose Git repository was emptied by
//! mistake. What is added meanwhile is added; what would be removed waits for `tiklb.io/confirm`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::write::Planned;

/// Fewer reservations than this are removed without asking: a person who deletes two of three Services means it.
const ROWS: usize = 4;

/// Bytes of the hash that a person copies: enough that yesterday's word does not fit today's plan.
const DIGITS: usize = 4;

/// What would be removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removals {
    /// Rows of addresses that no Service has any more, in order, as far as they have waited long enough.
    pub rows: Vec<Planned>,
    /// The addresses whose rows go, now or as soon as they have waited.
    pub leaving: BTreeSet<IpAddr>,
    /// All addresses that have rows of ours.
    pub standing: BTreeSet<IpAddr>,
    /// What gives a part of an exclusion back.
    pub parts: Vec<Planned>,
    /// What gives a whole exclusion back.
    pub wholes: Vec<Planned>,
}

impl Removals {
    /// What may be done now, and what waits for a word. `confirmed` holds what a person has agreed to.
    pub fn split(self, confirmed: &BTreeSet<String>) -> (Vec<Planned>, Vec<Planned>) {
        let many = self.standing.len() >= ROWS && self.leaving.len() * 2 > self.standing.len();
        let (mut free, mut held) = (Vec::new(), Vec::new());
        for planned in self.rows {
            let said = confirmed.contains(&planned.write.to_string());
            if many && !said { &mut held } else { &mut free }.push(planned);
        }
        for planned in self.wholes {
            let said = confirmed.contains(&planned.write.to_string());
            if said { &mut free } else { &mut held }.push(planned);
        }
        free.extend(self.parts);
        (free, held)
    }
}

/// What a person writes to agree to exactly these writes.
pub fn hash(held: &[Planned]) -> String {
    let mut hasher = Sha256::new();
    for planned in held {
        hasher.update(planned.write.to_string());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let digits = digest[..DIGITS].iter();
    digits.fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
