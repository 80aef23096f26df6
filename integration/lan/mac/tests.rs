//! Reading and writing MAC addresses.

use super::*;

#[test]
fn what_is_written_is_read_back() {
    let mac = Mac([0x02, 0x0a, 0xff, 0x00, 0x10, 0x9b]);
    assert_eq!(mac.to_string(), "02:0a:ff:00:10:9b");
    assert_eq!(mac.to_string().parse(), Ok(mac));
    assert_eq!("FF:FF:FF:FF:FF:FF".parse(), Ok(Mac::BROADCAST));
}

#[test]
fn what_is_no_address_is_refused() {
    for text in [
        "",
        "02:00:00:00:01",
        "02:00:00:00:01:0b:00",
        "2:0:0:0:1:b",
        "02-00-00-00-01-0b",
        "+2:00:00:00:01:0b",
        "02:00:00:00:01:0g",
    ] {
        assert_eq!(text.parse::<Mac>(), Err(MacError(text.to_owned())), "{text}");
    }
}
