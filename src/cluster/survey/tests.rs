//! A record that says what a subnet is takes nothing away from the round that is on record.

use k8s_openapi::jiff::Timestamp;
use lab::kube::LEASES;
use tiklb_core::model::{NodeName, RangeSet};

use super::*;
use crate::cluster::tests::world;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn round(covered: &str, seen: &str) -> SurveyRound {
    SurveyRound {
        subnet: "192.168.1.0/24".parse().unwrap(),
        gateways: ["192.168.1.1".parse().unwrap()].into(),
        seen: time(seen),
        node: NodeName::from("n1"),
        covered: covered.parse().unwrap(),
        occupied: RangeSet::new(),
        began: time("2026-01-01T00:00:00Z"),
        ended: time("2026-01-01T00:00:05Z"),
    }
}

#[tokio::test]
async fn what_a_subnet_is_leaves_the_last_round_on_record() {
    let world = world().await;
    let surveys = Surveys::new(world.client.clone(), "metallb-system");
    let stored = async || {
        let leases = LEASES.in_namespace("metallb-system");
        world
            .judge
            .get(leases, "tiklb-survey-192-168-1-0-24")
            .await
            .unwrap()
    };
    let empty = SurveyRound {
        ended: time("2026-01-01T01:00:00Z"),
        ..round("", "2026-01-01T01:00:00Z")
    };
    surveys.write(&empty).await.unwrap();
    let first = stored().await;
    assert_eq!(
        first["metadata"]["annotations"]["tiklb.io/subnet"],
        "192.168.1.0/24"
    );
    assert_eq!(first["metadata"]["annotations"]["tiklb.io/covered"], "");
    let whole = round("192.168.1.200-192.168.1.205", "2026-01-01T00:00:05Z");
    surveys.write(&whole).await.unwrap();
    let before = stored().await;
    surveys.write(&empty).await.unwrap();
    let after = stored().await;
    assert_eq!(after["spec"], before["spec"], "the round's times");
    let said = &after["metadata"]["annotations"];
    assert_eq!(said["tiklb.io/covered"], "192.168.1.200-192.168.1.205");
    assert_eq!(said["tiklb.io/seen"], "2026-01-01T01:00:00Z");
    assert_eq!(said["tiklb.io/gateways"], "192.168.1.1");
}
