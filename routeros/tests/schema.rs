//! Every menu and property that the client or `deploy/routeros/probe.sh` names is one that RouterOS has.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};

use routeros::menu::{
    Address, Arp, Bridge, BridgeHost, DhcpMatcher, DhcpNetwork, DhcpServer, Group, Hotspot,
    HotspotUserProfile, Identity, Interface, Lease, Menu, ModeConfig, Nat, Pool, PoolUsed, PppProfile,
    PppSecret, Resource, Routerboard, SafeMode, Service, User, Veth, Vlan, Writable,
};

const LISTS: &str = include_str!("schema/menus.txt");
const PROBE: &str = include_str!("../../deploy/routeros/probe.sh");

type Names = BTreeSet<&'static str>;

/// What a menu has.
#[derive(Debug, Default)]
struct Listed {
    commands: Names,
    written: Names,
    /// Everything that can be read, which includes what can be written.
    read: Names,
    /// Whether a version's own list stands behind it.
    proven: bool,
}

/// The words of a column, without the version that first has them.
fn words(column: &'static str) -> impl Iterator<Item = &'static str> {
    column
        .split_whitespace()
        .map(|word| word.split_once('@').map_or(word, |(word, _)| word))
}

fn lists() -> BTreeMap<&'static str, Listed> {
    let lines = LISTS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(entry).collect()
}

/// A menu of the lists, and what it has.
fn entry(line: &'static str) -> (&'static str, Listed) {
    if let Some((menu, read)) = line.split_once('?') {
        let listed = Listed {
            read: words(read).collect(),
            ..Listed::default()
        };
        return (menu.trim(), listed);
    }
    let columns: Vec<_> = line.split('|').collect();
    let [menu, commands, written, only_read, other] = columns.try_into().unwrap();
    let listed = Listed {
        commands: words(commands).collect(),
        written: words(written).collect(),
        read: words(written)
            .chain(words(only_read))
            .chain(words(other))
            .collect(),
        proven: true,
    };
    (words(menu).next().unwrap(), listed)
}

fn listed<'a>(lists: &'a BTreeMap<&str, Listed>, menu: &str) -> &'a Listed {
    lists.get(menu).unwrap_or_else(|| panic!("/{menu} is in no list"))
}

fn reads<M: Menu>(lists: &BTreeMap<&str, Listed>) {
    let listed = listed(lists, M::PATH);
    for property in M::PROPLIST.iter().filter(|property| **property != ".id") {
        assert!(listed.read.contains(property), "/{} has no {property}", M::PATH);
    }
}

fn writes<M: Writable>(lists: &BTreeMap<&str, Listed>) {
    let listed = listed(lists, M::PATH);
    assert!(listed.proven);
    for command in ["add", "set", "remove"] {
        assert!(listed.commands.contains(command), "/{} has no {command}", M::PATH);
    }
    for property in M::WRITABLE {
        assert!(
            listed.written.contains(property),
            "{property} of /{} cannot be written",
            M::PATH
        );
    }
}

#[test]
fn the_client_names_nothing_that_routeros_lacks() {
    let lists = lists();
    reads::<Address>(&lists);
    reads::<Arp>(&lists);
    reads::<Bridge>(&lists);
    reads::<BridgeHost>(&lists);
    reads::<DhcpMatcher>(&lists);
    reads::<DhcpNetwork>(&lists);
    reads::<DhcpServer>(&lists);
    reads::<Hotspot>(&lists);
    reads::<HotspotUserProfile>(&lists);
    reads::<Identity>(&lists);
    reads::<Interface>(&lists);
    reads::<Lease>(&lists);
    reads::<ModeConfig>(&lists);
    reads::<Nat>(&lists);
    reads::<Pool>(&lists);
    reads::<PoolUsed>(&lists);
    reads::<PppProfile>(&lists);
    reads::<PppSecret>(&lists);
    reads::<Resource>(&lists);
    reads::<Routerboard>(&lists);
    reads::<SafeMode>(&lists);
    reads::<Service>(&lists);
    reads::<User>(&lists);
    reads::<Group>(&lists);
    reads::<Veth>(&lists);
    reads::<Vlan>(&lists);
    assert_eq!(lists.len(), 26, "a menu in the lists that nothing reads");
    writes::<Arp>(&lists);
    writes::<Lease>(&lists);
    writes::<Pool>(&lists);
}

