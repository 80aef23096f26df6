//! Grants against requests, by tables.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Grant, Request, grants, judge};

const HOME: &str = "metallb-system";

/// `verb group/resource`, as [`super::Action`] is displayed, in its parts.
fn parts(action: &str) -> (&str, &str, &str) {
    let (verb, what) = action.split_once(' ').unwrap();
    let (group, resource) = what
        .split_once('/')
        .filter(|(group, _)| group.contains('.'))
        .unwrap_or(("", what));
    (verb, group, resource)
}

/// A role of this kind with these actions, and its binding to the account `speaker`.
fn role(kind: &str, actions: &[&str], names: &[&str]) -> Vec<Value> {
    let rules: Vec<Value> = actions
        .iter()
        .map(|action| {
            let (verb, group, resource) = parts(action);
            json!({"apiGroups": [group], "resources": [resource], "verbs": [verb], "resourceNames": names})
        })
        .collect();
    let namespace = (kind == "Role").then_some(HOME);
    let metadata = json!({"name": "speaker", "namespace": namespace});
    vec![
        json!({"kind": kind, "metadata": metadata, "rules": rules}),
        json!({
            "kind": format!("{kind}Binding"),
            "metadata": metadata,
            "roleRef": {"kind": kind, "name": "speaker"},
            "subjects": [{"kind": "ServiceAccount", "name": "speaker", "namespace": HOME}],
        }),
    ]
}

/// An entry of the audit log: decision, action, namespace and object, with `-` for none.
fn event(words: &str) -> Value {
    let [decision, verb, what, namespace, object] = words.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{words}");
    };
    let action = format!("{verb} {what}");
    let (verb, group, resource) = parts(&action);
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let some = |word: &str| (word != "-").then(|| word.to_owned());
    json!({
        "kind": "Event",
        "level": "Metadata",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": format!("system:serviceaccount:{HOME}:speaker")},
        "objectRef": {
            "resource": resource, "subresource": subresource, "apiGroup": group,
            "namespace": some(namespace), "name": some(object),
        },
        "annotations": {"authorization.k8s.io/decision": decision},
    })
}

