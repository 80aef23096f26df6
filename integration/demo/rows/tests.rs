//! Rows as a person knows them from Winbox.

use super::*;

fn row(pairs: &[(&str, &str)]) -> Row {
    pairs.iter().copied().collect()
}

#[test]
fn pools_are_shown_before_and_after() {
    let before = [
        row(&[("name", "dhcp_pool"), ("ranges", "192.168.1.100-192.168.1.254")]),
        row(&[("name", "guests"), ("ranges", "10.0.0.2-10.0.0.9")]),
    ];
    let now = [
        row(&[("name", "dhcp_pool"), ("ranges", "192.168.1.100-192.168.1.199")]),
        row(&[
            ("name", "tiklb-home-a"),
            ("ranges", "192.168.1.200"),
            ("comment", "ours"),
        ]),
    ];
    assert_eq!(
        pools(&before, &now).to_string(),
        "NAME           RANGES BEFORE                 RANGES NOW                    COMMENT\n\
         dhcp_pool      192.168.1.100-192.168.1.254   192.168.1.100-192.168.1.199\n\
         tiklb-home-a   -                             192.168.1.200                 ours\n\
         guests         10.0.0.2-10.0.0.9             -\n"
    );
}

#[test]
fn flags_are_the_consoles() {
    let lease = row(&[
        ("address", "192.168.1.201"),
        ("dynamic", "true"),
        ("status", "bound"),
    ]);
    let neighbor = row(&[
        ("address", "192.168.1.200"),
        ("mac-address", "02:00:00:00:01:0B"),
        ("interface", "bridge"),
        ("disabled", "true"),
        ("dynamic", "false"),
    ]);
    let learned = row(&[
        ("address", "192.168.1.200"),
        ("dynamic", "true"),
        ("complete", "true"),
    ]);
    assert_eq!(
        leases(&[lease]).to_string(),
        "    ADDRESS         MAC-ADDRESS   SERVER   STATUS   HOST-NAME   COMMENT\n\
         D   192.168.1.201                          bound\n"
    );
    assert_eq!(
        neighbors(&[neighbor, learned]).to_string(),
        "     ADDRESS         MAC-ADDRESS         INTERFACE   STATUS   COMMENT\n\
         X    192.168.1.200   02:00:00:00:01:0B   bridge\n\
         DC   192.168.1.200\n"
    );
}
