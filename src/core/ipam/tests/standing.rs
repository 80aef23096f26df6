//! What a Service has when it is decided about, and what of it stays.

use super::*;
use crate::ipam::request::FROM_POOL;
use crate::model::service::FamilyPolicy;

fn has(ingress: &[&str], from: &str, policy: FamilyPolicy) -> Service {
    let mut service = service("a");
    service.cluster_ips.push(ip("fd00:43::1"));
    service.family_policy = Some(policy);
    service.ingress = ingress.iter().map(|address| ip(address)).collect();
    service.annotations.insert(FROM_POOL.to_owned(), from.to_owned());
    service
}

fn addresses(decision: &Decision) -> Vec<String> {
    match &decision.outcome {
        Outcome::Assigned { addresses, .. } => addresses.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

const HOME: &[&str] = &["10.0.0.1-10.0.0.9", "fd00::1-fd00::9"];

/// Statuses as somebody may have left them, and the pools of today.
#[test]
fn of_a_status_stays_what_one_pool_has_and_what_an_unusable_one_may_have() {
    use FamilyPolicy::{PreferDualStack, RequireDualStack, SingleStack};
    let lab = &["10.1.0.1-10.1.0.9", "fd00:1::1-fd00:1::9"];
    for (ingress, policy, lab, expected, because) in [
        (
            &["10.0.0.5", "fd00::5"][..],
            PreferDualStack,
            lab.as_slice(),
            &["10.0.0.5", "fd00::5"][..],
            Because::AlreadyAssigned,
        ),
        // More than one of a family is no status of ours.
        (
            &["10.0.0.5", "10.0.0.6"],
            SingleStack,
            lab,
            &["10.0.0.5"],
            Because::AlreadyAssigned,
        ),
        // Of two pools that can be used the first one's stays.
        (
            &["10.0.0.5", "fd00:1::5"],
            PreferDualStack,
            lab,
            &["10.0.0.5", "fd00::1"],
            Because::FamilyAdded,
        ),
        (
            &["10.0.0.5", "fd00:1::5"],
            PreferDualStack,
            &["garbage"],
            &["10.0.0.5", "fd00:1::5"],
            Because::PoolUnusable,
        ),
        (
            &["fd00:1::5", "10.0.0.5"],
            PreferDualStack,
            &["garbage"],
            &["fd00:1::5", "10.0.0.5"],
            Because::PoolUnusable,
        ),
        (
            &["10.0.0.5", "fd00::5"],
            RequireDualStack,
            lab,
            &["10.0.0.5", "fd00::5"],
            Because::AlreadyAssigned,
        ),
    ] {
        let mut world = World::new(&[pool("home", HOME), pool("lab", lab)]);
        let decision = world.decide(&has(ingress, "lab", policy));
        assert_eq!(
            addresses(&decision),
            expected,
            "{ingress:?}: {}",
            decision.because
        );
        assert_eq!(decision.because, because, "{ingress:?}");
    }
}

#[test]
fn one_address_where_both_are_required_is_given_up() {
    let mut world = World::new(&[pool("four", &["10.0.0.1-10.0.0.9"])]);
    let decision = world.decide(&has(&["10.0.0.5"], "four", FamilyPolicy::RequireDualStack));
    assert_eq!(decision.outcome, Outcome::Pending, "{}", decision.because);
    assert!(
        decision.because.to_string().contains("spec.ipFamilies"),
        "{}",
        decision.because
    );
}
