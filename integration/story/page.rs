//! Pages of the documentation as scripts: what a person reads there is what is played.

use std::fs;

use anyhow::{Context as _, Result};

use crate::home::deployed;

/// What stands in a block of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// To be typed at a shell.
    Shell,
    /// To be applied.
    Yaml,
}

/// The text of a page, by its path in the repository.
pub(super) fn read(page: &str) -> Result<String> {
    let file = deployed("..").join(page);
    fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

/// The blocks under a heading, down to the next one.
pub(super) fn blocks(page: &str, heading: &str, of: Block) -> Result<Vec<String>> {
    let from = format!("\n## {heading}\n");
    let (_, section) = page
        .split_once(&from)
        .with_context(|| format!("no heading {heading:?}"))?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let fence = match of {
        Block::Shell => "```sh\n",
        Block::Yaml => "```yaml\n",
    };
    let blocks = section.split(fence).skip(1);
    let text = |block: &str| block.split("```").next().unwrap_or_default().to_owned();
    Ok(blocks.map(text).collect())
}
