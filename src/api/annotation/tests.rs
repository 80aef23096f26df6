//! Tests of `annotation`.

use std::collections::BTreeMap;

use super::*;

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn both_prefixes_are_read() {
    let new = annotations(&[("metallb.io/loadBalancerIPs", "192.168.1.200")]);
    let old = annotations(&[("metallb.universe.tf/loadBalancerIPs", "192.168.1.201")]);
    let found = LOAD_BALANCER_IPS.find(&new).unwrap();
    assert_eq!((found.value, found.deprecated), ("192.168.1.200", false));
    let found = LOAD_BALANCER_IPS.find(&old).unwrap();
    assert_eq!((found.value, found.deprecated), ("192.168.1.201", true));
    assert_eq!(ADDRESS_POOL.find(&new), None);
}

#[test]
fn the_new_prefix_wins_even_when_empty() {
    let both = annotations(&[
        ("metallb.io/address-pool", ""),
        ("metallb.universe.tf/address-pool", "old"),
    ]);
    let found = ADDRESS_POOL.find(&both).unwrap();
    assert_eq!((found.value, found.deprecated), ("", false));
}

#[test]
fn keys_are_metallbs() {
    assert_eq!(ALLOW_SHARED_IP.key(), "metallb.io/allow-shared-ip");
    assert_eq!(ALLOW_SHARED_IP.old_key(), "metallb.universe.tf/allow-shared-ip");
}
