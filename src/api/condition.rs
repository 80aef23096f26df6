//! Conditions: their types, and for each type the closed list of its reasons with what a person should do.

pub mod configuration;
pub mod router;

use std::fmt::Debug;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody could look yet.
    Unknown,
}

impl Status {
    /// The word that Kubernetes has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A reason out of the closed list of one condition type. The reason decides the status, so that the two cannot
/// contradict each other.
pub trait Reason: Copy + Debug + Sized + 'static {
    /// The condition's `type`.
    const CONDITION: &'static str;
    /// Every reason there is.
    const ALL: &'static [Self];

    /// The reason as it stands in the condition.
    fn as_str(self) -> &'static str;
    /// The status that it stands for.
    fn status(self) -> Status;
    /// What it means and what a person should do.
    fn advice(self) -> &'static str;

    /// The list, free of the type.
    fn known() -> Vec<Known> {
        let known = |reason: &Self| Known {
            condition: Self::CONDITION,
            reason: reason.as_str(),
            status: reason.status(),
            advice: reason.advice(),
        };
        Self::ALL.iter().map(known).collect()
    }

    /// The condition that says so since `now`. `message` is what was seen, in words that name the fix.
    fn condition(self, message: impl Into<String>, generation: Option<i64>, now: Time) -> Condition {
        Condition {
            type_: Self::CONDITION.to_owned(),
            status: self.status().as_str().to_owned(),
            reason: self.as_str().to_owned(),
            message: message.into(),
            observed_generation: generation,
            last_transition_time: now,
        }
    }
}

/// One reason of one condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The condition's `type`.
    pub condition: &'static str,
    /// The reason.
    pub reason: &'static str,
    /// The status that goes with it.
    pub status: Status,
    /// What it means and what a person should do.
    pub advice: &'static str,
}

/// A closed list of reasons: each with its status and the sentence that is both its documentation and its advice.
macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident of $condition:literal { $($variant:ident: $status:ident, $advice:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $advice] $variant,)+
        }

        impl $crate::api::condition::Reason for $name {
            const CONDITION: &'static str = $condition;
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                }
            }

            fn status(self) -> $crate::api::condition::Status {
                match self {
                    $(Self::$variant => $crate::api::condition::Status::$status,)+
                }
            }

            fn advice(self) -> &'static str {
                match self {
                    $(Self::$variant => $advice,)+
                }
            }
        }
    };
}
use reasons;

#[cfg(test)]
mod tests;
