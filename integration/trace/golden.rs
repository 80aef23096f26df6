//! The committed trace: compared with a run, or written anew by one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use similar::TextDiff;

/// The variable, and the one value that it has.
const WISH: (&str, &str) = ("TIKLB_GOLDEN", "renew");

/// How to renew, for whoever reads the difference.
const HOW: &str = "TIKLB_GOLDEN=renew cargo test --test golden";

/// Unchanged lines around a difference: enough to see whose step it is.
const CONTEXT: usize = 5;

/// What the run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Compare,
    Renew,
}

impl Purpose {
    /// What the environment wishes.
    ///
    /// # Errors
    /// With `CI=true` nothing is renewed: what CI has not compared nobody has read. An unknown wish is none.
    pub(super) fn from_environment() -> Result<Self> {
        let (variable, renew) = WISH;
        Self::of(
            env::var(variable).ok().as_deref(),
            env::var("CI").as_deref() == Ok("true"),
        )
        .with_context(|| {
            format!(
                "{variable} is either unset, and the trace is compared, or {renew}, and it is written anew"
            )
        })
    }

    fn of(wish: Option<&str>, ci: bool) -> Result<Self> {
        match wish {
            None | Some("") => Ok(Self::Compare),
            Some(wish) if wish == WISH.1 && ci => {
                bail!(
                    "with CI=true no trace is written anew: renew it where its difference is read, and commit it"
                )
            }
            Some(wish) if wish == WISH.1 => Ok(Self::Renew),
            Some(other) => bail!("{other:?} is no wish"),
        }
    }

    /// Compares the trace with the committed one, or puts it in its place.
    ///
    /// # Errors
    /// The difference and how to renew; a file that cannot be read or written.
    pub(super) fn carry_out(self, trace: &str) -> Result<()> {
        let file = file();
        if self == Self::Renew {
            let written = fs::write(&file, trace);
            written.with_context(|| format!("writing {}", file.display()))?;
            eprintln!(
                "{} is written anew: read its difference, then commit it",
                file.display()
            );
            return Ok(());
        }
        let committed = fs::read_to_string(&file);
        let committed = committed.with_context(|| format!("reading {}; {HOW} writes it", file.display()))?;
        compare(&committed, trace)
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/one-service.txt")
}

fn compare(committed: &str, trace: &str) -> Result<()> {
    let diff = TextDiff::from_lines(committed, trace);
    let mut diff = diff.unified_diff();
    let diff = diff
        .context_radius(CONTEXT)
        .header("integration/golden/one-service.txt, as committed", "this run");
    ensure!(
        committed == trace,
        "one Service does not go its way as the committed trace tells:\n\n{diff}\nIf this is what you meant, renew the trace and commit it with the change:\n  {HOW}"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
