//! The types against what users write, what MetalLB has, and what is committed in `deploy/`.

mod chart;
mod deploy;
mod generated;
mod gitops;
mod manifests;
mod metallb;
mod reference;
mod rules;
mod statuses;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kube::core::cel::Validator;
use serde_json::Value;

use super::decode::decode;
use super::*;

/// A path below the repository's root.
fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The YAML files of a folder, by name.
fn files(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = std::fs::read_dir(root(folder))
        .unwrap_or_else(|error| panic!("reading {folder}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert!(!files.is_empty(), "{folder} holds no manifest");
    files.sort();
    files
}

/// The documents of a file.
fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// The schemas as they are installed, by kind.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let schema = |crd: CustomResourceDefinition| {
        let schema = crd.spec.versions[0].schema.clone().unwrap();
        let schema = serde_json::to_value(schema.open_api_v3_schema.unwrap()).unwrap();
        (crd.spec.names.kind, schema)
    };
    crds().into_iter().map(schema).collect()
});

/// The schema of this kind.
fn schema_of(kind: &str) -> &'static Value {
    SCHEMAS.get(kind).unwrap_or_else(|| panic!("{kind} is not ours"))
}

/// What the CEL rules say of an object, after defaults, and what its sets do; `old` is what is replaced.
fn rules(object: &Value, old: Option<&Value>) -> Result<(), String> {
    let schema = schema_of(object["kind"].as_str().unwrap());
    let verdict = Validator::new().validate_with_defaults(schema, object, old);
    let mut said: Vec<String> = verdict.err().iter().flatten().map(ToString::to_string).collect();
    duplicates(schema, object, "", &mut said);
    if said.is_empty() {
        Ok(())
    } else {
        Err(said.join("\n"))
    }
}

/// `x-kubernetes-list-type: set`, in the API server's words.
fn duplicates(schema: &Value, value: &Value, path: &str, said: &mut Vec<String>) {
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}[{index}]");
        let earlier = value.as_array().into_iter().flatten().take(index);
        if schema["x-kubernetes-list-type"] == "set" && earlier.into_iter().any(|e| e == item) {
            said.push(format!("{path}: Duplicate value: {item}"));
        }
        duplicates(&schema["items"], item, &path, said);
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        duplicates(&schema["properties"][name], field, &path, said);
    }
}

/// Whether the Rust type of the object's kind takes it.
fn decodes(object: &Value) -> Result<(), String> {
    let object = object.clone();
    let verdict = match object["kind"].as_str().unwrap() {
        "IPAddressPool" => decode::<IPAddressPool>(object).map(drop),
        "L2Advertisement" => decode::<L2Advertisement>(object).map(drop),
        "ServiceL2Status" => decode::<ServiceL2Status>(object).map(drop),
        "ConfigurationState" => decode::<ConfigurationState>(object).map(drop),
        "MikrotikRouter" => decode::<MikrotikRouter>(object).map(drop),
        "AddressConflict" => decode::<AddressConflict>(object).map(drop),
        "AddressReservation" => decode::<AddressReservation>(object).map(drop),
        kind => panic!("{kind} is not ours"),
    };
    verdict.map_err(|error| error.to_string())
}
