//! Stories: what a person relies on, played by real processes on a [home](crate::home) and judged from outside.
//!
//! One file of `story/` is one capability. A story sees frames as a client of the LAN, the router's rows and its journal
//! of writes, and objects in the Kubernetes API; it never asks tiklb what it thinks. The same stories are played with the
//! embedded API server and on a real cluster.
//!
//! | file | what is relied on |
//! |---|---|
//! | `acceptance` | MetalLB's acceptance list for announcing, by its identifiers |
//! | `address` | Services get the addresses that they ask for, and keep them |
//! | `reservation` | the router agrees: pools, leases, ARP rows, occupied addresses, release |
//! | `reserved` | an address is one Service's, and stands on the router before that exists |
//! | `assignment` | MetalLB's acceptance list for assignment, by its identifiers |
//! | `announcement` | one node answers; another takes over when it is cut off or its speaker dies |
//! | `answer` | each question has one answer, also while a node stands still or has too much to do |
//! | `conflict` | somebody else uses an announced address: it is told, defended, and over when they are gone |
//! | `discovery` | IPv6: NDP answers, a cut cable moves both families, an address that is taken stays taken |
//! | `configuration` | what is wrong is said where a person looks, and takes nothing else down |
//! | `leadership` | of two allocators one writes; the other takes over from one that ends, crashes or is stopped |
//! | `lease` | DHCP clients: none gets an address of the range, and one that has one is waited for |
//! | `ownership` | whose rows they are: a renamed object, pruned kinds, a rebuilt cluster, two clusters |
//! | `drift` | a person puts the range back into the router's pool |
//! | `impairment` | a LAN that loses frames: all that a node is sent, three of ten, the heartbeats of one node |
//! | `interface` | nodes with two network cards, by MetalLB's identifiers: what an advertisement names answers, and nothing else |
//! | `interruption` | the router reboots in the middle of a first sync, or is away during a rollout |
//! | `ipv6` | nodes that have IPv6 alone: a cut cable moves an address, and a speaker that dies does not |
//! | `key` | a speaker with another heartbeat key moves nothing |
//! | `pin` | ARP rows that the router itself follows: traffic from behind it after a failover |
//! | `router` | a router that cannot be used: no new announcement without proof, none lost |
//! | `outage` | API server and allocator away: every address goes on answering |
//! | `validity` | every component says whether the configuration is valid; what is refused, by MetalLB's identifiers |
//! | `weather` | the API server fails in every way: what can go on goes on, at a pace |
//! | `doctor` | what is missing, left over or in the way is found, each with its fix |
//! | `metric` | alerts, dashboard and the page of metrics name what the running programs show, and a failover is counted |
//! | `migration` | from MetalLB and back by the commands of `docs/migrate-from-metallb.md`; on the real cluster alone |
//! | `removal` | what the chart does before tiklb is uninstalled |
//! | `partition` | nodes that do not hear each other, and meet again or never do: in the end one answers |
//! | `person` | what `tiklb status`, `tiklb explain` and `tiklb plan` tell |
//! | `command` | what the pages tell to type, line by line, shows what they promise and writes nothing |
//! | `start` | the first start, by the commands and objects of `docs/getting-started.md` |

mod acceptance;
mod address;
mod announcement;
mod answer;
mod assignment;
mod command;
mod configuration;
mod conflict;
mod desk;
mod discovery;
mod doctor;
mod drift;
mod impairment;
mod interface;
mod interruption;
mod ipv6;
mod key;
mod leadership;
mod lease;
mod metric;
mod migration;
mod outage;
mod ownership;
mod partition;
mod person;
mod pin;
mod preference;
mod removal;
mod reservation;
mod reserved;
mod router;
mod scene;
mod segment;
mod start;
mod talk;
mod troupe;
mod validity;
mod weather;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

pub(crate) use start::STEPS as START_STEPS;
pub use troupe::{Theatre, play};

use crate::home::{Api, Plan};
use scene::Scene;

