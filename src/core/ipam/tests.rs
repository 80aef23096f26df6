//! Requests, disputes, restarts.

mod histories;
mod ledger;
mod pools;
mod requests;
mod reservations;
mod standing;
mod statuses;
mod words;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::*;
use crate::config::{Config, PoolObject, PoolSpec, ReservationObject, ReservationSpec};
use crate::model::object::Seniority;
use crate::model::service::Service;
use crate::model::{Labels, ObjectKey, Timestamp};

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn pool(name: &str, addresses: &[&str]) -> PoolObject {
    let key = ObjectKey::new("metallb-system", name);
    PoolObject {
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        labels: Labels::new(),
        spec: Ok(PoolSpec {
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }),
    }
}

pub(crate) fn service(name: &str) -> Service {
    let key = ObjectKey::new("default", name);
    Service {
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        is_load_balancer: true,
        cluster_ips: vec![ip("10.43.0.1")],
        ports: [("TCP".to_owned(), 80)].into(),
        ..Service::default()
    }
}

pub(crate) fn asking(name: &str, annotation: &str, value: &str) -> Service {
    let mut service = service(name);
    service
        .annotations
        .insert(annotation.to_owned(), value.to_owned());
    service
}

/// An AddressReservation for a Service in the namespace default, or for none.
pub(crate) fn reservation(name: &str, address: &str, service: Option<&str>) -> ReservationObject {
    let key = ObjectKey::new("metallb-system", name);
    ReservationObject {
        generation: 1,
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        spec: Ok(ReservationSpec {
            address: address.to_owned(),
            service: service.map(|name| format!("default/{name}")),
            note: String::new(),
        }),
    }
}

/// A network in which only what is listed is not free.
#[derive(Default, Clone)]
pub(crate) struct Net(pub(crate) BTreeMap<IpAddr, Availability>);

impl Occupancy for Net {
    fn of(&self, address: IpAddr) -> Availability {
        self.0.get(&address).cloned().unwrap_or(Availability::Free)
    }
}

pub(crate) struct World {
    ledger: Ledger,
    config: Config,
    net: Net,
    namespaces: BTreeMap<String, Labels>,
}

impl World {
    pub(crate) fn new(pools: &[PoolObject]) -> Self {
        Self {
            ledger: Ledger::default(),
            config: Config::new(pools, &[], &[]),
            net: Net::default(),
            namespaces: BTreeMap::new(),
        }
    }

    pub(crate) fn decide(&mut self, service: &Service) -> Decision {
        let ground = Ground::new(&self.config, &self.net, None, &self.namespaces);
        self.ledger.decide(service, &ground)
    }

    fn address(&mut self, service: &Service) -> Option<String> {
        match self.decide(service).outcome {
            Outcome::Assigned { addresses, .. } => Some(addresses[0].to_string()),
            _ => None,
        }
    }

    fn reason(&mut self, service: &Service) -> String {
        self.decide(service).because.to_string()
    }

    fn hold(&mut self, address: &str, name: &str) {
        let holder = Holder {
            name: Some(name.to_owned()),
            mac: None,
            evidence: "DHCP lease on MikroTik".to_owned(),
        };
        self.net.0.insert(ip(address), Availability::Held(holder));
    }
}

fn home() -> World {
    World::new(&[pool("home", &["192.168.1.200-192.168.1.203"])])
}
