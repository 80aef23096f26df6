//! Row ids.

use proptest::prelude::*;

use super::*;

#[test]
fn reads_and_prints() {
    for (read, printed) in [
        ("*1F", "*1F"),
        ("*0", "*0"),
        ("*FFFFFFFF", "*FFFFFFFF"),
        ("*1f", "*1F"),
        ("*0A", "*A"),
    ] {
        assert_eq!(read.parse::<RowId>().unwrap().to_string(), printed);
    }
}

#[test]
fn refuses_what_could_mean_a_position_or_a_name() {
    for text in [
        "",
        "*",
        "1",
        "1F",
        "%2A1F",
        "* 1",
        "*1,*2",
        "*G",
        "dhcp_pool",
        "**1",
        "*+1",
        "*10000000000000000",
    ] {
        assert!(text.parse::<RowId>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn reads_back_what_it_prints(number in any::<u64>()) {
        let id = RowId(number);
        prop_assert_eq!(id.to_string().parse::<RowId>(), Ok(id));
    }

    #[test]
    fn never_panics(text in ".{0,20}") {
        let _ = text.parse::<RowId>();
    }
}
