//! What the admin surface is told to do: bodies read strictly, then the same calls that a test in Rust would make.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::config::Lease;
use crate::menu::{Menu, MenuError};
use crate::person::{EditError, Person};
use crate::raw::raw;
use crate::router::Router;
use crate::switch::{NameError, span};
use crate::value::mac::Mac;

type Done = Result<Value, Refusal>;
type Values = Vec<(String, String)>;

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad(format!("reading the body: {error}; GET / has an example of it")))
}

pub(super) fn menu_error(error: &MenuError) -> Refusal {
    let known: Vec<&str> = Menu::ALL.into_iter().map(Menu::path).collect();
    Refusal::bad(format!("{error}; there are {}", known.join(", ")))
}

fn menu(path: &str) -> Result<Menu, Refusal> {
    path.parse().map_err(|error| menu_error(&error))
}

/// Texts, flags and numbers as the console reads them; `{"bytes": […]}` for what is no text.
fn text(key: &str, value: &Value) -> Result<String, Refusal> {
    if let Some(bytes) = value.get("bytes") {
        let bytes: Vec<u8> = Vec::deserialize(bytes)
            .map_err(|error| Refusal::bad(format!("reading the bytes of {key}: {error}")))?;
        return Ok(raw(&bytes));
    }
    crate::http::call::text(key, value).map_err(|_| {
        Refusal::bad(format!(
            "reading {key}: write a text, a whole number, true, false or {{\"bytes\": [66, 252]}}"
        ))
    })
}

fn texts(values: &Map<String, Value>) -> Result<Values, Refusal> {
    values
        .iter()
        .map(|(key, value)| Ok((key.clone(), text(key, value)?)))
        .collect()
}

