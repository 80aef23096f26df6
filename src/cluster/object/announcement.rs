//! `ServiceL2Status`: who announces a Service.

use tiklb_core::allocator::Announcement;
use tiklb_core::model::{NodeName, ObjectKey};

use super::{Known, Stored, Verdict, addresses, key_of};
use crate::api::{Decoded, ServiceL2Status};

/// A record of who announces what. One whose status was not written yet says nothing. MetalLB's own records have no
/// addresses; they stay until their speakers are gone.
pub fn announcement(Decoded(object): Decoded<ServiceL2Status>) -> Verdict<Known<Announcement>> {
    let object = match object {
        Ok(object) => object,
        Err(bad) => return Verdict::Unreadable(bad.error.to_string()),
    };
    let stored = Stored::of(&object.metadata, object.status.as_ref());
    let status = object.status.unwrap_or_default();
    let (Some(node), Some(name)) = (status.node, status.service_name) else {
        return Verdict::Ignore;
    };
    let value = Announcement {
        key: key_of(&object.metadata),
        service: ObjectKey::new(status.service_namespace.unwrap_or_default(), name),
        addresses: addresses(status.addresses.iter().map(String::as_str)),
        node: NodeName(node),
        mac: status.mac.and_then(|mac| mac.parse().ok()),
        epoch: status
            .epoch
            .and_then(|epoch| u64::try_from(epoch).ok())
            .unwrap_or_default(),
    };
    Verdict::Keep(Known { value, stored })
}
