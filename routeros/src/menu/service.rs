//! `/ip/service`.

use crate::value::RowId;

use super::{BadField, Fields, Menu, Sealed, Table};

/// A service that the router offers: where REST is served, and to whom. Each living connection is a row as well, a
/// dynamic one that changes with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The row's id.
    pub id: RowId,
    /// Its name: `www-ssl` serves REST over TLS, `www` in the clear.
    pub name: String,
    /// Its port.
    pub port: Option<u16>,
    /// The networks whose hosts may use it, as written; empty means every host.
    pub address: Vec<String>,
    /// The certificate that it presents; `None` where there is none, so that it does not answer.
    pub certificate: Option<String>,
    /// Switched off.
    pub disabled: bool,
    /// A living connection, or a service that the router made for itself.
    pub dynamic: bool,
    /// Set, but not in effect.
    pub invalid: bool,
}

impl Sealed for Service {}

impl Table for Service {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Service {
    const PATH: &'static str = "ip/service";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "name",
        "port",
        "address",
        "certificate",
        "disabled",
        "dynamic",
        "invalid",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            port: fields.hint("port"),
            address: fields
                .hints::<String>("address")
                .into_iter()
                .filter(|network| !network.is_empty())
                .collect(),
            certificate: fields
                .optional_string("certificate")
                .filter(|certificate| certificate != "none"),
            disabled: fields.flag("disabled")?,
            dynamic: fields.flag("dynamic")?,
            invalid: fields.flag("invalid")?,
        })
    }
}
