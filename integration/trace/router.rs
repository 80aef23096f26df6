//! What the router has carried out, as its journal of writes has it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::{Entry, Fact, Lane};
use super::leaf::leaves;
use super::name::Names;
use super::request::paragraph;
use super::span::Span;
use crate::home::Home;

/// Every write on the router, whatever it is about. A row's id is the router's; the address tells which row it is.
pub(super) fn told(home: &Home, span: Span, names: &Names) -> Vec<Entry> {
    let mut addresses: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut entries = Vec::new();
    for write in home.router().journal().writes {
        let row = write.row.as_ref();
        if let Some((id, address)) = row.and_then(|row| Some((row.id()?, row.get("address")?))) {
            addresses.insert((write.path.clone(), id.to_owned()), address.to_owned());
        }
        let id = write.id.map(|id| {
            let address = addresses.get(&(write.path.clone(), id));
            address.map_or_else(|| "/<row>".to_owned(), |address| format!("/<row of {address}>"))
        });
        let at = home.router().started() + write.at;
        if !span.holds(at) {
            continue;
        }
        let refused = match write.status {
            200..300 => String::new(),
            status => format!(", refused with {status}"),
        };
        let head = format!(
            "carries out {} /{}{}{refused}",
            write.method,
            write.path,
            id.unwrap_or_default()
        );
        let body: Value = serde_json::from_str(&write.body).unwrap_or_default();
        let values = leaves(&names.document(&body)).into_iter();
        let values = values.filter(|(path, _)| !path.is_empty());
        let lines = values.map(|(path, value)| format!("{path}: {value}"));
        let mut entry = Entry::new(at, Lane::Router, paragraph("router", &head, lines));
        entry.needs = needs(write.path.starts_with("ip/arp"));
        entries.push(entry);
    }
    entries
}

/// A row waits for the Service's status; one that says who answers also for the announcer's word.
pub(super) fn needs(is_arp: bool) -> Vec<Fact> {
    let announcer = is_arp.then_some(Fact::Announcer);
    std::iter::once(Fact::Address).chain(announcer).collect()
}