/// What a story says: nothing, or what was not as it should be.
type Outcome = Result<()>;

type Act = for<'a> fn(&'a mut Scene) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// Longer than any story takes beside a build on two cores. The longest, in which a lease of the router ends by itself,
/// needs two minutes by the clock.
const BOUND: Duration = Duration::from_mins(5);

/// On which cluster a story can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// On both.
    Any,
    /// It needs what the embedded API server is not: other people's programs run in it.
    Real,
    /// It needs nodes that take IPv6: the real cluster's Services, and so its kube-proxies, have IPv4 alone.
    Embedded,
}

/// A story.
#[derive(Clone, Copy)]
pub struct Story {
    /// Its file and its function: `address::an_assigned_address_stays`.
    pub name: &'static str,
    plan: fn(Plan) -> Plan,
    act: Act,
    stage: Stage,
    /// Whether its LAN [loses frames](crate::lan::Loss), for which the machine needs a program.
    loses: bool,
}

impl std::fmt::Debug for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The stories of one file, named after it and themselves; after `with` comes what is special about a home.
macro_rules! stories {
    ($file:ident: $($story:ident $(with $plan:expr)?),* $(,)?) => {
        vec![$(crate::story::Story {
            name: concat!(stringify!($file), "::", stringify!($story)),
            plan: crate::story::planned!($($plan)?),
            act: |scene| Box::pin($story(scene)),
            stage: crate::story::Stage::Any,
            loses: false,
        }),*]
    };
}
macro_rules! planned {
    () => {
        |plan| plan
    };
    ($plan:expr) => {
        $plan
    };
}
use {planned, stories};

/// Every line of the pages that a story finds there and types.
///
/// # Errors
/// A page has not the line that a story looks for.
pub fn typed() -> Result<Vec<String>> {
    command::typed()
}

impl Story {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let files = [
            acceptance::stories(),
            address::stories(),
            announcement::stories(),
            answer::stories(),
            assignment::stories(),
            command::stories(),
            configuration::stories(),
            conflict::stories(),
            discovery::stories(),
            doctor::stories(),
            drift::stories(),
            impairment::stories(),
            interface::stories(),
            interruption::stories(),
            ipv6::stories(),
            key::stories(),
            leadership::stories(),
            lease::stories(),
            metric::stories(),
            migration::stories(),
            outage::stories(),
            ownership::stories(),
            partition::stories(),
            person::stories(),
            pin::stories(),
            preference::stories(),
            removal::stories(),
            reservation::stories(),
            reserved::stories(),
            router::stories(),
            segment::stories(),
            start::stories(),
            validity::stories(),
            weather::stories(),
        ];
        files.into_iter().flatten().collect()
    }

    /// The same story, to be played there alone.
    const fn only(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    /// The same story, on a LAN that loses frames.
    const fn losing(self) -> Self {
        Self { loses: true, ..self }
    }

    /// Whether it can be played on this cluster.
    const fn fits(self, api: &Api) -> bool {
        match self.stage {
            Stage::Any => true,
            Stage::Real => !matches!(api, Api::Embedded),
            Stage::Embedded => matches!(api, Api::Embedded),
        }
    }

    /// Plays it in a home of its own, inside of the [sandbox](crate::sandbox).
    ///
    /// # Errors
    /// What was not as it should be, with the last lines of tiklb's processes.
    pub async fn tell(self, tiklb: PathBuf, api: Api) -> Outcome {
        let plan = (self.plan)(Plan::default()).tiklb(tiklb).api(api);
        let mut scene = Scene::open(plan).await?;
        let played = tokio::time::timeout(BOUND, (self.act)(&mut scene)).await;
        let played = played.unwrap_or_else(|_| Err(anyhow!("the story did not end within {BOUND:?}")));
        let judged = played.and_then(|()| scene.judge_conduct());
        judged.with_context(|| format!("what tiklb said:\n{}", scene.last_words()))
    }
}
