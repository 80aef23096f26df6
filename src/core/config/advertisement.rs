//! `L2Advertisement`: which pools are announced, and by which nodes.

use std::collections::{BTreeMap, BTreeSet};

use super::Pool;
use super::object::{AdvertisementObject, AdvertisementSpec, PreferredNodes, Selectors};
use super::problem::{Kind, Problem};
use super::repetition;
use crate::model::excerpt::SENTENCE;
use crate::model::{LabelSelector, Labels, NodeName, excerpt};

/// A validated advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisement {
    /// Its name.
    pub name: String,
    /// Pools by name.
    pub pools: Vec<String>,
    /// Pools by label.
    pub pool_selectors: Vec<LabelSelector>,
    /// Nodes that may announce; empty: every node.
    pub node_selectors: Vec<LabelSelector>,
    /// Services; empty: all.
    pub service_selectors: Vec<LabelSelector>,
    /// Interfaces by exact name; empty: all.
    pub interfaces: Vec<String>,
    /// Weights of the nodes that these select.
    pub preferred_nodes: Vec<(i32, LabelSelector)>,
    /// Part of it could not be read: it counts only where no readable advertisement selects the pool.
    pub broken: bool,
}

impl Advertisement {
    /// Whether addresses of this pool are announced under it. Names and selectors add up; neither: all pools.
    pub fn selects_pool(&self, pool: &Pool) -> bool {
        let all = self.pools.is_empty() && self.pool_selectors.is_empty();
        all || self.pools.contains(&pool.name) || self.pool_selectors.iter().any(|s| s.matches(&pool.labels))
    }

    /// Whether a node with these labels may announce under it.
    pub fn selects_node(&self, labels: &Labels) -> bool {
        any_or_empty(&self.node_selectors, labels)
    }

    /// How much a node with these labels is preferred: MetalLB adds up what matches, and counts only nodes that may
    /// announce under the same advertisement.
    pub fn weight_of(&self, labels: &Labels) -> i32 {
        if !self.selects_node(labels) {
            return 0;
        }
        let matching = self
            .preferred_nodes
            .iter()
            .filter(|(_, selector)| selector.matches(labels));
        matching.fold(0, |sum, (weight, _)| sum.saturating_add(*weight))
    }

    /// What a node that may announce under it should know: it has none of the interfaces that are named.
    pub fn missing_interfaces(&self, node: &NodeName, usable: &BTreeSet<String>) -> Option<String> {
        let missing =
            !self.interfaces.is_empty() && !self.interfaces.iter().any(|name| usable.contains(name));
        missing.then(|| {
            let shown = self.interfaces.iter().take(SHOWN).cloned().collect::<Vec<_>>();
            let message = format!(
                "L2Advertisement {}: spec.interfaces: node {node} has no usable interface {}: correct the names, or leave \
                 the node out with spec.nodeSelectors",
                self.name,
                shown.join(" or ")
            );
            excerpt(message, SENTENCE)
        })
    }

    /// Whether a Service with these labels is announced under it.
    pub fn selects_service(&self, labels: &Labels) -> bool {
        any_or_empty(&self.service_selectors, labels)
    }
}

/// Names of interfaces that one sentence repeats.
const SHOWN: usize = 5;

fn any_or_empty(selectors: &[LabelSelector], labels: &Labels) -> bool {
    selectors.is_empty() || selectors.iter().any(|s| s.matches(labels))
}

