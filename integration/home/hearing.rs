//! What tiklb's processes tell at their own port, asked from within their hosts: whether the speakers of a home know of each
//! other, and what is measured.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use serde_json::Value;

use super::Home;
use super::daemon::CONTROL_HOST;
use crate::wait::until;

/// Where a process tells what it knows.
const STATE: &str = "http://127.0.0.1:7472/debug/state";
/// Where it tells what Prometheus asks for.
const METRICS: &str = "http://127.0.0.1:7472/metrics";
/// One answer on loopback.
const ANSWER: Duration = Duration::from_secs(5);
/// A heartbeat a tenth of a second; a speaker that has just started takes a second or two.
const HEARD: Duration = Duration::from_secs(20);

impl Home {
    /// Waits until every speaker hears every other: before, a failover would be another one than in a home that stands.
    ///
    /// # Errors
    /// A speaker does not answer, or hears too few.
    pub async fn all_hear_each_other(&self) -> Result<()> {
        let client = client()?;
        until("every speaker to hear every other", HEARD, async || {
            for node in self.node_names() {
                let answer = self.told(&client, node, STATE).await?;
                let state: Value = serde_json::from_slice(&answer)
                    .with_context(|| format!("reading what the speaker of {node} answers"))?;
                let heard = state["heard"].as_array().into_iter().flatten();
                let heard: Vec<&str> = heard.filter_map(Value::as_str).collect();
                let others = self.node_names().filter(|other| *other != node);
                let missing: Vec<&str> = others.filter(|other| !heard.contains(other)).collect();
                ensure!(missing.is_empty(), "{node} does not hear {missing:?}");
            }
            Ok(())
        })
        .await
    }

    /// What the allocator shows to Prometheus, and what every speaker shows.
    ///
    /// # Errors
    /// One of them does not answer.
    pub async fn metrics(&self) -> Result<Vec<String>> {
        let client = client()?;
        let mut all = Vec::new();
        for host in [CONTROL_HOST].into_iter().chain(self.node_names()) {
            let answer = self.told(&client, host, METRICS).await?;
            all.push(String::from_utf8(answer).with_context(|| format!("the metrics of {host}"))?);
        }
        Ok(all)
    }

    async fn told(&self, client: &Client, host: &str, url: &'static str) -> Result<Vec<u8>> {
        let asking = client.clone();
        let asked = async move { asking.get(url).send().await?.error_for_status()?.bytes().await };
        let answer = self.lan().host(host)?.call(asked).await?;
        let answer = answer.with_context(|| format!("asking tiklb on {host} for {url}"))?;
        Ok(answer.to_vec())
    }
}

fn client() -> Result<Client> {
    // reqwest wants a provider of TLS even for what needs none; an error means that the program has one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(ANSWER)
        .no_proxy()
        // A kept connection would lead to the host that it was opened in, whichever is asked.
        .pool_max_idle_per_host(0)
        .build()
        .context("making a client that asks tiklb's processes")
}
