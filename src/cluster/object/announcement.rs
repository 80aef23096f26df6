//! `ServiceL2Status`: who announces a Service.

use tiklb_core::allocator::Announcement;
use tiklb_core::model::{NodeName, ObjectKey};

use super::{Known, Stored, Verdict, addresses, key_of};
use crate::api::service_status::ServiceL2StatusStatus;
use crate::api::{Decoded, ServiceL2Status};

/// A record of who announces what. One whose status was not written yet says nothing, and is there all the same for the one
/// who writes it, or it would be made again and again and never be given one. MetalLB's own records have no addresses; they
/// stay until their speakers are gone.
pub fn announcement(Decoded(object): Decoded<ServiceL2Status>) -> Verdict<Known<Option<Announcement>>> {
    let object = match object {
        Ok(object) => object,
        Err(bad) => return Verdict::Unreadable(bad.error.to_string()),
    };
    let stored = Stored::of(&object.metadata, object.status.as_ref());
    let key = key_of(&object.metadata);
    let value = object.status.and_then(|status| said(key, status));
    Verdict::Keep(Known { value, stored })
}

fn said(key: ObjectKey, status: ServiceL2StatusStatus) -> Option<Announcement> {
    Some(Announcement {
        key,
        service: ObjectKey::new(status.service_namespace.unwrap_or_default(), status.service_name?),
        addresses: addresses(status.addresses.iter().map(String::as_str)),
        node: NodeName(status.node?.into()),
        mac: status.mac.and_then(|mac| mac.parse().ok()),
        epoch: status
            .epoch
            .and_then(|epoch| u64::try_from(epoch).ok())
            .unwrap_or_default(),
    })
}