/// The script's lines, those that go on in the next joined, with the names of menus put in for their variables.
fn lines() -> Vec<String> {
    let script = PROBE.replace("\\\n", " ");
    let code = script
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    code.map(|line| {
        [
            ("$POOL", "ip/pool"),
            ("$ARP", "ip/arp"),
            ("$LEASE", "ip/dhcp-server/lease"),
        ]
        .iter()
        .fold(line.to_owned(), |line, (variable, menu)| {
            line.replace(variable, menu)
        })
    })
    .collect()
}

/// The words of a line without their quotes.
fn bare(line: &str) -> Vec<&str> {
    line.split_whitespace()
        .map(|word| word.trim_matches(|c| c == '"' || c == '\'' || c == ';'))
        .collect()
}

/// What the script does: the verb, the menu, and the properties it names.
fn done() -> Vec<(String, String, Vec<String>)> {
    let mut done = Vec::new();
    for line in lines() {
        let words = bare(&line);
        let properties = |words: &[&str]| -> Vec<String> {
            let named = words.iter().filter_map(|word| word.split_once('='));
            named.map(|(name, _)| name.to_owned()).collect()
        };
        for (at, verb) in words.iter().enumerate() {
            let rest = &words[at + 1..];
            let call = match (*verb, rest) {
                ("add" | "change", [menu, rest @ ..]) if menu.contains('/') => {
                    (*verb, *menu, properties(rest))
                }
                ("get", [menu, rest @ ..]) if !menu.starts_with('$') => {
                    let listed = rest.iter().find_map(|word| word.strip_prefix(".proplist="));
                    let listed = listed
                        .unwrap_or_default()
                        .split(',')
                        .filter(|name| !name.is_empty());
                    (*verb, *menu, listed.map(str::to_owned).collect())
                }
                ("delete", [menu, ..]) if menu.contains('/') => (*verb, *menu, vec![]),
                ("ask", [method, path, ..]) if path.contains('/') && !path.starts_with('$') => {
                    (*method, *path, vec![])
                }
                _ => continue,
            };
            done.push((call.0.to_owned(), call.1.to_owned(), call.2));
        }
    }
    done
}

#[test]
fn the_probe_names_nothing_that_routeros_lacks() {
    let lists = lists();
    let done = done();
    let count = |verb: &str| done.iter().filter(|(done, ..)| done == verb).count();
    // The script is understood: fewer than these were found where it is not.
    assert!(
        count("add") >= 6 && count("change") >= 6 && count("get") >= 5,
        "{done:#?}"
    );
    assert!(
        count("GET") >= 4 && count("POST") == 2 && count("delete") >= 3,
        "{done:#?}"
    );
    for (verb, path, properties) in &done {
        let (menu, last) = match path.rsplit_once('/') {
            Some((menu, last)) if !lists.contains_key(path.as_str()) => (menu, Some(last)),
            _ => (path.as_str(), None),
        };
        let listed = listed(&lists, menu);
        assert!(listed.proven, "{verb} {path}");
        let allowed = match verb.as_str() {
            "get" | "GET" => &listed.read,
            "POST" => {
                let command = last.unwrap();
                assert!(listed.commands.contains(command), "/{menu} has no {command}");
                continue;
            }
            _ => &listed.written,
        };
        let command = match verb.as_str() {
            "add" => Some("add"),
            "change" => Some("set"),
            "delete" => Some("remove"),
            _ => None,
        };
        assert!(
            command.is_none_or(|command| listed.commands.contains(command)),
            "{verb} {path}"
        );
        for property in properties.iter().filter(|property| *property != "no-such-thing") {
            assert!(allowed.contains(property.as_str()), "{verb} {path} {property}");
        }
    }
}

#[test]
fn the_probe_writes_three_menus_and_safe_mode_when_told() {
    let written: BTreeSet<_> = done()
        .into_iter()
        .filter(|(verb, ..)| !["get", "GET"].contains(&verb.as_str()))
        .map(|(_, path, _)| path)
        .collect();
    let expected = [
        "ip/arp",
        "ip/dhcp-server/lease",
        "ip/pool",
        "safe-mode/release",
        "safe-mode/take",
    ];
    assert_eq!(written.into_iter().collect::<Vec<_>>(), expected);
}
