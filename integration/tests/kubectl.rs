//! The real kubectl against the embedded API server: what a person sees must look as on a cluster.
//!
//! The binary is `$TIKLB_KUBECTL`, or `kubectl` on the PATH. Without one the tests are listed as ignored: kubectl is no
//! part of what tiklb needs, so its absence fails nothing. Where there is one, tiklb is built first, to be its plugin.

#[path = "kubectl/person.rs"]
mod person;
#[path = "kubectl/plugin.rs"]
mod plugin;
#[path = "kubectl/stories.rs"]
mod stories;

use std::path::PathBuf;

use anyhow::Context as _;
use libtest_mimic::{Arguments, Trial};

use self::person::Person;

type Story = fn(&Person) -> anyhow::Result<()>;

const STORIES: &[(&str, Story)] = &[
    (
        "applying_creates_changes_and_leaves_alone",
        stories::applying_creates_changes_and_leaves_alone,
    ),
    (
        "getting_shows_services_as_people_know_them",
        stories::getting_shows_services_as_people_know_them,
    ),
    (
        "describing_shows_endpoints_and_events",
        stories::describing_shows_endpoints_and_events,
    ),
    ("custom_kinds_are_at_home", stories::custom_kinds_are_at_home),
    (
        "nodes_and_the_rest_have_their_columns",
        stories::nodes_and_the_rest_have_their_columns,
    ),
    ("watching_shows_changes", stories::watching_shows_changes),
    (
        "patching_labelling_and_waiting_work",
        stories::patching_labelling_and_waiting_work,
    ),
    (
        "deleting_waits_until_it_is_done",
        stories::deleting_waits_until_it_is_done,
    ),
    (
        "what_is_not_spoken_is_said_and_remembered",
        stories::what_is_not_spoken_is_said_and_remembered,
    ),
    (
        "tiklb_is_a_plugin_of_kubectl",
        plugin::tiklb_is_a_plugin_of_kubectl,
    ),
];

fn main() {
    let arguments = Arguments::from_args();
    let kubectl = find_kubectl();
    if kubectl.is_none() {
        eprintln!(
            "no kubectl: set TIKLB_KUBECTL or put one on the PATH to run these tests; they are ignored"
        );
    }
    let tiklb = kubectl.as_ref().map(|_| lab::binary::tiklb()).transpose();
    let tiklb = match tiklb {
        Ok(program) => program.unwrap_or_default(),
        Err(why) => {
            eprintln!("tiklb, whose plugin is tested: {why:#}");
            std::process::exit(1);
        }
    };
    let trial = |(name, story): &(&'static str, Story)| {
        let (story, binary, tiklb) = (*story, kubectl.clone(), tiklb.clone());
        let run = move || {
            let binary = binary.context("no kubectl was found")?;
            story(&Person::new(binary, tiklb)?)
        };
        Trial::test(*name, move || run().map_err(|why| format!("{why:#}").into()))
            .with_ignored_flag(kubectl.is_none())
    };
    libtest_mimic::run(&arguments, STORIES.iter().map(trial).collect()).exit();
}

/// `$TIKLB_KUBECTL`, else the first `kubectl` on the PATH.
fn find_kubectl() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("TIKLB_KUBECTL") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("kubectl"))
        .find(|file| file.is_file())
}
