//! `tiklb plan`

mod document;
pub(super) mod finding;
mod import;
pub(super) mod page;
pub(super) mod source;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use tiklb_core::model::RangeSet;

use super::configuration;
use super::daemon;
use super::reach::{self, Reach};
use super::{Cluster, Served};
use crate::clock::Clock;
use crate::cluster::object::router::SeenRouter;
use finding::Finding;
use source::{Identity, Looked, Source};

/// What `diff` and `terraform plan -detailed-exitcode` return for a difference.
const CHANGES: u8 = 2;
/// The url of a router that is known by its export alone.
const NOWHERE: &str = "https://router.invalid";
/// Standard output, as a file's name.
const STDOUT: &str = "-";

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs: apiVersion cli.tiklb.io/v1, kind RouterPlan
    Json,
}

/// Show what would be written to the router, row by row, and why. Writes nothing
///
/// Without -f and --router it reads the cluster and each router once and compares; that needs the right to read the
/// Secrets that MikrotikRouters name, or --username and --password-file. With -f it reads manifests instead of a
/// cluster, and plays what would follow to its end. In both cases the console commands that do the same stand beside
/// each write.
///
/// Ends with 0 where nothing is to be done, with 2 where something is, with 1 on an error.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct PlanVerb {
    #[command(flatten)]
    cluster: Cluster,

    /// Manifests to read instead of a cluster: files, folders, or - for standard input
    #[arg(short, long = "filename", env = "TIKLB_FILENAME", value_name = "FILE|DIR", num_args = 1.., value_delimiter = ',')]
    filename: Vec<PathBuf>,

    /// The router to read, where it is not the one that a MikrotikRouter names
    #[arg(long = "router", env = "TIKLB_ROUTER", value_name = "URL")]
    url: Option<String>,

    /// What `/export` wrote on the router, to read instead of asking it: for one without the REST API
    #[arg(
        long,
        env = "TIKLB_FROM_EXPORT",
        value_name = "FILE.rsc",
        conflicts_with = "url"
    )]
    from_export: Option<PathBuf>,

    /// Addresses, as if an IPAddressPool held them: for a first look without any manifest
    #[arg(long, env = "TIKLB_RANGE", value_name = "RANGE", value_parser = reach::range)]
    range: Option<RangeSet>,

    /// The name in our rows' marks, where no MikrotikRouter says it
    #[arg(long, env = "TIKLB_CLUSTER_NAME", value_name = "NAME", value_parser = reach::cluster_name)]
    cluster_name: Option<String>,

    /// The UID of the namespace kube-system, where no cluster is asked
    #[arg(long, env = "TIKLB_CLUSTER_UID", value_name = "UID")]
    cluster_uid: Option<String>,

    #[command(flatten)]
    reach: Reach,

    #[command(flatten)]
    served: Served,

    /// How it is printed
    #[arg(
        short,
        long,
        env = "TIKLB_OUTPUT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    output: Output,

    /// Print the console commands that take everything of ours away again and give back what was taken
    #[arg(long, env = "TIKLB_UNDO", value_parser = FalseyValueParser::new(), conflicts_with = "import")]
    undo: bool,

    /// Print the reservations that the router already holds in the range, as the objects that keep them
    #[arg(long, env = "TIKLB_IMPORT", value_parser = FalseyValueParser::new(), conflicts_with_all = ["output", "export"])]
    import: bool,

    /// Write the console commands to this file too, for /import on a router; - prints nothing else
    #[arg(long, env = "TIKLB_EXPORT", value_name = "FILE.rsc")]
    export: Option<PathBuf>,

    /// Only the MikrotikRouter of this name
    name: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  tiklb plan
      the cluster of your kubeconfig against its routers
  tiklb plan -f clusters/home/ --username tiklb --password-file ~/.tiklb-password
      a repository, before it is applied
  tiklb plan --router https://192.168.1.1 --pin sha256/… --username tiklb --range 192.168.1.200-192.168.1.220
      a first look, with the password in TIKLB_PASSWORD
  tiklb plan --import --router https://192.168.1.1 --range 192.168.1.200-192.168.1.220 …  > reservations.yaml
      what the router reserves there today, for Git
  tiklb plan -f clusters/home/ --from-export router.rsc --export tiklb.rsc
      a router without the REST API: from what `/export file=router` wrote there, to what `/import tiklb.rsc` does
  tiklb plan --undo > undo.rsc
      the way back, to be pasted into the router's console

-o json prints one object: apiVersion, kind, undo, changes (a number), and routers[] with name, namespace, url, error or
identity, board, version, serial; writes[] (menu, action, target, summary, because, command), held[] (removals
that wait for your word, like writes), obstacles[], refusals[] (condition, reason, message), leftAlone[], leftAloneMore,
notes[]. Under cli.tiklb.io/v1 fields are only ever added.";

