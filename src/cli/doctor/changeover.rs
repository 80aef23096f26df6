//! Where a cluster stands between MetalLB and tiklb: which of the two is installed, and what is left of the other.
//!
//! Each finding tells one thing that is wrong; this tells which step comes next, whichever way the person goes.

use serde::Serialize;

use super::facts::{Facts, Workload};
use super::finding::{Kind, Report, named};
use super::installation::leads;
use super::neighbors::{Maker, delete, overlaps};
use crate::api::{METALLB_GROUP, TIKLB_GROUP};

/// The page that leads from one to the other.
const PAGE: &str = "docs/migrate-from-metallb.md";
/// What a move leaves of MetalLB that is in somebody's way.
const RESTS: [Kind; 4] = [
    Kind::DeadWebhook,
    Kind::DeadConversion,
    Kind::HelmOwnsDefinitions,
    Kind::EarlierPoolNotRead,
];

/// A closed list of phases: what is the case, in a line of the page of findings.
macro_rules! phases {
    ($($phase:ident: $what:literal;)+) => {
        /// Between which two steps a cluster is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub(super) enum Phase {
            $(#[doc = $what] $phase,)+
        }

        impl Phase {
            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$phase),+];

            /// Its name, by which programs know it.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$phase => stringify!($phase),)+ }
            }

            /// What is the case.
            pub(super) const fn what(self) -> &'static str {
                match self { $(Self::$phase => $what,)+ }
            }
        }
    };
}

phases! {
    MetalLbAlone: "MetalLB runs, and tiklb is not installed";
    BothInstalled: "MetalLB runs, and tiklb is installed: two may answer for the same address";
    NeitherInstalled: "MetalLB's kinds are there, and neither MetalLB nor tiklb is: nobody gives addresses or answers for them";
    MetalLbLeftOver: "tiklb is installed, MetalLB is gone, and something of it is still in the way";
    BackAtMetalLb: "MetalLB runs, and tiklb has gone but for what it leaves";
}

/// Where a cluster stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Changeover {
    pub(super) phase: Phase,
    /// What is the case.
    pub(super) what: String,
    /// What a person does next.
    pub(super) next: String,
}

/// Of a cluster that is between the two, or was; `None` where nothing of MetalLB is to be seen, or where it could not be looked.
/// After all findings, by which it knows what is left.
pub(super) fn of(facts: &Facts, report: &Report) -> Option<Changeover> {
    let workloads = facts.workloads.as_ref().ok()?;
    let metallb: Vec<&Workload> = workloads
        .iter()
        .filter(|workload| workload.maker() == Maker::MetalLb && !workload.stopped)
        .filter(|workload| overlaps(facts, workload))
        .collect();
    let has = |kind: Kind| report.findings.iter().any(|finding| finding.kind == kind);
    let rests: Vec<&str> = RESTS
        .into_iter()
        .filter(|kind| has(*kind))
        .map(Kind::name)
        .collect();
    let (phase, next) = match (metallb.is_empty(), is_installed(facts)) {
        (false, true) => (Phase::BothInstalled, away(&metallb)),
        (false, false) => alone(facts, has(Kind::HelmOwnsDefinitions)),
        (true, false) if is_defined(facts, METALLB_GROUP) => (Phase::NeitherInstalled, install(facts)),
        (true, true) if !rests.is_empty() => (
            Phase::MetalLbLeftOver,
            format!("what mends {} stands above", named(rests)),
        ),
        (true, _) => return None,
    };
    Some(Changeover {
        phase,
        what: phase.what().to_owned(),
        next,
    })
}

/// Whether tiklb is there: by its workloads, or by an allocator that leads, whoever started it. Where it could not be looked,
/// nothing is said about its absence.
pub(super) fn is_installed(facts: &Facts) -> bool {
    let (Ok(workloads), Ok(lease)) = (&facts.workloads, &facts.lease) else {
        return true;
    };
    let is_ours = |workload: &Workload| workload.maker() == Maker::Ours;
    workloads.iter().any(is_ours) || lease.as_ref().is_some_and(|lease| leads(facts, lease))
}

/// How tiklb comes, to a cluster on which MetalLB's definitions are.
pub(super) fn install(facts: &Facts) -> String {
    format!(
        "helm install tiklb deploy/chart --namespace {} --take-ownership, or kubectl apply --server-side --force-conflicts -f \
         deploy/manifests/tiklb.yaml ({PAGE})",
        facts.namespace
    )
}

fn away(metallb: &[&Workload]) -> String {
    let deletes = metallb
        .iter()
        .map(|workload| delete(workload.kind, &workload.key));
    format!(
        "{} (by Helm: free the definitions first), or take tiklb away again ({PAGE})",
        deletes.collect::<Vec<_>>().join(" && ")
    )
}

/// MetalLB, without tiklb: not yet, or not any more.
fn alone(facts: &Facts, helm_owns: bool) -> (Phase, String) {
    let routers = facts.routers.as_ref().map_or(&[][..], Vec::as_slice);
    if !routers.is_empty() {
        let routers = named(routers.iter().map(|router| &router.name));
        let next = format!(
            "MikrotikRouter {routers}: give its rows back (RouterLeftBehind above), or come back to tiklb: {PAGE}, from its beginning"
        );
        return (Phase::BackAtMetalLb, next);
    }
    if is_defined(facts, TIKLB_GROUP) {
        let next = format!(
            "nothing of it is in the way: kubectl delete crd {} where nobody comes back to tiklb, or {PAGE}, from its beginning",
            defined(facts, TIKLB_GROUP).join(" ")
        );
        return (Phase::BackAtMetalLb, next);
    }
    let first = if helm_owns {
        "let Helm leave the definitions and the pools (\"With Helm\"), then take MetalLB away and install tiklb"
    } else {
        "take MetalLB's programs away and keep its pools, then install tiklb"
    };
    (Phase::MetalLbAlone, format!("{first}: {PAGE}"))
}

fn is_defined(facts: &Facts, group: &str) -> bool {
    !defined(facts, group).is_empty()
}

/// The definitions of a group that are there, of those that tiklb brings.
fn defined<'a>(facts: &'a Facts, group: &str) -> Vec<&'a str> {
    let definitions = facts.definitions.iter().flatten();
    let of = definitions.filter(|(_, definition)| definition.spec.group == group);
    of.map(|(name, _)| name.as_str()).collect()
}
