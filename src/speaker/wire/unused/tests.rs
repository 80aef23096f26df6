//! What a person reads about interfaces, and how often.

use std::collections::BTreeSet;

use tiklb_core::model::MacAddr;

use super::*;
use crate::tasks::tests::{Paper, paper};

const ETH0: InterfaceIndex = InterfaceIndex(2);
const BR0: InterfaceIndex = InterfaceIndex(3);

/// A cabled Ethernet interface that is up and has an address: nothing is to be said of it.
fn used(index: InterfaceIndex, name: &str) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        mac: Some(MacAddr(2, 0, 0, 0, 0, 1)),
        up: true,
        carrier: true,
        broadcast: true,
        no_arp: false,
        kind: None,
        master: None,
        mtu: 1_500,
        prefixes: BTreeSet::from(["192.168.1.11/24".parse().unwrap()]),
        passing: BTreeSet::new(),
        excluded: false,
    }
}

fn eth0(change: impl FnOnce(&mut Interface)) -> Interface {
    let mut interface = used(ETH0, "eth0");
    change(&mut interface);
    interface
}

fn no_carrier() -> Interface {
    eth0(|interface| interface.carrier = false)
}

fn balance_alb() -> Interface {
    eth0(|interface| interface.kind = Some(Kind::BondAlb))
}

fn snapshot(interfaces: impl IntoIterator<Item = Interface>) -> Snapshot {
    let interfaces = interfaces.into_iter();
    Snapshot {
        interfaces: interfaces.map(|interface| (interface.index, interface)).collect(),
        ..Snapshot::default()
    }
}

/// Each line: how loud, of which interface, and what.
fn said(paper: &Paper) -> Vec<[String; 3]> {
    let lines = paper.lines();
    let lines = lines.iter().map(|line| {
        let fields = &line["fields"];
        [&line["level"], &fields["interface"], &fields["message"]]
            .map(|value| value.as_str().unwrap().to_owned())
    });
    lines.collect()
}

/// How many lines each of these readings brought, one after the other.
fn lines_of_each(readings: impl IntoIterator<Item = Snapshot>) -> Vec<usize> {
    let (paper, _guard) = paper();
    let mut unused = Unused::default();
    let mut before = 0;
    let readings = readings.into_iter().map(|snapshot| {
        unused.note(&snapshot);
        let all = said(&paper).len();
        let new = all - before;
        before = all;
        new
    });
    readings.collect()
}

#[test]
fn what_a_person_can_mend_is_trouble_and_nothing_else() {
    let unusable = |why| Some(Trouble::Unusable(why));
    let table = [
        ("used", eth0(|_| ()), None),
        ("balance-alb", balance_alb(), Some(Trouble::BalanceAlb)),
        ("another bond", eth0(|i| i.kind = Some(Kind::Bond)), None),
        ("no carrier", no_carrier(), unusable(Unusable::NoCarrier)),
        (
            "down",
            eth0(|i| (i.up, i.carrier) = (false, false)),
            unusable(Unusable::Down),
        ),
        ("NOARP", eth0(|i| i.no_arp = true), unusable(Unusable::NoArp)),
        (
            "no broadcast",
            eth0(|i| i.broadcast = false),
            unusable(Unusable::NoArp),
        ),
        ("a tunnel", eth0(|i| i.mac = None), None),
        // Whatever else is wrong with these does not matter.
        (
            "excluded",
            eth0(|i| (i.excluded, i.carrier) = (true, false)),
            None,
        ),
        (
            "a member",
            eth0(|i| (i.master, i.carrier) = (Some(BR0), false)),
            None,
        ),
        (
            "excluded, in mode balance-alb",
            eth0(|i| (i.excluded, i.kind) = (true, Some(Kind::BondAlb))),
            None,
        ),
        (
            "balance-alb without a carrier",
            eth0(|i| (i.kind, i.carrier) = (Some(Kind::BondAlb), false)),
            unusable(Unusable::NoCarrier),
        ),
    ];
    for (what, interface, expected) in table {
        let snapshot = snapshot([interface.clone(), used(BR0, "br0")]);
        assert_eq!(trouble(&snapshot, &interface), expected, "{what}");
    }
}

#[test]
fn a_member_of_a_vrf_is_used_itself_and_its_trouble_told() {
    let member = eth0(|i| (i.master, i.carrier) = (Some(BR0), false));
    let mut vrf = used(BR0, "blue");
    vrf.kind = Some(Kind::Vrf);
    let trouble = trouble(&snapshot([member.clone(), vrf]), &member);
    assert_eq!(trouble, Some(Trouble::Unusable(Unusable::NoCarrier)));
}

#[test]
fn the_interface_is_named_and_what_to_do_about_it() {
    let (paper, _guard) = paper();
    let mut bond = used(BR0, "bond0");
    bond.kind = Some(Kind::BondAlb);
    Unused::default().note(&snapshot([no_carrier(), bond]));
    let said = said(&paper);
    let [[info, eth0, cable], [warn, bond0, mode]] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert_eq!([info, eth0, warn, bond0], ["INFO", "eth0", "WARN", "bond0"]);
    assert_eq!(
        cable,
        "nothing is announced on this interface: it has no carrier: check the cable"
    );
    assert!(
        mode.contains("balance-alb") && mode.contains("use active-backup"),
        "{mode}"
    );
}

#[test]
fn an_interface_without_an_address_is_not_spoken_of() {
    let bare = eth0(|i| (i.carrier, i.prefixes) = (false, BTreeSet::new()));
    assert_eq!(
        lines_of_each([snapshot([bare]), snapshot([no_carrier()])]),
        [0, 1]
    );
}

/// Every change of any interface brings a reading of all.
#[test]
fn a_trouble_is_told_when_it_begins_and_not_as_long_as_it_lasts() {
    let with_neighbour = |neighbour: Interface| snapshot([no_carrier(), neighbour]);
    let readings = [
        snapshot([no_carrier()]),
        snapshot([no_carrier()]),
        with_neighbour(used(BR0, "br0")),
        with_neighbour(Interface {
            carrier: false,
            ..used(BR0, "br0")
        }),
        with_neighbour(used(BR0, "br0")),
    ];
    assert_eq!(lines_of_each(readings), [1, 0, 0, 1, 0]);
}

#[test]
fn a_trouble_that_ended_and_is_back_is_told_again_and_another_one_at_once() {
    let gone = || snapshot([]);
    let mended = || snapshot([eth0(|_| ())]);
    let troubled = || snapshot([no_carrier()]);
    let down = || snapshot([eth0(|i| (i.up, i.carrier) = (false, false))]);
    let alb = || snapshot([balance_alb()]);
    for end in [&gone as &dyn Fn() -> Snapshot, &mended] {
        assert_eq!(lines_of_each([troubled(), end(), troubled()]), [1, 0, 1]);
        assert_eq!(
            lines_of_each([alb(), end(), end(), alb(), alb()]),
            [1, 0, 0, 1, 0]
        );
    }
    assert_eq!(
        lines_of_each([troubled(), down(), down(), troubled(), alb()]),
        [1, 1, 0, 1, 1]
    );
}
