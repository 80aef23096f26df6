//! Which versions are refused, which were seen to work, which have known holes. All of it is data, with its source.

use super::{PreRelease, Version};

#[cfg(test)]
mod tests;

/// Older versions are refused: CVE-2023-41570 lets REST requests bypass the `/ip/service` address list in 7.1–7.11.
pub const OLDEST_SUPPORTED: Version = Version::new(7, 12, 0);

/// A series of releases whose rows and refusals this crate's fixtures are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestedSeries {
    /// `(major, minor)`.
    pub series: (u32, u32),
    /// What was read on it.
    pub evidence: &'static str,
}

/// The tested list. A version outside of it may work; nobody has looked.
pub const TESTED: &[TestedSeries] = &[
    TestedSeries {
        series: (7, 20),
        evidence: "schema of CHR 7.20.8, REST laboratory reports on CHR 7.20",
    },
    TestedSeries {
        series: (7, 21),
        evidence: "row survey of an RB5009 on 7.21.5; schema of CHR 7.21.5",
    },
    TestedSeries {
        series: (7, 22),
        evidence: "schema of CHR 7.22.3, REST laboratory reports on CHR 7.22",
    },
    TestedSeries {
        series: (7, 23),
        evidence: "row shapes and every refusal's text measured on CHR 7.23.7",
    },
    TestedSeries {
        series: (7, 24),
        evidence: "schema of CHR 7.24, field notes on 7.24.4",
    },
];

/// A published security fault of RouterOS that concerns its REST service.
#[derive(Debug, PartialEq, Eq)]
pub struct Advisory {
    /// Its published name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
    /// The first fixed version of each series that got a fix, ascending. A series between two of them is not fixed;
    /// one above the last is.
    fixed_in: &'static [Version],
}

impl Advisory {
    /// Whether `version` has the fault.
    pub fn concerns(&self, version: &Version) -> bool {
        let same_series = self
            .fixed_in
            .iter()
            .find(|fixed| fixed.series() == version.series());
        let first_fixed = same_series.or(self.fixed_in.last());
        first_fixed.is_some_and(|fixed| version < fixed)
    }
}

/// The advisories that are worth a warning, oldest first.
pub const ADVISORIES: &[Advisory] = &[
    Advisory {
        name: "CVE-2025-10948",
        what: "a REST request can overflow the router's JSON parser; update to 7.20.1 or newer",
        fixed_in: &[
            Version::new(7, 20, 1),
            Version::pre_release(7, 21, PreRelease::Beta(2)),
        ],
    },
    Advisory {
        name: "MikroTik advisory of September 2026",
        what: "update to 7.23.4, 7.24.2 or newer",
        fixed_in: &[
            Version::new(7, 23, 4),
            Version::new(7, 24, 2),
            Version::pre_release(7, 25, PreRelease::Beta(3)),
        ],
    },
];

/// How releases between two versions differ from the others in something that this crate reads or writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Caveat {
    /// What is different, and what of it.
    pub what: &'static str,
    /// The first version with it.
    since: Version,
    /// The first version without it again, if there is one.
    before: Option<Version>,
}

impl Caveat {
    /// Whether `version` is one of them.
    pub fn concerns(&self, version: &Version) -> bool {
        *version >= self.since && self.before.as_ref().is_none_or(|before| version < before)
    }
}

/// What a person should know who looks at such a router, or at a plan for it.
pub const CAVEATS: &[Caveat] = &[
    Caveat {
        what: "static ARP rows on an interface with arp=reply-only are shown as invalid, and work all the same",
        since: OLDEST_SUPPORTED,
        before: Some(Version::new(7, 13, 2)),
    },
    Caveat {
        what: "it is not to be seen whether somebody works in Safe Mode: do not while anything is written",
        since: OLDEST_SUPPORTED,
        before: Some(SAFE_MODE),
    },
    Caveat {
        what: "REST can be switched off on its own in /ip/service/webserver, while the service still answers",
        since: Version::new(7, 21, 0),
        before: None,
    },
    Caveat {
        what: "a DHCP server with add-dns-entries makes names of its leases: names of Services may be among them",
        since: Version::new(7, 23, 0),
        before: None,
    },
];

/// The first version with the menu `/safe-mode`.
pub(crate) const SAFE_MODE: Version = Version::new(7, 18, 0);

/// What this crate makes of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// Older than [`OLDEST_SUPPORTED`]: refused.
    TooOld,
    /// Spoken to.
    Supported {
        /// Whether its series is in [`TESTED`].
        tested: bool,
        /// The advisories that concern it: reasons to warn.
        advisories: Vec<&'static Advisory>,
    },
}

impl Version {
    /// Whether it is of a series above all that are [`TESTED`]: what it does differently is not known yet.
    pub fn is_newer_than_tested(&self) -> bool {
        TESTED.iter().all(|tested| tested.series < self.series())
    }

    /// How it differs from other versions.
    pub fn caveats(&self) -> impl Iterator<Item = &'static Caveat> + '_ {
        CAVEATS.iter().filter(|caveat| caveat.concerns(self))
    }

    /// What this crate makes of this version.
    pub fn support(&self) -> Support {
        if *self < OLDEST_SUPPORTED {
            return Support::TooOld;
        }
        Support::Supported {
            tested: TESTED.iter().any(|tested| tested.series == self.series()) && !self.is_pre_release(),
            advisories: ADVISORIES
                .iter()
                .filter(|advisory| advisory.concerns(self))
                .collect(),
        }
    }
}
