//! Ids: their form, their counter, and when they come to mean another row.

use super::*;

fn table_of(dynamic: &[bool]) -> Table {
    let mut table = Table::new(false);
    for (at, dynamic) in dynamic.iter().enumerate() {
        table.push(Key(at as u64), Entry::new(*dynamic));
    }
    table
}

fn ids(table: &Table) -> Vec<String> {
    table.iter().map(|entry| entry.id.to_string()).collect()
}

#[test]
fn ids_are_upper_case_hexadecimal_without_leading_zeros() {
    assert_eq!(Id(0).to_string(), "*0");
    assert_eq!(Id(0x1A).to_string(), "*1A");
    assert_eq!("*1a".parse(), Ok(Id(0x1A)));
    for text in ["", "*", "1A", "*G", "%2A1", "*-1", "*+1", "*123456789"] {
        assert!(text.parse::<Id>().is_err(), "{text:?}");
    }
}

#[test]
fn one_counter_serves_static_and_dynamic_rows_and_a_removed_id_stays_unused() {
    let mut table = table_of(&[false, true, false]);
    assert_eq!(ids(&table), ["*1", "*2", "*3"]);
    table.remove(Key(2));
    table.push(Key(9), Entry::new(true));
    assert_eq!(ids(&table), ["*1", "*2", "*4"]);
}

#[test]
fn a_removed_rows_id_goes_to_a_foreign_row_where_ids_are_reused() {
    let mut table = Table::new(true);
    table.push(Key(1), Entry::new(false));
    table.push(Key(2), Entry::new(false));
    table.remove(Key(1));
    table.push(Key(3), Entry::new(true));
    assert_eq!(table.by_id(Id(1)).map(|entry| entry.key), Some(Key(3)));
}

#[test]
fn after_a_reboot_a_remembered_id_means_another_dynamic_row() {
    let mut table = table_of(&[false, true, true, false]);
    table.renumber();
    assert_eq!(ids(&table), ["*1", "*6", "*5", "*4"]);
}
