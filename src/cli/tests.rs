//! What the command line promises: an environment twin for every flag, help that teaches, errors that name the fix.

mod pages;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

fn refusal(line: &str) -> String {
    parse(line)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

/// All verbs, also those behind another.
fn verbs() -> Vec<clap::Command> {
    let mut verbs: Vec<clap::Command> = Cli::command().get_subcommands().cloned().collect();
    let mut at = 0;
    while let Some(verb) = verbs.get(at) {
        let inner: Vec<clap::Command> = verb.get_subcommands().cloned().collect();
        verbs.extend(inner);
        at += 1;
    }
    verbs
}

#[test]
fn every_flag_has_an_environment_twin_of_its_name() {
    for verb in verbs() {
        for flag in verb.get_arguments() {
            let Some(long) = flag.get_long().filter(|long| *long != "help") else {
                continue;
            };
            let twin = format!("TIKLB_{}", long.replace('-', "_").to_uppercase());
            let found = flag.get_env().and_then(|name| name.to_str());
            assert_eq!(found, Some(twin.as_str()), "tiklb {} --{long}", verb.get_name());
        }
    }
}

#[test]
fn every_verb_and_every_flag_says_what_it_is_for() {
    for verb in verbs() {
        let name = verb.get_name();
        assert!(verb.get_about().is_some(), "{name}");
        for argument in verb.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {}", argument.get_id());
        }
    }
}

#[test]
fn help_shows_all_that_a_verb_says_of_itself() {
    let said = [
        (
            "plan",
            "Ends with 0 where nothing is to be done, with 2 where something is",
        ),
        (
            "doctor",
            "Ends with 0 where everything was looked at and nothing found, with 2",
        ),
        ("explain", "Reads the API with your kubeconfig"),
        ("release", "waits until the router is given back"),
        ("enroll", "The password is not in it unless you ask for that"),
    ];
    for (name, words) in said {
        let mut verb = verbs().into_iter().find(|verb| verb.get_name() == name).unwrap();
        let shown = verb.render_long_help().to_string();
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(words), "{name}: {shown}");
    }
}

#[test]
fn the_daemons_need_nothing_but_what_their_pods_know() {
    assert!(parse("tiklb allocator").is_ok());
    assert!(parse("tiklb speaker --node-name node1").is_ok());
    assert!(refusal("tiklb speaker").contains("--node-name <NODE>"));
}

#[test]
fn bad_values_are_told_with_what_would_be_right() {
    let format = refusal("tiklb allocator --log-format xml");
    assert!(
        format.contains("--log-format") && format.contains("write text or json"),
        "{format}"
    );
    let port = refusal("tiklb speaker --node-name a --heartbeat-port 70000");
    assert!(port.contains("--heartbeat-port"), "{port}");
    let listen = refusal("tiklb allocator --admin-listen 7472");
    assert!(listen.contains("--admin-listen <ADDRESS:PORT>"), "{listen}");
    let typo = refusal("tiklb stauts");
    assert!(typo.contains("a similar subcommand exists: 'status'"), "{typo}");
}

#[test]
fn without_a_verb_the_verbs_are_shown() {
    let help = refusal("tiklb");
    for verb in [
        "allocator",
        "speaker",
        "plan",
        "release",
        "router",
        "status",
        "explain",
        "doctor",
        "crds",
    ] {
        assert!(help.contains(verb), "no {verb} in {help}");
    }
}

#[test]
fn help_and_errors_name_the_program_as_it_was_called() {
    let help = |called: &str, line: &str| {
        let matches = command(Some(OsStr::new(called))).try_get_matches_from(line.split_whitespace());
        matches.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let plugin = "/usr/local/bin/kubectl-tiklb";
    let shown = help(plugin, "kubectl-tiklb --help");
    assert!(shown.contains("Usage: kubectl tiklb <COMMAND>"), "{shown}");
    let shown = help(plugin, "kubectl-tiklb explain service --help");
    assert!(
        shown.contains("Usage: kubectl tiklb explain service [OPTIONS] <NAMESPACE/NAME>"),
        "{shown}"
    );
    let shown = help(plugin, "kubectl-tiklb explain service web");
    assert!(shown.contains("NAMESPACE/NAME, such as default/web"), "{shown}");
    let shown = help("./tiklb", "tiklb --help");
    assert!(shown.contains("Usage: tiklb <COMMAND>"), "{shown}");
}

/// The containers of a manifest: their arguments, and the names of ours in their environments.
fn containers(path: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let manifest = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
    let objects: Vec<serde_json::Value> = serde_saphyr::from_multiple(&manifest).unwrap();
    let words = |list: &serde_json::Value, of: fn(&serde_json::Value) -> &serde_json::Value| {
        let words = list.as_array().into_iter().flatten();
        words.map(|word| of(word).as_str().unwrap().to_owned()).collect()
    };
    let pods = objects.iter().map(|object| &object["spec"]["template"]["spec"]);
    pods.filter_map(|pod| pod["containers"].as_array())
        .flatten()
        .map(|container| {
            let arguments = words(&container["args"], |word| word);
            (arguments, words(&container["env"], |variable| &variable["name"]))
        })
        .collect()
}

/// What Pods are started with, by the chart's defaults and with everything turned on, is what there is to be said.
#[test]
fn pods_are_started_with_flags_that_there_are() {
    let mut seen = Vec::new();
    for path in [
        "deploy/manifests/tiklb.yaml",
        "integration/chart/everything.rendered.yaml",
    ] {
        for (arguments, variables) in containers(path) {
            // Tests set no environment: each variable's twin stands in for it.
            let twins = variables.iter().map(|variable| {
                let flag = variable.strip_prefix("TIKLB_").unwrap();
                format!("--{}=x", flag.to_lowercase().replace('_', "-"))
            });
            let line = ["tiklb".to_owned()]
                .into_iter()
                .chain(arguments.clone())
                .chain(twins);
            let parsed = Cli::try_parse_from(line);
            assert!(parsed.is_ok(), "{path}: {arguments:?}: {}", parsed.err().unwrap());
            seen.extend(arguments.first().cloned());
        }
    }
    seen.sort();
    assert_eq!(seen, ["allocator", "allocator", "release", "speaker", "speaker"]);
}