fn borrowed(values: &Values) -> impl Iterator<Item = (&str, &str)> {
    values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn time(key: &str, value: &str) -> Result<Duration, Refusal> {
    span(value)
        .ok_or_else(|| Refusal::bad(format!("reading {key}: write a time such as 300ms, 20s or 1h30m")))
}

// === switches, faults, clock ===

fn turn(body: &[u8], turn: impl Fn(&str, &str) -> Result<(), NameError>) -> Done {
    for (name, value) in texts(&read::<Map<String, Value>>(body)?)? {
        // The names that JSON would write as flags are yes and no everywhere else.
        turn(&name, &value).map_err(|error| Refusal::caused(&error))?;
    }
    Ok(json!({}))
}

pub(super) fn switches(router: &Router, _: &str, body: &[u8]) -> Done {
    let mut switches = router.switches();
    // All of them or none.
    let turned = std::cell::RefCell::new(&mut switches);
    turn(body, |name, value| turned.borrow_mut().turn(name, value))?;
    router.switch(|current| *current = switches);
    Ok(json!({}))
}

pub(super) fn faults(router: &Router, _: &str, body: &[u8]) -> Done {
    turn(body, |name, value| router.faults().turn(name, value))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    by: String,
}

pub(super) fn advance(router: &Router, _: &str, body: &[u8]) -> Done {
    let Advance { by } = read(body)?;
    router.clock().advance(time("by", &by)?);
    Ok(super::view::clock(router))
}

// === a person ===

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    menu: String,
    values: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    menu: String,
    r#where: Map<String, Value>,
    values: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remove {
    menu: String,
    r#where: Map<String, Value>,
}

/// An edit that was read and not made yet.
enum Edit {
    Add(Menu, Values),
    Set(Menu, (String, String), Values),
    Remove(Menu, (String, String)),
}

impl Edit {
    fn add(body: &Add) -> Result<Self, Refusal> {
        Ok(Edit::Add(menu(&body.menu)?, texts(&body.values)?))
    }

    fn set(body: &Set) -> Result<Self, Refusal> {
        Ok(Edit::Set(
            menu(&body.menu)?,
            one(&body.r#where)?,
            texts(&body.values)?,
        ))
    }

    fn remove(body: &Remove) -> Result<Self, Refusal> {
        Ok(Edit::Remove(menu(&body.menu)?, one(&body.r#where)?))
    }

    fn make(&self, person: &Person) -> Result<Value, EditError> {
        match self {
            Edit::Add(menu, values) => {
                let id = person.add(*menu, borrowed(values))?;
                return Ok(json!({"id": id.to_string()}));
            }
            Edit::Set(menu, (key, value), values) => person.set(*menu, (key, value), borrowed(values))?,
            Edit::Remove(menu, (key, value)) => person.remove(*menu, (key, value))?,
        }
        Ok(json!({}))
    }
}

fn one(place: &Map<String, Value>) -> Result<(String, String), Refusal> {
    let mut texts = texts(place)?;
    match (texts.pop(), texts.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(Refusal::bad(
            "reading where: name exactly one key, such as {\"name\": \"dhcp_pool\"}",
        )),
    }
}

fn edit(router: &Router, edit: &Edit) -> Done {
    edit.make(&router.person())
        .map_err(|error| Refusal::caused(&error))
}

pub(super) fn add(router: &Router, _: &str, body: &[u8]) -> Done {
    edit(router, &Edit::add(&read(body)?)?)
}

pub(super) fn set(router: &Router, _: &str, body: &[u8]) -> Done {
    edit(router, &Edit::set(&read(body)?)?)
}

pub(super) fn remove(router: &Router, _: &str, body: &[u8]) -> Done {
    edit(router, &Edit::remove(&read(body)?)?)
}

pub(super) fn between(router: &Router, _: &str, body: &[u8]) -> Done {
    let mut object: Map<String, Value> = read(body)?;
    let kind = object.remove("edit");
    // The menu that the client reads and writes; the person may edit another one.
    let read_menu = object.remove("on").or_else(|| object.get("menu").cloned());
    let rest = Value::Object(object).to_string();
    let edit = match kind.as_ref().and_then(Value::as_str) {
        Some("add") => Edit::add(&read(rest.as_bytes())?)?,
        Some("set") => Edit::set(&read(rest.as_bytes())?)?,
        Some("remove") => Edit::remove(&read(rest.as_bytes())?)?,
        _ => return Err(Refusal::bad("reading edit: write add, set or remove")),
    };
    let on = menu(read_menu.as_ref().and_then(Value::as_str).unwrap_or_default())?;
    router.faults().between_read_and_write(on, move |person| {
        if let Err(error) = edit.make(person) {
            tracing::warn!(target: "routeros_sim::journal", %error, "a person's edit between read and write");
        }
    });
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Take,
    Release,
    Abort,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SafeMode {
    r#do: Action,
    #[serde(default)]
    user: Option<String>,
}

pub(super) fn safe_mode(router: &Router, _: &str, body: &[u8]) -> Done {
    let body: SafeMode = read(body)?;
    let person = router.person();
    let done = match body.r#do {
        Action::Take => person.take_safe_mode(body.user.as_deref().unwrap_or("admin")),
        Action::Release => person.release_safe_mode(),
        Action::Abort => person.abort_safe_mode(),
    };
    done.map(|()| json!({})).map_err(|error| Refusal::caused(&error))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    user: String,
    password: String,
}

pub(super) fn password(router: &Router, _: &str, body: &[u8]) -> Done {
    let Password { user, password } = read(body)?;
    let changed = router.faults().password(&user, &password);
    changed
        .map(|()| json!({}))
        .map_err(|error| Refusal::caused(&error))
}

// === devices and the board ===

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct NewLease {
    address: std::net::Ipv4Addr,
    mac_address: String,
    #[serde(default)]
    dynamic: bool,
    server: Option<String>,
    host_name: Option<String>,
    comment: Option<String>,
}

fn mac(text: &str) -> Result<Mac, Refusal> {
    text.parse().map_err(Refusal::bad)
}

pub(super) fn lease(router: &Router, _: &str, body: &[u8]) -> Done {
    let body: NewLease = read(body)?;
    let mac = mac(&body.mac_address)?;
    let mut lease = if body.dynamic {
        Lease::bound(body.address, mac)
    } else {
        Lease::fixed(body.address, mac)
    };
    if let Some(server) = &body.server {
        lease = lease.server(server);
    }
    if let Some(name) = &body.host_name {
        lease = lease.host_name(name);
    }
    if let Some(comment) = &body.comment {
        lease = lease.comment(comment);
    }
    let id = router.lease(&lease).map_err(|error| Refusal::caused(&error))?;
    Ok(json!({"id": id.to_string()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Device {
    address: std::net::Ipv4Addr,
    mac_address: String,
}

pub(super) fn meet(router: &Router, _: &str, body: &[u8]) -> Done {
    let body: Device = read(body)?;
    router.meet(body.address, mac(&body.mac_address)?);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PowerCycle {
    outage: String,
    warm_up: String,
}

pub(super) fn power_cycle(router: &Router, _: &str, body: &[u8]) -> Done {
    let body: PowerCycle = read(body)?;
    router.power_cycle(time("outage", &body.outage)?, time("warm-up", &body.warm_up)?);
    Ok(json!({}))
}
