//! What a simulated router is at start. The default is the demo's: a home router as it comes out of quick set.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::clock::Pace;
use crate::menu::Menu;
use crate::tls::Certificate;
use crate::value::mac::Mac;
use crate::value::ranges::RangeForm;
use crate::version::Version;

/// The password of the default user `tiklb`.
pub const PASSWORD: &str = "tiklb-secret";

/// What becomes of a renewal whose address is no longer in the pool. Sources disagree on what a router does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renewal {
    /// The client keeps its address.
    #[default]
    Ack,
    /// No answer: the client keeps it until it expires.
    Silent,
    /// The client must take another one at once.
    Nak,
}

/// Where `RouterOS` versions or documents differ, or nothing is known: each way can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, and none excludes another"
)]
pub struct Switches {
    /// How a pool's `ranges` reads back.
    pub range_form: RangeForm,
    /// What becomes of a renewal outside the shrunk pool.
    pub renewal_outside_pool: Renewal,
    /// An enabled static lease keeps its address from dynamic clients (likely, not proven).
    pub static_leases_reserve: bool,
    /// Two pools may hold the same addresses (taken from silence: no refusal is known).
    pub pools_may_overlap: bool,
    /// How many ranges a pool may have, 0 for no bound; the true one is not known.
    pub max_ranges: usize,
    /// How many bytes a comment may have, 0 for no bound; the true one is not known.
    pub comment_limit: usize,
    /// A gratuitous ARP frame makes a row for an address that has none (Linux's `arp_accept`, not exposed).
    pub gratuitous_arp_creates: bool,
    /// A gratuitous ARP frame changes the MAC of a permanent row; Linux does not do so.
    pub gratuitous_arp_moves_static: bool,
    /// `.proplist` answers `.id` although nobody asked for it (7.23.7); older releases may not.
    pub proplist_adds_id: bool,
    /// PUT answers 200 instead of 201 (seen on 7.21.3).
    pub put_answers_ok: bool,
    /// DELETE answers 200 instead of 204; the body is empty either way.
    pub delete_answers_ok: bool,
    /// The id of a removed row is given to the next new row of the menu.
    pub reuse_ids: bool,
    /// POST of a command for a row that is not there answers 400 `no such item` (older releases) instead of 404.
    pub no_such_item: bool,
    /// A user whose `address` does not have the client's is answered 403 instead of 401.
    pub user_address_answers_403: bool,
    /// Every row has a key that no release is known to have.
    pub extra_keys: bool,
    /// Every row has `.about`, as rows with something to say have.
    pub about: bool,
    /// Keys come in another order in each answer.
    pub shuffle_keys: bool,
    /// Bodies come in chunks instead of with their length.
    pub chunked: bool,
    /// Each answer ends its connection.
    pub close_connections: bool,
    /// After so long a request is answered 400 `Session closed`, whether it was carried out or not.
    pub session_limit: Duration,
    /// `/ip/service/webserver` has REST switched off (7.21 and newer).
    pub rest_off: bool,
    /// Menus that a client of this router should write. A write elsewhere is carried out and remembered as a
    /// violation.
    pub allowed: Vec<Menu>,
    /// The `detail` of the 500 for a write without the policy `write`; by analogy, the true text is not known.
    pub missing_write_text: String,
    /// The refusal of ranges that overlap within one pool; the true text is not known.
    pub range_overlap_text: String,
    /// The refusal of more than [`Switches::max_ranges`].
    pub max_ranges_text: String,
    /// The refusal of a second permanent ARP row for an address; the true text is not known.
    pub arp_duplicate_text: String,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            range_form: RangeForm::default(),
            renewal_outside_pool: Renewal::default(),
            static_leases_reserve: true,
            pools_may_overlap: true,
            max_ranges: 0,
            comment_limit: 0,
            gratuitous_arp_creates: false,
            gratuitous_arp_moves_static: false,
            proplist_adds_id: true,
            put_answers_ok: false,
            delete_answers_ok: false,
            reuse_ids: false,
            no_such_item: false,
            user_address_answers_403: false,
            extra_keys: false,
            about: false,
            shuffle_keys: false,
            chunked: false,
            close_connections: false,
            session_limit: Duration::from_mins(1),
            rest_off: false,
            allowed: vec![Menu::Pool, Menu::Lease, Menu::Arp],
            missing_write_text: "not enough permissions (9)".into(),
            max_ranges_text: "too many ranges".into(),
            range_overlap_text: "ranges overlap".into(),
            arp_duplicate_text: "already have such entry".into(),
        }
    }
}

/// A lease that exists at start.
#[derive(Debug, Clone)]
pub struct Lease {
    pub(crate) address: Ipv4Addr,
    pub(crate) mac: Mac,
    pub(crate) server: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) host_name: Option<String>,
    pub(crate) bound: bool,
    pub(crate) dynamic: bool,
}

impl Lease {
    /// A static lease that nobody uses at the moment.
    pub fn fixed(address: Ipv4Addr, mac: Mac) -> Self {
        Self {
            address,
            mac,
            server: None,
            comment: None,
            host_name: None,
            bound: false,
            dynamic: false,
        }
    }

