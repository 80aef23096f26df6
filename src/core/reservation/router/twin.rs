//! Other objects for the same router, and other boards at the same address.
//!
//! A rename in Git makes a second MikrotikRouter before the first is pruned. Both would take each other's rows for
//! surplus, and the deletion of the first would give back what the second needs: so the younger waits for the elder, and
//! an object that is deleted while another one stands for its router hands its record over instead of giving back.

use crate::config::object::{RouterMode, RouterObject, Taken};
use crate::model::ObjectKey;

/// What the other objects for the same router mean for this one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Twins {
    /// An older object stands for the router: this one does nothing on it.
    pub elder: Option<ObjectKey>,
    /// This object is being deleted, and that one takes its rows over.
    pub heir: Option<Heir>,
    /// What deleted objects took from the router, for this one to take over.
    pub inherits: Vec<Taken>,
}

/// Who takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heir {
    /// The object.
    pub key: ObjectKey,
    /// Its record.
    pub taken: Vec<Taken>,
    /// It will give back in its turn.
    pub finalizer: bool,
}

impl Heir {
    /// Whether everything that was taken is on its record, and it will give that back.
    pub fn has_taken_over(&self, taken: &[Taken]) -> bool {
        let has = |wanted: &Taken| {
            let mut own = self.taken.iter();
            own.any(|own| own.pool == wanted.pool && own.ranges.contains_all(&wanted.ranges))
        };
        self.finalizer && taken.iter().all(has)
    }
}

impl Twins {
    /// What `others` mean for `object`. A board is known by its serial number, or else by its url.
    pub fn of<'a>(object: &RouterObject, others: impl Iterator<Item = &'a RouterObject>) -> Self {
        let twins: Vec<&RouterObject> = others
            .filter(|other| other.key != object.key && is_twin(object, other))
            .collect();
        let living = twins.iter().filter(|twin| !twin.deleting);
        if object.deleting {
            let heir = living
                .filter(|twin| may_inherit(object, twin))
                .min_by_key(|twin| &twin.seniority);
            let heir = heir.map(|twin| Heir {
                key: twin.key.clone(),
                taken: twin.taken.clone(),
                finalizer: twin.finalizer,
            });
            return Self {
                heir,
                ..Self::default()
            };
        }
        let elder = living
            .filter(|twin| twin.seniority < object.seniority)
            .min_by_key(|twin| &twin.seniority);
        let elder = elder.map(|twin| twin.key.clone());
        let left = twins
            .iter()
            .filter(|twin| twin.deleting && elder.is_none() && may_inherit(twin, object));
        let inherits = left.fold(Vec::new(), |all, twin| {
            crate::reservation::record::merged(&all, &twin.taken)
        });
        Self {
            elder,
            heir: None,
            inherits,
        }
    }
}

fn is_twin(one: &RouterObject, other: &RouterObject) -> bool {
    let (Ok(a), Ok(b)) = (&one.spec, &other.spec) else {
        return false;
    };
    let plain = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
    plain(&a.url) == plain(&b.url) || (one.serial.is_some() && one.serial == other.serial)
}

/// Rows are marked with the cluster's name: an object of another name would not know them, and one that writes nothing
/// would not keep them.
fn may_inherit(from: &RouterObject, to: &RouterObject) -> bool {
    matches!((&from.spec, &to.spec), (Ok(a), Ok(b)) if a.cluster_name == b.cluster_name && b.mode == RouterMode::Enforce)
}

/// The boards that answered at one address, by their serial numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Boards {
    last: Option<String>,
    changes: u32,
}

impl Boards {
    pub(super) fn note(&mut self, serial: Option<&str>) {
        if self.last.as_deref() != serial && self.last.is_some() {
            self.changes = self.changes.saturating_add(1);
        }
        self.last = serial.map(str::to_owned);
    }

    /// Whether they take turns: there is more than one router behind the address.
    pub(super) fn alternate(&self) -> bool {
        self.changes > 1
    }
}
