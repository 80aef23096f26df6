//! A release by the name of its MikrotikRouter, or of all there are: the object is deleted, and whoever leads gives the
//! router back.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use routeros::client::Client;
use tiklb_core::allocator::{Allocator, Leadership, Settings};
use tiklb_core::allocator::{Change, Event};
use tiklb_core::config::RouterObject;
use tiklb_core::model::RangeSet;
use tiklb_core::reservation::{Marker, Owner, Reading};
use tokio::sync::watch;

use super::drive::{Drive, End};
use super::{ReleaseVerb, blank, look, verdict};
use crate::allocator::LEASE;
use crate::cli::plan::page;
use crate::cli::plan::source::Source;
use crate::cli::progress::told;
use crate::cli::undo;
use crate::cli::view::View;
use crate::clock::Clock;
use crate::cluster::client::Chain;
use crate::cluster::lease::{Standing, elector};
use crate::cluster::object::router::SeenRouter;
use crate::cluster::removal;

/// Between two looks at an object that somebody else is giving back.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Releases the routers that were chosen. One that could not be released is no reason to leave the next one as it is.
pub(super) async fn release(verb: &ReleaseVerb) -> Result<ExitCode> {
    let source = Source::cluster(&verb.cluster).await?;
    let Source::Cluster(view) = &source else {
        bail!("the cluster was not read: please report it");
    };
    if !verb.all {
        return one(verb, &source, view, the_one(verb, &source)?).await;
    }
    let routers = source.routers(None);
    if routers.is_empty() {
        println!(
            "there is no MikrotikRouter in namespace {}: nothing to be done",
            verb.cluster.namespace
        );
    }
    let mut kept = Vec::new();
    for router in routers {
        let name = router.object.key.name.clone();
        match one(verb, &source, view, router).await {
            Ok(code) if code == ExitCode::SUCCESS => {}
            Ok(_) => kept.push(name),
            Err(error) => {
                eprintln!("MikrotikRouter {name}: {}", Chain(error.as_ref()));
                kept.push(name);
            }
        }
    }
    if !kept.is_empty() {
        bail!("not released: {}; see above", kept.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Releases the router of one object.
async fn one(verb: &ReleaseVerb, source: &Source, view: &View, router: SeenRouter) -> Result<ExitCode> {
    let access = router.access.clone();
    let access = access.ok_or_else(|| anyhow!("{}", router.object.spec.clone().err().unwrap_or_default()))?;
    let client = source.client(&router, &verb.reach.given()?).await;
    let client = client.map_err(|failure| anyhow!(failure.message))?;
    let read = look(&client).await?;
    let owner = owner(&router.object, view, &read)?;
    let used = in_use(view, &router.object, &owner, &read);
    if !used.is_empty() {
        bail!(
            "Services still have addresses of this router's ({}): delete them or change their type first; or take everything away by its marks with --router {}",
            used.join(", "),
            access.url
        );
    }
    let clock = Clock::start();
    let mut finding = blank(&router.object, &access.url, read.clone());
    finding.plan(undo::plan(&router.object, &owner, &read, clock.now()));
    print!("{}", page::page(&finding));
    let question = format!(
        "Delete MikrotikRouter {} and make these writes on {}?",
        router.object.key,
        page::device(&read)
    );
    if !verb.agreed(&question)? {
        return Ok(ExitCode::FAILURE);
    }
    let object = undo::deleted(&router.object, &owner, &read, clock.now().wall);
    let end = give_back(verb, view, &object, &owner, &client).await?;
    verdict(end, &client, &object, &owner).await
}

fn the_one(verb: &ReleaseVerb, source: &Source) -> Result<SeenRouter> {
    let mut routers = source.routers(verb.name.as_deref());
    let namespace = &verb.cluster.namespace;
    match (routers.len(), &verb.name) {
        (1, _) => Ok(routers.remove(0)),
        (0, Some(name)) => bail!(
            "there is no MikrotikRouter {name} in namespace {namespace}: kubectl get mikrotikrouters -A shows them; rows of one that is gone go with --router URL"
        ),
        (0, None) => bail!(
            "there is no MikrotikRouter in namespace {namespace}: rows of one that is gone go with --router URL"
        ),
        _ => {
            let names: Vec<String> = routers
                .into_iter()
                .map(|router| router.object.key.name.clone())
                .collect();
            bail!(
                "there are several MikrotikRouters, name one: {}",
                names.join(", ")
            )
        }
    }
}

/// Whose rows: this cluster's, under the object's name for it.
fn owner(object: &RouterObject, view: &View, read: &Reading) -> Result<Owner> {
    let spec = object.spec.as_ref().map_err(|why| anyhow!("{why}"))?;
    let uid = view.cluster_uid.short();
    if let Some(owner) = undo::only_owner(read, Some(&spec.cluster_name), Some(&uid))? {
        return Ok(owner);
    }
    // None is on the router: the mark that one would carry says the same.
    let mark = format!("tiklb/v1 {}/{uid} none", spec.cluster_name);
    let marker = Marker::parse(&mark).ok_or_else(|| {
        anyhow!(
            "spec.clusterName {:?} makes no mark: write lower-case letters, digits and hyphens",
            spec.cluster_name
        )
    })?;
    Ok(marker.owner)
}

/// Addresses of what would be given back that a status names or a speaker announces, with who has them.
fn in_use(view: &View, object: &RouterObject, owner: &Owner, read: &Reading) -> Vec<String> {
    let taken = object
        .taken
        .iter()
        .fold(RangeSet::new(), |all, taken| all.union(&taken.ranges));
    let ours = |comment: &str| Marker::parse(comment).is_some_and(|marker| marker.owner == *owner);
    let leases = read
        .leases
        .iter()
        .filter(|row| ours(&row.comment))
        .map(|row| row.address);
    let arps = read
        .arps
        .iter()
        .filter(|row| ours(&row.comment))
        .map(|row| row.address);
    let pools = read.pools.iter().filter(|row| ours(&row.comment));
    let held = pools.fold(taken, |all, row| all.union(&row.ranges));
    let held = held.union(&leases.chain(arps).collect());
    let services = view.services.iter();
    let named = services.flat_map(|service| {
        service
            .ingress
            .iter()
            .map(|address| (*address, service.key.clone()))
    });
    let announced = view.announcements.iter().flat_map(|known| {
        let announcement = &known.value;
        let addresses = announcement.addresses.iter();
        addresses.map(|address| (*address, announcement.service.clone()))
    });
    let used: BTreeSet<(IpAddr, _)> = named
        .chain(announced)
        .filter(|(address, _)| held.contains(*address))
        .collect();
    used.into_iter()
        .map(|(address, service)| format!("{address}: {service}"))
        .collect()
}

/// Deletes the object and waits until it is gone. Where nobody holds the allocator's Lease, this takes it and does the
/// allocator's work: two never write one router.
async fn give_back(
    verb: &ReleaseVerb,
    view: &View,
    object: &RouterObject,
    owner: &Owner,
    client: &Client,
) -> Result<End> {
    let (key, uid) = (&object.key, &object.uid);
    removal::delete(&view.client, key, uid).await?;
    println!("MikrotikRouter {key} is being deleted");
    let identity = format!("tiklb-release-{}", uuid::Uuid::new_v4());
    let (mut standing, candidate) = elector(&verb.cluster.namespace, LEASE, &identity);
    let tenure = candidate.tenure();
    let (retire, retired) = watch::channel(false);
    let election = tokio::spawn(candidate.run(view.client.clone(), retired));
    let end = async {
        let waiting = tokio::time::timeout(verb.timeout(), gone_or_leading(view, object, &mut standing));
        let what = "the allocator gives the router back; where none runs, this does after 13 s";
        match told(what, waiting).await {
            Err(_) => Ok(End::Stopped(format!(
                "MikrotikRouter {key} is still there: kubectl describe mikrotikrouter -n {} {} says what it waits for",
                key.namespace, key.name
            ))),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) => Ok(End::Done),
            Ok(Ok(Some(leading))) => {
                let warrant = tenure.warrant(leading.term);
                client.permit_writes_by(Arc::new(move || warrant.stands()));
                lead(verb, view, object, owner, client, leading.leadership).await
            }
        }
    };
    let end = end.await;
    retire.send_replace(true);
    // Whether the Lease was given back or expires: nothing of ours is under way any more.
    _ = election.await;
    end
}

/// The object is gone (`None`), or this process leads.
async fn gone_or_leading(
    view: &View,
    object: &RouterObject,
    standing: &mut watch::Receiver<Standing>,
) -> Result<Option<Standing>> {
    loop {
        if !removal::exists(&view.client, &object.key, &object.uid).await? {
            return Ok(None);
        }
        let leading = tokio::time::timeout(LOOK_EVERY, standing.wait_for(Standing::leads)).await;
        if let Ok(Ok(leading)) = leading {
            return Ok(Some(*leading));
        }
    }
}

/// The allocator's work on this one router, on what the cluster says now.
async fn lead(
    verb: &ReleaseVerb,
    view: &View,
    object: &RouterObject,
    owner: &Owner,
    client: &Client,
    leading: Leadership,
) -> Result<End> {
    eprintln!("no allocator runs: the router is given back from here");
    if leading == (Leadership::Leading { unclean: true }) {
        eprintln!("the last allocator ended without a word: its last request is waited for, 65 s");
    }
    let now = View::read(&verb.cluster).await?;
    let mut events = now.events();
    for event in &mut events {
        match event {
            Event::Leadership(leadership) => *leadership = leading,
            Event::Routers(change) => *change = Change::Listed(vec![object.clone()]),
            _ => {}
        }
    }
    let allocator = Allocator::new(Settings {
        cluster_uid: owner.uid.clone(),
        ..Settings::default()
    });
    let clock = Clock::start();
    let mut drive = Drive::new(allocator, object.clone(), client, clock, verb.timeout());
    let end = drive.run(events).await;
    if matches!(end, End::Done) {
        removal::take_finalizer_off(&view.client, &object.key, &object.uid).await?;
    }
    Ok(end)
}
