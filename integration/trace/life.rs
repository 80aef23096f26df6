//! The Service's life: a home in which all has come to rest, then one Service in it, then none.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

use super::count::Counts;
use super::entry::in_order;
use super::recorder::{Recorder, Subject};
use super::rest::{self, APPS, SOON, WEB};
use super::span::{Moment, Span};
use crate::home::Home;
use crate::kube::SERVICES;

/// What a reader should know first.
const PREFACE: &str = "\
One Service, from its creation to its end: what each part of tiklb does for it, in which order and why.

Taken by `cargo test --test golden` from a run of the real binary on a LAN of namespaces: one allocator, a speaker on each
of three nodes, an API server, a simulated RouterOS. Another Service, apps/elder, is there already and everything has come
to rest. Each paragraph begins with who acts:
  person     who creates and deletes the Service        watch      what every watch of Services shows
  allocator  its log, and its writes to the API         router     the writes that the router has carried out
  node1 ...  a speaker's log, and ARP frames            speaker    a speaker's writes to the API
What happens side by side is told actor by actor; an effect stands behind its cause. What differs from run to run is
replaced by <what it is>, MAC addresses by the names of hosts. integration/trace has the rules. The router's rows outlive
the Service by a minute, for which the trace does not wait.

Not a document to edit: `TIKLB_GOLDEN=renew cargo test --test golden` writes it anew.
";

/// The trace, and what was waited for in vain.
pub(super) struct Told {
    pub(super) trace: String,
    pub(super) missed: Vec<String>,
}

/// Lives through it. What does not come is missed and no more: the trace then tells best what is not as it should be.
///
/// # Errors
/// When the Service is given no address, or what stands around it does not work.
pub(super) async fn tell(home: &mut Home) -> Result<Told> {
    let mut missed = Vec::new();
    let mut note = |outcome: Result<()>| missed.extend(outcome.err().map(|error| format!("{error:#}")));
    rest::settle(home).await?;
    let recorder = Recorder::start(home, APPS)?;
    recorder.listening(rest::ELDER, SOON).await?;

    let before = Counts::read(home, &recorder).await?;
    let born = Moment::now();
    rest::create(home, WEB).await?;
    let address = home.service_address(APPS, WEB, SOON).await?;
    note(rest::announced(home, &recorder, address, born).await);
    note(rest::reserved(home, 2, 2).await);
    note(rest::counted(home, 2, [2, 2, 2]).await);
    note(home.announcer(address, SOON).await.map(drop));
    let during = Counts::read(home, &recorder).await?;

    let dying = Moment::now();
    home.kube().delete(SERVICES.in_namespace(APPS), WEB).await?;
    note(rest::withdrawn(home, &recorder, address, dying).await);
    note(rest::reserved(home, 2, 2).await);
    note(rest::counted(home, 1, [2, 2, 1]).await);
    note(silent(home, address).await);
    let after = Counts::read(home, &recorder).await?;
    let end = Moment::now();

    note(conduct(home));
    let subject = Subject {
        namespace: APPS,
        name: WEB,
        address,
    };
    let (from, to) = (born, dying);
    let mut trace = PREFACE.to_owned();
    trace += &chapter("apps/web is created", &recorder, home, subject, Span { from, to })?;
    trace += &before.changes(&during);
    let (from, to) = (dying, end);
    trace += &chapter("apps/web is deleted", &recorder, home, subject, Span { from, to })?;
    trace += &during.changes(&after);
    Ok(Told { trace, missed })
}

/// The client asks, and nobody answers.
async fn silent(home: &Home, address: Ipv4Addr) -> Result<()> {
    let answerers = home.answerers(address).await?;
    ensure!(answerers.is_empty(), "{answerers:?} still answer for {address}");
    Ok(())
}

/// Nothing was asked of router or API that is none of tiklb's business.
fn conduct(home: &Home) -> Result<()> {
    let violations = home.router().violations();
    ensure!(violations.is_empty(), "requests to the router: {violations:?}");
    let unsupported = home
        .control_plane()
        .embedded()
        .map(crate::apiserver::ApiServer::unsupported);
    let unsupported = unsupported.unwrap_or_default();
    ensure!(
        unsupported.is_empty(),
        "requests to the API server: {unsupported:?}"
    );
    Ok(())
}

fn chapter(title: &str, recorder: &Recorder, home: &Home, subject: Subject, span: Span) -> Result<String> {
    let entries = in_order(recorder.entries(home, subject, span)?);
    let title = format!("\n{title}\n{}\n", "-".repeat(title.len()));
    Ok(entries
        .into_iter()
        .fold(title, |text, entry| format!("{text}{}\n", entry.text)))
}
