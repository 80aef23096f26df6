//! Interfaces that nothing is announced on, by name.

use regex::RegexSet;

/// MetalLB's `announcedInterfacesToExclude`: interfaces of containers, tunnels and virtual machines.
pub const DEFAULT_EXCLUSIONS: [&str; 14] = [
    "^docker",
    "^cbr",
    "^dummy",
    "^virbr",
    "^lxcbr",
    "^veth",
    "^lo$",
    "^cali",
    "^tunl",
    "^flannel",
    "^kube-ipvs",
    "^cni",
    "^nodelocaldns",
    "^lxc",
];

/// Regular expressions, matched anywhere in an interface's name unless they are anchored (as MetalLB's).
#[derive(Debug, Clone)]
pub struct Exclusions(RegexSet);

/// A pattern that is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("the interface exclusions hold something that is no regular expression: correct or remove it")]
pub struct ExclusionError(#[from] regex::Error);

impl Exclusions {
    /// The interfaces whose name matches any of the patterns.
    ///
    /// # Errors
    /// One of them is no regular expression; the source says which and where.
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, ExclusionError> {
        Ok(Self(RegexSet::new(patterns)?))
    }

    /// Whether an interface of this name is left out.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl Default for Exclusions {
    /// MetalLB's list.
    fn default() -> Self {
        // A test compiles them, so that the empty set is never the result.
        Self(RegexSet::new(DEFAULT_EXCLUSIONS).unwrap_or_else(|_| RegexSet::empty()))
    }
}
