//! Watches, line by line.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::Value;
use tokio::time::timeout;

use super::{Collection, Error, Kube, Patience, Result, with_query};

/// One line of a watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    pub kind: String,
    /// The object, or the `Status` of an error.
    pub object: Value,
}

/// A running watch.
#[derive(Debug)]
pub struct Watch {
    request: String,
    answer: reqwest::Response,
    buffer: Vec<u8>,
}

impl Kube {
    /// Begins a watch with query parameters such as `resourceVersion`, `timeoutSeconds` or `fieldSelector`.
    ///
    /// # Errors
    /// The watch was refused.
    pub async fn watch(&self, collection: impl Into<Collection>, query: &[(&str, &str)]) -> Result<Watch> {
        let query: Vec<(&str, &str)> = [("watch", "true")]
            .into_iter()
            .chain(query.iter().copied())
            .collect();
        let path = with_query(&collection.into().path(), &query);
        let mut patience = Patience::default();
        loop {
            let outcome = Box::pin(self.watch_once(&path)).await;
            if !patience.lasts(&outcome).await {
                return outcome;
            }
        }
    }

    async fn watch_once(&self, path: &str) -> Result<Watch> {
        let request = format!("GET {path}");
        let builder = self.request(Method::GET, path).header(ACCEPT, super::JSON);
        let sent = timeout(super::ANSWER, self.answer(&request, builder)).await;
        let answer = sent.map_err(|_| Error::Silent {
            request: request.clone(),
            bound: super::ANSWER,
        })??;
        let code = answer.status().as_u16();
        if code == 200 {
            return Ok(Watch {
                request,
                answer,
                buffer: Vec::new(),
            });
        }
        let status = timeout(super::ANSWER, answer.json()).await;
        Err(Error::refused(
            request,
            code,
            status.ok().and_then(std::result::Result::ok).unwrap_or_default(),
        ))
    }
}

impl Watch {
    /// The next line, or `None` where the server ended the watch.
    ///
    /// # Errors
    /// Nothing came within `bound`, or the connection broke.
    pub async fn next(&mut self, bound: Duration) -> Result<Option<Event>> {
        let request = self.request.clone();
        timeout(bound, self.line())
            .await
            .unwrap_or(Err(Error::Silent { request, bound }))
    }

    async fn line(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let mut line: Value = serde_json::from_slice(&line).map_err(|why| Error::Unreachable {
                    request: self.request.clone(),
                    why: format!("a line of the watch is no JSON: {why}"),
                })?;
                let kind = line["type"].as_str().unwrap_or_default().to_owned();
                return Ok(Some(Event {
                    kind,
                    object: line["object"].take(),
                }));
            }
            match self
                .answer
                .chunk()
                .await
                .map_err(|why| Error::unreachable(&self.request, why))?
            {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}
