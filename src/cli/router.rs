//! `tiklb router`

pub(super) mod account;
mod enroll;
mod manifest;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Look at a router that is to become, or is, one of the cluster's
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct RouterVerb {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Enroll(Box<enroll::Enroll>),
}

impl RouterVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.verb {
            Verb::Enroll(enroll) => enroll.run(),
        }
    }
}
