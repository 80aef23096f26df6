//! Who may do what: Basic authentication on every request, then the policies of the user's group.
//!
//! | missing | answer (probed on 7.23.7) |
//! |---|---|
//! | `rest-api`, or a right password | 401 |
//! | `api` | 500 `std failure: not allowed (9)` |
//! | `read`, and by analogy `write` | 500 `not enough permissions (9)` |

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;

use crate::device::Device;
use crate::menu::Menu;
use crate::trap::Trap;
use crate::value::policy::Policies;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Visitor {
    peer: SocketAddr,
    /// The connection, as the gate knows it.
    pub(crate) connection: u64,
    /// The router logs one log-in per connection, not per request.
    logged: AtomicBool,
}

/// A user whose password was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) policies: Policies,
}

impl Visitor {
    pub(crate) fn new(peer: SocketAddr, connection: u64) -> Self {
        Self {
            peer,
            connection,
            logged: AtomicBool::new(false),
        }
    }

    /// Checks the `Authorization` header, and writes to the router's log what it writes.
    pub(crate) fn authenticate(&self, device: &mut Device, header: Option<&str>) -> Result<User, Trap> {
        let credentials = header.and_then(credentials);
        let user = credentials
            .as_ref()
            .and_then(|(name, password)| user(device, name, password));
        let from = self.peer.ip();
        let elsewhere = credentials.as_ref().is_some_and(|(name, _)| {
            let listed = device
                .by_name(Menu::User, name)
                .and_then(|row| row.text("address"));
            !lists(listed.unwrap_or_default(), from)
        });
        let user = user.filter(|_| !elsewhere);
        let wall = device.clock.wall();
        match (user, credentials) {
            (Some(user), _) => {
                if !self.logged.swap(true, Ordering::Relaxed) {
                    let message = format!("user {} logged in from {from} via rest-api", user.name);
                    device.log.add(wall, "system,info,account", message);
                }
                Ok(user)
            }
            (None, credentials) => {
                if let Some((name, _)) = credentials {
                    let message = format!("login failure for user {name} from {from} via rest-api");
                    device.log.add(wall, "system,error,critical", message);
                }
                Err(if elsewhere && device.switches.user_address_answers_403 {
                    Trap::forbidden()
                } else {
                    Trap::unauthorized()
                })
            }
        }
    }
}

impl User {
    /// Whether the group lets the user read, or write; what a missing `write` is refused with is not known.
    pub(crate) fn may(&self, writes: bool, missing_write: &str) -> Result<(), Trap> {
        if !self.policies.has("api") {
            return Err(Trap::not_allowed());
        }
        match writes {
            true if !self.policies.has("write") => Err(Trap::may_not_write(missing_write)),
            false if !self.policies.has("read") => Err(Trap::not_enough_permissions()),
            _ => Ok(()),
        }
    }
}

/// Whether a list of addresses and networks has this one; an empty list has all.
pub(crate) fn lists(list: &str, address: IpAddr) -> bool {
    let holds = |entry: &str| match entry.parse::<IpNet>() {
        Ok(net) => net.contains(&address),
        Err(_) => entry.parse() == Ok(address),
    };
    list.is_empty() || list.split(',').any(holds)
}

/// Name and password of a Basic header.
fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let plain = scheme
        .eq_ignore_ascii_case("basic")
        .then(|| STANDARD.decode(encoded.trim()).ok())
        .flatten()?;
    let plain = String::from_utf8(plain).ok()?;
    let (name, password) = plain.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn user(device: &Device, name: &str, password: &str) -> Option<User> {
    let entry = device.by_name(Menu::User, name)?;
    let right = entry.text("password").unwrap_or_default() == password && !entry.flag("disabled");
    let group = device.get(Menu::UserGroup, entry.link("group")?)?;
    let policies = Policies::parse(group.text("policy")?)?;
    (right && policies.has("rest-api")).then(|| User {
        name: name.to_owned(),
        policies,
    })
}