fn said(manifests: &[Value], events: &[&str], excepted: &[&str]) -> Vec<String> {
    let granted = grants(manifests).unwrap();
    let requests: BTreeSet<Request> = events
        .iter()
        .filter_map(|words| Request::read(&event(words)))
        .collect();
    let excepted: Vec<(&str, &str)> = excepted.iter().map(|grant| (*grant, "a reason")).collect();
    let findings = judge(&granted, &requests, &excepted);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_right_is_used_by_a_request_that_needs_it_and_by_no_other() {
    let one = || role("Role", &["patch metallb.io/pools/status"], &[]);
    let limited = || role("Role", &["list secrets"], &["key"]);
    let wide = || role("ClusterRole", &["list services"], &[]);
    for (manifests, words, used) in [
        (
            one(),
            "allow patch metallb.io/pools/status metallb-system a",
            true,
        ),
        (one(), "allow patch metallb.io/pools metallb-system a", false),
        (one(), "allow get metallb.io/pools/status metallb-system a", false),
        (one(), "allow patch other.io/pools/status metallb-system a", false),
        (one(), "allow patch metallb.io/pools/status apps a", false),
        (
            one(),
            "forbid patch metallb.io/pools/status metallb-system a",
            false,
        ),
        (limited(), "allow list secrets metallb-system key", true),
        (limited(), "allow list secrets metallb-system other", false),
        (limited(), "allow list secrets metallb-system -", false),
        (wide(), "allow list services - -", true),
        (wide(), "allow list services apps -", true),
    ] {
        assert_eq!(said(&manifests, &[words], &[]).is_empty(), used, "{words}");
    }
}

#[test]
fn each_finding_names_the_right_and_what_to_do() {
    const RIGHT: &str = "speaker may list services everywhere";
    const LIST: &str = "allow list services - -";
    const AT_HOME: &str = "allow list services metallb-system -";
    let one = || role("ClusterRole", &["list services"], &[]);
    let two = || [one(), role("Role", &["list services"], &[])].concat();
    let never = "speaker may list services everywhere, and never did: take the right out of the chart, or play \
                 what needs it";
    let exception = "speaker may list services everywhere: stands among the exceptions, and was needed or is not \
                     granted at all: take it out of them";
    let wide =
        "speaker may list services everywhere, and did in metallb-system alone: a Role there is enough";
    let twice = "speaker may list services in metallb-system, though speaker may list services everywhere: take \
                 one of them out of the chart";
    let refused =
        "speaker: watch nodes was refused, and no role allows it: grant it in the chart, or do not ask";
    let none = || Vec::<&str>::new();
    for (manifests, events, excepted, expected) in [
        (one(), vec![LIST], none(), none()),
        (one(), none(), none(), vec![never]),
        (one(), none(), vec![RIGHT], none()),
        (one(), vec![LIST], vec![RIGHT], vec![exception]),
        (one(), vec![AT_HOME], none(), vec![wide]),
        (one(), vec![LIST, AT_HOME], none(), none()),
        (two(), vec![LIST, AT_HOME], none(), vec![twice]),
        (one(), vec![LIST, "forbid watch nodes - -"], none(), vec![refused]),
    ] {
        assert_eq!(said(&manifests, &events, &excepted), expected);
    }
}

#[test]
fn a_refusal_while_a_role_is_not_bound_is_no_finding() {
    const REFUSED: &str = "forbid list services - -";
    let manifests = role("ClusterRole", &["list services"], &[]);
    let begun_and_gone = said(&manifests, &[REFUSED, "allow list services - -", REFUSED], &[]);
    assert_eq!(begun_and_gone, Vec::<String>::new());
    let never_bound = said(&manifests, &[REFUSED], &[]);
    assert!(
        never_bound.len() == 1 && never_bound[0].contains("never did"),
        "{never_bound:?}"
    );
}

#[test]
fn what_needs_no_role_is_no_request() {
    let changed = |pointer: &str, value: Value| {
        let mut event = event("allow list services - -");
        *event.pointer_mut(pointer).unwrap() = value;
        Request::read(&event)
    };
    assert!(changed("/verb", json!("watch")).is_some());
    for (pointer, value) in [
        ("/user/username", json!("system:node:node1")),
        ("/annotations", json!({})),
        ("/objectRef", Value::Null),
    ] {
        assert_eq!(changed(pointer, value), None, "{pointer}");
    }
    let mut metrics = event("forbid get services - -");
    metrics["objectRef"] = Value::Null;
    metrics["requestURI"] = json!("/metrics");
    assert_eq!(
        Request::read(&metrics).unwrap().to_string(),
        "speaker: get /metrics"
    );
}

#[test]
fn what_cannot_be_judged_is_an_error() {
    let good = || role("Role", &["list services"], &[]);
    let changed = |index: usize, pointer: &str, value: Value| {
        let mut manifests = good();
        *manifests[index].pointer_mut(pointer).unwrap() = value;
        format!("{:#}", grants(&manifests).unwrap_err())
    };
    for (index, pointer, value, words) in [
        (
            0,
            "/rules/0",
            json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}),
            "is about paths",
        ),
        (
            1,
            "/roleRef/name",
            json!("cluster-admin"),
            "cluster-admin is not among the manifests",
        ),
        (
            1,
            "/subjects/0/kind",
            json!("Group"),
            "only requests of service accounts",
        ),
        (1, "/kind", json!("Deployment"), "bound to nobody"),
        (
            1,
            "/metadata/namespace",
            json!("apps"),
            "is not among the manifests",
        ),
    ] {
        let why = changed(index, pointer, value);
        assert!(why.contains(words), "{pointer}: {why}");
    }
}

#[test]
fn a_role_binding_limits_a_cluster_role_to_its_namespace() {
    let mut manifests = role("ClusterRole", &["list services"], &[]);
    manifests[1]["kind"] = json!("RoleBinding");
    manifests[1]["metadata"]["namespace"] = json!(HOME);
    let granted: Vec<String> = grants(&manifests).unwrap().iter().map(Grant::to_string).collect();
    assert_eq!(granted, ["speaker may list services in metallb-system"]);
}

#[test]
fn the_chart_grants_what_can_be_judged() {
    let granted = grants(&crate::chart::everything().unwrap()).unwrap();
    let accounts: BTreeSet<&str> = granted.iter().map(|grant| grant.account.name.as_str()).collect();
    // Two of them are named by the values.
    assert_eq!(
        accounts,
        BTreeSet::from(["addresses", "announcers", "tiklb-release"])
    );
    let limited = granted.iter().filter(|grant| grant.object.is_some());
    let limited: Vec<String> = limited.map(Grant::to_string).collect();
    let key = "announcers may list secrets tiklb-heartbeat in metallb-system";
    assert!(limited.iter().any(|right| right == key), "{limited:?}");
}
