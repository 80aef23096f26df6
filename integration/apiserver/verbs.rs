//! The verbs on objects: get, list, watch, create, update, patch, delete.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::Answer;
use super::journal::Verb;
use super::list;
use super::media::{Form, negotiate};
use super::object;
use super::patch::{merge, strategic_merge};
use super::resource::Resource;
use super::selector::Selector;
use super::serve::{Call, Server};
use super::status::{Refusal, qualified};
use super::store::{Deletion, Part, Preconditions, Written};
use super::watch::Watch;

impl Server {
    /// Answers a request for objects.
    pub(crate) fn objects(&self, call: &Call) -> Result<Answer, Refusal> {
        let resource = self.resource(&call.target)?;
        if let Some(service) = resource
            .custom
            .as_ref()
            .and_then(|custom| custom.converter.as_ref())
        {
            // A list without objects is answered by the real one: there is nothing to convert.
            return Err(Refusal::unknown(format!(
                "conversion webhook for {}, Kind={} failed: Post \"https://{service}:443/convert?timeout=30s\": service \"{service}\" not found",
                resource.api_version(),
                resource.kind
            )));
        }
        if resource.is_read_only() && !matches!(call.verb, Verb::Get | Verb::List | Verb::Watch) {
            let what = qualified(&resource.group, &resource.plural);
            return Err(Refusal::unsupported(format!("{} of {what}", call.verb)));
        }
        let form = negotiate(&call.accept, call.query.get("includeObject"))?;
        if !call.query.get("dryRun").is_empty() {
            return Err(Refusal::unsupported("dryRun"));
        }
        match (call.verb, call.target.name.clone()) {
            (Verb::List, None) => self.list(&resource, form, call),
            (Verb::Watch, None) => self.watch(resource, form, call),
            (Verb::Create, None) => self.create(&resource, form, call),
            (Verb::Get, Some(name)) if !call.query.flag("watch") => self.get(&resource, form, call, &name),
            (Verb::Update, Some(name)) => self.replace(&resource, form, call, &name),
            (Verb::Patch, Some(name)) => self.patch(&resource, form, call, &name),
            (Verb::Delete, Some(name)) if call.target.subresource.is_none() => {
                self.delete(&resource, form, call, &name)
            }
            (Verb::Update | Verb::Patch, None) => Err(Refusal::method_not_allowed()),
            (Verb::Create, Some(_)) if call.target.subresource.is_none() => {
                Err(Refusal::method_not_allowed())
            }
            (verb, name) => {
                let what = qualified(&resource.group, &resource.plural);
                let whole = if name.is_none() {
                    "a whole collection of"
                } else {
                    "one of"
                };
                Err(Refusal::unsupported(format!(
                    "{verb} on {whole} {what} in this form"
                )))
            }
        }
    }

    fn selector(resource: &Resource, call: &Call) -> Result<Selector, Refusal> {
        let (labels, fields) = (call.query.get("labelSelector"), call.query.get("fieldSelector"));
        Selector::parse(resource, call.target.namespace.as_deref(), labels, fields)
    }

    fn list(&self, resource: &Resource, form: Form, call: &Call) -> Result<Answer, Refusal> {
        let selector = Self::selector(resource, call)?;
        let page = self
            .store
            .read(|state| list::page(state, resource, &selector, &call.query))?;
        Ok(Answer::json(
            200,
            &form.list(resource, &page.objects, &page.metadata),
        ))
    }

    fn watch(&self, resource: Arc<Resource>, form: Form, call: &Call) -> Result<Answer, Refusal> {
        let selector = Self::selector(&resource, call)?;
        let watch = Watch::begin(
            &self.store,
            resource,
            selector,
            form,
            &call.query,
            self.bookmark_every,
        )?;
        Ok(Answer::watch(watch))
    }

    fn get(&self, resource: &Resource, form: Form, call: &Call, name: &str) -> Result<Answer, Refusal> {
        part(resource, call)?;
        let namespace = namespace(resource, call)?;
        let object = self.store.read(|state| state.get(resource, namespace, name))?;
        Ok(Answer::json(200, &form.object(resource, &object, true)))
    }

    fn create(&self, resource: &Resource, form: Form, call: &Call) -> Result<Answer, Refusal> {
        let namespace = namespace(resource, call)?;
        let sent = whole_body(call)?;
        let fields = call.query.field_validation();
        let written = self
            .store
            .write(|state| state.create(resource, namespace, sent, fields))?;
        Ok(answer(201, resource, form, written))
    }