/// Judges each advertisement, and reports names of pools that do not exist.
pub(super) fn validate(
    objects: &[AdvertisementObject],
    pools: &BTreeMap<String, Pool>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Advertisement> {
    let mut advertisements = BTreeMap::new();
    for object in objects {
        let mut complaints = Complaints { object, problems };
        let empty = AdvertisementSpec::default();
        let (spec, undecoded) = match &object.spec {
            Ok(spec) => (spec, false),
            Err(why) => {
                complaints.invalid(why.clone());
                (&empty, true)
            }
        };
        let advertisement = read(spec, undecoded, &mut complaints);
        complaints.unknown_pools(spec, pools);
        if !advertisement.broken
            && spec.pools.is_empty()
            && !pools.values().any(|pool| advertisement.selects_pool(pool))
            && !spec.pool_selectors.is_empty()
        {
            complaints.idle();
        }
        advertisements.insert(object.key.name.clone(), advertisement);
    }
    advertisements
}

fn read(spec: &AdvertisementSpec, undecoded: bool, complaints: &mut Complaints<'_>) -> Advertisement {
    let mut wrong = Vec::new();
    wrong.extend(repetition::of_names("spec.ipAddressPools", &spec.pools));
    let mut usable = |field: &str, selectors: &Selectors| -> Vec<LabelSelector> {
        let errors = selectors.iter().filter_map(|selector| selector.as_ref().err());
        wrong.extend(errors.map(|error| format!("spec.{field}: {error}")));
        wrong.extend(repetition::of_selectors(&format!("spec.{field}"), selectors));
        selectors.iter().flatten().cloned().collect()
    };
    let pool_selectors = usable("ipAddressPoolSelectors", &spec.pool_selectors);
    let node_selectors = usable("nodeSelectors", &spec.node_selectors);
    let service_selectors = usable("serviceSelectors", &spec.service_selectors);
    let mut preferred_nodes = Vec::new();
    for entry in spec.preferred_nodes.iter().enumerate() {
        match preferred(entry) {
            Ok(preferred) => preferred_nodes.push(preferred),
            Err(words) => wrong.push(words),
        }
    }
    let broken = undecoded || !wrong.is_empty();
    for words in wrong {
        complaints.invalid(words);
    }
    Advertisement {
        name: complaints.object.key.name.clone(),
        pools: spec.pools.clone(),
        pool_selectors,
        node_selectors,
        service_selectors,
        interfaces: spec.interfaces.clone(),
        preferred_nodes,
        broken,
    }
}

/// The weights that MetalLB's schema allows.
const WEIGHTS: std::ops::RangeInclusive<i32> = 1..=100;

/// An entry of `preferredNodeSelectors`, or what is wrong with it.
fn preferred((index, entry): (usize, &PreferredNodes)) -> Result<(i32, LabelSelector), String> {
    let field = format!("spec.preferredNodeSelectors[{index}]");
    let preference = entry.preference.clone();
    let preference = preference.map_err(|error| format!("{field}.preference: {error}"))?;
    let weight = i32::try_from(entry.weight).ok();
    match weight.filter(|weight| WEIGHTS.contains(weight)) {
        Some(weight) => Ok((weight, preference)),
        None => Err(format!(
            "{field}.weight: {} is no weight: write one from 1 to 100",
            entry.weight
        )),
    }
}

struct Complaints<'a> {
    object: &'a AdvertisementObject,
    problems: &'a mut Vec<Problem>,
}

impl Complaints<'_> {
    fn invalid(&mut self, message: String) {
        self.problems
            .push(Problem::invalid(Kind::L2Advertisement, &self.object.key, message));
    }

    /// MetalLB ignores unknown names in silence; a typing error there leaves addresses unannounced.
    fn unknown_pools(&mut self, spec: &AdvertisementSpec, pools: &BTreeMap<String, Pool>) {
        for name in spec.pools.iter().filter(|name| !pools.contains_key(*name)) {
            self.invalid(format!(
                "spec.ipAddressPools: there is no IPAddressPool {name:?}; create it or correct the name"
            ));
        }
    }

    fn idle(&mut self) {
        let words = "spec.ipAddressPoolSelectors match no IPAddressPool, so it announces nothing: correct them, or label a pool";
        self.problems
            .push(Problem::idle(Kind::L2Advertisement, &self.object.key, words));
    }
}

#[cfg(test)]
mod tests;
