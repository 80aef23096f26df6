//! What RouterOS says when it refuses: HTTP status and `detail`, the texts verbatim.
//!
//! The type is called after the API's `!trap` reply, from which the REST bodies are made.

use hyper::StatusCode;

/// A refusal. `message` of the body is the HTTP reason; 401 and 404 carry no `detail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trap {
    pub(crate) status: StatusCode,
    pub(crate) detail: Option<String>,
}

impl Trap {
    fn bad_request(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            detail: Some(detail.into()),
        }
    }

    /// The id is not in the table.
    pub(crate) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            detail: None,
        }
    }

    /// What older releases say of a row that a command names and that is not there.
    pub(crate) fn no_such_item() -> Self {
        Self::bad_request("no such item")
    }

    /// Wrong or missing credentials, or a group without `rest-api`.
    pub(crate) fn unauthorized() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            detail: None,
        }
    }

    /// A path that names nothing: `word` is its first unknown part.
    pub(crate) fn no_such_directory(word: &str) -> Self {
        Self::bad_request(format!("no such command or directory ({word})"))
    }

    /// GET on a command, POST on a menu.
    pub(crate) fn no_such_command() -> Self {
        Self::bad_request("no such command")
    }

    /// Look-up by key in a menu whose rows have no `name`.
    pub(crate) fn no_such_command_prefix() -> Self {
        Self::bad_request("no such command prefix")
    }

    /// PATCH or DELETE without an id, on a singleton, or with a percent-encoded asterisk.
    pub(crate) fn bad_identifier() -> Self {
        Self::bad_request("missing or invalid resource identifier")
    }

    /// The method does not fit the menu: it has no such `command`.
    pub(crate) fn not_acceptable(command: &str) -> Self {
        Self {
            status: StatusCode::NOT_ACCEPTABLE,
            detail: Some(format!("no such command or directory ({command})")),
        }
    }

    /// A required argument is absent.
    pub(crate) fn missing(argument: &str) -> Self {
        Self::bad_request(format!("missing ={argument}="))
    }

    /// The property does not exist in this menu and version.
    pub(crate) fn unknown_parameter(name: &str) -> Self {
        Self::bad_request(format!("unknown parameter {name}"))
    }

    /// An unknown reference or a word outside an enumeration.
    pub(crate) fn no_match(argument: &str) -> Self {
        Self::bad_request(format!("input does not match any value of {argument}"))
    }

    /// A value of the wrong type.
    pub(crate) fn invalid_value(argument: &str) -> Self {
        Self::bad_request(format!("invalid value for argument {argument}"))
    }

    /// A number outside its range.
    pub(crate) fn number_out_of_range(argument: &str, min: u64, max: u64) -> Self {
        Self::bad_request(format!("value of {argument} out of range ({min}..{max})"))
    }

    /// A time outside its range, both ends in the console's own form.
    pub(crate) fn time_out_of_range(argument: &str, min: &str, max: &str) -> Self {
        Self::bad_request(format!("value of {argument} is out of range ({min} .. {max})"))
    }

    /// A pool range that cannot be read. The console calls the argument `range`, not `ranges`.
    pub(crate) fn bad_range(what: &str) -> Self {
        Self::bad_request(format!("value of range {what}"))
    }

    /// The menu itself refuses, for a reason beyond grammar.
    pub(crate) fn failure(what: &str) -> Self {
        Self::bad_request(format!("failure: {what}"))
    }

    /// The body is no JSON object. The text comes from a mock, not from a router.
    pub(crate) fn bad_json() -> Self {
        Self::bad_request("Failed to parse json")
    }

    /// The user's group lacks `api`.
    pub(crate) fn not_allowed() -> Self {
        Self::internal("std failure: not allowed (9)")
    }

    /// The user's group lacks `read`.
    pub(crate) fn not_enough_permissions() -> Self {
        Self::internal("not enough permissions (9)")
    }

    /// The user's group lacks `write`: the text is a switch.
    pub(crate) fn may_not_write(text: &str) -> Self {
        Self::internal(text)
    }

    /// A passing failure inside the router, as `RouterOS` words its own time-outs.
    pub(crate) fn transient() -> Self {
        Self::internal(
            "action timed out - try again, if error continues contact MikroTik support and send a supout file (13)",
        )
    }

    /// A request took longer than the web server allows; what it asked for may be done all the same.
    pub(crate) fn session_closed() -> Self {
        Self::bad_request("Session closed")
    }

    /// The user's `address` does not have the client's.
    pub(crate) fn forbidden() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            detail: None,
        }
    }

    /// A method that the web server does not know.
    pub(crate) fn not_implemented() -> Self {
        Self {
            status: StatusCode::NOT_IMPLEMENTED,
            detail: None,
        }
    }

    fn internal(detail: &str) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            detail: Some(detail.to_owned()),
        }
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> serde_json::Value {
        let mut body = serde_json::json!({
            "error": self.status.as_u16(),
            "message": self.status.canonical_reason().unwrap_or("Unknown"),
        });
        if let Some(detail) = &self.detail {
            body["detail"] = detail.as_str().into();
        }
        body
    }
}
