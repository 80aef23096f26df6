//! The advice names the switch that is in the way, and nothing else.

use super::*;

#[test]
fn each_switch_is_named_when_it_is_the_one() {
    let cases = [
        (
            Facts {
                exhausted: Some("max_user_namespaces"),
                ..Facts::default()
            },
            Errno::ENOSPC,
            "user.max_user_namespaces=15000",
        ),
        (
            Facts {
                userns_clone: Some(0),
                ..Facts::default()
            },
            Errno::EPERM,
            "kernel.unprivileged_userns_clone=1",
        ),
        (
            Facts {
                apparmor_restricts: Some(1),
                ..Facts::default()
            },
            Errno::EACCES,
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            Facts {
                container: true,
                ..Facts::default()
            },
            Errno::EPERM,
            "--security-opt systempaths=unconfined",
        ),
        (Facts::default(), Errno::ENOSPC, "Too many namespaces"),
        (Facts::default(), Errno::EINVAL, "Run this as root"),
    ];
    for (facts, errno, expected) in cases {
        let advice = facts.advice(errno);
        assert!(advice.contains(expected), "{facts:?} {errno}: {advice}");
    }
}

#[test]
fn switches_that_allow_it_are_not_blamed() {
    let facts = Facts {
        userns_clone: Some(1),
        apparmor_restricts: Some(0),
        ..Facts::default()
    };
    let advice = facts.advice(Errno::EPERM);
    assert!(!advice.contains("sysctl -w"), "{advice}");
}

#[test]
fn only_errors_that_rules_give_are_obstacles() {
    assert!(Obstacle::of("make a namespace", Errno::EPERM).is_some());
    assert!(Obstacle::of("make a namespace", Errno::ENOMEM).is_none());
    assert!(Obstacle::of("read a file", Errno::ENOENT).is_none());
}

#[test]
fn the_text_says_what_failed_and_why() {
    let obstacle = Obstacle {
        doing: "mount /proc".to_owned(),
        errno: Errno::EPERM,
        facts: Facts::default(),
    };
    let text = obstacle.to_string();
    assert!(
        text.contains("cannot mount /proc") && text.contains("not permitted"),
        "{text}"
    );
}
