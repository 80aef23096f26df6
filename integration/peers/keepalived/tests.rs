//! What keepalived is told, and what it says of itself.

use super::*;

#[test]
fn an_interval_below_a_second_is_told_in_seconds_and_of_version_3() {
    let instance = Instance {
        address: [192, 168, 1, 61].into(),
        priority: 250,
        interval: Duration::from_millis(10),
        preempts: false,
    };
    let text = configured("node1", "eth0", &instance);
    for wanted in [
        "vrrp_version 3",
        "nopreempt",
        "priority 250",
        "advert_int 0.01\n",
        "192.168.1.61/32 dev eth0",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    let opened = text.matches('{').count();
    assert_eq!((opened, text.matches('}').count()), (3, 3), "{text}");
    let preempting = Instance {
        preempts: true,
        ..instance
    };
    let text = configured("node1", "eth0", &preempting);
    assert!(
        !text.contains("nopreempt") && text.contains("\n    interface eth0"),
        "{text}"
    );
}

#[test]
fn its_version_is_the_word_after_its_name() {
    let said = "Keepalived v2.2.7 (01/16,2022)\n\nCopyright(C) 2001-2022 Alexandre Cassen";
    assert_eq!(version(said).unwrap(), "v2.2.7");
    for other in ["", "keepalived", "keepalived: unknown option"] {
        assert!(version(other).is_err(), "{other:?}");
    }
}
