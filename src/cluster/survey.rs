//! Records of surveys, each in the Lease of its subnet.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, PostParams};
use kube::{Client, Error};

use super::client::Chain;
use super::object::survey::SurveyRound;

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

    /// Writes a round into its subnet's Lease, whoever wrote there before.
    ///
    /// # Errors
    /// Why it is not written, in words.
    pub async fn write(&self, round: &SurveyRound) -> Result<(), String> {
        match tokio::time::timeout(TIMEOUT, self.put(round.lease(&self.namespace))).await {
            Ok(result) => result.map_err(|error| Chain(&error).to_string()),
            Err(_) => Err("no answer in 5 s".to_owned()),
        }
    }

    async fn put(&self, mut lease: Lease) -> Result<(), Error> {
        let name = lease.metadata.name.clone().unwrap_or_default();
        match self.api.get_opt(&name).await? {
            None => self.api.create(&PostParams::default(), &lease).await?,
            Some(stored) => {
                lease.metadata.resource_version = stored.metadata.resource_version;
                self.api.replace(&name, &PostParams::default(), &lease).await?
            }
        };
        Ok(())
    }
}
