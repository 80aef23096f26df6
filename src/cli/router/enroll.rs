//! `tiklb router enroll`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use clap::builder::FalseyValueParser;
use routeros::client::{self, Presented};
use tiklb_core::model::{Instant, RangeSet};
use tiklb_core::reservation::Reading;
use tiklb_core::reservation::held::{HeldBook, Ours};
use tiklb_core::reservation::{Failure, Marker, Surveys};

use super::account::Account;
use super::manifest::{Manifest, Trusted};
use crate::allocator::router::failure::failure;
use crate::allocator::router::reading::{advisories, reading};
use crate::api::DEFAULT_NAMESPACE;
use crate::cli::consent;
use crate::cli::daemon;
use crate::cli::progress::told;
use crate::cli::reach::{self, Given, Reach, in_flags};
use crate::cli::undo;

/// For a connection and its handshake: a person waits.
const CONNECT: Duration = Duration::from_secs(5);

/// Look at a router for the first time, and print the objects that make it the cluster's. Reads only
///
/// What was found goes to standard error; the Secret and the MikrotikRouter go to standard output, as YAML for Git. The
/// password is not in it unless you ask for that. Without --ca-file and --pin nothing says which certificate to trust:
/// then its fingerprint is shown, to be compared with the one that the router itself shows, before any password is sent.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Enroll {
    /// The router, such as https://192.168.1.1
    #[arg(env = "TIKLB_ROUTER", value_name = "URL")]
    url: String,

    #[command(flatten)]
    reach: Reach,

    /// Trust the certificate that is there now, without asking. Only on a network where nobody can be in between
    #[arg(long, env = "TIKLB_TRUST_ON_FIRST_USE", value_parser = FalseyValueParser::new())]
    trust_on_first_use: bool,

    /// The addresses that Services are to have: what the router knows of them is shown
    #[arg(long, env = "TIKLB_RANGE", value_name = "RANGE", value_parser = reach::range)]
    range: Option<RangeSet>,

    /// The name of the cluster on the router; give each cluster its own
    #[arg(long, env = "TIKLB_CLUSTER_NAME", value_name = "NAME", default_value = "home", value_parser = reach::cluster_name)]
    cluster_name: String,

    /// The name of the MikrotikRouter that is printed
    #[arg(long, env = "TIKLB_NAME", value_name = "NAME", default_value = "router")]
    name: String,

    /// The namespace of the objects that are printed
    #[arg(long, env = "TIKLB_NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    namespace: String,

    /// Print the password into the Secret
    #[arg(long, env = "TIKLB_WITH_PASSWORD", value_parser = FalseyValueParser::new())]
    with_password: bool,
}

const EXAMPLES: &str = "\
Examples:
  tiklb router enroll https://192.168.1.1 --ca-file tiklb-ca.crt --username tiklb --password-file pw > router.yaml
      after deploy/routeros/setup.rsc, whose CA signed the certificate
  tiklb router enroll https://192.168.1.1 --username tiklb --range 192.168.1.200-192.168.1.220
      with the password in TIKLB_PASSWORD; asks whether the fingerprint is the router's
  tiklb router enroll https://192.168.1.1 … --with-password | kubectl apply -f -
      straight into the cluster";

impl Enroll {
    pub(super) fn run(self) -> Result<ExitCode> {
        daemon::runtime(1)?.block_on(self.look())
    }

    async fn look(self) -> Result<ExitCode> {
        let mut given = self.reach.given()?;
        let (Some(username), Some(password)) = (given.username.clone(), given.password.clone()) else {
            bail!(
                "the router's user is not known: give --username and --password-file (or TIKLB_USERNAME and TIKLB_PASSWORD)"
            );
        };
        let presented = told(
            "looking at the certificate",
            client::presented(&self.url, CONNECT),
        )
        .await;
        let presented = presented.map_err(|error| said(failure(&error)))?;
        if let Some(presented) = &presented {
            tell(&format!(
                "certificate: fingerprint {}, key {}",
                presented.fingerprint, presented.pin
            ));
            if !given.has_trust() {
                self.trust(presented)?;
                given.pins = vec![presented.pin];
            }
        }
        let client = given.client(&self.url, None).map_err(said)?;
        let read = told("reading the router", client.reading()).await;
        let read = read.map_err(|error| said(in_flags(failure(&error))))?;
        let account = told("looking at the account", Account::look(&client, &username)).await;
        client.idle().await;
        report(&read, &account, &username);
        let holes = advisories(&read);
        for hole in holes {
            tell(&format!("this version has a known hole: {hole}"));
        }
        let read = reading(&read);
        self.report_range(&read)?;
        let manifest = Manifest {
            url: self.url.clone(),
            username,
            password: self.with_password.then_some(password),
            trusted: trusted(&given, presented.is_some())?,
            dry_run: dry_run(&read, &account),
            name: self.name,
            namespace: self.namespace,
            cluster_name: self.cluster_name,
        };
        print!("{}", manifest.yaml()?);
        Ok(ExitCode::SUCCESS)
    }

