//! `AddressReservation`.

use tiklb_core::config::object::{ReservationObject, ReservationSpec};

use super::{Known, Stored, Verdict, key_of, seniority_of};
use crate::api::{AddressReservation, Decoded};

/// A reservation; of one that cannot be decoded, why.
pub fn reservation(Decoded(object): Decoded<AddressReservation>) -> Verdict<Known<ReservationObject>> {
    let (metadata, spec, stored) = match object {
        Ok(object) => {
            let stored = Stored::of(&object.metadata, object.status.as_ref());
            let spec = ReservationSpec {
                address: object.spec.address,
                service: object.spec.service,
                note: object.spec.note,
            };
            (object.metadata, Ok(spec), stored)
        }
        Err(bad) => {
            let stored = Stored::undecoded(&bad.metadata);
            (bad.metadata, Err(bad.error.to_string()), stored)
        }
    };
    let key = key_of(&metadata);
    let value = ReservationObject {
        key: key.clone(),
        generation: metadata.generation.unwrap_or_default(),
        seniority: seniority_of(&metadata, &key),
        spec,
    };
    Verdict::Keep(Known { value, stored })
}
