//! What is said of addresses, of who has them, and of Services that lost theirs.

use super::*;
use crate::ipam::decision::Lost;
use crate::model::MacAddr;

fn holder(name: Option<&str>, last: Option<u8>) -> Holder {
    Holder {
        name: name.map(str::to_owned),
        mac: last.map(|last| MacAddr(2, 0, 0, 0, 0, last)),
        evidence: "seen".to_owned(),
    }
}

#[test]
fn whoever_has_an_address_or_is_meant_to_is_its_holder() {
    let nas = holder(Some("nas"), None);
    for (availability, expected) in [
        (Availability::Held(nas.clone()), Some(&nas)),
        (Availability::Reserved(nas.clone()), Some(&nas)),
        (Availability::OnRequest(nas.clone()), Some(&nas)),
        (Availability::Free, None),
        (Availability::Unproven("not read yet".to_owned()), None),
    ] {
        assert_eq!(availability.holder(), expected, "{availability:?}");
    }
}

/// Speakers see a MAC address; the router knows the name. Only the same device has that name.
#[test]
fn a_device_without_a_name_is_called_as_another_witness_knows_the_same_one() {
    let seen = holder(None, Some(1));
    let named = holder(Some("phone"), Some(1));
    for (first, other, expected) in [
        (&seen, Some(&named), &named),
        (&seen, None, &seen),
        (&seen, Some(&holder(Some("tv"), Some(2))), &seen),
        (&seen, Some(&holder(Some("tv"), None)), &seen),
        (&named, Some(&holder(Some("tv"), Some(1))), &named),
    ] {
        assert_eq!(&first.clone().or_known_as(other), expected, "{first} {other:?}");
    }
    // Two witnesses that know no name: the first one's word stays.
    let mut elsewhere = seen.clone();
    elsewhere.evidence = "in the ARP table".to_owned();
    assert_eq!(seen.clone().or_known_as(Some(&elsewhere)), seen);
}

#[test]
fn who_lost_an_address_is_told_where_to_look() {
    let by = ObjectKey::new("default", "b");
    let address = ip("192.168.1.200");
    let pool = "home".to_owned();
    for (lost, words) in [
        (Lost::OutsidePools, "its address is in no IPAddressPool any more"),
        (Lost::TwoPools, "its addresses are not in one IPAddressPool"),
        (
            Lost::NotServed { pool },
            "IPAddressPool home is not for it any more",
        ),
        (Lost::Families, "spec.ipFamilies"),
        (
            Lost::NotShared { address, by },
            "share 192.168.1.200 with Service default/b",
        ),
    ] {
        let then = Box::new(Because::NoPools);
        let said = Because::NoLongerAllowed { lost, then }.to_string();
        assert!(
            said.contains(words) && said.contains(", and no usable IPAddressPool"),
            "{said}"
        );
    }
}

/// Who waits is looked at again when something becomes free; the others are not.
#[test]
fn who_did_not_get_what_it_asks_for_waits_and_nobody_else() {
    let mut world = World::new(&[pool("tiny", &["10.0.0.4/32"])]);
    let mut other = service("other");
    other.class = Some("example.com/cloud".to_owned());
    let mut cluster_ip = service("first");
    cluster_ip.is_load_balancer = false;
    for (service, waits) in [
        (service("first"), false),
        (service("second"), true),
        (asking("first", "metallb.io/loadBalancerIPs", "10.9.9.9"), true),
        (asking("first", "metallb.io/loadBalancerIPs", "10.0.0.4"), false),
        (other, false),
        (cluster_ip, false),
    ] {
        let decision = world.decide(&service);
        assert_eq!(decision.waits(), waits, "{decision:?}");
    }
    let mut dual = service("dual");
    dual.cluster_ips.push(ip("fd00::1"));
    dual.family_policy = Some(crate::model::service::FamilyPolicy::PreferDualStack);
    dual.ingress = vec![ip("10.0.0.4")];
    let decision = world.decide(&dual);
    assert!(decision.waits(), "for its other address: {decision:?}");
}
