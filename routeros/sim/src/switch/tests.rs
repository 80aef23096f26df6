//! Every switch takes back the value that it shows, and refuses nonsense by naming what it takes.

use super::*;

#[test]
fn every_switch_takes_what_it_shows() {
    let mut switches = Switches::default();
    for named in Switches::default().named() {
        switches.turn(named.name, &named.value).unwrap();
        assert!(
            !named.does.is_empty() && !named.takes.is_empty(),
            "{}",
            named.name
        );
    }
    assert_eq!(switches, Switches::default());
}

#[test]
fn every_switch_has_an_effect_on_what_it_shows() {
    for named in Switches::default().named() {
        let other = match (named.takes, named.value.as_str()) {
            ("yes or no", "yes") => "no",
            ("yes or no", _) => "yes",
            ("verbatim, cidr or merged", _) => "cidr",
            ("ack, silent or nak", _) => "nak",
            ("a number, 0 for no bound", _) => "7",
            ("a time such as 60s or 1m", _) => "1s500ms",
            ("menus such as ip/pool,ip/arp, or all", _) => "ip/arp,ip/dns",
            _ => "other words",
        };
        let mut switches = Switches::default();
        switches.turn(named.name, other).unwrap();
        let changed: Vec<Named> = switches
            .named()
            .into_iter()
            .filter(|after| !Switches::default().named().contains(after))
            .collect();
        assert_eq!(changed.len(), 1, "{}", named.name);
        assert_eq!((changed[0].name, changed[0].value.as_str()), (named.name, other));
    }
}

#[test]
fn what_is_no_switch_or_value_is_told_with_what_is_one() {
    let mut switches = Switches::default();
    let said = switches.turn("renewal", "ack").unwrap_err().to_string();
    assert!(
        said.contains("\"renewal\" is no switch") && said.contains("renewal-outside-pool"),
        "{said}"
    );
    let said = switches
        .turn("renewal-outside-pool", "maybe")
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "renewal-outside-pool does not take \"maybe\": write ack, silent or nak"
    );
    assert!(switches.turn("allowed", "ip/pools").is_err());
    assert_eq!(switches, Switches::default());
}

#[test]
fn what_is_not_known_can_be_drawn() {
    for (name, values) in Switches::UNKNOWN {
        let mut seen = Vec::new();
        for value in *values {
            let mut switches = Switches::default();
            switches.turn(name, value).unwrap();
            assert!(!seen.contains(&switches), "{name} {value} is another one's twin");
            seen.push(switches);
        }
        assert!(
            seen.contains(&Switches::default()),
            "{name}: the default can be drawn, too"
        );
    }
}
