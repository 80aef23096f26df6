//! What must not go without a person's word: most of our rows at once, or a whole exclusion.
//!
//! A cluster whose Services are all gone, or whose IPAddressPool is, may be one whose Git repository was emptied by
//! mistake. What is added meanwhile is added; what would be removed waits for `tiklb.io/confirm`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::write::{Planned, Write};
use crate::model::Uid;

/// Fewer reservations than this are removed without asking: a person who deletes two of three Services means it.
const ROWS: usize = 4;

/// Bytes of the hash that a person copies: enough that yesterday's word does not fit today's plan.
const DIGITS: usize = 4;

/// Removals that are remembered as agreed to, so that the status stays small (nine bytes each). What is beyond them is
/// asked for when they are done.
pub const MOST: usize = 1_000;

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
    /// What may be done now, and what waits for a word. `confirmed` holds the marks of what a person has agreed to.
    pub fn split(self, confirmed: &BTreeSet<String>) -> (Vec<Planned>, Vec<Planned>) {
        let many = self.standing.len() >= ROWS && self.leaving.len() * 2 > self.standing.len();
        let (mut free, mut held) = (Vec::new(), Vec::new());
        let has_word = |planned: &Planned| confirmed.contains(&mark(&planned.write));
        for planned in self.rows {
            let said = has_word(&planned);
            if many && !said { &mut held } else { &mut free }.push(planned);
        }
        for planned in self.wholes {
            let said = has_word(&planned);
            if said { &mut free } else { &mut held }.push(planned);
        }
        free.extend(self.parts);
        (free, held)
    }
}

/// What a person writes to agree to exactly these writes, once: `last` is the word that was taken before, and the object
/// of that name may be another one by then.
pub fn hash(object: &Uid, last: &str, held: &[&Planned]) -> String {
    let writes = held.iter().map(|planned| planned.write.to_string());
    let about = [object.0.clone(), last.to_owned()].into_iter();
    digits(about.chain(writes))
}

/// By what a removal is remembered that was agreed to.
pub fn mark(removal: &Write) -> String {
    digits([removal.to_string()])
}

fn digits(texts: impl IntoIterator<Item = String>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text);
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let digits = digest[..DIGITS].iter();
    digits.fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
