//! Which lines are logged: MetalLB's words, or tracing's directives.

use tracing_subscriber::filter::EnvFilter;

/// The longest text that is read, in bytes. People write a few directives.
const LONGEST: usize = 1_024;

/// The Kubernetes client complains of each failed request. While the API server is away, or refuses, each watch has
/// several a minute, and [`cluster`](crate::cluster) has said so once, with what to do. Whoever names it in a directive
/// sees it.
const CLIENT: &str = "kube_";
const QUIET: &str = ",kube_runtime=error,kube_client=error,kube_client::client::builder=off";

/// A text that is no log level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no log level ({why}): write all, debug, info, warn, error or none, or directives such as \
     info,tiklb::cluster=debug"
)]
pub struct InvalidLevel {
    text: String,
    why: String,
}

impl InvalidLevel {
    /// The text is shortened: it may be anything.
    pub(super) fn new(text: &str, why: &str) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            why: why.to_owned(),
        }
    }
}

/// Reads a level. A single word concerns what tiklb says: libraries stay a level or two quieter, or their lines would
/// bury ours. Directives are taken as they are.
pub(super) fn parse(text: &str) -> Result<EnvFilter, InvalidLevel> {
    if text.len() > LONGEST {
        return Err(InvalidLevel::new(text, "it is longer than 1,024 bytes"));
    }
    let word = text.trim().to_lowercase();
    let directives = match word.as_str() {
        "" => return Err(InvalidLevel::new(text, "it is empty")),
        "all" | "trace" => "debug,tiklb=trace,routeros=trace",
        "debug" => "info,tiklb=debug,routeros=debug",
        "info" => "warn,tiklb=info,routeros=info",
        "none" => "off",
        _ => {
            if let Some(unknown) = unknown_word(text) {
                let why = format!("{unknown:?} is neither a level nor target=level");
                return Err(InvalidLevel::new(text, &why));
            }
            text.trim()
        }
    };
    let mut directives = directives.to_owned();
    if !directives.contains(CLIENT) {
        directives.push_str(QUIET);
    }
    EnvFilter::builder()
        // A directive may compare fields; with a regular expression that could cost any time on every line.
        .with_regex(false)
        .parse(&directives)
        .map_err(|error| InvalidLevel::new(text, &error.to_string()))
}

/// A directive that is only a word and no level: tracing would take `inof` for the name of a module, and log nothing
/// else from then on.
fn unknown_word(text: &str) -> Option<&str> {
    // Commas stand between fields, too, where spans are named; then the text was not written in haste.
    if text.contains('[') {
        return None;
    }
    let is_level = |word: &&str| {
        ["off", "error", "warn", "info", "debug", "trace"]
            .iter()
            .any(|level| word.eq_ignore_ascii_case(level))
    };
    let words = text.split(',').map(str::trim);
    words
        .filter(|word| !word.contains('='))
        .find(|word| !is_level(word))
}
