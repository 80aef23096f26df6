//! What is committed in `deploy/` for a person to apply: the example is valid, and rights do not grow unnoticed.

use kube::core::cel::{AdmissionRequest, VapEvaluator, VapExpression};
use serde_json::{Value, json};

use tiklb_core::config::{Config, ReservationObject, ReservationSpec};
use tiklb_core::model::ObjectKey;
use tiklb_core::model::object::Seniority;

use super::{decodes, documents, files, rules};
use crate::api::AddressReservation;
use crate::api::decode::decode;

fn all(folder: &str) -> Vec<Value> {
    files(folder)
        .iter()
        .flat_map(|(_, yaml)| documents(yaml))
        .collect()
}

/// The manifests that are applied by a person, or from Git.
const HOMELAB: &str = "deploy/examples/homelab/config/tiklb/manifests";

fn is_ours(object: &Value) -> bool {
    let group = object["apiVersion"].as_str().unwrap();
    group.starts_with("metallb.io/") || group.starts_with("tiklb.io/")
}

#[test]
fn the_homelab_example_is_valid() {
    let objects = all(HOMELAB);
    let ours: Vec<&Value> = objects.iter().filter(|object| is_ours(object)).collect();
    assert_eq!(ours.len(), 8, "pool, advertisement, router and five reservations");
    for object in ours {
        assert_eq!(rules(object, None), Ok(()));
        assert_eq!(decodes(object), Ok(()));
        assert_eq!(object["metadata"]["namespace"], "metallb-system");
    }
}

/// The pages are compared with what is printed by the tests of the command line.
#[test]
fn what_plan_imports_is_accepted_as_it_is_printed() {
    let mut printed = 0;
    for page in [
        "src/cli/plan/tests/import.yaml",
        "src/cli/tests/golden/import.yaml",
    ] {
        let page = std::fs::read_to_string(super::root(page)).unwrap();
        for object in documents(&page).into_iter().filter(|object| !object.is_null()) {
            assert_eq!(object["kind"], "AddressReservation");
            assert_eq!(rules(&object, None), Ok(()), "{object}");
            assert_eq!(decodes(&object), Ok(()), "{object}");
            let spec = &super::schema_of("AddressReservation")["properties"]["spec"]["properties"];
            for (field, value) in object["spec"].as_object().unwrap() {
                let longest = spec[field]["maxLength"].as_u64().unwrap();
                let length = value.as_str().unwrap().chars().count();
                assert!(u64::try_from(length).unwrap() <= longest, "{field}: {object}");
            }
            let decoded: AddressReservation = decode(object).unwrap();
            let spec = ReservationSpec {
                address: decoded.spec.address,
                service: decoded.spec.service,
                note: decoded.spec.note,
            };
            let core = ReservationObject {
                key: ObjectKey::new("metallb-system", "printed"),
                generation: 1,
                seniority: Seniority::default(),
                spec: Ok(spec),
            };
            let config = Config::default().with_reservations(&[core]);
            assert_eq!(config.reservations.len(), 1, "{:?}", config.problems);
            printed += 1;
        }
    }
    assert!(printed > 5, "only {printed} objects are printed");
}

#[test]
fn the_homelab_example_applies_in_one_go() {
    // kubectl goes through a folder by name and applies what it finds, but not what lies in folders below.
    let objects = all(HOMELAB);
    assert!(
        objects.iter().all(|object| object["kind"] != "Secret"),
        "placeholders would overwrite real Secrets"
    );
    let mut known = vec!["metallb-system".to_owned()];
    for object in &objects {
        if object["kind"] == "Namespace" {
            known.push(object["metadata"]["name"].as_str().unwrap().to_owned());
        } else {
            let namespace = object["metadata"]["namespace"].as_str().unwrap();
            assert!(
                known.iter().any(|name| name == namespace),
                "{namespace} is used before it exists"
            );
        }
    }
}

#[test]
fn the_examples_secrets_are_those_that_the_router_names() {
    let router = all(HOMELAB)
        .into_iter()
        .find(|o| o["kind"] == "MikrotikRouter")
        .unwrap();
    let secrets = all("deploy/examples/homelab/config/tiklb/secrets");
    let key = |name: &Value, key: &str| {
        let secret = secrets.iter().find(|s| s["metadata"]["name"] == *name).unwrap();
        assert!(secret["stringData"][key].is_string(), "{name} lacks {key}");
    };
    key(&router["spec"]["credentialsSecretRef"]["name"], "username");
    key(&router["spec"]["credentialsSecretRef"]["name"], "password");
    let ca = &router["spec"]["tls"]["caSecretRef"];
    key(&ca["name"], ca["key"].as_str().unwrap());
}

