//! A person's yes.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context, Result};

/// Whether there is a person to ask.
pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on standard error; only `yes`, written out, is one.
///
/// # Errors
/// The terminal cannot be read.
pub(super) fn ask(question: &str) -> Result<bool> {
    eprint!("{question} Type yes to go on: ");
    std::io::stderr().flush().context("asking")?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("reading the answer")?;
    Ok(answer.trim() == "yes")
}
