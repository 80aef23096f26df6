//! What a move from MetalLB leaves behind.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use tiklb_core::model::{AddressRange, RangeSet};

use super::facts::{Backend, EarlierPool, Facts, Webhook};
use super::finding::{Kind, Report, named};
use crate::api::label::APP_NAME_VALUE;
use crate::api::{METALLB_GROUP, crds};

/// Whose object it is, as Helm marks it.
const RELEASE: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// All of it.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    webhooks(facts, report);
    if let Some(definitions) = report.seen("CustomResourceDefinitions", &facts.definitions) {
        conversions(facts, report);
        ownership(definitions, report);
    }
    earlier_pools(facts, report);
}

fn webhooks(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let Some(webhooks) = report.seen("ValidatingWebhookConfigurations", &facts.webhooks) else {
        return;
    };
    let mut by_configuration: BTreeMap<&str, Vec<&Webhook>> = BTreeMap::new();
    for webhook in webhooks
        .iter()
        .filter(|webhook| webhook.backend != Backend::Serves)
    {
        by_configuration
            .entry(&webhook.configuration)
            .or_default()
            .push(webhook);
    }
    for (configuration, dead) in by_configuration {
        let fatal = if dead.iter().any(|webhook| webhook.is_fatal) {
            "refuses every write of their kinds"
        } else {
            "makes every write of their kinds wait"
        };
        report.find_with(
            Kind::DeadWebhook,
            format!(
                "ValidatingWebhookConfiguration {configuration} {fatal}: {} ({})",
                dead.first()
                    .map_or(String::new(), |webhook| webhook.backend.words()),
                named(dead.iter().map(|webhook| &webhook.name))
            ),
            revived_or_removed(configuration, &dead),
        );
    }
    report.fine_since(before, "no webhook of MetalLB is left without what answers it");
}

/// A policy engine's rules may be about these kinds, too, and about much else.
fn revived_or_removed(configuration: &str, dead: &[&Webhook]) -> String {
    if dead.iter().all(|webhook| webhook.name.ends_with(METALLB_GROUP)) {
        return format!("kubectl delete validatingwebhookconfiguration {configuration}");
    }
    "it is not MetalLB's, and may guard more than these kinds: see to what should answer it".to_owned()
}

fn conversions(facts: &Facts, report: &mut Report) {
    let Some(conversions) = report.seen("conversion webhooks", &facts.conversions) else {
        return;
    };
    for (definition, backend) in conversions {
        if *backend == Backend::Serves {
            continue;
        }
        report.find_with(
            Kind::DeadConversion,
            format!(
                "CustomResourceDefinition {definition} has a conversion webhook: {}",
                backend.words()
            ),
            unconverted(definition),
        );
    }
}

/// With the strategy alone the API server refuses the change: a webhook must not stand beside None.
fn unconverted(definition: &str) -> String {
    let patch = format!(
        "kubectl patch crd {definition} --type=merge -p '{{\"spec\":{{\"conversion\":{{\"strategy\":\"None\",\"webhook\":null}}}}}}'"
    );
    let is = |ours: &CustomResourceDefinition| ours.metadata.name.as_deref() == Some(definition);
    if crds().iter().any(is) {
        format!("{patch} (do not delete it: what tiklb reads would go with it)")
    } else {
        format!("kubectl delete crd {definition} (its objects go with it), or: {patch}")
    }
}

/// Whatever of them is in no IPAddressPool is taken from its Services.
fn earlier_pools(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let (Some(earlier), Some(pools)) = (
        report.seen("pools of MetalLB 0.13 and older", &facts.earlier),
        report.seen("IPAddressPools", &facts.pools),
    ) else {
        return;
    };
    let ours = pools.iter().filter(|pool| pool.key.namespace == facts.namespace);
    let listed = ours.flat_map(|pool| pool.spec.iter().flat_map(|spec| &spec.addresses));
    let read: RangeSet = listed.filter_map(|text| AddressRange::parse(text).ok()).collect();
    for EarlierPool { what, addresses } in earlier.iter().filter(|pool| !pool.is_within(&read)) {
        report.find_with(
            Kind::EarlierPoolNotRead,
            format!("{what} is not read, and {} in no IPAddressPool", lies(addresses)),
            format!(
                "write it as an IPAddressPool of namespace {} with these addresses, beside an L2Advertisement, and apply both \
                 (docs/migrate-from-metallb.md, \"From MetalLB 0.13 or older\")",
                facts.namespace
            ),
        );
    }
    report.fine_since(before, "no pool of MetalLB 0.13 or older is left unread");
}

fn lies(addresses: &[String]) -> String {
    match addresses {
        [one] => format!("{one} is"),
        many => format!("{} are", named(many)),
    }
}

impl EarlierPool {
    /// What cannot be understood lies in no pool.
    fn is_within(&self, read: &RangeSet) -> bool {
        let ranges: Result<RangeSet, _> = self
            .addresses
            .iter()
            .map(|text| AddressRange::parse(text))
            .collect();
        ranges.is_ok_and(|ranges| read.contains_all(&ranges))
    }
}

/// Helm deletes with a release what its manifests hold, unless those say that it is kept.
fn ownership(definitions: &BTreeMap<String, CustomResourceDefinition>, report: &mut Report) {
    let mut owned: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for (name, definition) in definitions {
        let metadata = &definition.metadata;
        let (Some(annotations), true) = (&metadata.annotations, name.ends_with(METALLB_GROUP)) else {
            continue;
        };
        // Neither a label of ours nor a policy on the object protects it: Helm goes by the manifest in its release.
        let Some(release) = annotations.get(RELEASE).filter(|name| *name != APP_NAME_VALUE) else {
            continue;
        };
        let namespace = annotations.get(RELEASE_NAMESPACE).cloned().unwrap_or_default();
        owned.entry((namespace, release.clone())).or_default().push(name);
    }
    for ((namespace, release), definitions) in owned {
        report.find_with(
            Kind::HelmOwnsDefinitions,
            format!(
                "Helm release {namespace}/{release} owns {}",
                named(&definitions)
            ),
            format!(
                "before anybody uninstalls it, let Helm forget it, with whatever else it installed under that name: \
                 kubectl -n {namespace} delete secret -l owner=helm,name={release} && kubectl annotate crd {} {RELEASE}- {RELEASE_NAMESPACE}-",
                definitions.join(" ")
            ),
        );
    }
}

impl Backend {
    fn words(&self) -> String {
        match self {
            Self::Serves => "answers".to_owned(),
            Self::NoService(key) => format!("Service {key} does not exist"),
            Self::NoEndpoint(key) => format!("Service {key} has no ready endpoint"),
        }
    }
}
