//! Columns stand below each other, and no line ends in blanks.

use super::*;

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let mut table = Table::new(["NAME", "RANGES", "COMMENT"]);
    table.row(["dhcp_pool", "192.168.1.100-192.168.1.199", ""]);
    table.row(["größer", "", "Ümläute zählen einfach"]);
    assert_eq!(
        table.to_string(),
        "NAME        RANGES                        COMMENT\n\
         dhcp_pool   192.168.1.100-192.168.1.199\n\
         größer                                    Ümläute zählen einfach\n"
    );
}

#[test]
fn a_table_without_rows_has_its_headings() {
    assert_eq!(Table::new(["A", "B"]).to_string(), "A   B\n");
}