    /// A dynamic lease that a client just took, for the server's lease time.
    pub fn bound(address: Ipv4Addr, mac: Mac) -> Self {
        Self {
            bound: true,
            dynamic: true,
            ..Self::fixed(address, mac)
        }
    }

    /// The static lease's client is there and has its address.
    #[must_use]
    pub fn in_use(mut self) -> Self {
        self.bound = true;
        self
    }

    /// The server it belongs to; without one, a static lease belongs to all of them and a dynamic one to the first.
    #[must_use]
    pub fn server(mut self, name: &str) -> Self {
        self.server = Some(name.to_owned());
        self
    }

    /// What a person wrote beside it.
    #[must_use]
    pub fn comment(mut self, text: &str) -> Self {
        self.comment = Some(text.to_owned());
        self
    }

    /// What the client calls itself.
    #[must_use]
    pub fn host_name(mut self, name: &str) -> Self {
        self.host_name = Some(name.to_owned());
        self
    }
}

/// A row at start: a menu and its properties.
pub type SeedRow = (Menu, Vec<(String, String)>);

/// A router at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which `RouterOS` it runs.
    pub version: Version,
    /// `/system/identity`.
    pub identity: String,
    /// The board's serial number.
    pub serial: String,
    /// The board's name; `CHR` has no `/system/routerboard`.
    pub board: String,
    /// Whether its clock runs by itself.
    pub pace: Pace,
    /// The certificate of `www-ssl`; `None` serves plain HTTP.
    pub certificate: Option<Certificate>,
    /// The bridge that the Linux interface stands for.
    pub lan_bridge: String,
    /// Where versions differ or nothing is known.
    pub switches: Switches,
    /// Rows that a person added, in this order.
    pub rows: Vec<SeedRow>,
    /// Leases beside them.
    pub leases: Vec<Lease>,
}

impl Config {
    /// A router with interfaces, services and users, and nothing else.
    pub fn bare() -> Self {
        let config = Self {
            version: Version::default(),
            identity: "MikroTik".into(),
            serial: "HFG0A1B2C3D".into(),
            board: "RB750Gr3".into(),
            pace: Pace::default(),
            certificate: Some(Certificate::default()),
            lan_bridge: "bridge".into(),
            switches: Switches::default(),
            rows: Vec::new(),
            leases: Vec::new(),
        };
        config
            .row(Menu::UserGroup, [("name", "read"), ("policy", READ)])
            .row(
                Menu::UserGroup,
                [("name", "write"), ("policy", &format!("{READ},write"))],
            )
            .row(
                Menu::UserGroup,
                [("name", "full"), ("policy", &format!("{READ},write,ftp,policy"))],
            )
            .row(
                Menu::UserGroup,
                [("name", "tiklb"), ("policy", "read,write,api,rest-api")],
            )
            .row(
                Menu::User,
                [
                    ("name", "admin"),
                    ("group", "full"),
                    ("comment", "system default user"),
                ],
            )
            .user("tiklb", PASSWORD, "tiklb")
    }

    /// Adds a row as a person would in Winbox. A row that `RouterOS` refuses makes the start fail.
    #[must_use]
    pub fn row<'a>(mut self, menu: Menu, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let values = values
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        self.rows.push((menu, values));
        self
    }

    /// Changes a property of a row that was added before, found by its name.
    #[must_use]
    pub fn change(mut self, menu: Menu, name: &str, property: &str, value: &str) -> Self {
        let named =
            |values: &[(String, String)]| values.iter().any(|(key, text)| key == "name" && text == name);
        for (_, values) in self
            .rows
            .iter_mut()
            .filter(|(at, values)| *at == menu && named(values))
        {
            values.retain(|(key, _)| key != property);
            values.push((property.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds a lease.
    #[must_use]
    pub fn lease(mut self, lease: Lease) -> Self {
        self.leases.push(lease);
        self
    }

    /// Adds a user of an existing group.
    #[must_use]
    pub fn user(self, name: &str, password: &str, group: &str) -> Self {
        self.row(
            Menu::User,
            [("name", name), ("password", password), ("group", group)],
        )
    }
}

/// The policies of the group `read` (a row of the Terraform provider's sample).
const READ: &str = "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,rest-api";

impl Default for Config {
    /// 192.168.1.1/24 on `bridge`, a pool of .100 to .254, a DHCP server with a lease time of 30 minutes.
    fn default() -> Self {
        Self::bare()
            .row(
                Menu::Address,
                [
                    ("address", "192.168.1.1/24"),
                    ("interface", "bridge"),
                    ("comment", "defconf"),
                ],
            )
            .row(
                Menu::Pool,
                [("name", "dhcp_pool"), ("ranges", "192.168.1.100-192.168.1.254")],
            )
            .row(
                Menu::DhcpServer,
                [
                    ("name", "defconf"),
                    ("interface", "bridge"),
                    ("address-pool", "dhcp_pool"),
                    ("lease-time", "30m"),
                ],
            )
            .row(
                Menu::Network,
                [
                    ("address", "192.168.1.0/24"),
                    ("gateway", "192.168.1.1"),
                    ("dns-server", "192.168.1.1"),
                    ("comment", "defconf"),
                ],
            )
    }
}
