//! `/ip/dhcp-server/matcher`.

use crate::value::{Reference, RowId};

use super::{BadField, Fields, LeaseServer, Menu, Sealed, Table};

/// A rule that gives some clients addresses of a pool of its own: one more user of that pool, which its DHCP server's
/// row does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpMatcher {
    /// The row's id.
    pub id: RowId,
    /// Its name. Empty when not told.
    pub name: String,
    /// The server whose clients it looks at.
    pub server: LeaseServer,
    /// The pool that they get addresses of; `None` where the server's own is used.
    pub address_pool: Option<Reference>,
    /// Switched off.
    pub disabled: bool,
}

impl Sealed for DhcpMatcher {}

impl Table for DhcpMatcher {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for DhcpMatcher {
    const PATH: &'static str = "ip/dhcp-server/matcher";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "server", "address-pool", "disabled"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.string("name"),
            server: fields.optional("server")?.unwrap_or(LeaseServer::All),
            address_pool: fields
                .optional("address-pool")?
                .filter(|pool: &Reference| pool.name() != Some("none")),
            disabled: fields.flag("disabled")?,
        })
    }
}
