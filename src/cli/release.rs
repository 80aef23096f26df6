//! `tiklb release`

mod drive;
mod object;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use clap::builder::FalseyValueParser;
use routeros::client::Client;
use tiklb_core::allocator::{Allocator, Settings};
use tiklb_core::config::RouterObject;
use tiklb_core::reservation::{Owner, Reading};

use super::consent;
use super::daemon;
use super::plan::finding::Finding;
use super::plan::page;
use super::progress::told;
use super::reach::{self, Reach, in_flags};
use super::{Cluster, undo};
use crate::allocator::router::failure::failure;
use crate::allocator::router::reading::reading;
use crate::clock::Clock;
use drive::{Drive, End};

/// As long as a deletion of the object waits for a router.
const TIMEOUT: &str = "600";

/// Give a router back what was taken, and remove every row of ours. Shows the plan and asks first
///
/// With the name of a MikrotikRouter it deletes that object and waits until the router is given back: by the allocator
/// where one runs, and otherwise by itself, under the allocator's Lease. Addresses that Services still have are never
/// given back so. With --all it does this for every MikrotikRouter, one after the other; that there is none is as good.
///
/// With --router it needs no cluster: the marks on the router say what is ours and what was taken. It then cannot know
/// whether somebody still announces the addresses; stop tiklb's speakers first.
///
/// Every write is of one row, looked at before and read back after. Ends with 0 when everything was given back, also
/// where nothing had to be; with 1 when something was not: then the console commands for it are printed.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ReleaseVerb {
    #[command(flatten)]
    cluster: Cluster,

    /// Every MikrotikRouter of the namespace
    #[arg(
        long,
        env = "TIKLB_ALL",
        value_parser = FalseyValueParser::new(),
        conflicts_with_all = ["url", "name"]
    )]
    all: bool,

    /// The router, by its marks alone
    #[arg(
        long = "router",
        env = "TIKLB_ROUTER",
        value_name = "URL",
        conflicts_with = "name"
    )]
    url: Option<String>,

    /// Whose rows, where the router holds those of several clusters
    #[arg(long, env = "TIKLB_CLUSTER_NAME", value_name = "NAME", value_parser = reach::cluster_name)]
    cluster_name: Option<String>,

    /// The UID in the marks, where one name stands there with several
    #[arg(long, env = "TIKLB_CLUSTER_UID", value_name = "UID")]
    cluster_uid: Option<String>,

    #[command(flatten)]
    reach: Reach,

    /// Do not ask
    #[arg(short, long, env = "TIKLB_YES", value_parser = FalseyValueParser::new())]
    yes: bool,

    /// How long to try
    #[arg(long, env = "TIKLB_TIMEOUT", value_name = "SECONDS", default_value = TIMEOUT)]
    timeout: u64,

    /// The MikrotikRouter; may be left out where there is only one
    name: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  tiklb release router
      before its MikrotikRouter is changed for another
  tiklb release --all
      before tiklb is uninstalled; helm uninstall does it by itself
  tiklb release --router https://192.168.1.1 --ca-file tiklb-ca.crt --username tiklb --password-file pw
      after a cluster is gone
  tiklb plan --undo --router https://192.168.1.1 …
      the same as console commands, to be pasted by hand";

impl ReleaseVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        daemon::runtime(1)?.block_on(async move {
            match self.url.clone() {
                Some(url) => self.by_marks(&url).await,
                None => object::release(&self).await,
            }
        })
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    async fn by_marks(&self, url: &str) -> Result<ExitCode> {
        let client = self.reach.given()?.client(url, None);
        let client = client.map_err(|failure| anyhow!(failure.message))?;
        let read = look(&client).await?;
        let uid = self
            .cluster_uid
            .as_ref()
            .map(|uid| tiklb_core::model::Uid(uid.clone()).short());
        let owner = undo::only_owner(&read, self.cluster_name.as_deref(), uid.as_deref())?;
        let Some(owner) = owner else {
            println!(
                "{} holds no row of tiklb's: nothing to be done",
                page::device(&read)
            );
            return Ok(ExitCode::SUCCESS);
        };
        let key = undo::nameless(&self.cluster.namespace);
        let object = undo::made_up(&key.namespace, &key.name, url, &owner.cluster)?.object;
        let clock = Clock::start();
        let mut finding = blank(&object, url, read.clone());
        finding.plan(undo::plan(&object, &owner, &read, clock.now()));
        finding.notes.push(format!("these are the rows of {owner}"));
        finding.notes.push(
            "nobody was asked whether these addresses are still announced: stop the speakers first"
                .to_owned(),
        );
        print!("{}", page::page(&finding));
        if !self.agreed(&format!("Make these writes on {}?", page::device(&read)))? {
            return Ok(ExitCode::FAILURE);
        }
        let object = undo::deleted(&object, &owner, &read, clock.now().wall);
        let allocator = Allocator::new(Settings {
            cluster_uid: owner.uid.clone(),
            ..Settings::default()
        });
        let mut drive = Drive::new(allocator, object.clone(), &client, clock, self.timeout());
        let end = drive.run(undo::empty_cluster(object.clone())).await;
        verdict(end, &client, &object, &owner).await
    }

    /// Whether a person wants it.
    ///
    /// # Errors
    /// There is nobody to ask.
    fn agreed(&self, question: &str) -> Result<bool> {
        if self.yes {
            return Ok(true);
        }
        if !consent::can_ask() {
            bail!(
                "nothing was written: there is no terminal to ask on; read the plan above, then give --yes"
            );
        }
        let agreed = consent::ask(question)?;
        if !agreed {
            eprintln!("nothing was written");
        }
        Ok(agreed)
    }
}

async fn look(client: &Client) -> Result<Reading> {
    let read = told("reading the router", client.reading()).await;
    client.idle().await;
    let read = read.map_err(|error| anyhow!(in_flags(failure(&error)).message))?;
    Ok(reading(&read))
}

fn blank(object: &RouterObject, url: &str, read: Reading) -> Finding {
    Finding {
        name: object.key.name.clone(),
        namespace: object.key.namespace.clone(),
        url: url.to_owned(),
        read: Ok(read),
        writes: Vec::new(),
        obstacles: Vec::new(),
        held: Vec::new(),
        status: None,
        notes: Vec::new(),
    }
}

/// Reads once more, whatever the end was, and says what is left.
async fn verdict(end: End, client: &Client, object: &RouterObject, owner: &Owner) -> Result<ExitCode> {
    let why = match end {
        End::Done => None,
        End::Stopped(why) => Some(why),
    };
    let url = object.spec.as_ref().map_or("", |spec| spec.url.as_str());
    let read = match look(client).await {
        Ok(read) => read,
        Err(error) => {
            let why = why.map(|why| format!("{why}; ")).unwrap_or_default();
            bail!("{why}what is left could not be read: {error}; run this again, or tiklb plan --undo");
        }
    };
    let mut finding = blank(object, url, read.clone());
    // The object's own record, not the marks': those are gone with the rows.
    finding.plan(undo::plan(object, owner, &read, Clock::start().now()));
    if finding.writes.is_empty() && finding.obstacles.is_empty() && why.is_none() {
        println!(
            "{}: everything was given back, and read back",
            page::device(&read)
        );
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", page::commands(std::slice::from_ref(&finding), true));
    bail!(
        "{}; what is left to do stands above as console commands",
        why.unwrap_or_else(|| "not everything could be given back".to_owned())
    )
}
