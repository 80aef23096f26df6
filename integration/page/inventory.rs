//! Who plays the commands of the pages, and which of them nobody here can.
//!
//! What a person reads in the documentation and types has to work. So each command is typed by a test or a story, or it stands in
//! [`UNPLAYED`] with the reason. A story of `story/command` finds its lines on the pages by itself; others are named here.

mod unplayed;

use anyhow::Result;

use super::{lines_under, read};
use crate::story;
pub use unplayed::UNPLAYED;

/// Where commands are played: a file of the repository, and words in it.
#[derive(Debug, Clone, Copy)]
pub struct Player {
    /// The file.
    pub file: &'static str,
    /// The function, or the line, that plays them.
    pub words: &'static str,
}

/// What is played.
#[derive(Debug, Clone, Copy)]
enum What {
    /// Every line of the blocks under these headings of a page.
    Blocks(&'static str, &'static [&'static str]),
    /// These.
    Lines(&'static [&'static str]),
}

use What::{Blocks, Lines};

const fn by(file: &'static str, words: &'static str) -> Player {
    Player { file, words }
}

const GUIDE: &str = "deploy/examples/homelab/README.md";
const START: &str = "docs/getting-started.md";
const MIGRATION: &str = "docs/migrate-from-metallb.md";

const CHECK: &str = ".ci/check";
const CLUSTER: &str = ".ci/cluster";

/// By others than the stories of `story/command`.
const PLAYED: &[(Player, What)] = &[
    (
        by(
            "integration/story/start.rs",
            "fn from_a_router_to_the_first_service_and_back",
        ),
        Blocks(START, &story::START_STEPS),
    ),
    (
        by("integration/story/migration.rs", "fn by_helm_and_back"),
        Blocks(MIGRATION, &["With Helm", "Back to MetalLB, with Helm"]),
    ),
    (
        by("integration/story/migration.rs", "fn by_manifests_and_back"),
        Blocks(MIGRATION, &["With manifests", "Back to MetalLB, with manifests"]),
    ),
    (
        by(
            "integration/story/migration/earlier.rs",
            "fn from_a_version_before_0_14",
        ),
        Blocks(MIGRATION, &["From MetalLB 0.13 or older"]),
    ),
    (
        by(
            "integration/tests/kubelets/guide.rs",
            "fn its_commands_show_what_they_promise",
        ),
        Blocks(GUIDE, &["Does it work?"]),
    ),
    (
        by("integration/tests/kubelets/guide.rs", "const LOGS"),
        Lines(&[
            "kubectl logs -l component=speaker",
            "kubectl -n metallb-system logs -l component=speaker --tail=-1",
            "kubectl -n metallb-system logs -l component=speaker --tail=-1 | grep heartbeat",
            "kubectl -n metallb-system logs -l app.kubernetes.io/component=allocator --tail=-1",
        ]),
    ),
    (
        by("integration/tests/kubelets/guide.rs", "neighbor(PHOTOS)"),
        Lines(&["ip neigh show 192.168.1.203"]),
    ),
    (
        by(
            "integration/tests/kubelets/failover.rs",
            "kubectl drain {node} --ignore-daemonsets",
        ),
        Lines(&["kubectl drain NODE --ignore-daemonsets"]),
    ),
    (
        by(
            "integration/tests/kubelets/process.rs",
            "kubectl -n {NAMESPACE} delete pod -l component=speaker",
        ),
        Lines(&["kubectl -n metallb-system delete pod …"]),
    ),
    (
        by(
            "integration/tests/kubelets/removal.rs",
            "helm uninstall {RELEASE} --namespace {NAMESPACE}",
        ),
        Lines(&[
            "helm uninstall tiklb --namespace metallb-system",
            "helm uninstall -n metallb-system tiklb",
        ]),
    ),
    (
        by(
            "integration/tests/kubelets/removal.rs",
            "kubectl -n {NAMESPACE} logs job/tiklb-release",
        ),
        Lines(&["kubectl -n metallb-system logs job/tiklb-release"]),
    ),
    (
        by(
            "integration/tests/kubelets/removal.rs",
            "fn plain_manifests_are_removed_by_the_commands_of_the_page",
        ),
        Blocks("docs/install.md", &["Plain manifests"]),
    ),
    (
        by(
            "integration/tests/kubelets/trouble.rs",
            "fn without_its_labels_a_namespace_lets_no_speaker_in",
        ),
        Lines(&["kubectl -n metallb-system describe daemonset tiklb-speaker"]),
    ),
    (
        by(
            "integration/tests/kubelets/removal.rs",
            "-n {NAMESPACE} delete mikrotikrouter {ROUTER}",
        ),
        Lines(&["kubectl -n metallb-system delete mikrotikrouter router"]),
    ),
    (
        by(
            "integration/tests/kubelets/removal.rs",
            "kubectl delete namespace {NAMESPACE}",
        ),
        Lines(&["kubectl delete namespace metallb-system"]),
    ),
    (
        by(
            "integration/tests/kubelets/removal.rs",
            "patch mikrotikrouter {ROUTER} --type=merge -p",
        ),
        Lines(&[
            "kubectl -n metallb-system patch mikrotikrouter router --type=merge -p '{\"metadata\":{\"finalizers\":null}}'",
        ]),
    ),
    (
        by(
            "integration/tests/kubelets/up.rs",
            "fn it_shows_what_it_promises_until_ctrl_c_and_leaves_nothing",
        ),
        Lines(&["cargo run --release -p lab -- cluster up --kubelets"]),
    ),
    (
        by(
            "integration/tests/kubectl/plugin.rs",
            "fn tiklb_is_a_plugin_of_kubectl",
        ),
        Lines(&["kubectl tiklb"]),
    ),
    (
        by(
            "integration/tests/home/program.rs",
            "fn a_shell_joins_the_demo_that_runs_and_nothing_outlives_it",
        ),
        Lines(&["lab shell", "cargo run --release -p lab -- shell"]),
    ),
    (
        by(
            "routeros/sim/tests/rest/binary.rs",
            "fn the_help_teaches_and_every_flag_has_a_twin_in_the_environment",
        ),
        Lines(&["cargo run -p routeros-sim -- --help"]),
    ),
    (
        by(
            "routeros/sim/tests/rest/binary.rs",
            "fn what_its_page_tells_to_type_shows_what_the_page_shows",
        ),
        Lines(&[
            "cargo run -p routeros-sim -- --plain --listen 127.0.0.1:8080 --admin 127.0.0.1:8444",
            "curl -u tiklb:tiklb-secret http://127.0.0.1:8080/rest/ip/pool",
        ]),
    ),
    // The demo has tiklb built first.
    (
        by(CHECK, "cargo run --release -p lab -- demo"),
        Lines(&[
            "cargo run --release -p lab -- demo",
            "cargo build --release --bin tiklb",
        ]),
    ),
    (
        by(CHECK, "demo --start 100-199"),
        Lines(&["demo --start 100-199"]),
    ),
    // All of it, or some of it by name.
    (
        by(CHECK, "cargo test --workspace"),
        Lines(&[
            "cargo test",
            "cargo test --workspace",
            "cargo test -p tiklb-core election",
            "cargo test -p tiklb --lib cluster",
            "cargo test -p routeros-sim",
            "cargo test -p lab --lib page",
            "cargo test --test golden",
            "cargo test --test arrows",
            "cargo run --release -p lab -- story",
        ]),
    ),
    (
        by(CHECK, "cargo clippy --workspace --all-targets -- -D warnings"),
        Lines(&["cargo clippy --all-targets -- -D warnings"]),
    ),
    (by(CHECK, "cargo fmt --all --check"), Lines(&["cargo fmt"])),
    (
        by(CHECK, "cargo doc --workspace --no-deps"),
        Lines(&["cargo doc -p routeros-sim --open"]),
    ),
    (
        by(CHECK, "installed keepalived keepalived"),
        Lines(&["apt-get install keepalived"]),
    ),
    (
        by(CLUSTER, "cargo run --release -p lab -- cluster build"),
        Lines(&[
            "cargo run --release -p lab -- cluster build",
            "lab -- cluster build",
        ]),
    ),
    (
        by(CLUSTER, "cargo run --release -p lab -- story --cluster"),
        Lines(&[
            "cargo run --release -p lab -- story --cluster",
            "cargo run --release -p lab -- story --cluster migration",
        ]),
    ),
    (
        by(CLUSTER, "CI_CLUSTER=1 cargo test --workspace --test cluster"),
        Lines(&["CI_CLUSTER=1 cargo test --test cluster"]),
    ),
    (
        by(CLUSTER, "cargo run --release -p lab -- chart"),
        Lines(&["cargo run --release -p lab -- chart", "lab -- chart"]),
    ),
    (
        by(CLUSTER, "cargo run --release -p lab -- image"),
        Lines(&["cargo run --release -p lab -- image", "lab -- image"]),
    ),
    (
        by(CLUSTER, "CI_KUBELETS=1 cargo test --workspace --test kubelets"),
        Lines(&[
            "CI_KUBELETS=1 cargo test --test kubelets",
            "cargo test --test kubelets",
        ]),
    ),
    (
        by(
            "integration/tests/kubelets/migration.rs",
            "the_doctor_tells_each_state_of_the_move_and_of_the_way_back",
        ),
        Lines(&["CI_KUBELETS=1 cargo test --test kubelets migration"]),
    ),
    (
        by("integration/chart/wrong.rs", "speaker.frr.enabled=true"),
        Lines(&["helm template tiklb deploy/chart --values YOURS.yaml >/dev/null"]),
    ),
];

/// A command, and who plays it; nobody where a story finds it on the pages by itself.
///
/// # Errors
/// A page has not what a story looks for.
pub fn played() -> Result<Vec<(String, Option<Player>)>> {
    let mut all: Vec<(String, Option<Player>)> =
        story::typed()?.into_iter().map(|line| (line, None)).collect();
    for (player, what) in PLAYED {
        let lines = match what {
            Lines(lines) => lines.iter().map(|line| (*line).to_owned()).collect(),
            Blocks(page, headings) => under(page, headings)?,
        };
        all.extend(lines.into_iter().map(|line| (line, Some(*player))));
    }
    Ok(all)
}

/// The commands of the blocks under headings of a page.
fn under(page: &str, headings: &[&str]) -> Result<Vec<String>> {
    let text = read(page)?;
    let mut all = Vec::new();
    for heading in headings {
        all.extend(lines_under(&text, heading)?);
    }
    Ok(all)
}