/// Every right that is granted, as `role: group/resource[names] verbs`.
fn rights() -> Vec<String> {
    let words = |list: &Value| -> Vec<String> {
        let words = list.as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = Vec::new();
    for role in all("deploy/rbac") {
        let (kind, name) = (
            role["kind"].as_str().unwrap(),
            role["metadata"]["name"].as_str().unwrap(),
        );
        for rule in role["rules"].as_array().into_iter().flatten() {
            let names = words(&rule["resourceNames"]).join(",");
            for resource in words(&rule["resources"]) {
                let group = words(&rule["apiGroups"]).join(",");
                let verbs = words(&rule["verbs"]).join(" ");
                rights.push(format!("{kind} {name}: {group}/{resource}[{names}] {verbs}"));
            }
        }
    }
    rights.sort();
    rights
}

const RIGHTS: &[&str] = &[
    "ClusterRole tiklb-allocator: /namespaces[] get list watch",
    "ClusterRole tiklb-allocator: /nodes[] list watch",
    "ClusterRole tiklb-allocator: /services/status[] patch",
    "ClusterRole tiklb-allocator: /services[] list watch",
    "ClusterRole tiklb-allocator: events.k8s.io/events[] create patch",
    "ClusterRole tiklb-speaker: /nodes[] list watch",
    "ClusterRole tiklb-speaker: /services[] list watch",
    "ClusterRole tiklb-speaker: discovery.k8s.io/endpointslices[] list watch",
    "ClusterRole tiklb-speaker: events.k8s.io/events[] create patch",
    "Role tiklb-allocator: /pods[] get",
    "Role tiklb-allocator: /secrets[] list watch create",
    "Role tiklb-allocator: coordination.k8s.io/leases[] get list watch create update",
    "Role tiklb-allocator: metallb.io/configurationstates/status[] patch",
    "Role tiklb-allocator: metallb.io/configurationstates[] list watch create",
    "Role tiklb-allocator: metallb.io/ipaddresspools/status[] patch",
    "Role tiklb-allocator: metallb.io/ipaddresspools[] list watch",
    "Role tiklb-allocator: metallb.io/l2advertisements[] list watch",
    "Role tiklb-allocator: metallb.io/servicel2statuses[] list watch",
    "Role tiklb-allocator: tiklb.io/addressconflicts[] list watch",
    "Role tiklb-allocator: tiklb.io/addressreservations/status[] patch",
    "Role tiklb-allocator: tiklb.io/addressreservations[] list watch",
    "Role tiklb-allocator: tiklb.io/mikrotikrouters/status[] patch",
    "Role tiklb-allocator: tiklb.io/mikrotikrouters[] list watch patch",
    "Role tiklb-speaker: /pods[] get list watch",
    "Role tiklb-speaker: /secrets[tiklb-heartbeat] list watch",
    "Role tiklb-speaker: coordination.k8s.io/leases[] get create update",
    "Role tiklb-speaker: metallb.io/configurationstates/status[] patch",
    "Role tiklb-speaker: metallb.io/configurationstates[] list watch create",
    "Role tiklb-speaker: metallb.io/ipaddresspools[] list watch",
    "Role tiklb-speaker: metallb.io/l2advertisements[] list watch",
    "Role tiklb-speaker: metallb.io/servicel2statuses/status[] patch",
    "Role tiklb-speaker: metallb.io/servicel2statuses[] list watch create delete",
    "Role tiklb-speaker: tiklb.io/addressconflicts/status[] patch",
    "Role tiklb-speaker: tiklb.io/addressconflicts[] list watch create delete",
];

#[test]
fn rights_are_these_and_no_others() {
    assert_eq!(rights(), RIGHTS);
}

#[test]
fn configuration_outside_of_the_namespace_is_refused() {
    let policy = all("deploy/rbac")
        .into_iter()
        .find(|o| o["kind"] == "ValidatingAdmissionPolicy")
        .unwrap();
    let rules = policy["spec"]["matchConstraints"]["resourceRules"]
        .as_array()
        .unwrap();
    let covered: Vec<&Value> = rules
        .iter()
        .flat_map(|rule| rule["resources"].as_array().unwrap())
        .collect();
    let everything = [
        "ipaddresspools",
        "l2advertisements",
        "mikrotikrouters",
        "addressreservations",
    ];
    assert_eq!(covered, everything, "every kind that people write");
    assert!(rules.iter().all(|rule| rule["operations"] == json!(["CREATE"])));
    let validation = &policy["spec"]["validations"][0];
    let text = |field: &str| validation[field].as_str().unwrap().to_owned();
    let expression = VapExpression {
        expression: text("expression"),
        message: None,
        message_expression: Some(text("messageExpression")),
    };
    let verdict = |namespace: &str| {
        let request = AdmissionRequest {
            operation: "CREATE".to_owned(),
            namespace: namespace.to_owned(),
            ..AdmissionRequest::default()
        };
        let evaluator = VapEvaluator::builder().object(json!({})).request(request).build();
        evaluator.evaluate(std::slice::from_ref(&expression)).remove(0)
    };
    assert!(verdict("metallb-system").passed);
    let refused = verdict("default");
    assert!(!refused.passed);
    let message = refused.message.unwrap();
    assert!(
        message.contains("resource must be created in the namespace metallb-system"),
        "{message}"
    );
    let binding = all("deploy/rbac")
        .into_iter()
        .find(|o| o["kind"] == "ValidatingAdmissionPolicyBinding")
        .unwrap();
    assert_eq!(binding["spec"]["policyName"], policy["metadata"]["name"]);
}
