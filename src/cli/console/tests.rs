//! Every console command that is printed or shipped names menus, commands and properties that exist, and quotes what
//! people wrote so that it stays one value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

/// Versions of which the console's own tree was at hand.
const VERSIONS: [&str; 4] = ["7.12.2", "7.16.2", "7.20.8", "7.24"];

/// menu → command → properties.
type Menus = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn menus() -> Menus {
    let mut menus = Menus::new();
    for line in include_str!("menus.txt").lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [menu, command, properties, versions] = columns[..] else {
            panic!("menus.txt: four columns: {line}")
        };
        let found: Vec<&str> = versions.split(' ').collect();
        assert!(
            found == VERSIONS || found == ["manual"],
            "menus.txt: versions of {line}"
        );
        let properties = properties.split_whitespace().map(str::to_owned).collect();
        let before = menus
            .entry(menu.to_owned())
            .or_default()
            .insert(command.to_owned(), properties);
        assert!(before.is_none(), "menus.txt: twice: {line}");
    }
    menus
}

/// Splits a command line into words; quotes and brackets hold a word together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut depth, mut escaped) = (false, 0_usize, false);
    for c in line.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    assert!(!quoted && depth == 0, "a quote or a bracket stays open: {line}");
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Fails unless the line names only what the list has.
fn check(line: &str, menus: &Menus) {
    let words = words(line);
    let verbs: BTreeSet<&str> = menus
        .values()
        .flat_map(|commands| commands.keys().map(String::as_str))
        .collect();
    let at = words
        .iter()
        .position(|word| verbs.contains(word.as_str()))
        .unwrap_or_else(|| panic!("no command that menus.txt has in: {line}"));
    let menu = words[..at].join("/");
    let commands = menus
        .get(&menu)
        .unwrap_or_else(|| panic!("menus.txt has no menu {menu}: {line}"));
    let properties = |command: &str| {
        commands
            .get(command)
            .unwrap_or_else(|| panic!("menus.txt has no {menu} {command}: {line}"))
    };
    let mut command = words[at].as_str();
    for word in &words[at + 1..] {
        if word == "where" {
            // From here on rows are chosen, as by `find`.
            command = "find";
            continue;
        }
        if let Some(terms) = word
            .strip_prefix("[find where ")
            .and_then(|rest| rest.strip_suffix(']'))
        {
            for term in self::words(terms).iter().filter(|term| *term != "and") {
                check_property(term, properties("find"), line);
            }
        } else if word.contains(['=', '~']) {
            check_property(word, properties(command), line);
        }
    }
}

fn check_property(assignment: &str, known: &BTreeSet<String>, line: &str) {
    let (property, _) = assignment
        .split_once(['=', '~'])
        .unwrap_or_else(|| panic!("{assignment} is no property=value: {line}"));
    assert!(known.contains(property), "menus.txt has no {property}: {line}");
}

fn pool_row() -> PoolRow {
    PoolRow {
        id: "*1".to_owned(),
        name: "dhcp_pool".to_owned(),
        ranges: "192.168.1.100-192.168.1.254".parse().unwrap(),
        next_pool: None,
        comment: "tiklb/v1 home/1a2b3c4d holds lan; took nothing".to_owned(),
    }
}

fn lease_spec() -> LeaseSpec {
    let address = "192.168.1.200".parse().unwrap();
    LeaseSpec {
        address,
        mac: tiklb_core::reservation::marker::claim_mac(address),
        server: "defconf".to_owned(),
        comment: "tiklb/v1 home/1a2b3c4d default/web".to_owned(),
    }
}

fn lease_row() -> LeaseRow {
    LeaseRow {
        id: "*2".to_owned(),
        address: "192.168.1.200".parse().unwrap(),
        mac: None,
        server: None,
        dynamic: false,
        evidence: false,
        disabled: false,
        bound: false,
        expires_after: None,
        host_name: None,
        comment: "tiklb/v1 home/1a2b3c4d default/web | Anna's \"$5\" caf\u{e9}?".to_owned(),
    }
}

fn arp_spec() -> ArpSpec {
    let LeaseSpec {
        address,
        mac,
        comment,
        ..
    } = lease_spec();
    ArpSpec {
        address,
        mac,
        interface: "bridge".to_owned(),
        enabled: false,
        comment,
    }
}

fn arp_row() -> ArpRow {
    ArpRow {
        id: "*3".to_owned(),
        address: "192.168.1.200".parse().unwrap(),
        mac: None,
        interface: "bridge".to_owned(),
        dynamic: false,
        disabled: true,
        alive: true,
        comment: "tiklb/v1 home/1a2b3c4d default/web".to_owned(),
    }
}