    /// Whether a certificate that nothing vouches for is the router's is a person's to say.
    fn trust(&self, presented: &Presented) -> Result<()> {
        if self.trust_on_first_use {
            tell("certificate: trusted because --trust-on-first-use says so");
            return Ok(());
        }
        if !consent::can_ask() {
            bail!(
                "nothing says whether this certificate is the router's: compare the fingerprint with `/certificate print detail` on the router and give --pin {}, or give --ca-file; --trust-on-first-use takes it unseen",
                presented.pin
            );
        }
        if consent::ask("Does `/certificate print detail` on the router show this fingerprint?")? {
            return Ok(());
        }
        bail!("the certificate is not trusted, and no password was sent");
    }

    /// Who has addresses of the range, by everything that the router knows.
    fn report_range(&self, read: &Reading) -> Result<()> {
        let owners: Vec<String> = undo::owners(read).iter().map(ToString::to_string).collect();
        if !owners.is_empty() {
            tell(&format!(
                "rows of tiklb's are on it already, of: {}",
                owners.join(", ")
            ));
        }
        let Some(range) = &self.range else { return Ok(()) };
        // Nobody's rows are taken for ours: a look from outside.
        let nobody = Marker::parse("tiklb/v1 nobody/00000000 nothing")
            .ok_or_else(|| anyhow!("a marker of ours cannot be read: please report it"))?;
        let ours = Ours {
            owner: &nobody.owner,
            nodes: &std::collections::BTreeSet::new(),
            surveys: &Surveys::default(),
        };
        let mut book = HeldBook::default();
        book.read(read, range, &ours, Instant::at(CONNECT));
        let holders: Vec<String> = book
            .iter()
            .map(|(address, holder)| format!("{address} {holder}"))
            .collect();
        tell(&match holders.len() {
            0 => format!("range {range}: the router knows of nobody there"),
            1 => format!("range {range}: 1 address has an owner that the router knows"),
            many => format!("range {range}: {many} addresses have owners that the router knows"),
        });
        for line in holders {
            tell(&format!("  {line}"));
        }
        for (addresses, role) in book.all_pointed() {
            tell(&format!(
                "  {addresses} only for a Service that asks for it: {role}"
            ));
        }
        for unread in &read.uses.unread {
            tell(&format!("  not known: {unread}"));
        }
        tell("what would be written: tiklb plan -f FILE …, with the objects below and your IPAddressPool");
        Ok(())
    }
}

fn tell(line: &str) {
    eprintln!("{line}");
}

fn said(failure: Failure) -> anyhow::Error {
    anyhow!(failure.message)
}

fn report(read: &routeros::Reading, account: &Account, username: &str) {
    let serial = read.serial_number().unwrap_or("none (a virtual router)");
    let board = &read.resource.board_name;
    tell(&format!(
        "router: {}, {board}, RouterOS {}, serial {serial}",
        read.identity.name, read.resource.version
    ));
    for line in account.lines(username) {
        tell(&line);
    }
}

fn trusted(given: &Given, is_https: bool) -> Result<Trusted> {
    if !is_https {
        return Ok(Trusted::Plain);
    }
    match &given.ca {
        Some(pem) => Ok(Trusted::Authority {
            pem: String::from_utf8(pem.clone())
                .context("--ca-file is no text: give the certificate in PEM")?,
            server_name: given.server_name.clone(),
        }),
        None => Ok(Trusted::Pins(
            given.pins.iter().map(ToString::to_string).collect(),
        )),
    }
}

/// Why nothing should be written at first.
fn dry_run(read: &Reading, account: &Account) -> Option<String> {
    if account.cannot_write() {
        return Some("the account has no policy write".to_owned());
    }
    read.untested.then(|| {
        format!(
            "RouterOS {} is none of the versions that tiklb was tested with",
            read.version
        )
    })
}
