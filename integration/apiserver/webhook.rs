//! `ValidatingWebhookConfiguration`: kept with its defaults, and asked by nobody: this server admits everything.

use serde_json::{Value, json};

use super::object;

/// Sets what a real API server sets.
pub(crate) fn prepare(configuration: &mut Value) {
    let webhooks = configuration.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in webhooks.into_iter().flatten() {
        object::default(webhook, "failurePolicy", "Fail");
        object::default(webhook, "matchPolicy", "Equivalent");
        object::default(webhook, "namespaceSelector", json!({}));
        object::default(webhook, "objectSelector", json!({}));
        object::default(webhook, "timeoutSeconds", 10);
        let rules = webhook.get_mut("rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            object::default(rule, "scope", "*");
        }
        if let Some(service) = webhook.pointer_mut("/clientConfig/service") {
            object::default(service, "port", 443);
        }
    }
}
