//! What the speakers say of themselves, where they can be reached: detection times, last moves, who disputes an address.
//!
//! Each is asked once at its `/debug/state`, all at once and for a moment only. The API alone tells who announces what; a
//! speaker that cannot be reached from here is no fault, and is said.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Args;
use futures::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

use super::speaker::PEERS;
use super::view::{View, first};
use crate::cluster::object::pod::SpeakerPod;

/// On the LAN an answer takes a millisecond; a person waits no longer for one that does not come.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The list of the Pods. Where an account may not read it nothing would ever come.
const LIST: Duration = Duration::from_secs(3);
/// Asked at the same time.
const AT_ONCE: usize = 32;
/// A cluster of the design's size has 50; of more the first by name are asked.
const MOST: usize = 128;
/// A state of a thousand addresses has half a megabyte.
const LONGEST: usize = 4 * 1024 * 1024;

/// Where the speakers are asked.
#[derive(Debug, Clone, Args)]
pub(super) struct Speakers {
    /// The port of the speakers' --admin-listen, where they are asked for detection times and last moves; 0 asks none
    #[arg(long, env = "TIKLB_SPEAKER_PORT", value_name = "PORT", default_value_t = 7472)]
    speaker_port: u16,

    /// Finds the Pods of the speakers
    #[arg(long, env = "TIKLB_PEER_SELECTOR", value_name = "LABELS", default_value = PEERS)]
    peer_selector: String,
}

/// What came of asking them.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// By node, what it said, or why nothing was heard.
    pub(super) speakers: BTreeMap<String, Result<Said, String>>,
    /// Why nobody was asked.
    pub(super) nobody: Option<String>,
}

/// What a speaker said.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Said {
    pub(super) announces: BTreeMap<IpAddr, Announced>,
    pub(super) heard: Vec<String>,
    pub(super) missing: Vec<String>,
    pub(super) stands_in_for: BTreeMap<IpAddr, String>,
    pub(super) disputed: BTreeMap<IpAddr, Disputed>,
    /// The last one first.
    pub(super) moves: Vec<Moved>,
    /// How long the kernel of a node may be silent before this speaker takes it for gone.
    pub(super) detection_milliseconds: BTreeMap<String, u64>,
}

/// What a speaker announces.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Announced {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) because: String,
}

/// Who else speaks for an address.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Disputed {
    pub(super) stranger: Option<String>,
    pub(super) nodes: Vec<String>,
}

/// A speaker began or ceased to announce an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moved {
    /// In RFC 3339, so that the order of the texts is that of the times.
    pub(super) at: String,
    pub(super) address: IpAddr,
    pub(super) began: bool,
    pub(super) because: String,
}

impl Disputed {
    /// Who they are, for a person.
    pub(super) fn others(&self) -> Vec<String> {
        let stranger = self.stranger.iter().map(|mac| format!("the device {mac}"));
        let nodes = self.nodes.iter().map(|node| format!("node {node}"));
        stranger.chain(nodes).collect()
    }
}

impl Moved {
    /// What it did, for a person.
    pub(super) const fn what(&self) -> &'static str {
        if self.began { "began" } else { "ceased" }
    }
}

impl Heard {
    /// What the speaker of a node said, if it answered.
    pub(super) fn of(&self, node: &str) -> Option<&Said> {
        self.speakers.get(node)?.as_ref().ok()
    }

    /// Those that answered.
    pub(super) fn answers(&self) -> impl Iterator<Item = (&str, &Said)> {
        let answered = self.speakers.iter();
        answered.filter_map(|(node, said)| Some((node.as_str(), said.as_ref().ok()?)))
    }

    /// The last moves that fit, the last one first, each with its node.
    pub(super) fn moves(&self, fits: impl Fn(&Moved) -> bool) -> Vec<(&str, &Moved)> {
        let all = self.answers();
        let all = all.flat_map(|(node, said)| said.moves.iter().map(move |moved| (node, moved)));
        let mut found: Vec<_> = all.filter(|(_, moved)| fits(moved)).collect();
        found.sort_by(|(one, a), (other, b)| (&b.at, b.began, one).cmp(&(&a.at, a.began, other)));
        found
    }

    /// Who watches a node, and after how long each would take it for gone.
    pub(super) fn watchers(&self, node: &str) -> Vec<(&str, Duration)> {
        let told = self.answers().filter_map(|(by, said)| {
            let milliseconds = said.detection_milliseconds.get(node)?;
            Some((by, Duration::from_millis(*milliseconds)))
        });
        told.collect()
    }

    /// Who was not heard and why, for a person; `None` where all were.
    pub(super) fn unheard(&self) -> Option<String> {
        if let Some(nobody) = &self.nobody {
            return Some(format!("speakers were not asked: {nobody}"));
        }
        let silent: Vec<String> = self
            .speakers
            .iter()
            .filter_map(|(node, said)| Some(format!("{node} ({})", said.as_ref().err()?)))
            .collect();
        (!silent.is_empty()).then(|| format!("not heard from here: {}", silent.join(", ")))
    }
}

impl Speakers {
    /// Asks all of them.
    pub(super) async fn ask(&self, view: &View) -> Heard {
        if self.speaker_port == 0 {
            return Heard::nobody("--speaker-port is 0");
        }
        let listed = first(view.source.speakers(&self.peer_selector), "Pods of speakers");
        match tokio::time::timeout(LIST, listed).await {
            Ok(Ok(pods)) if pods.is_empty() => Heard::nobody("no Pod has the labels of --peer-selector"),
            Ok(Ok(pods)) => ask(&pods, self.speaker_port).await,
            Ok(Err(error)) => Heard::nobody(&error.to_string()),
            Err(_) => Heard::nobody("their Pods could not be listed: kubectl auth can-i list pods -A"),
        }
    }
}

impl Heard {
    fn nobody(why: &str) -> Self {
        Self {
            nobody: Some(why.to_owned()),
            ..Self::default()
        }
    }
}

async fn ask(pods: &[SpeakerPod], port: u16) -> Heard {
    let mut known: BTreeMap<String, IpAddr> = BTreeMap::new();
    for pod in pods {
        if let Some(address) = pod.addresses.first()
            && (pod.ready || !known.contains_key(&*pod.node.0))
        {
            known.insert(pod.node.to_string(), *address);
        }
    }
    let asked = known.into_iter().take(MOST).map(|(node, address)| async move {
        let address = SocketAddr::new(address, port);
        let said = tokio::time::timeout(PATIENCE, state(address)).await;
        let said = said.unwrap_or_else(|_| Err(format!("{address} did not answer")));
        (node, said)
    });
    Heard {
        speakers: futures::stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await,
        nobody: None,
    }
}

/// What a speaker says of itself.
async fn state(address: SocketAddr) -> Result<Said, String> {
    let client: Client<HttpConnector, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let request = Request::get(format!("http://{address}/debug/state"))
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    let answer = client.request(request).await;
    let answer = answer.map_err(|_| format!("{address} cannot be reached"))?;
    if answer.status() != StatusCode::OK {
        return Err(format!("{address} answered {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), LONGEST).collect().await;
    let body = body
        .map_err(|_| format!("{address} broke its answer off"))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|_| format!("{address} is no speaker of this version"))
}

#[cfg(test)]
mod tests;
