//! Who leads: the rules in a table, and two replicas on one API server.

use kube::api::Patch;
use lab::apiserver::Verb;
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
        (Some(0), Some(13))
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
async fn of_two_replicas_one_leads_and_a_stop_hands_over_at_once() {
    let world = world().await;
    let (stop_a, stopped_a) = watch::channel(false);
    let (_stop_b, stopped_b) = watch::channel(false);
    let (mut a, elector_a) = elector("metallb-system", "tiklb-allocator", "a");
    let (mut b, elector_b) = elector("metallb-system", "tiklb-allocator", "b");
    let running_a = tokio::spawn(elector_a.run(world.client.clone(), stopped_a));
    within(a.wait_for(|a| a.leadership == Leadership::Leading { unclean: false }))
        .await
        .unwrap();
    tokio::spawn(elector_b.run(client(&world.server).await, stopped_b));
    let leases = LEASES.in_namespace("metallb-system");
    assert!(!b.borrow_and_update().leads());
    stop_a.send(true).unwrap();
    within(running_a).await.unwrap();
    assert!(!a.borrow().leads());
    within(b.wait_for(|b| b.leadership == Leadership::Leading { unclean: false }))
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
    within(a.wait_for(Standing::leads)).await.unwrap();
    let api: Api<Lease> = Api::namespaced(world.client.clone(), "metallb-system");
    let thief = Patch::Merge(json!({"spec": {"holderIdentity": "thief"}}));
    api.patch("tiklb-allocator", &kube::api::PatchParams::default(), &thief)
        .await
        .unwrap();
    within(a.wait_for(|a| !a.leads())).await.unwrap();
}

#[tokio::test]
async fn a_leader_that_cannot_renew_steps_down_before_the_lease_ends() {
    let world = world().await;
    let (_stop, stopped) = watch::channel(false);
    let (mut a, elector) = elector("metallb-system", "tiklb-allocator", "a");
    tokio::spawn(elector.run(world.client.clone(), stopped));
    within(a.wait_for(Standing::leads)).await.unwrap();
    world.server.stop().await;
    let began = Instant::now();
    within(a.wait_for(|a| !a.leads())).await.unwrap();
    assert!(began.elapsed() < DURATION, "{:?}", began.elapsed());
}

/// Nobody stops it.
fn never() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    std::mem::forget(stop);
    stopped
}

/// Two replicas of which `a` leads and `b` follows; `b`'s standing and `a`'s task.
async fn pair(
    world: &crate::cluster::tests::World,
) -> (watch::Receiver<Standing>, tokio::task::JoinHandle<()>) {
    let (mut a, elector_a) = elector("metallb-system", "tiklb-allocator", "a");
    let (b, elector_b) = elector("metallb-system", "tiklb-allocator", "b");
    let running = tokio::spawn(elector_a.run(world.client.clone(), never()));
    within(a.wait_for(Standing::leads)).await.unwrap();
    tokio::spawn(elector_b.run(client(&world.server).await, never()));
    (b, running)
}

#[tokio::test]
async fn a_standby_leads_within_fifteen_seconds_of_a_crash() {
    let world = world().await;
    let (mut b, running) = pair(&world).await;
    // The worst moment is just after a renewal: three of them show that the standby follows.
    let api: Api<Lease> = Api::namespaced(world.client.clone(), "metallb-system");
    let renewed = async |before: &Option<MicroTime>| loop {
        let lease = api.get("tiklb-allocator").await.unwrap();
        let at = lease.spec.and_then(|spec| spec.renew_time);
        if at != *before {
            return at;
        }
        tokio::task::yield_now().await;
    };
    let mut last = None;
    for _ in 0..3 {
        last = within(renewed(&last)).await;
    }
    running.abort();
    let began = Instant::now();
    within(b.wait_for(Standing::leads)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(b.borrow().leadership, Leadership::Leading { unclean: true });
}

#[tokio::test]
async fn a_lease_that_is_given_back_is_taken_at_once() {
    let world = world().await;
    let (mut b, running) = pair(&world).await;
    let requests = |verb| {
        let requests = world.server.requests();
        let of_leases = requests
            .iter()
            .filter(|request| request.resource.starts_with("leases"));
        of_leases.filter(|request| request.verb == verb).count()
    };
    let until = async |condition: &dyn Fn() -> bool| {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    within(until(&|| requests(Verb::Watch) == 2)).await;
    running.abort();
    // Just after a look of its own, the next of which is two seconds away.
    let looks = requests(Verb::Get);
    within(until(&|| requests(Verb::Get) > looks)).await;
    let api: Api<Lease> = Api::namespaced(world.client.clone(), "metallb-system");
    let given = Patch::Merge(json!({"spec": {"holderIdentity": null}}));
    let began = Instant::now();
    api.patch("tiklb-allocator", &kube::api::PatchParams::default(), &given)
        .await
        .unwrap();
    within(b.wait_for(Standing::leads)).await.unwrap();
    assert!(began.elapsed() < EVERY * 3 / 4, "{:?}", began.elapsed());
    assert_eq!(b.borrow().leadership, Leadership::Leading { unclean: false });
}

#[tokio::test]
async fn what_a_stopped_leader_left_queued_is_not_written_though_nobody_told_it() {
    let world = world().await;
    let (mut a, elector) = elector("metallb-system", "tiklb-allocator", "a");
    let tenure = elector.tenure();
    let running = tokio::spawn(elector.run(world.client.clone(), never()));
    within(a.wait_for(Standing::leads)).await.unwrap();
    let warrant = tenure.warrant(a.borrow().term);
    assert!(warrant.stands());
    assert!(warrant.left() <= RENEW_WITHIN);
    // The elector says nothing any more, as in a process that is stopped.
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let ended = async {
        while warrant.stands() {
            tokio::time::sleep(warrant.left()).await;
        }
    };
    within(ended).await;
    assert!(a.borrow().leads(), "nobody has said that it is over");
}
