//! Acknowledgements, whole and broken.

use dhcproto::v4::MessageType;

use super::*;

fn acknowledgement() -> Message {
    let mut message = Message::default();
    message.set_yiaddr([192, 168, 1, 205]);
    let options = [
        DhcpOption::MessageType(MessageType::Ack),
        DhcpOption::SubnetMask([255, 255, 255, 0].into()),
        DhcpOption::ServerIdentifier([192, 168, 1, 1].into()),
        DhcpOption::AddressLeaseTime(600),
        DhcpOption::Router(vec![[192, 168, 1, 1].into()]),
    ];
    for option in options {
        message.opts_mut().insert(option);
    }
    message
}

#[test]
fn a_lease_is_read() {
    let lease = DhcpLease::read(&acknowledgement()).unwrap();
    assert_eq!(lease.address, "192.168.1.205/24".parse().unwrap());
    assert_eq!(
        (lease.server, lease.router),
        ([192, 168, 1, 1].into(), Some([192, 168, 1, 1].into()))
    );
    assert_eq!(
        (lease.lease_time.as_secs(), lease.renew_after.as_secs()),
        (600, 300)
    );
}

#[test]
fn the_server_may_say_when_to_renew() {
    let mut message = acknowledgement();
    message.opts_mut().insert(DhcpOption::Renewal(120));
    assert_eq!(DhcpLease::read(&message).unwrap().renew_after.as_secs(), 120);
}

#[test]
fn what_lacks_something_is_no_lease() {
    for (code, expected) in [
        (OptionCode::SubnetMask, "no subnet mask"),
        (OptionCode::ServerIdentifier, "does not name it"),
        (OptionCode::AddressLeaseTime, "no lease time"),
    ] {
        let mut message = acknowledgement();
        message.opts_mut().remove(code);
        let error = DhcpLease::read(&message).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let mut message = acknowledgement();
    message
        .opts_mut()
        .insert(DhcpOption::SubnetMask([255, 0, 255, 0].into()));
    assert!(
        DhcpLease::read(&message)
            .unwrap_err()
            .contains("255.0.255.0 is none")
    );
}
