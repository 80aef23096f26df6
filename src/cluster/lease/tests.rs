//! Who leads: the rules in a table, and two replicas on one API server.

use kube::api::Patch;
use lab::kube::LEASES;
use serde_json::json;

use super::*;
use crate::cluster::tests::{client, within, world};

fn lease(version: u32, holder: Option<&str>) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.resource_version = Some(version.to_string());
    lease.spec = Some(LeaseSpec {
        holder_identity: holder.map(str::to_owned),
        lease_duration_seconds: Some(15),
        ..LeaseSpec::default()
    });
    lease
}

#[test]
fn a_lease_is_taken_when_it_is_free_or_was_not_renewed() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut campaign = Campaign::new("me");
    assert_eq!(campaign.observe(None, at(0)), Step::Create);
    let mut campaign = Campaign::new("me");
    assert_eq!(campaign.observe(Some(&lease(1, None)), at(0)), Step::Take);
    assert!(!campaign.unclean, "it was given back");

    let mut campaign = Campaign::new("me");
    assert_eq!(
        campaign.observe(Some(&lease(1, Some("other"))), at(0)),
        Step::Wait
    );
    assert_eq!(
        campaign.observe(Some(&lease(2, Some("other"))), at(14)),
        Step::Wait
    );
    assert_eq!(
        campaign.observe(Some(&lease(2, Some("other"))), at(28)),
        Step::Wait,
        "renewed at 14"
    );
    assert_eq!(
        campaign.observe(Some(&lease(2, Some("other"))), at(29)),
        Step::Take
    );
    assert!(campaign.unclean);
    campaign.won(Step::Take, at(29));
    assert_eq!(campaign.leadership(), Leadership::Leading { unclean: true });
    assert_eq!(campaign.must_have_renewed_by(), Some(at(39)));
    assert_eq!(campaign.observe(Some(&lease(3, Some("me"))), at(31)), Step::Renew);
    campaign.won(Step::Renew, at(31));
    assert_eq!(campaign.leadership(), Leadership::Leading { unclean: true });
    assert_eq!(
        campaign.observe(Some(&lease(9, Some("other"))), at(33)),
        Step::Wait
    );
    assert_eq!(campaign.leadership(), Leadership::Following, "somebody took it");
}

#[test]
fn a_lease_of_our_own_name_was_left_by_a_process_that_died() {
    let mut campaign = Campaign::new("me");
    assert_eq!(
        campaign.observe(Some(&lease(7, Some("me"))), Instant::now()),
        Step::Take
    );
    assert!(campaign.unclean);
}

#[test]
fn transitions_are_counted_and_renewals_are_none() {
    let campaign = Campaign::new("me");
    let first = campaign.held(None);
    assert_eq!(
        (first.lease_transitions, first.lease_duration_seconds),
        (Some(0), Some(15))
    );
    let again = campaign.held(Some(&first));
    assert_eq!(
        (again.lease_transitions, &again.acquire_time),
        (Some(0), &first.acquire_time)
    );
    let other = Campaign::new("other").held(Some(&again));
    assert_eq!(other.lease_transitions, Some(1));
    assert_eq!(other.holder_identity.as_deref(), Some("other"));
}

#[tokio::test]
async fn of_two_replicas_one_leads_and_a_stop_hands_over() {
    let world = world().await;
    let (stop_a, stopped_a) = watch::channel(false);
    let (_stop_b, stopped_b) = watch::channel(false);
    let (mut a, elector_a) = elector("metallb-system", "tiklb-allocator", "a");
    let (mut b, elector_b) = elector("metallb-system", "tiklb-allocator", "b");
    let running_a = tokio::spawn(elector_a.run(world.client.clone(), stopped_a));
    within(a.wait_for(|a| *a == Leadership::Leading { unclean: false }))
        .await
        .unwrap();
    tokio::spawn(elector_b.run(client(&world.server).await, stopped_b));
    let leases = LEASES.in_namespace("metallb-system");
    assert_eq!(*b.borrow_and_update(), Leadership::Following);
    stop_a.send(true).unwrap();
    within(running_a).await.unwrap();
    assert_eq!(*a.borrow(), Leadership::Following);
    within(b.wait_for(|b| *b == Leadership::Leading { unclean: false }))
        .await
        .unwrap();
    let lease = world.judge.get(&leases, "tiklb-allocator").await.unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "b");
    assert_eq!(world.server.unsupported(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lease_that_somebody_takes_is_lost_at_the_next_look() {
    let world = world().await;
    let (_stop, stopped) = watch::channel(false);
    let (mut a, elector) = elector("metallb-system", "tiklb-allocator", "a");
    tokio::spawn(elector.run(world.client.clone(), stopped));
    within(a.wait_for(|a| *a != Leadership::Following)).await.unwrap();
    let api: Api<Lease> = Api::namespaced(world.client.clone(), "metallb-system");
    let thief = Patch::Merge(json!({"spec": {"holderIdentity": "thief"}}));
    api.patch("tiklb-allocator", &kube::api::PatchParams::default(), &thief)
        .await
        .unwrap();
    within(a.wait_for(|a| *a == Leadership::Following)).await.unwrap();
}

#[tokio::test]
async fn a_leader_that_cannot_renew_steps_down_before_the_lease_ends() {
    let world = world().await;
    let (_stop, stopped) = watch::channel(false);
    let (mut a, elector) = elector("metallb-system", "tiklb-allocator", "a");
    tokio::spawn(elector.run(world.client.clone(), stopped));
    within(a.wait_for(|a| *a != Leadership::Following)).await.unwrap();
    world.server.stop().await;
    let began = Instant::now();
    within(a.wait_for(|a| *a == Leadership::Following)).await.unwrap();
    assert!(began.elapsed() < DURATION, "{:?}", began.elapsed());
}
