//! `AddressConflict`: an address that someone else uses.

use tiklb_core::allocator::Conflict;
use tiklb_core::ipam::Holder;

use super::{Known, Stored, Verdict, key_of};
use crate::api::{AddressConflict, AddressConflictStatus, Decoded};

/// How many witnesses a sentence names; the object lists all of them.
const WITNESSES: usize = 3;

/// A conflict. It holds its address from its creation on, before a status says who was seen.
pub fn conflict(Decoded(object): Decoded<AddressConflict>) -> Verdict<Known<Conflict>> {
    let object = match object {
        Ok(object) => object,
        Err(bad) => return Verdict::Unreadable(bad.error.to_string()),
    };
    let Ok(address) = object.spec.address.parse() else {
        let words = format!("spec.address: {:?} is not an IP address", object.spec.address);
        return Verdict::Unreadable(words);
    };
    let stored = Stored::of(&object.metadata, object.status.as_ref());
    let status = object.status.unwrap_or_default();
    let value = Conflict {
        key: key_of(&object.metadata),
        address,
        holder: Holder {
            evidence: evidence(&status),
            mac: status.mac.and_then(|mac| mac.parse().ok()),
            name: status.holder.filter(|name| !name.is_empty()),
        },
    };
    Verdict::Keep(Known { value, stored })
}

fn evidence(status: &AddressConflictStatus) -> String {
    let (named, more) = status.seen_by.split_at(status.seen_by.len().min(WITNESSES));
    match (named, more) {
        ([], _) => "see its AddressConflict".to_owned(),
        (named, []) => format!("seen by {}", named.join(", ")),
        (named, more) => format!("seen by {} and {} more", named.join(", "), more.len()),
    }
}
