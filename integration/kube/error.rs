//! What can go wrong between a judge and an API server.

use std::time::Duration;

use serde_json::Value;

/// No pause is longer, in seconds: every call of a judge has a bound.
const LONGEST_PAUSE: u64 = 5;

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be made.
    #[error("preparing a client for {url}: {why}: is the CA a PEM certificate?")]
    Access {
        /// Where the server is.
        url: String,
        /// What was wrong.
        why: anyhow::Error,
    },
    /// No answer came.
    #[error("{request}: no answer from the API server: {why}")]
    Unreachable {
        /// Method and path.
        request: String,
        /// What was wrong, down to its cause.
        why: String,
    },
    /// The server answered with a failure.
    #[error("{request}: refused with {code} {reason}: {message}")]
    Refused {
        /// Method and path.
        request: String,
        /// HTTP status code.
        code: u16,
        /// `metav1.StatusReason`.
        reason: String,
        /// What the server says.
        message: String,
        /// The whole `Status`.
        status: Box<Value>,
    },
    /// A watch was silent for longer than it was waited for.
    #[error("{request}: nothing came within {bound:?}")]
    Silent {
        /// Method and path.
        request: String,
        /// How long was waited.
        bound: Duration,
    },
    /// What was waited for did not come about.
    #[error("waited {bound:?} for {what}: {about} never was so. Last seen: {last}")]
    NotSeen {
        /// How long was waited.
        bound: Duration,
        /// What was waited for.
        what: String,
        /// Which object.
        about: String,
        /// The object when it was last seen, or why it was not.
        last: String,
    },
}

impl Error {
    pub(super) fn unreachable(request: &str, why: reqwest::Error) -> Self {
        let why = format!("{:#}", anyhow::Error::new(why));
        Self::Unreachable {
            request: request.to_owned(),
            why,
        }
    }

    pub(super) fn refused(request: String, code: u16, status: Value) -> Self {
        let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
        Self::Refused {
            request,
            code,
            reason: text("reason"),
            message: text("message"),
            status: Box::new(status),
        }
    }

    /// HTTP status code of a refusal.
    pub fn code(&self) -> Option<u16> {
        if let Self::Refused { code, .. } = self {
            Some(*code)
        } else {
            None
        }
    }

    /// When to ask again, where the server refused with 429 and so did nothing. A second where it names no time.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused {
                code: 429, status, ..
            } => {
                let named = status["details"]["retryAfterSeconds"].as_u64();
                Some(Duration::from_secs(named.unwrap_or(1).min(LONGEST_PAUSE)))
            }
            _ => None,
        }
    }

    /// Reason of a refusal, such as `Conflict`.
    pub fn reason(&self) -> Option<&str> {
        if let Self::Refused { reason, .. } = self {
            Some(reason)
        } else {
            None
        }
    }
}
