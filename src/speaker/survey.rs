//! The records of this node's surveys, one Lease for each subnet: what the allocator's proof rests on.

use std::collections::BTreeMap;
use std::net::IpAddr;
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

/// Writes each round that ends, until nothing is published any more.
pub(super) async fn record(surveys: Surveys, node: NodeName, mut published: watch::Receiver<Arc<Published>>) {
    let mut written: BTreeMap<Ipv4Net, SurveyState> = BTreeMap::new();
    loop {
        let states = published.borrow_and_update().surveys.clone();
        written.retain(|subnet, _| states.contains_key(subnet));
        let mut failed = false;
        for (subnet, state) in states {
            if written
                .get(&subnet)
                .is_some_and(|before| before.ended == state.ended)
            {
                continue;
            }
            match surveys.write(&round(subnet, &state, &node)).await {
                Ok(()) => _ = written.insert(subnet, state),
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
        }
    }
}

fn round(subnet: Ipv4Net, state: &SurveyState, node: &NodeName) -> SurveyRound {
    let ended = Timestamp::from_second(state.ended.0).unwrap_or(Timestamp::UNIX_EPOCH);
    SurveyRound {
        subnet: IpNet::V4(subnet),
        node: node.clone(),
        covered: state.covered.clone(),
        occupied: state
            .occupied
            .keys()
            .map(|address| IpAddr::from(*address))
            .collect(),
        began: ended.checked_sub(state.took).unwrap_or(Timestamp::UNIX_EPOCH),
        ended,
    }
}
