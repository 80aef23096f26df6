//! The records of this node's surveys, one Lease for each subnet: what the allocator's proof rests on, and what it knows of
//! the subnets' own addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use k8s_openapi::jiff::Timestamp;
use tiklb_core::model::NodeName;
use tiklb_core::speaker::{Published, SurveyState};
use tokio::sync::watch;

use crate::cluster::object::survey::SurveyRound;
use crate::cluster::survey::Surveys;

/// A record that was not written is written again after this: a new Service may wait for it.
const AGAIN: Duration = Duration::from_secs(2);

/// What is told at least so often: the allocator forgets a subnet that was not seen for a day.
const REFRESH: Duration = Duration::from_hours(1);

/// What is on record of a subnet: its gateways, and when the last round ended.
type Written = (BTreeSet<Ipv4Addr>, Option<tiklb_core::model::Timestamp>);

/// Writes each subnet and each round that ends, until nothing is published any more.
pub(super) async fn record(surveys: Surveys, node: NodeName, mut published: watch::Receiver<Arc<Published>>) {
    let mut written: BTreeMap<Ipv4Net, Written> = BTreeMap::new();
    let mut refresh = tokio::time::interval(REFRESH);
    loop {
        let now = published.borrow_and_update().clone();
        let subnets: BTreeSet<Ipv4Net> = now.networks.keys().chain(now.surveys.keys()).copied().collect();
        written.retain(|subnet, _| subnets.contains(subnet));
        let mut failed = false;
        for subnet in subnets {
            let state = now.surveys.get(&subnet);
            let gateways = now.networks.get(&subnet).cloned().unwrap_or_default();
            let wanted = (gateways, state.map(|state| state.ended));
            if written.get(&subnet) == Some(&wanted) {
                continue;
            }
            match surveys.write(&round(subnet, &wanted.0, state, &node)).await {
                Ok(()) => _ = written.insert(subnet, wanted),
                Err(why) => {
                    tracing::debug!(%subnet, "the survey's record was not written: {why}");
                    failed = true;
                }
            }
        }
        let again = async {
            if failed {
                tokio::time::sleep(AGAIN).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            changed = published.changed() => if changed.is_err() { return },
            () = again => {}
            _ = refresh.tick() => written.clear(),
        }
    }
}

fn round(
    subnet: Ipv4Net,
    gateways: &BTreeSet<Ipv4Addr>,
    state: Option<&SurveyState>,
    node: &NodeName,
) -> SurveyRound {
    let now = Timestamp::now();
    let ended = state.map_or(now, |state| {
        Timestamp::from_second(state.ended.0).unwrap_or(Timestamp::UNIX_EPOCH)
    });
    let took = state.map_or(Duration::ZERO, |state| state.took);
    let occupied = state.into_iter().flat_map(|state| state.occupied.keys());
    SurveyRound {
        subnet: IpNet::V4(subnet),
        gateways: gateways.clone(),
        seen: now,
        node: node.clone(),
        covered: state.map(|state| state.covered.clone()).unwrap_or_default(),
        occupied: occupied.map(|address| IpAddr::from(*address)).collect(),
        began: ended.checked_sub(took).unwrap_or(Timestamp::UNIX_EPOCH),
        ended,
    }
}