    fn replace(&self, resource: &Resource, form: Form, call: &Call, name: &str) -> Result<Answer, Refusal> {
        let part = part(resource, call)?;
        let place = (namespace(resource, call)?, name);
        let sent = whole_body(call)?;
        let replace = |current: &Value| {
            let (wanted, found) = (object::uid(&sent), object::uid(current));
            if wanted.is_empty() || wanted == found {
                return Ok(sent.clone());
            }
            let why =
                format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}");
            Err(Refusal::conflict(&resource.group, &resource.plural, name, &why))
        };
        let fields = call.query.field_validation();
        let written = self
            .store
            .write(|state| state.update(resource, place, part, fields, replace))?;
        Ok(answer(200, resource, form, written))
    }

    fn patch(&self, resource: &Resource, form: Form, call: &Call, name: &str) -> Result<Answer, Refusal> {
        let part = part(resource, call)?;
        let place = (namespace(resource, call)?, name);
        let media = call.content_type.split(';').next().unwrap_or_default().trim();
        let patch: Value = serde_json::from_slice(&call.body)
            .map_err(|why| Refusal::bad_request(format!("error decoding patch: {why}")))?;
        let change = |current: &Value| {
            let mut object = current.clone();
            match media {
                "application/merge-patch+json" => merge(&mut object, &patch),
                "application/strategic-merge-patch+json" if resource.custom.is_none() => {
                    strategic_merge(&resource.kind, &mut object, &patch).map_err(Refusal::bad_request)?;
                }
                "application/json-patch+json"
                | "application/apply-patch+yaml"
                | "application/apply-patch+cbor" => {
                    return Err(Refusal::unsupported(media));
                }
                _ => {
                    let message = format!("the body of the request was in an unknown format: {media}");
                    return Err(Refusal::unsupported_media_type(message));
                }
            }
            Ok(object)
        };
        let fields = call.query.field_validation();
        let written = self
            .store
            .write(|state| state.update(resource, place, part, fields, change))?;
        Ok(answer(200, resource, form, written))
    }

    fn delete(&self, resource: &Resource, form: Form, call: &Call, name: &str) -> Result<Answer, Refusal> {
        let namespace = namespace(resource, call)?;
        let preconditions = preconditions(call)?;
        let (deletion, version) = self.store.write(|state| {
            let before = state.history().version();
            let deletion = state.delete(resource, namespace, name, &preconditions)?;
            let version = state.history().version();
            Ok((deletion, (version != before).then_some(version)))
        })?;
        let answer = match &deletion {
            Deletion::Pending(object) => Answer::json(200, &form.object(resource, object, true)),
            Deletion::Gone(object) => Answer::json(200, &success(resource, object)),
        };
        Ok(answer.with_write(name, version, Vec::new()))
    }
}

/// The namespace of a request for one object.
fn namespace<'a>(resource: &Resource, call: &'a Call) -> Result<&'a str, Refusal> {
    match &call.target.namespace {
        Some(namespace) => Ok(namespace),
        None if !resource.namespaced => Ok(""),
        None if call.verb == Verb::Create => Err(Refusal::method_not_allowed()),
        None => Err(Refusal::no_such_resource()),
    }
}

/// Which side of the object the path names.
fn part(resource: &Resource, call: &Call) -> Result<Part, Refusal> {
    match call.target.subresource.as_deref() {
        None => Ok(Part::Main),
        Some("status") if resource.has_status => Ok(Part::Status),
        Some("status") if resource.custom.is_some() => Err(Refusal::no_such_resource()),
        Some(other) => Err(Refusal::unsupported(format!(
            "the subresource {}/{other}",
            resource.plural
        ))),
    }
}

/// A JSON object in the body.
fn whole_body(call: &Call) -> Result<Value, Refusal> {
    let media = call.content_type.split(';').next().unwrap_or_default().trim();
    if !matches!(media, "" | "application/json") {
        let message =
            format!("the body of the request was in an unknown format: {media}; only JSON is read here");
        return Err(Refusal::unsupported_media_type(message));
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|why| Refusal::bad_request(format!("the object provided is unrecognized: {why}")))?;
    if body.is_object() && (body["metadata"].is_object() || body["metadata"].is_null()) {
        return Ok(body);
    }
    Err(Refusal::bad_request(
        "the object provided is unrecognized: it is not an object with metadata",
    ))
}

/// `DeleteOptions` of the body, or of the query.
fn preconditions(call: &Call) -> Result<Preconditions, Refusal> {
    let options: Value = if call.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&call.body)
            .map_err(|why| Refusal::bad_request(format!("error decoding DeleteOptions: {why}")))?
    };
    if !object::items(&options["dryRun"]).is_empty() {
        return Err(Refusal::unsupported("dryRun"));
    }
    let text = |field: &str| options["preconditions"][field].as_str().map(str::to_owned);
    let policy = options["propagationPolicy"]
        .as_str()
        .unwrap_or(call.query.get("propagationPolicy"));
    Ok(Preconditions {
        uid: text("uid"),
        resource_version: text("resourceVersion"),
        orphan: policy == "Orphan",
    })
}

fn answer(code: u16, resource: &Resource, form: Form, written: Written) -> Answer {
    let version = object::resource_version(&written.object)
        .parse()
        .ok()
        .filter(|_| written.changed);
    Answer::json(code, &form.object(resource, &written.object, true)).with_write(
        object::name(&written.object),
        version,
        written.warnings,
    )
}

/// The `Status` of an object that is gone.
fn success(resource: &Resource, object: &Value) -> Value {
    let mut details =
        json!({ "name": object::name(object), "kind": resource.plural, "uid": object::uid(object) });
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
