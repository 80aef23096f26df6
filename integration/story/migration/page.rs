//! `docs/migrate-from-metallb.md` as a script: what a person reads there is what is played here.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::home::Home;
use crate::page::{self, Block};
use crate::peers::metallb::Metallb;
use crate::story::desk::tools;

/// What stands on the page, and comes out of MetalLB's Go module here: nothing is fetched.
const CHART: &str = "metallb/metallb --version 0.15.2";
const MANIFEST: &str =
    "https://raw.githubusercontent.com/metallb/metallb/v0.15.2/config/manifests/metallb-native.yaml";

/// The page, and a person with the programs that it names.
pub(super) struct Page {
    text: String,
    /// The repository, in which the page's paths begin.
    folder: PathBuf,
    tools: TempDir,
}

impl Page {
    pub(super) fn open(home: &Home, metallb: &Metallb) -> Result<Self> {
        let text = page::read("docs/migrate-from-metallb.md")?;
        ensure!(
            text.contains(CHART) && text.contains(MANIFEST),
            "the page is about another MetalLB than {}",
            metallb.version
        );
        let text = text
            .replace(CHART, &metallb.chart.display().to_string())
            .replace(MANIFEST, &metallb.manifest.display().to_string());
        Ok(Self {
            text,
            folder: page::repository()?,
            tools: tools(home)?,
        })
    }

    /// The commands of the blocks under a heading, block by block and line by line.
    pub(super) fn blocks(&self, heading: &str) -> Result<Vec<Vec<String>>> {
        let blocks = page::blocks(&self.text, heading, Block::Shell)?;
        let lines = |block: &String| block.lines().map(str::to_owned).collect();
        Ok(blocks.iter().map(lines).collect())
    }

    /// Types a line, and has it succeed. What it printed.
    pub(super) async fn types(&self, home: &Home, line: &str) -> Result<String> {
        let shown = home.type_in(&self.folder, self.tools.path(), line).await?;
        ensure!(shown.code == Some(0), "{line}: {shown:?}");
        Ok(shown.text)
    }
}
