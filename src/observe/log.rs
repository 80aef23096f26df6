//! The log: lines for people, or JSON for machines, to standard output.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is no log format: write text or json")),
        }
    }
}

/// A filter that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no log level: write error, warn, info, debug, all or none, or directives such as info,tiklb::cluster=debug ({why})"
)]
pub struct InvalidLevel {
    text: String,
    why: String,
}

/// Changes what is logged while the process runs.
#[derive(Debug, Clone)]
pub struct Level(reload::Handle<EnvFilter, Registry>);

impl Level {
    /// From now on.
    ///
    /// # Errors
    /// The text is no filter; the one before stays.
    pub fn set(&self, text: &str) -> Result<(), InvalidLevel> {
        let filter = filter(text)?;
        self.0.reload(filter).map_err(|error| InvalidLevel {
            text: text.to_owned(),
            why: error.to_string(),
        })
    }

    /// The filter in force.
    pub fn get(&self) -> String {
        self.0.with_current(ToString::to_string).unwrap_or_default()
    }
}

/// Reads a level: MetalLB's words, or directives.
///
/// # Errors
/// The text is neither.
pub fn filter(text: &str) -> Result<EnvFilter, InvalidLevel> {
    let directives = match text.trim() {
        // MetalLB's words for everything and nothing.
        "all" => "trace",
        "none" => "off",
        other => other,
    };
    EnvFilter::builder()
        .parse(directives)
        .map_err(|error| InvalidLevel {
            text: text.to_owned(),
            why: error.to_string(),
        })
}

/// Begins to log, once in a process.
///
/// # Errors
/// The level is none.
pub fn start(level: &str, format: Format) -> Result<Level, InvalidLevel> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match format {
        Format::Text => registry
            .with(
                fmt::layer()
                    .with_target(false)
                    .with_ansi(std::io::stdout().is_terminal()),
            )
            .try_init(),
        Format::Json => registry.with(fmt::layer().json().flatten_event(true)).try_init(),
    };
    begun.map_err(|error| InvalidLevel {
        text: level.to_owned(),
        why: error.to_string(),
    })?;
    Ok(Level(handle))
}
