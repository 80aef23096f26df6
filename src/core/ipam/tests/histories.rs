//! Random histories with restarts at any point: nothing is lost, swapped or held twice.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::request::FROM_POOL;
use super::*;

#[derive(Debug, Clone)]
enum Op {
    /// Create or change a Service; the wish is an offset into the pool, or none.
    Apply {
        service: u8,
        wish: Option<u8>,
    },
    /// The last write of a Service's status becomes visible.
    Observe {
        service: u8,
    },
    Delete {
        service: u8,
    },
    Restart,
    /// The pool object becomes garbage, or is mended.
    Break(bool),
    /// The addresses at these offsets are reserved from now on, each for a Service or for none; no others are.
    Reserve(Vec<(u8, Option<u8>)>),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0u8..6, proptest::option::of(0u8..6)).prop_map(|(service, wish)| Op::Apply { service, wish }),
        4 => (0u8..6).prop_map(|service| Op::Observe { service }),
        2 => (0u8..6).prop_map(|service| Op::Delete { service }),
        1 => Just(Op::Restart),
        1 => any::<bool>().prop_map(Op::Break),
        2 => proptest::collection::vec((0u8..6, proptest::option::of(0u8..6)), 0..4).prop_map(Op::Reserve),
    ];
    proptest::collection::vec(op, 1..40)
}

/// The API server as the model sees it: each Service with its status, and the status writes still on their way.
struct Model {
    world: World,
    objects: BTreeMap<u8, Service>,
    written: BTreeMap<u8, (Vec<IpAddr>, String)>,
    garbage: bool,
    reservations: Vec<ReservationObject>,
}

impl Model {
    fn new() -> Self {
        Self {
            world: home(),
            objects: BTreeMap::new(),
            written: BTreeMap::new(),
            garbage: false,
            reservations: Vec::new(),
        }
    }

    fn reconfigure(&mut self) {
        let text = if self.garbage {
            "garbage"
        } else {
            "192.168.1.200-192.168.1.203"
        };
        let config = Config::new(&[pool("home", &[text])], &[], &[]);
        self.world.config = config.with_reservations(&self.reservations);
        for id in self.objects.keys().copied().collect::<Vec<_>>() {
            self.decide(id);
        }
    }

    fn decide(&mut self, id: u8) {
        let Some(object) = self.objects.get(&id) else {
            return;
        };
        let before = self.written.get(&id).map(|(addresses, _)| addresses.clone());
        let decision = self.world.decide(object);
        match decision.outcome {
            Outcome::Assigned { addresses, pool } => {
                if let Some(before) = before.clone().filter(|b| !b.is_empty() && *b != addresses) {
                    let asked = !matches!(Request::of(object).unwrap().wanted, Wanted::Any);
                    assert!(
                        asked,
                        "{before:?} became {addresses:?} without a wish: {}",
                        decision.because
                    );
                }
                if before.is_none_or(|before| before != addresses) {
                    let reserved = self.world.config.reservations.get(&addresses[0]);
                    assert!(
                        reserved.is_none_or(|kept| kept.service.as_ref() == Some(&object.key)),
                        "{addresses:?} was given to {} and is reserved: {reserved:?}",
                        object.key
                    );
                }
                self.written.insert(id, (addresses, pool));
            }
            _ => {
                assert!(
                    before.is_none_or(|b| b.is_empty()),
                    "lost {id}: {}",
                    decision.because
                );
            }
        }
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Apply { service: id, wish } => {
                let mut object = match wish {
                    Some(offset) => asking(
                        &id.to_string(),
                        "metallb.io/loadBalancerIPs",
                        &format!("192.168.1.{}", 200 + offset),
                    ),
                    None => service(&id.to_string()),
                };
                if let Some(old) = self.objects.get(&id) {
                    object.ingress.clone_from(&old.ingress);
                    if let Some(pool) = old.annotations.get(FROM_POOL) {
                        object.annotations.insert(FROM_POOL.to_owned(), pool.clone());
                    }
                }
                self.objects.insert(id, object);
                self.decide(id);
            }
            Op::Observe { service: id } => {
                self.observe(id);
                self.decide(id);
            }
            Op::Delete { service: id } => {
                if let Some(object) = self.objects.remove(&id) {
                    self.world.ledger.release(&object.key);
                    self.written.remove(&id);
                }
            }
            Op::Restart => self.restart(),
            Op::Break(garbage) => {
                self.garbage = garbage;
                self.reconfigure();
            }
            Op::Reserve(ref wanted) => {
                let object = |(offset, service): &(u8, Option<u8>)| {
                    let address = format!("192.168.1.{}", 200 + offset);
                    let service = service.map(|id| id.to_string());
                    reservation(&format!("r{offset}-{service:?}"), &address, service.as_deref())
                };
                self.reservations = wanted.iter().map(object).collect();
                self.reconfigure();
            }
        }
    }

    fn observe(&mut self, id: u8) {
        if let (Some(object), Some((addresses, pool))) = (self.objects.get_mut(&id), self.written.get(&id)) {
            object.ingress.clone_from(addresses);
            object.annotations.insert(FROM_POOL.to_owned(), pool.clone());
        }
    }

    /// Every write reaches the API server before the process ends.
    fn restart(&mut self) {
        for id in self.written.keys().copied().collect::<Vec<_>>() {
            self.observe(id);
        }
        self.world.ledger = Ledger::default();
        let ground = Ground::new(&self.world.config, &self.world.net, None, &self.world.namespaces);
        self.world.ledger.adopt(self.objects.values(), &ground);
        for id in self.objects.keys().copied().collect::<Vec<_>>() {
            self.decide(id);
        }
    }

    fn check(&self) {
        for (address, holders) in self.world.ledger.holders() {
            assert_eq!(holders.len(), 1, "{address} is held by {holders:?}");
        }
        let listed: usize = self
            .world
            .ledger
            .assignments()
            .map(|(_, a)| a.addresses.len())
            .sum();
        assert_eq!(
            listed,
            self.world.ledger.holders().len(),
            "both indexes of the ledger agree"
        );
    }
}

proptest! {
    #[test]
    fn no_history_loses_swaps_or_doubles_an_address(ops in ops()) {
        let mut model = Model::new();
        for op in ops {
            model.run(&op);
            model.check();
        }
    }
}
