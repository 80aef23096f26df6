//! Records of surveys, each in the Lease of its subnet, `tiklb-survey-192-168-1-0-24`, with the label `tiklb.io/survey`.
//!
//! | where | what |
//! |---|---|
//! | `spec.holderIdentity` | the node whose speaker wrote it last |
//! | `spec.acquireTime`, `spec.renewTime` | when the last complete round began, and when it ended |
//! | `tiklb.io/covered`, `tiklb.io/occupied` | the addresses that it asked for, and those that answered (`a-b,c`); empty before the first round |
//! | `tiklb.io/subnet` | the subnet (`192.168.1.0/24`) |
//! | `tiklb.io/gateways` | the next hops of the node's default routes that lie in it (`192.168.1.1,…`) |
//! | `tiklb.io/seen` | when a speaker last had an interface in it (RFC 3339) |
//!
//! In each IPv4 subnet the first speaker by name writes it: at its start, when the gateways change, after each round and
//! once an hour. A record that was not seen for 24 h is of a subnet that the nodes have left. All of it is annotations,
//! so that a reader of an earlier version, and one of an earlier record, lack nothing else.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use kube::{Client, Error};

use super::client::Chain;
use super::object::survey::SurveyRound;
use crate::api::annotation;

/// For one request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the records stand.
#[derive(Clone)]
pub struct Surveys {
    api: Api<Lease>,
    namespace: String,
}

impl Surveys {
    /// In tiklb's namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
        }
    }

    /// Writes a round into its subnet's Lease, whoever wrote there before. One that covered nothing only says what the
    /// subnet is: the last round that is on record stays.
    ///
    /// # Errors
    /// Why it is not written, in words.
    pub async fn write(&self, round: &SurveyRound) -> Result<(), String> {
        let lease = round.lease(&self.namespace);
        match tokio::time::timeout(TIMEOUT, self.put(lease, round.covered.is_empty())).await {
            Ok(result) => result.map_err(|error| Chain(&error).to_string()),
            Err(_) => Err("no answer in 5 s".to_owned()),
        }
    }

    async fn put(&self, mut lease: Lease, no_round: bool) -> Result<(), Error> {
        let name = lease.metadata.name.clone().unwrap_or_default();
        match self.api.get_opt(&name).await? {
            None => self.api.create(&PostParams::default(), &lease).await?,
            Some(stored) => {
                if no_round {
                    keep_round(&mut lease, &stored);
                }
                lease.metadata.resource_version = stored.metadata.resource_version;
                self.api.replace(&name, &PostParams::default(), &lease).await?
            }
        };
        Ok(())
    }
}

/// The round that is stored, in the place of none.
fn keep_round(lease: &mut Lease, stored: &Lease) {
    lease.spec.clone_from(&stored.spec);
    let before = stored.metadata.annotations.iter().flatten();
    let round =
        before.filter(|(name, _)| [annotation::COVERED, annotation::OCCUPIED].contains(&name.as_str()));
    let round = round.map(|(name, value)| (name.clone(), value.clone()));
    lease.metadata.annotations.get_or_insert_default().extend(round);
}

#[cfg(test)]
mod tests;
