//! A rendered file, compared with the committed one.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use similar::TextDiff;

/// Set to 1 it writes committed files anew.
const UPDATE: &str = "TIKLB_UPDATE";
/// How a person does that.
const RENEWAL: &str = "TIKLB_UPDATE=1 cargo run -p lab -- chart";
/// A difference that is longer is another file.
const LINES: usize = 60;

/// Where the file is.
pub(super) struct Committed(pub(super) PathBuf);

impl Committed {
    /// Errs where the file is not this text, or writes it.
    pub(super) fn compare(&self, rendered: &str) -> Result<()> {
        let Self(file) = self;
        let committed = fs::read_to_string(file).unwrap_or_default();
        if committed == rendered {
            return Ok(());
        }
        if env::var(UPDATE).as_deref() == Ok("1") {
            fs::write(file, rendered).with_context(|| format!("writing {}", file.display()))?;
            println!("chart: wrote {}", file.display());
            return Ok(());
        }
        bail!(
            "{} is not what the chart renders: run `{RENEWAL}` and commit it\n{}",
            file.display(),
            difference(&committed, rendered)
        )
    }
}

/// What differs, as a person reads it.
pub(super) fn difference(before: &str, after: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    let unified = difference.unified_diff().context_radius(2).to_string();
    let lines: Vec<&str> = unified.lines().take(LINES).collect();
    lines.join("\n")
}
