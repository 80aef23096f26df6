//! The front page of the router's web server, which names the version to everybody.

use std::time::Duration;

use reqwest::{Client, Url};

use crate::client::Error;
use crate::value::{OLDEST_SUPPORTED, Version, quote};

#[cfg(test)]
mod tests;

/// How long the page may take: it is a hint, and the request that it explains has its own time limit.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much of the page is looked at: it names the version in its first lines.
const LOOKED_AT: usize = 64 * 1024;

/// What stands before the version on the page.
const BEFORE: &str = "RouterOS v";

/// Why there is no REST service at `address`, as far as the page at `front` tells.
pub(super) async fn explained(http: &Client, front: Url, address: String, why: String) -> Error {
    let version = tokio::time::timeout(PATIENCE, version(http, front)).await;
    match version.ok().flatten() {
        Some(version) if version.series() < (7, 0) => Error::NoRestBefore7(version),
        Some(version) if version < OLDEST_SUPPORTED => Error::TooOld(version),
        Some(version) => Error::NoRest {
            address,
            why: format!("{why}; its front page says RouterOS {version}"),
        },
        None => Error::NoRest { address, why },
    }
}

async fn version(http: &Client, front: Url) -> Option<Version> {
    let mut response = http.get(front).send().await.ok()?;
    let mut page = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        page.extend_from_slice(&chunk);
        if page.len() > LOOKED_AT {
            break;
        }
    }
    named(&String::from_utf8_lossy(&page))
}

/// The version that a page names.
fn named(page: &str) -> Option<Version> {
    let (_, after) = page.split_once(BEFORE)?;
    let end = after
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .unwrap_or(after.len());
    quote(&after[..end]).parse().ok()
}
