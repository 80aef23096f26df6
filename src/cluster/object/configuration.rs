//! `ConfigurationState`: ours to write; read so that one that someone deletes is made anew.

use super::{Known, Stored, Verdict};
use crate::api::{ConfigurationState, Decoded};

/// A state. It says nothing that anybody here acts on.
pub fn configuration(Decoded(object): Decoded<ConfigurationState>) -> Verdict<Known<()>> {
    let stored = match &object {
        Ok(object) => Stored::of(&object.metadata, object.status.as_ref()),
        Err(bad) => Stored::undecoded(&bad.metadata),
    };
    Verdict::Keep(Known { value: (), stored })
}
