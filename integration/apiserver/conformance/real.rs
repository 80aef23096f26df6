//! What only a real API server does: CEL and admission.

use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use super::{BOUND, Ground, config_map, custom, refused, text};
use crate::kube::{Kube, Resource};

/// Pause between attempts while a policy is not in force yet, which nothing announces.
const POLICY_PAUSE: Duration = Duration::from_millis(200);

const POLICIES: Resource = Resource::cluster_wide(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    "ValidatingAdmissionPolicy",
);
const BINDINGS: Resource = Resource::cluster_wide(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
);

pub(super) async fn cel_rules_refuse(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let rules = json!([
        { "rule": "self.first <= self.last", "message": "first is above last" },
        { "rule": "self.first == oldSelf.first", "message": "first is fixed" },
    ]);
    let number = json!({ "type": "integer" });
    let spec = json!({
        "type": "object",
        "required": ["first", "last"],
        "properties": { "first": number, "last": number },
        "x-kubernetes-validations": rules,
    });
    let schema = json!({ "type": "object", "properties": { "spec": spec } });
    let ranges = custom::define_with(kube, "ranges", schema).await?;
    let own = ranges.in_namespace(&ground.name);
    let range = |first: u32, last: u32| {
        let spec = json!({ "first": first, "last": last });
        json!({ "metadata": { "name": "one" }, "spec": spec })
    };
    let status = refused(kube.create(&own, &range(2, 1)).await, 422, "Invalid")?;
    ensure!(
        text(&status["message"]).contains("first is above last"),
        "another message: {status}"
    );
    kube.create(&own, &range(1, 2)).await?;
    let status = refused(
        kube.merge_patch(&own, "one", &json!({ "spec": { "first": 2 } }))
            .await,
        422,
        "Invalid",
    )?;
    ensure!(
        text(&status["message"]).contains("first is fixed"),
        "another message: {status}"
    );
    custom::forget(kube, &ranges).await?;
    ground.clean(kube).await
}

pub(super) async fn admission_policies_refuse(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let name = format!("{}.tiklb.io", ground.name);
    let rule = json!({
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps"],
    });
    let validation = json!({ "expression": "object.data.value != 'bad'", "message": "no bad values here" });
    let policy = json!({
        "metadata": { "name": name },
        "spec": { "matchConstraints": { "resourceRules": [rule] }, "validations": [validation] },
    });
    let only_here = json!({ "matchLabels": { "kubernetes.io/metadata.name": ground.name } });
    let binding = json!({
        "metadata": { "name": name },
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": { "namespaceSelector": only_here },
        },
    });
    kube.create(POLICIES, &policy).await?;
    kube.create(BINDINGS, &binding).await?;
    let deadline = Instant::now() + BOUND;
    for attempt in 0.. {
        let made = kube
            .create(
                ground.config_maps(),
                &config_map(&format!("bad-{attempt}"), "bad"),
            )
            .await;
        if made.is_err() {
            let status = refused(made, 422, "Invalid")?;
            ensure!(
                text(&status["message"]).contains("no bad values here"),
                "another message: {status}"
            );
            break;
        }
        ensure!(
            Instant::now() < deadline,
            "the policy was not in force after {BOUND:?}"
        );
        sleep(POLICY_PAUSE).await;
    }
    kube.create(ground.config_maps(), &config_map("good", "good"))
        .await
        .context("what the policy allows")?;
    kube.delete(BINDINGS, &name).await?;
    kube.delete(POLICIES, &name).await?;
    ground.clean(kube).await
}
