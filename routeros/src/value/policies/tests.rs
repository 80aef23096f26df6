//! Policies as groups show them.

use proptest::prelude::*;

use super::*;

fn policies(text: &str) -> Policies {
    text.parse().unwrap()
}

#[test]
fn a_group_names_what_it_has_and_what_it_lacks() {
    let group = policies("read,write,api,rest-api,!local,!telnet,!ftp");
    assert!(group.contains("read") && group.contains("rest-api"));
    assert!(!group.contains("ftp") && !group.contains("!ftp") && !group.contains(""));
    assert_eq!(group.to_string(), "api,read,rest-api,write");
    assert_eq!(group, policies("rest-api, write,read ,api,read"), "a set");
    assert_eq!((group.missing(), group.needless()), (vec![], vec![]));
}

#[test]
fn what_is_missing_and_what_is_too_much() {
    let group = policies("read,api,reboot,sensitive,!write");
    assert_eq!(group.missing(), ["write", "rest-api"]);
    assert_eq!(group.needless(), ["reboot", "sensitive"]);
    assert_eq!(policies("").missing(), Policies::NEEDED);
    assert_eq!(policies(",,").to_string(), "");
}

proptest! {
    #[test]
    fn reads_back_what_it_prints(text in "[a-z!, -]{0,40}") {
        let read = policies(&text);
        prop_assert_eq!(policies(&read.to_string()), read);
    }

    #[test]
    fn never_panics(text in ".{0,40}") {
        let _ = policies(&text);
    }
}
