//! Which RouterOS is simulated, and from which release each difference in its answers dates.
//!
//! Sources: the schemas of 7.12.2, 7.16.2, 7.20.8 and 7.24 (restraml), changelogs, and rows that others measured.
//! Where only "absent in A, present in B" is known, the first release known to have it is named.

use std::fmt;
use std::str::FromStr;

#[cfg(test)]
mod tests;

/// A release as numbers: major, minor, patch.
pub(crate) type Release = (u16, u16, u16);

/// REST is served over plain HTTP from 7.9; before it only over HTTPS (changelog).
pub(crate) const PLAIN_HTTP: Release = (7, 9, 0);
/// Absolute times are written `2006-01-02 15:04:05` from 7.10, `jan/02/2006 15:04:05` before (changelog).
pub(crate) const ISO_DATES: Release = (7, 10, 0);
/// `/ip/arp` has `status` from here: a row of 7.11.2 lacks it.
pub(crate) const ARP_STATUS: Release = (7, 12, 0);
/// `/ip/dhcp-server/lease` has `class-id` (schema of 7.16.2).
pub(crate) const LEASE_CLASS_ID: Release = (7, 16, 0);
/// `/ip/service` has `max-sessions` (changelog).
pub(crate) const SERVICE_MAX_SESSIONS: Release = (7, 16, 0);
/// A permanent ARP row on a `reply-only` interface is shown as invalid from here (7.4) …
pub(crate) const ARP_FALSE_INVALID: Release = (7, 4, 0);
/// … up to, and no longer in, this one (changelog of 7.13.2).
pub(crate) const ARP_FALSE_INVALID_FIXED: Release = (7, 13, 2);
/// `/ip/service` has a dynamic row for each living connection (schema of 7.21.5, rows of 7.23.7).
pub(crate) const SERVICE_CONNECTIONS: Release = (7, 21, 0);
/// `/ip/dns/static` shows `type` also for address records; before, their rows lack it (sources differ on 7.16 itself).
pub(crate) const DNS_STATIC_TYPE: Release = (7, 16, 0);
/// `/safe-mode` is a menu (changelog).
pub(crate) const SAFE_MODE: Release = (7, 18, 0);
/// There is REST (7.1beta4); `RouterOS` 6 has a web server without it.
pub(crate) const REST: Release = (7, 1, 0);
/// `/ip/pool` rows carry `total`, `used` and `available`.
pub(crate) const POOL_COUNTERS: Release = (7, 21, 0);
/// `/ip/arp` spells its flag `dhcp`; before it is `DHCP`.
pub(crate) const ARP_LOWERCASE_DHCP: Release = (7, 21, 0);
/// Leases carry `agent-circuit-id` and `agent-remote-id`, also as `active-…`.
pub(crate) const LEASE_AGENT_IDS: Release = (7, 21, 0);
/// `/ip/service/webserver` can switch REST off.
pub(crate) const WEBSERVER_TOGGLES: Release = (7, 21, 0);

/// A RouterOS version such as `7.20.8 (stable)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    release: Release,
    /// `beta2`, `rc1` or empty.
    stage: String,
    channel: String,
    /// Whether the patch number was written: RouterOS says `7.12`, not `7.12.0`.
    patch_shown: bool,
}

/// Why a text is not a RouterOS version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reading {0:?} as a RouterOS version: write it as 7.20.8, 7.24beta2 or \"7.20.8 (stable)\"")]
pub struct VersionError(String);

impl Version {
    /// Whether this version is `release` or newer. A beta counts as its release: it has the release's menus.
    pub(crate) fn has(&self, release: Release) -> bool {
        self.release >= release
    }

    /// The number alone, as `/system/routerboard` writes it: `7.20.8`.
    pub fn number(&self) -> String {
        let (major, minor, patch) = self.release;
        let patch = if self.patch_shown {
            format!(".{patch}")
        } else {
            String::new()
        };
        format!("{major}.{minor}{patch}{}", self.stage)
    }
}

impl Default for Version {
    /// 7.20.8: the newest release whose schema and fixes (CVE-2025-10948) are both known.
    fn default() -> Self {
        Self {
            release: (7, 20, 8),
            stage: String::new(),
            channel: "stable".into(),
            patch_shown: true,
        }
    }
}

impl fmt::Display for Version {
    /// As `/system/resource` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number(), self.channel)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| VersionError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Version> {
    let text = text.trim();
    let (number, channel) = match text.split_once(" (") {
        Some((number, channel)) => (number, Some(channel.strip_suffix(')')?)),
        None => (text, None),
    };
    let stage_at = number
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(number.len());
    let (digits, stage) = number.split_at(stage_at);
    let parts: Vec<u16> = digits.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let release = match parts[..] {
        [major, minor] => (major, minor, 0),
        [major, minor, patch] => (major, minor, patch),
        _ => return None,
    };
    let channel = channel.unwrap_or(if stage.is_empty() { "stable" } else { "testing" });
    Some(Version {
        release,
        stage: stage.to_owned(),
        channel: channel.to_owned(),
        patch_shown: parts.len() == 3,
    })
}