impl PlanVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        daemon::runtime(1)?.block_on(self.show())
    }

    fn is_offline(&self) -> bool {
        !self.filename.is_empty() || self.url.is_some() || self.from_export.is_some()
    }

    async fn show(self) -> Result<ExitCode> {
        let given = self.reach.given()?;
        let identity = Identity {
            cluster_name: self.cluster_name.clone(),
            cluster_uid: self.cluster_uid.clone(),
        };
        let source = self.source(&identity).await?;
        let routers = source.routers(self.name.as_deref());
        if routers.is_empty() {
            bail!(self.no_router());
        }
        if self.from_export.is_some() && routers.len() > 1 {
            bail!(
                "an export is of one router, and the files hold several MikrotikRouters: name the one that it is of"
            );
        }
        let mut looked = Vec::new();
        for router in routers {
            looked.push(match &self.from_export {
                Some(file) => from_export(router, file)?,
                None => Box::pin(source.look(router, &given)).await,
            });
        }
        if self.import {
            return self.print_reservations(&source, &looked);
        }
        let now = Clock::start().now();
        let findings = if self.undo {
            source.undoing(looked, &identity, now)?
        } else {
            source.findings(looked, self.served.class().as_ref(), &identity, now)?
        };
        let findings = self.placed(findings);
        self.print(&findings)?;
        Ok(verdict(&findings))
    }

    /// Says of a plan that was made from an export that it was.
    fn placed(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        if let Some(file) = &self.from_export {
            for finding in &mut findings {
                finding.url = file.display().to_string();
                finding.notes.push(configuration::BLIND.to_owned());
            }
        }
        findings
    }

    async fn source(&self, identity: &Identity) -> Result<Source> {
        if !self.is_offline() {
            if self.range.is_some() && !self.import {
                bail!(
                    "--range stands for a pool that no manifest holds: give --router URL or -f FILE with it"
                );
            }
            return Source::cluster(&self.cluster).await;
        }
        let source = Source::files(
            &self.filename,
            self.url.as_deref(),
            self.from_export.as_ref().map(|_| NOWHERE),
            self.range.as_ref(),
            &self.cluster.namespace,
            identity,
        )?;
        if let Source::Files(manifests) = &source {
            manifests.notes.iter().for_each(|note| eprintln!("tiklb: {note}"));
            if manifests.pools.is_empty() && !self.undo {
                bail!(
                    "no IPAddressPool is among the manifests: give the file that holds it with -f, or --range 192.168.1.200-192.168.1.220"
                );
            }
        }
        Ok(source)
    }

    fn no_router(&self) -> String {
        let named = self
            .name
            .as_ref()
            .map_or(String::new(), |name| format!(" {name}"));
        if self.is_offline() {
            return format!(
                "there is no MikrotikRouter{named} among the manifests: give its file with -f, or the router with --router URL"
            );
        }
        format!(
            "there is no MikrotikRouter{named} in namespace {}: create one (deploy/examples/homelab/config/tiklb/manifests/mikrotikrouter.yaml)",
            self.cluster.namespace
        )
    }

    fn print_reservations(&self, source: &Source, looked: &[Looked]) -> Result<ExitCode> {
        let ranges = self.range.clone().unwrap_or_else(|| source.ranges());
        let mut held = Vec::new();
        for looked in looked {
            let router = looked.router.object.key.name.as_str();
            match &looked.read {
                Ok(reading) => held.push(import::Held { router, reading }),
                Err(failure) => {
                    eprintln!(
                        "tiklb: MikrotikRouter {router} cannot be read: {}",
                        failure.message
                    );
                }
            }
        }
        if !held.is_empty() {
            let (reservations, living) = (source.reservations(), source.living());
            let kept = import::reservations(
                &held,
                &ranges,
                source.services(),
                &reservations,
                living.as_deref(),
            );
            let page = import::yaml(&kept, &ranges, &self.cluster.namespace);
            print!("{}", page.context("writing the reservations as YAML")?);
        }
        let failed = held.len() < looked.len();
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn print(&self, findings: &[Finding]) -> Result<()> {
        if let Some(file) = &self.export {
            let commands = page::commands(findings, self.undo);
            if file.as_os_str() == STDOUT {
                print!("{commands}");
                return Ok(());
            }
            if let [_, _, ..] = findings {
                bail!("--export is for one router, and there are several: name the MikrotikRouter");
            }
            std::fs::write(file, commands).with_context(|| format!("writing {}", file.display()))?;
        }
        match self.output {
            Output::Json => print!("{}", document::document(findings, self.undo)?),
            Output::Text if self.undo => print!("{}", page::commands(findings, true)),
            Output::Text => findings
                .iter()
                .for_each(|finding| print!("{}", page::page(finding))),
        }
        Ok(())
    }
}

/// A router as its export tells it.
fn from_export(router: SeenRouter, file: &Path) -> Result<Looked> {
    let read = std::fs::read_to_string(file)
        .map_err(anyhow::Error::from)
        .and_then(|text| configuration::reading(&text))
        .with_context(|| format!("reading {}, which --from-export names", file.display()))?;
    Ok(Looked {
        router,
        read: Ok(read),
    })
}

fn verdict(findings: &[Finding]) -> ExitCode {
    if findings.iter().any(|finding| finding.read.is_err()) {
        return ExitCode::FAILURE;
    }
    if findings.iter().all(|finding| finding.writes.is_empty()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(CHANGES)
    }
}

#[cfg(test)]
mod tests;
