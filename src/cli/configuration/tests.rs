//! What `/export` prints, in its forms: wrapped lines, quotes, the terse form, and versions before 7.

use super::*;
use crate::cli::console::quoted;

const EXPORT: &str = r#"# 2026-11-28 08:00:00 by RouterOS 7.20.8
# software id = ABCD-EFGH
#
# model = RB750Gr3
# serial number = HFG0A1B2C3D
/interface bridge
add name=bridge
/ip pool
add name=dhcp_pool ranges=192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254
add comment="tiklb/v1 home/1a2b3c4d holds lan; took 192.168.1.200-192.168.\
    1.220 from dhcp_pool" name=tiklb-home-lan ranges=192.168.1.200-192.168.1.220
/ip dhcp-server
add address-pool=dhcp_pool interface=bridge lease-time=30m name=defconf
add disabled=yes interface=ether5 name=guests
/ppp secret
add name=anna password=hunter2
/ip address
add address=192.168.1.1/24 comment=defconf interface=bridge network=192.168.1.0
add address=10.0.0.1/24 disabled=yes interface=ether5 network=10.0.0.0
/ip arp
add address=192.168.1.30 comment="5\" \$x caf\C3\A9" interface=bridge mac-address=48:A9:8A:01:00:01
/ip dhcp-server lease
add address=192.168.1.20 client-id=1:48:a9 comment=nas mac-address=48:A9:8A:01:02:03 server=defconf
add address=dhcp_pool mac-address=48:A9:8A:01:02:04
/ip dhcp-server network
add address=192.168.1.0/24 dns-server=192.168.1.1 gateway=192.168.1.1
/system identity
set name="Home router"
"#;

#[test]
fn what_matters_is_read_and_the_rest_is_not() {
    let read = reading(EXPORT).unwrap();
    assert_eq!(
        (read.identity.as_str(), read.board.as_str(), read.version.as_str()),
        ("Home router", "RB750Gr3", "7.20.8")
    );
    assert_eq!(read.serial.as_deref(), Some("HFG0A1B2C3D"));
    assert_eq!(read.pools.len(), 2);
    assert_eq!(
        read.pools[1].comment,
        "tiklb/v1 home/1a2b3c4d holds lan; took 192.168.1.200-192.168.1.220 from dhcp_pool"
    );
    assert_eq!(read.servers[0].pool.as_deref(), Some("dhcp_pool"));
    assert_eq!((read.servers[0].idle, read.servers[1].idle), (false, true));
    assert_eq!(read.addresses.len(), 1, "a disabled address is in no effect");
    assert_eq!(read.networks[0].gateways.len(), 1);
    assert_eq!(
        read.leases.len(),
        1,
        "one for any address of a pool reserves none"
    );
    assert_eq!(read.leases[0].server.as_deref(), Some("defconf"));
    assert_eq!(read.arps[0].comment, "5\" $x caf\u{e9}");
    assert!(!format!("{read:?}").contains("hunter2"));
}

#[test]
fn the_terse_form_means_the_same() {
    let terse = "/ip address add address=192.168.1.1/24 interface=bridge\n/ip pool add name=dhcp_pool ranges=192.168.1.100\n\
                 /ip/dhcp-server add address-pool=dhcp_pool interface=bridge name=defconf\n";
    let read = reading(terse).unwrap();
    assert_eq!(
        (read.addresses.len(), read.pools.len(), read.servers.len()),
        (1, 1, 1)
    );
}

#[test]
fn before_version_7_a_server_is_off_unless_it_says_otherwise() {
    let old = EXPORT.replace("7.20.8", "6.49.17");
    assert!(reading(&old).unwrap().servers[0].idle);
    let on = old.replace("name=defconf", "name=defconf disabled=no");
    assert!(!reading(&on).unwrap().servers[0].idle);
}

#[test]
fn what_is_no_export_is_said() {
    let why = reading("hello").unwrap_err().to_string();
    assert!(why.contains("/export file=router"), "{why}");
    let why = reading(&EXPORT.replace("ranges=192.168.1.200-192.168.1.220", "ranges=x"))
        .unwrap_err()
        .to_string();
    assert!(why.contains("/ip pool has ranges=x"), "{why}");
}

#[test]
fn whatever_is_quoted_for_the_console_is_read_back() {
    for text in [
        "a b",
        "5\" \\ $x",
        "caf\u{e9}?",
        "tiklb/v1 home/1a2b3c4d a/b | x=y",
        "",
    ] {
        let line = format!("{} next=1", quoted(text));
        let (found, left) = value(&line);
        assert_eq!(found, text);
        assert_eq!(left, " next=1");
    }
}
