//! API objects as they are written, and the values they become.

mod configuration;
mod endpoints;
mod records;
mod router;
mod services;

use std::net::IpAddr;

use serde::de::DeserializeOwned;
use tiklb_core::model::{ObjectKey, RangeSet};

use super::Verdict;

/// An object out of YAML.
fn object<K: DeserializeOwned>(yaml: &str) -> K {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn kept<T: std::fmt::Debug>(verdict: Verdict<T>) -> T {
    match verdict {
        Verdict::Keep(value) => value,
        other => panic!("not kept: {other:?}"),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| ip(text)).collect()
}

fn ranges(text: &str) -> RangeSet {
    text.parse().unwrap()
}

fn key(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::new(namespace, name)
}
