//! `tiklb crds`

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

/// Print the custom resource definitions as YAML, for `kubectl apply -f -`
#[derive(Debug, Args)]
pub(super) struct Crds {}

impl Crds {
    pub(super) fn run() -> Result<ExitCode> {
        let manifests = crate::api::crds_yaml().context("writing the definitions as YAML")?;
        let yaml: Vec<String> = manifests.into_iter().map(|manifest| manifest.yaml).collect();
        let mut out = std::io::stdout().lock();
        out.write_all(yaml.join("---\n").as_bytes())
            .context("printing the definitions")?;
        Ok(ExitCode::SUCCESS)
    }
}
