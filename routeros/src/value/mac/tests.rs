//! MAC addresses.

use proptest::prelude::*;

use super::*;

const MAC: MacAddr = MacAddr([0x00, 0x0C, 0x42, 0xAA, 0xBB, 0xCC]);

#[test]
fn reads_every_form_and_prints_one() {
    for text in [
        "00:0C:42:AA:BB:CC",
        "00:0c:42:aa:bb:cc",
        "00-0c-42-AA-bb-cc",
        "00.0c.42.aa.bb.cc",
        "000c.42aa.bbcc",
        "000C42AABBCC",
        " 00:0c:42:aa:bb:cc ",
    ] {
        assert_eq!(text.parse(), Ok(MAC), "{text}");
    }
    assert_eq!(MAC.to_string(), "00:0C:42:AA:BB:CC");
}

#[test]
fn refuses_what_is_no_mac() {
    for text in [
        "",
        "00:0C:42:AA:BB",
        "00:0C:42:AA:BB:CC:DD",
        "0:C:42:AA:BB:CC",
        "00:0C:42:AA:BB:CG",
        "00:0C-42:AA:BB:CC",
        "000C:42AA:BBCC",
        "000C42AABBC",
        "000:C4:2A:AB:BC:C",
        "::::::",
        "00:0C:42:AA:BB:é",
        "+0:0C:42:AA:BB:CC",
    ] {
        assert!(text.parse::<MacAddr>().is_err(), "{text:?}");
    }
}

#[test]
fn only_made_up_addresses_may_claim() {
    assert!(LocalMac::try_from(MAC).is_err(), "a manufacturer's address");
    assert!(LocalMac::try_from(MacAddr::ZERO).is_err());
    assert!(
        LocalMac::try_from(MacAddr([0x03, 0, 0, 0, 0, 1])).is_err(),
        "multicast"
    );
    for first in [0x02, 0x06, 0x0A, 0x0E] {
        let mac = MacAddr([first, 0, 192, 168, 1, 200]);
        assert_eq!(LocalMac::try_from(mac).map(LocalMac::get), Ok(mac));
    }
}

proptest! {
    #[test]
    fn reads_back_what_it_prints(octets in any::<[u8; 6]>()) {
        let mac = MacAddr(octets);
        prop_assert_eq!(mac.to_string().parse::<MacAddr>(), Ok(mac));
        prop_assert_eq!(mac.to_string().to_lowercase().replace(':', "-").parse::<MacAddr>(), Ok(mac));
    }

    #[test]
    fn never_panics(text in ".{0,20}", near in "[0-9a-fA-F:.-]{0,20}") {
        let _ = text.parse::<MacAddr>();
        let _ = near.parse::<MacAddr>();
    }
}
