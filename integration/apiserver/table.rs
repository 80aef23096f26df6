//! Server-side tables: what `kubectl get` shows.

mod age;
mod cells;
pub(crate) mod jsonpath;

use std::sync::Arc;

use serde_json::{Value, json};

use self::cells::Column;
use super::object;
use super::resource::Resource;

/// `includeObject`: what comes with each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// Its metadata: the default.
    Metadata,
    /// All of it.
    Object,
}

/// A `meta.k8s.io/v1` Table of stored objects. `headers` is false for the later events of a watch.
pub(crate) fn table(
    resource: &Resource,
    objects: &[Arc<Value>],
    include: Include,
    headers: bool,
    metadata: &Value,
) -> Value {
    let columns = columns(resource);
    let rows: Vec<Value> = objects
        .iter()
        .map(|stored| row(resource, &columns, stored, include))
        .collect();
    let definitions: Vec<Value> = if headers {
        columns.iter().map(Column::definition).collect()
    } else {
        Vec::new()
    };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

fn row(resource: &Resource, columns: &[Column], stored: &Value, include: Include) -> Value {
    let cells: Vec<Value> = columns.iter().map(|column| column.cell(stored)).collect();
    let object = match include {
        Include::None => Value::Null,
        Include::Metadata => partial_metadata(stored),
        Include::Object => resource.external(stored),
    };
    json!({ "cells": cells, "object": object })
}

/// The object's type and metadata, as `PartialObjectMetadata`.
pub(crate) fn partial_metadata(stored: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": stored["metadata"] })
}

fn columns(resource: &Resource) -> Vec<Column> {
    let mut columns = cells::built_in(resource);
    if let Some(custom) = &resource.custom {
        columns.extend(custom.columns.iter().filter_map(Column::printer));
        if custom.columns.is_empty() {
            columns.push(Column::age());
        }
    }
    columns
}

/// Why a printer column cannot be shown; the definition that brings it is refused.
pub(crate) fn check_printer_column(column: &Value) -> Result<(), String> {
    jsonpath::Path::parse(column["jsonPath"].as_str().unwrap_or_default()).map(drop)
}

/// The name of an object, as the first cell of every table.
fn name(stored: &Value) -> Value {
    json!(object::name(stored))
}

#[cfg(test)]
mod tests;
