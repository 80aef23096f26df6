//! The paths of the admin surface, each with its method, what it does and an example of its body.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Refusal, order, view};
use crate::menu::Menu;
use crate::router::Router;

type Run = fn(&Router, &str, &[u8]) -> Result<Value, Refusal>;

/// One path with one method.
pub(super) struct Endpoint {
    method: Method,
    /// A path that ends with a slash takes what follows it as an argument.
    path: &'static str,
    does: &'static str,
    /// An example of the body; empty where none is read.
    body: &'static str,
    pub(super) run: Run,
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

pub(super) static PATHS: [Endpoint; 22] = [
    path(GET, "/", "this list", "", |_, _, _| Ok(documentation())),
    path(GET, "/rows", "every menu's rows", "", |router, _, _| {
        Ok(view::all(router))
    }),
    path(
        GET,
        "/rows/",
        "a menu's rows: /rows/ip/pool",
        "",
        |router, menu, _| {
            let menu: Menu = menu.parse().map_err(|error| order::menu_error(&error))?;
            Ok(view::rows(&router.rows(menu)))
        },
    ),
    path(
        GET,
        "/journal",
        "writes, reads, edits and violations so far",
        "",
        |router, _, _| Ok(view::journal(router)),
    ),
    path(GET, "/log", "the router's own log", "", |router, _, _| {
        Ok(view::log(router))
    }),
    path(
        GET,
        "/switches",
        "every switch, what it takes and how it stands",
        "",
        |router, _, _| Ok(view::named(&router.switches().named())),
    ),
    path(
        PATCH,
        "/switches",
        "turns switches",
        r#"{"renewal-outside-pool": "nak"}"#,
        order::switches,
    ),
    path(
        GET,
        "/faults",
        "every fault, what it takes and how it stands",
        "",
        |router, _, _| Ok(view::named(&router.faults().named())),
    ),
    path(
        PATCH,
        "/faults",
        "turns faults",
        r#"{"delay": "300ms", "lose-answers": 1}"#,
        order::faults,
    ),
    path(
        DELETE,
        "/faults",
        "mends everything; the certificate stays",
        "",
        |router, _, _| {
            router.faults().mend();
            Ok(json!({}))
        },
    ),
    path(
        GET,
        "/clock",
        "the router's time since its start",
        "",
        |router, _, _| Ok(view::clock(router)),
    ),
    path(
        POST,
        "/clock/advance",
        "moves the clock forward",
        r#"{"by": "30m"}"#,
        order::advance,
    ),
    path(POST, "/person/add", "a person adds a row", ADD, order::add),
    path(
        POST,
        "/person/set",
        "a person changes the one row that fits",
        SET,
        order::set,
    ),
    path(
        POST,
        "/person/remove",
        "a person removes the one row that fits",
        REMOVE,
        order::remove,
    ),
    path(
        POST,
        "/person/between",
        "a person edits between a client's next read of the menu and its write",
        BETWEEN,
        order::between,
    ),
    path(
        POST,
        "/person/safe-mode",
        "takes, releases or aborts Safe Mode",
        r#"{"do": "take", "user": "admin"}"#,
        order::safe_mode,
    ),
    path(
        POST,
        "/lease",
        "a client has a lease; without dynamic a static one",
        LEASE,
        order::lease,
    ),
    path(
        POST,
        "/meet",
        "a device answers the router's ARP request",
        MEET,
        order::meet,
    ),
    path(
        POST,
        "/reboot",
        "an orderly reboot, at once",
        "",
        |router, _, _| {
            router.reboot();
            Ok(json!({}))
        },
    ),
    path(
        POST,
        "/power-cycle",
        "a power cut: refused, then empty tables, then all",
        CYCLE,
        order::power_cycle,
    ),
    path(
        POST,
        "/password",
        "another password for a user",
        r#"{"user": "tiklb", "password": "new"}"#,
        order::password,
    ),
];

const ADD: &str = r#"{"menu": "ip/pool", "values": {"name": "guests", "ranges": "10.0.0.10-10.0.0.99"}}"#;
const SET: &str = r#"{"menu": "ip/pool", "where": {"name": "dhcp_pool"}, "values": {"comment": {"bytes": [66, 252, 114, 111]}}}"#;
const REMOVE: &str = r#"{"menu": "ip/dhcp-server/lease", "where": {"address": "192.168.1.7"}}"#;
const BETWEEN: &str = r#"{"menu": "ip/pool", "edit": "set", "where": {"name": "dhcp_pool"}, "values": {"ranges": "192.168.1.50"}}"#;
const LEASE: &str = r#"{"address": "192.168.1.150", "mac-address": "AA:BB:CC:00:00:50", "dynamic": true, "host-name": "phone"}"#;
const MEET: &str = r#"{"address": "192.168.1.20", "mac-address": "AA:BB:CC:00:00:20"}"#;
const CYCLE: &str = r#"{"outage": "20s", "warm-up": "5s"}"#;

const fn path(
    method: Method,
    path: &'static str,
    does: &'static str,
    body: &'static str,
    run: Run,
) -> Endpoint {
    Endpoint {
        method,
        path,
        does,
        body,
        run,
    }
}

impl Endpoint {
    /// What follows this path in `asked`; empty for a path without an argument.
    fn rest<'a>(&self, asked: &'a str) -> Option<&'a str> {
        let whole = asked == self.path;
        match asked.strip_prefix(self.path) {
            Some("") if whole && (self.path == "/" || !self.path.ends_with('/')) => Some(""),
            Some(rest) if self.path.ends_with('/') && self.path != "/" && !rest.is_empty() => Some(rest),
            _ => None,
        }
    }
}

/// The path with this method, and its argument.
pub(super) fn find<'a>(method: &Method, asked: &'a str) -> Result<(&'static Endpoint, &'a str), Refusal> {
    let fitting: Vec<(&Endpoint, &str)> = PATHS
        .iter()
        .filter_map(|path| Some((path, path.rest(asked)?)))
        .collect();
    if let Some(found) = fitting.iter().find(|(path, _)| path.method == *method) {
        return Ok(*found);
    }
    if fitting.is_empty() {
        let mut known: Vec<&str> = PATHS.iter().map(|path| path.path).collect();
        known.dedup();
        return Err(Refusal {
            status: StatusCode::NOT_FOUND,
            said: format!(
                "{asked} is no path: there are {}; GET / tells what they do",
                known.join(", ")
            ),
            allow: None,
        });
    }
    let methods: Vec<&str> = fitting.iter().map(|(path, _)| path.method.as_str()).collect();
    let methods = methods.join(", ");
    Err(Refusal {
        status: StatusCode::METHOD_NOT_ALLOWED,
        said: format!("{asked} has no {method}: use {methods}"),
        allow: Some(methods),
    })
}

fn documentation() -> Value {
    let told = |path: &Endpoint| {
        let mut about = json!({"method": path.method.as_str(), "path": path.path, "does": path.does});
        if let Ok(example) = serde_json::from_str::<Value>(path.body) {
            about["body"] = example;
        }
        about
    };
    PATHS.iter().map(told).collect()
}
