//! What a move from MetalLB leaves behind.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use super::facts::{Backend, Facts, Webhook};
use super::finding::{Kind, Report, named};
use crate::api::METALLB_GROUP;
use crate::api::label::{APP_NAME, APP_NAME_VALUE};

/// Whose object it is, as Helm marks it.
const RELEASE: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
/// What Helm leaves where it is.
const POLICY: &str = "helm.sh/resource-policy";

/// All of it.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    webhooks(facts, report);
    if let Some(definitions) = report.seen("CustomResourceDefinitions", &facts.definitions) {
        conversions(facts, report);
        ownership(definitions, report);
    }
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
            format!("kubectl delete validatingwebhookconfiguration {configuration}"),
        );
    }
    report.fine_since(before, "no webhook of MetalLB is left without what answers it");
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
            format!(
                "kubectl delete crd {definition} (its objects go with it), or: kubectl patch crd {definition} --type=merge -p '{{\"spec\":{{\"conversion\":{{\"strategy\":\"None\",\"webhook\":null}}}}}}'"
            ),
        );
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
        let labels = metadata.labels.as_ref();
        let is_ours = labels
            .and_then(|labels| labels.get(APP_NAME))
            .is_some_and(|name| name == APP_NAME_VALUE);
        let Some(release) = annotations.get(RELEASE).filter(|_| !is_ours) else {
            continue;
        };
        if annotations.get(POLICY).is_some_and(|policy| policy == "keep") {
            continue;
        }
        let namespace = annotations.get(RELEASE_NAMESPACE).cloned().unwrap_or_default();
        owned.entry((namespace, release.clone())).or_default().push(name);
    }
    for ((namespace, release), definitions) in owned {
        report.find_with(
            Kind::HelmOwnsDefinitions,
            format!(
                "Helm release {namespace}/{release} owns {}",
                named(definitions)
            ),
            format!(
                "before anybody uninstalls it, let Helm forget it: kubectl -n {namespace} delete secret -l owner=helm,name={release}"
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
