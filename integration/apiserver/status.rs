//! Refusals in the words of Kubernetes: the `Status` object that every failed request is answered with.
//!
//! Codes, reasons and messages follow `k8s.io/apimachinery/pkg/api/errors`, because clients match on them.

use serde_json::{Value, json};

/// Why a request was refused: an HTTP code, a machine-readable reason and a message for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// HTTP status code.
    pub(crate) code: u16,
    /// `metav1.StatusReason`.
    pub(crate) reason: &'static str,
    /// What a person reads.
    pub(crate) message: String,
    /// `metav1.StatusDetails`, or null.
    pub(crate) details: Value,
}

/// One field that is not as it should be: `metav1.StatusCause`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    reason: &'static str,
    field: String,
    message: String,
}

impl Cause {
    /// A field without which the object makes no sense.
    pub(crate) fn required(field: impl Into<String>) -> Self {
        Self {
            reason: "FieldValueRequired",
            field: field.into(),
            message: "Required value".to_owned(),
        }
    }

    /// A value that the field cannot hold.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, why: impl AsRef<str>) -> Self {
        let message = format!("Invalid value: {}: {}", shown(value), why.as_ref());
        Self {
            reason: "FieldValueInvalid",
            field: field.into(),
            message,
        }
    }

    /// A value of another JSON type than the schema's.
    pub(crate) fn type_invalid(field: impl Into<String>, value: &Value, why: impl AsRef<str>) -> Self {
        let message = format!("Invalid value: {}: {}", shown(value), why.as_ref());
        Self {
            reason: "FieldValueTypeInvalid",
            field: field.into(),
            message,
        }
    }

    /// A value outside a closed list.
    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, allowed: &[Value]) -> Self {
        let allowed = allowed.iter().map(shown).collect::<Vec<_>>().join(", ");
        let message = format!("Unsupported value: {}: supported values: {allowed}", shown(value));
        Self {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message,
        }
    }

    /// A value that must stand there once only.
    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        let message = format!("Duplicate value: {}", shown(value));
        Self {
            reason: "FieldValueDuplicate",
            field: field.into(),
            message,
        }
    }

    /// A value that is not allowed here.
    pub(crate) fn forbidden(field: impl Into<String>, why: impl AsRef<str>) -> Self {
        let message = format!("Forbidden: {}", why.as_ref());
        Self {
            reason: "FieldValueForbidden",
            field: field.into(),
            message,
        }
    }

    /// More items than allowed.
    pub(crate) fn too_many(field: impl Into<String>, count: usize, most: u64) -> Self {
        let message = format!("Too many: {count}: must have at most {most} items");
        Self {
            reason: "FieldValueTooMany",
            field: field.into(),
            message,
        }
    }

    /// More characters than allowed.
    pub(crate) fn too_long(field: impl Into<String>, what: impl AsRef<str>) -> Self {
        let message = format!("Too long: {}", what.as_ref());
        Self {
            reason: "FieldValueTooLong",
            field: field.into(),
            message,
        }
    }
}

fn shown(value: &Value) -> String {
    value.to_string()
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
        }
    }

    fn about(mut self, group: &str, plural: &str, name: &str) -> Self {
        let mut details = json!({ "kind": plural });
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        if !name.is_empty() {
            details["name"] = json!(name);
        }
        self.details = details;
        self
    }

    /// 404: no such object. `what` is the resource with its group (`ipaddresspools.metallb.io`).
    pub(crate) fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let what = qualified(group, plural);
        Self::new(404, "NotFound", format!("{what} \"{name}\" not found")).about(group, plural, name)
    }

    /// 404: no such resource or path.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
    }

    /// 409: the name is taken.
    pub(crate) fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        let what = qualified(group, plural);
        Self::new(409, "AlreadyExists", format!("{what} \"{name}\" already exists"))
            .about(group, plural, name)
    }

    /// 409: the object is not the one the writer read.
    pub(crate) fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let what = qualified(group, plural);
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Self::new(409, "Conflict", message).about(group, plural, name)
    }

    /// 410: the asked version is no longer kept.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 422: fields that are not as they should be.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let lines: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let list = if let [only] = lines.as_slice() {
            only.clone()
        } else {
            format!("[{}]", lines.join(", "))
        };
        let what = qualified(group, kind);
        let mut refusal = Self::new(422, "Invalid", format!("{what} \"{name}\" is invalid: {list}"))
            .about(group, kind, name);
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({ "reason": cause.reason, "field": cause.field, "message": cause.message }))
            .collect();
        refusal.details["causes"] = Value::Array(causes);
        refusal
    }

    /// 400: the request cannot be understood.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 500: an error of the storage that real API servers pass on as it is.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 405: the path is there, but not for this method.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    }

    /// 401: no token, or one that nobody holds.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403: understood, and not allowed in the present state.
    pub(crate) fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let what = qualified(group, plural);
        Self::new(403, "Forbidden", format!("{what} \"{name}\" is forbidden: {why}"))
            .about(group, plural, name)
    }

    /// 406: none of the asked media types is spoken here.
    pub(crate) fn not_acceptable() -> Self {
        Self::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json",
        )
    }

    /// 413: the body is larger than the API server takes (3 MiB, `MaxRequestBodyBytes`).
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 415: a body in another form than asked for.
    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 501: a real API server would answer this, the embedded one does not speak it.
    pub(crate) fn unsupported(what: impl AsRef<str>) -> Self {
        let what = what.as_ref();
        Self::new(
            501,
            "NotImplemented",
            format!("the lab's embedded API server does not support {what}"),
        )
    }

    /// 504: a version that does not exist yet was asked for.
    pub(crate) fn too_large_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut refusal = Self::new(504, "Timeout", message);
        let cause = json!({ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" });
        refusal.details = json!({ "causes": [cause], "retryAfterSeconds": 1 });
        refusal
    }

    /// What a broken API server answers: any code, with the reason that belongs to it.
    pub(crate) fn injected(code: u16) -> Self {
        let reason = match code {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            410 => "Expired",
            422 => "Invalid",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        let mut refusal = Self::new(code, reason, format!("fault injected by the lab: {reason}"));
        if matches!(code, 429 | 503 | 504) {
            refusal.details = json!({ "retryAfterSeconds": 1 });
        }
        refusal
    }

    /// The `Status` object of this refusal.
    pub(crate) fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}

/// `services`, or `ipaddresspools.metallb.io` outside of the core group.
pub(crate) fn qualified(group: &str, name: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{name}.{group}")
    }
}
