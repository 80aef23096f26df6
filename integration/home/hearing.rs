//! Whether the speakers of a home know of each other.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use serde_json::Value;

use super::Home;
use crate::wait::until;

/// Where a speaker tells what it knows, asked from within its host.
const STATE: &str = "http://127.0.0.1:7472/debug/state";
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
        // reqwest wants a provider of TLS even for what needs none; an error means that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(ANSWER)
            .no_proxy()
            // A kept connection would lead to the node that it was opened in, whichever is asked.
            .pool_max_idle_per_host(0)
            .build()
            .context("making a client that asks the speakers")?;
        until("every speaker to hear every other", HEARD, async || {
            for node in self.node_names() {
                let asking = client.clone();
                let asked = async move { asking.get(STATE).send().await?.bytes().await };
                let answer = self.lan().host(node)?.call(asked).await?;
                let answer = answer.with_context(|| format!("asking the speaker of {node} what it knows"))?;
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
}