/// One of each kind.
fn writes() -> Vec<Write> {
    let ranges: RangeSet = "192.168.1.100-192.168.1.199,192.168.1.221".parse().unwrap();
    let comment = pool_row().comment;
    vec![
        Write::SetPoolRanges {
            row: pool_row(),
            ranges: ranges.clone(),
        },
        Write::AddPool {
            name: "tiklb-home-lan".to_owned(),
            ranges: ranges.clone(),
            comment: comment.clone(),
        },
        Write::SetPool {
            row: pool_row(),
            ranges,
            comment,
        },
        Write::RemovePool(pool_row()),
        Write::AddLease(lease_spec()),
        Write::SetLease {
            row: lease_row(),
            spec: lease_spec(),
        },
        Write::RemoveLease(lease_row()),
        Write::EvictLease {
            row: LeaseRow {
                mac: Some(arp_spec().mac),
                dynamic: true,
                ..lease_row()
            },
            wanted_by: "Service default/web".to_owned(),
        },
        Write::AddArp(arp_spec()),
        Write::SetArp {
            row: arp_row(),
            spec: arp_spec(),
        },
        Write::RemoveArp(arp_row()),
        Write::AddArp(ArpSpec {
            enabled: true,
            ..arp_spec()
        }),
    ]
}

#[test]
fn each_write_has_its_command() {
    let commands: Vec<String> = writes()
        .iter()
        .map(|write| Command::of(write).to_string())
        .collect();
    assert_eq!(
        commands.join("\n") + "\n",
        include_str!("tests/commands.txt"),
        "{commands:#?}"
    );
}

#[test]
fn each_command_names_what_exists() {
    let menus = menus();
    for write in writes() {
        check(&Command::of(&write).to_string(), &menus);
    }
}

#[test]
fn an_arp_row_is_in_effect_where_it_should_be() {
    for (enabled, words) in [(true, "disabled=no"), (false, "disabled=yes")] {
        let spec = ArpSpec {
            enabled,
            ..arp_spec()
        };
        let command = Command::of(&Write::AddArp(spec)).to_string();
        assert!(command.contains(words), "{command}");
    }
}

#[test]
fn a_command_that_names_what_does_not_exist_is_found() {
    let menus = menus();
    for wrong in [
        "/ip pool add nom=x",
        "/ip pools add name=x",
        "/ip pool remove [find where ranges=x]",
        "/ip arp set [find where address=x] interface=bridge",
    ] {
        let outcome = std::panic::catch_unwind(|| check(wrong, &menus));
        assert!(outcome.is_err(), "{wrong} passes");
    }
}

#[test]
fn what_people_wrote_stays_one_value() {
    assert_eq!(quoted("a b"), r#""a b""#);
    assert_eq!(quoted(r#"5" \ $x"#), r#""5\" \\ \$x""#);
    assert_eq!(quoted("caf\u{e9}?\n"), r#""caf\C3\A9\3F\0A""#);
    // A name that would end the command and begin another does neither.
    let evil = quoted("x\"]; /system reset-configuration; :put [\"");
    assert_eq!(words(&format!("[find where name={evil}]")).len(), 1, "{evil}");
}

#[test]
fn a_comment_in_a_script_stays_in_its_line() {
    let page = script(&["two\nlines".to_owned()], &[]);
    assert_eq!(page, "# two lines\n");
}

/// Console commands stand in scripts, in manifests' comments, in our guides and in the messages of a few errors. Those that
/// begin a line, or a comment's line, are checked.
#[test]
fn what_is_shipped_names_what_exists() {
    let menus = menus();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut checked = BTreeMap::new();
    for file in [
        "deploy/routeros/setup.rsc",
        "deploy/routeros/undo.rsc",
        // What the verbs printed, in the tests with a router.
        "src/cli/tests/golden/plan.rsc",
        "src/cli/tests/golden/undo.rsc",
        "src/cli/tests/golden/from-export.rsc",
    ] {
        checked.insert(file, check_file(&root.join(file), &menus));
    }
    for file in [
        "deploy/examples/homelab/config/tiklb/secrets/secrets.example.yaml",
        "README.md",
    ] {
        check_file(&root.join(file), &menus);
    }
    for (file, commands) in checked {
        assert!(
            commands > 3,
            "{file} has {commands} commands only: is it read as it should be?"
        );
    }
}

fn check_file(path: &Path, menus: &Menus) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let roots: BTreeSet<&str> = menus.keys().map(|menu| menu.split('/').nth(1).unwrap()).collect();
    // A backslash at the end of a line goes on in the next.
    let text = text.replace("\\\n", "");
    let mut commands = 0;
    for line in text.lines() {
        let line = line.trim_start_matches([' ', '#', '|']).trim_end();
        for command in std::iter::once(line).chain(inner(line)) {
            let Some(rest) = command.strip_prefix('/') else {
                continue;
            };
            let first = rest.split([' ', '/']).next().unwrap_or_default();
            if roots.contains(first) && command.contains(' ') {
                // The form with slashes goes up to the command.
                let (head, tail) = command.split_once(' ').unwrap_or((command, ""));
                let head = format!("/{}", head[1..].replace('/', " "));
                check(&format!("{head} {tail}"), menus);
                commands += 1;
            }
        }
    }
    commands
}

/// The commands in brackets within a line.
fn inner(line: &str) -> Vec<&str> {
    let starts = line.match_indices("[/").map(|(at, _)| &line[at + 1..]);
    starts
        .map(|rest| &rest[..rest.find(']').unwrap_or(rest.len())])
        .collect()
}
