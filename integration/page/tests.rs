//! Commands are read from pages as they stand there, and each of them is played or has a reason why not.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// Where somebody adds one.
const WHERE: &str = "integration/page/inventory.rs";

/// The languages of other blocks. One in any other would be passed over without a word.
const SHOWN: [&str; 4] = ["json", "mermaid", "text", "yaml"];

fn on_pages() -> Vec<(String, String)> {
    let pages = all().unwrap();
    let each = pages.iter().flat_map(|page| {
        let commands = commands(&page.text).into_iter();
        commands.map(|command| (page.path.clone(), command.line))
    });
    each.collect()
}

fn unplayed() -> Vec<(&'static str, &'static str)> {
    let all = inventory::UNPLAYED.iter();
    all.flat_map(|(why, lines)| lines.iter().map(|line| (*why, *line)))
        .collect()
}

/// Fails with everything that is wrong, not just the first.
fn assert_none(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n  {}", wrong.join("\n  "));
}

#[test]
fn commands_are_found_where_a_person_sees_them() {
    let page = "Type `tiklb plan` (`TIKLB_UPDATE=1 cargo test`), `tiklb`, `plans` or `.ci/check`.\n\
        | `tiklb crds \\| kubectl apply -f -` | `CI=true` |\n\n\
        ```sh\ntiklb doctor      # once\nkubectl label namespace x \\\n  y=z\n\n```\n\
        1. Then\n\n   ```sh\n   helm list\n   ```\n\
        ```yaml\nkind: `tiklb plan`\n```\n\
        ```console\n$ curl -k x\n[]\n```\n";
    let found = commands(page);
    let found: Vec<(&str, Place)> = found
        .iter()
        .map(|command| (command.line.as_str(), command.place))
        .collect();
    let expected = [
        ("tiklb plan", Place::Sentence),
        ("TIKLB_UPDATE=1 cargo test", Place::Sentence),
        (".ci/check", Place::Sentence),
        ("tiklb crds | kubectl apply -f -", Place::Sentence),
        ("tiklb doctor", Place::Block),
        ("kubectl label namespace x y=z", Place::Block),
        ("helm list", Place::Block),
        ("curl -k x", Place::Block),
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_block_says_whether_it_is_typed() {
    let mut wrong = Vec::new();
    for page in all().unwrap() {
        let fences = page
            .text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("```"));
        // One that opens, one that closes.
        for language in fences.step_by(2) {
            if !TYPED.contains(&language) && !SHOWN.contains(&language) {
                wrong.push(format!("{}: {language:?}", page.path));
            }
        }
    }
    assert_none(
        &wrong,
        "what is to be typed is `sh` or `console`, what is shown something else",
    );
}

#[test]
fn each_command_is_played_or_has_a_reason_why_not() {
    let played = inventory::played().unwrap();
    let known: BTreeSet<&str> = played
        .iter()
        .map(|(line, _)| line.as_str())
        .chain(unplayed().iter().map(|(_, line)| *line))
        .collect();
    let commands = on_pages();
    assert!(
        commands.len() > 200,
        "only {} commands were found",
        commands.len()
    );
    let nobody = commands.iter().filter(|(_, line)| !known.contains(line.as_str()));
    let nobody: Vec<String> = nobody.map(|(page, line)| format!("{page}: {line}")).collect();
    assert_none(
        &nobody,
        &format!(
            "nobody types these: let a story of integration/story/command do it, or another test and say so in PLAYED of {WHERE}, \
             or write into UNPLAYED beside it why it cannot be done here"
        ),
    );
}

#[test]
fn nothing_is_claimed_of_a_command_that_no_page_has() {
    let commands = on_pages();
    let on_a_page: BTreeSet<&str> = commands.iter().map(|(_, line)| line.as_str()).collect();
    let played = inventory::played().unwrap();
    let claimed = played.iter().map(|(line, _)| line.as_str());
    let claimed = claimed.chain(unplayed().into_iter().map(|(_, line)| line));
    let gone: Vec<String> = claimed
        .filter(|line| !on_a_page.contains(line))
        .map(str::to_owned)
        .collect();
    assert_none(
        &gone,
        &format!("no page has these any more: take them out of {WHERE}"),
    );
    let both = unplayed().into_iter().map(|(_, line)| line);
    let both: Vec<String> = both
        .filter(|line| played.iter().any(|(played, _)| played == line))
        .map(str::to_owned)
        .collect();
    assert_none(
        &both,
        &format!("these are played: take them out of UNPLAYED beside {WHERE}"),
    );
}

#[test]
fn who_plays_them_is_there() {
    let players = inventory::played()
        .unwrap()
        .into_iter()
        .filter_map(|(_, player)| player);
    let mut missing = BTreeSet::new();
    for player in players {
        let text = read(player.file).unwrap_or_default();
        if !text.contains(player.words) {
            missing.insert(format!("{}: {}", player.file, player.words));
        }
    }
    let missing: Vec<String> = missing.into_iter().collect();
    assert_none(
        &missing,
        &format!("these play no commands any more: see PLAYED in {WHERE}"),
    );
}

#[test]
fn pages_are_those_of_the_repository() {
    let pages = all().unwrap();
    let paths: Vec<&str> = pages.iter().map(|page| page.path.as_str()).collect();
    for page in ["README.md", "docs/doctor.md", "deploy/examples/homelab/README.md"] {
        assert!(paths.contains(&page), "{paths:?}");
    }
    assert!(
        paths.iter().all(|path| Path::new(path).is_relative()),
        "{paths:?}"
    );
}
