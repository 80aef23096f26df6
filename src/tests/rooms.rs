//! Which room may name which: on the modules' paths, tests included.

use std::collections::BTreeSet;

use super::source::{File, code, rust};

/// The rooms of `src/`, and the rooms that each names. Nobody goes round: each names only rooms above it in the list.
const ROOMS: [(&str, &[&str]); 9] = [
    // The process's clock and tasks: every room may use them.
    ("clock", &[]),
    ("tasks", &[]),
    ("api", &[]),
    ("link", &[]),
    // Only the wiring names it, see WIRING.
    ("observe", &[]),
    ("cluster", &["clock", "tasks", "api"]),
    ("allocator", &["clock", "tasks", "api", "cluster", "observe"]),
    (
        "speaker",
        &["clock", "tasks", "api", "link", "cluster", "observe"],
    ),
    (
        "cli",
        &[
            "clock",
            "tasks",
            "api",
            "link",
            "observe",
            "cluster",
            "allocator",
            "speaker",
        ],
    ),
];

/// What holds both processes together. No other file names the room `observe`.
const WIRING: [&str; 3] = ["src/cli", "src/allocator/process", "src/speaker/process"];

/// The rooms of `src/core/`: values, then decisions, then the two state machines that compose them.
const CORE: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("config", &["model"]),
    ("ipam", &["model", "config"]),
    ("neighbor", &["model"]),
    ("reservation", &["model", "config", "ipam"]),
    ("election", &["model", "config", "ipam"]),
    ("allocator", &["model", "config", "ipam", "reservation"]),
    ("speaker", &["model", "config", "neighbor", "election"]),
];

/// The RouterOS client is the allocator's, of the verbs that look at a router, and of the metrics that count its requests.
const CLIENT: [&str; 3] = ["src/allocator", "src/cli", "src/observe/metrics"];

/// The API server's client is of the Kubernetes side, and of the types that are its kinds.
const KUBE: [&str; 2] = ["src/api", "src/cluster"];

#[test]
fn the_rooms_name_each_other_as_the_design_says() {
    assert_arrows("src/", &ROOMS);
}

#[test]
fn the_rooms_of_core_name_each_other_as_the_design_says() {
    assert_arrows("src/core/", &CORE);
}

#[test]
fn only_the_wiring_observes() {
    assert_only(
        &[&WIRING[..], &["src/observe"]].concat(),
        "crate",
        Some("observe"),
    );
}

#[test]
fn only_the_allocator_and_the_verbs_name_the_routers_client() {
    assert_only(&CLIENT, "routeros", None);
}

#[test]
fn only_the_kubernetes_side_names_its_client() {
    assert_only(&KUBE, "kube", None);
}

/// The sources of one crate: the product's, or core's.
fn sources(folder: &str) -> Vec<File> {
    let mut files = rust(&[folder]);
    // Crates of their own inside of the product's folder.
    files.retain(|file| {
        folder == "src/core/"
            || !is_below(
                &file.path,
                &["src/core", "src/tests", "src/cli/tests", "src/link/tests"],
            )
    });
    // Programs that look at core from outside.
    files.retain(|file| {
        !is_below(
            &file.path,
            &["src/core/benches", "src/core/fuzz", "src/core/tests"],
        )
    });
    files
}

/// Whether a file is one of these modules, or in one of them.
fn is_below(path: &str, modules: &[&str]) -> bool {
    modules.iter().any(|module| {
        path.strip_prefix(module)
            .is_some_and(|rest| rest.starts_with(['/', '.']))
    })
}

/// Only these modules name `root`, or `room` of it.
fn assert_only(modules: &[&str], root: &str, room: Option<&str>) {
    for file in sources("src/") {
        let found = named(&file.code(), root);
        let names = room.map_or(!found.is_empty(), |room| found.contains(room));
        assert!(
            !names || is_below(&file.path, modules),
            "{} names {root}{}: only {modules:?} may",
            file.path,
            room.map(|room| format!("::{room}")).unwrap_or_default()
        );
    }
}

fn assert_arrows(folder: &str, rooms: &[(&str, &[&str])]) {
    for (at, (room, allowed)) in rooms.iter().enumerate() {
        let above = |name: &&str| rooms[..at].iter().any(|(room, _)| room == name);
        assert!(allowed.iter().all(above), "{room}: an arrow that goes round");
    }
    for file in sources(folder) {
        let module = file.path.strip_prefix(folder).unwrap();
        let own = module.split(['/', '.']).next().unwrap();
        let code = file.code();
        if ["lib", "main"].contains(&own) {
            continue;
        }
        let (_, allowed) = rooms
            .iter()
            .find(|(room, _)| *room == own)
            .unwrap_or_else(|| panic!("{}: a room that has no arrows yet", file.path));
        for room in named(&code, "crate").iter().chain(&climbed(module, &code)) {
            assert!(
                room == own || allowed.contains(&room.as_str()),
                "{} names {room}: the room {own} may name {allowed:?} only",
                file.path
            );
        }
    }
}

/// The first steps of all paths that begin at `root`: of `crate::a::X` and of `use crate::{a::X, b}`.
fn named(code: &str, root: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let start = format!("{root}::");
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        // `my_crate::`, and `x::kube::`, which is somebody's module.
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let path = code[at + start.len()..].trim_start();
        let steps = path.strip_prefix('{').map_or_else(|| vec![path], members);
        found.extend(steps.into_iter().map(identifier));
    }
    found.remove("");
    found
}

/// The members of a group whose opening brace was read.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut members) = (0_usize, 0, Vec::new());
    for (at, next) in group.char_indices() {
        match next {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.push(group[begin..at].trim());
                begin = at + 1;
            }
            _ => continue,
        }
        if next == '}' && begin == at + 1 {
            break;
        }
    }
    members
}

fn identifier(path: &str) -> String {
    path.chars()
        .take_while(|&c| c.is_alphanumeric() || c == '_')
        .collect()
}

/// Rooms reached by `super::super::…` from a module of this file.
fn climbed(module: &str, code: &str) -> BTreeSet<String> {
    // From here to the crate's root; a module inside of the file begins deeper, and would need one more.
    let depth = module.split('/').count();
    named(code, &vec!["super"; depth].join("::"))
}

#[test]
fn references_are_found_in_every_form() {
    let found = |text: &str| -> Vec<String> { named(&code(text), "crate").into_iter().collect() };
    assert_eq!(found("use crate::api::{X, Y};"), ["api"]);
    assert_eq!(
        found("use crate::{api::{self, b::C}, link, cluster::X};"),
        ["api", "cluster", "link"]
    );
    assert_eq!(
        found("use crate::{\n    api,\n    link::{a, b},\n};\nuse x::{y, z};"),
        ["api", "link"]
    );
    assert_eq!(found("let a = crate::api::X; // crate::link"), ["api"]);
    assert_eq!(found("impl $crate::api::X for Y {}"), ["api"]);
    assert_eq!(found("other_crate::api; x::crate::y"), [""; 0]);
    let climbed = |text: &str| -> Vec<String> { climbed("link/watch/dump.rs", text).into_iter().collect() };
    assert_eq!(climbed("use super::super::super::api::X;"), ["api"]);
    assert_eq!(climbed("use super::super::X;"), [""; 0]);
}
