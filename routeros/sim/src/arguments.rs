//! The command line. Every flag has a twin in the environment.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Parser, ValueEnum};
use routeros_sim::{Certificate, Faults, PASSWORD, Pace, Switches, Version};

/// A MikroTik router that is none: RouterOS's REST API over real HTTP(S), with DHCP and ARP where it is given an
/// interface.
///
/// It answers as RouterOS does, its traps included: refusals word for word, rows as each version shows them, ids that
/// come to mean other rows. What it does is printed as a journal. It has not been compared with a real router.
#[derive(Debug, Parser)]
#[command(version, about, after_long_help = examples())]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        env = "ROUTEROS_SIM_LISTEN",
        default_value = "127.0.0.1:8443",
        value_name = "ADDRESS:PORT"
    )]
    pub(crate) listen: SocketAddr,
    /// Serve plain HTTP instead of HTTPS.
    #[arg(long, env = "ROUTEROS_SIM_PLAIN", action = ArgAction::SetTrue)]
    pub(crate) plain: bool,
    /// Which certificate to present: right, no-names, wrong-name, expired, self-signed, self-signed-ca, rotated or
    /// other-ca.
    #[arg(
        long,
        env = "ROUTEROS_SIM_CERTIFICATE",
        default_value = "right",
        value_name = "KIND"
    )]
    pub(crate) certificate: Certificate,
    /// Where to write the CA's certificate (PEM); without it, it is printed.
    #[arg(long, env = "ROUTEROS_SIM_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Which RouterOS to be, such as 7.20.8 or "7.23.7 (long-term)".
    #[arg(
        long,
        env = "ROUTEROS_SIM_VERSION",
        default_value = "7.20.8",
        value_name = "VERSION"
    )]
    pub(crate) routeros: Version,
    /// The board's name; CHR has no /system/routerboard.
    #[arg(
        long,
        env = "ROUTEROS_SIM_BOARD",
        default_value = "RB750Gr3",
        value_name = "NAME"
    )]
    pub(crate) board: String,
    /// The board's serial number.
    #[arg(
        long,
        env = "ROUTEROS_SIM_SERIAL",
        default_value = "HFG0A1B2C3D",
        value_name = "TEXT"
    )]
    pub(crate) serial: String,
    /// /system/identity, unless the rows say otherwise.
    #[arg(long, env = "ROUTEROS_SIM_IDENTITY", value_name = "NAME")]
    pub(crate) identity: Option<String>,
    /// Who may log in, with read, write, api and rest-api.
    #[arg(long, env = "ROUTEROS_SIM_USER", default_value = "tiklb", value_name = "NAME")]
    pub(crate) user: String,
    /// That user's password.
    #[arg(
        long,
        env = "ROUTEROS_SIM_PASSWORD",
        default_value = PASSWORD,
        hide_env_values = true,
        value_name = "TEXT"
    )]
    pub(crate) password: String,
    /// The router's rows: a JSON file, an object of menus with lists of rows. Without it, a home router with
    /// 192.168.1.1/24, a pool and a DHCP server.
    #[arg(long, env = "ROUTEROS_SIM_ROWS", value_name = "FILE")]
    pub(crate) rows: Option<PathBuf>,
    /// Linux interface that stands for the router's bridge: DHCP is served and ARP is read there. Needs the
    /// capabilities `NET_RAW` and `NET_BIND_SERVICE`, which root has.
    #[arg(long, env = "ROUTEROS_SIM_INTERFACE", value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// The bridge that it stands for.
    #[arg(
        long,
        env = "ROUTEROS_SIM_BRIDGE",
        default_value = "bridge",
        value_name = "NAME"
    )]
    pub(crate) bridge: String,
    /// Turn a switch, where RouterOS versions differ or nothing is known; again for more. In the environment,
    /// separated by semicolons.
    #[arg(
        long = "switch",
        env = "ROUTEROS_SIM_SWITCHES",
        value_delimiter = ';',
        value_parser = pair,
        value_name = "NAME=VALUE"
    )]
    pub(crate) switches: Vec<(String, String)>,
    /// Turn a fault, from the start; again for more. In the environment, separated by semicolons.
    #[arg(
        long = "fault",
        env = "ROUTEROS_SIM_FAULTS",
        value_delimiter = ';',
        value_parser = pair,
        value_name = "NAME=VALUE"
    )]
    pub(crate) faults: Vec<(String, String)>,
    /// Whether the router's clock runs by itself or is moved by the admin surface alone.
    #[arg(long, env = "ROUTEROS_SIM_CLOCK", default_value = "real", value_name = "PACE")]
    pub(crate) clock: ClockPace,
    /// Where to serve the admin surface: plain HTTP and JSON to play the person in Winbox, turn faults, move the
    /// clock and read the journal. GET / there tells its paths. Whoever reaches it owns the router: keep it on
    /// loopback.
    #[arg(long, env = "ROUTEROS_SIM_ADMIN", value_name = "ADDRESS:PORT")]
    pub(crate) admin: Option<SocketAddr>,
    /// Append the journal to this file as well, with times.
    #[arg(long, env = "ROUTEROS_SIM_JOURNAL", value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// What to print, as a tracing filter.
    #[arg(
        long,
        env = "ROUTEROS_SIM_LOG",
        default_value = "warn,routeros_sim::journal=info",
        value_name = "FILTER"
    )]
    pub(crate) log: String,
}

/// [`Pace`] as a word.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ClockPace {
    /// Real time plus whatever it was advanced by.
    Real,
    /// It moves by being advanced alone.
    Stopped,
}

impl From<ClockPace> for Pace {
    fn from(pace: ClockPace) -> Self {
        match pace {
            ClockPace::Real => Pace::Real,
            ClockPace::Stopped => Pace::Stopped,
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} has no value: write NAME=VALUE; --help lists the names"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What follows the flags in `--help`.
fn examples() -> String {
    let mut text = String::from(
        "Examples:\n  \
         # a router on a free port over plain HTTP, and a first request\n  \
         routeros-sim --plain --listen 127.0.0.1:8080\n  \
         curl -u tiklb:tiklb-secret http://127.0.0.1:8080/rest/ip/pool\n\n  \
         # an older one that takes its time, with its rows from a file\n  \
         routeros-sim --routeros 7.12.2 --rows router.json --fault delay=300ms\n\n  \
         # a DHCP server on a bridge that refuses renewals after its pool was shrunk\n  \
         routeros-sim --interface br0 --listen 192.168.1.1:443 --switch renewal-outside-pool=nak\n\n  \
         # a person edits, and the next answer to a write gets lost\n  \
         routeros-sim --plain --admin 127.0.0.1:8444\n  \
         curl -X PATCH -d '{\"lose-answers\": 1}' http://127.0.0.1:8444/faults\n\n\
         Rows from a file:\n  \
         {\"ip/pool\": [{\"name\": \"lan\", \"ranges\": \"10.0.0.100-10.0.0.199\"}],\n   \
         \"ip/dhcp-server/lease\": [{\"address\": \"10.0.0.150\", \"mac-address\": \"AA:BB:CC:00:00:50\", \
         \"dynamic\": true}]}\n",
    );
    text.push_str("\nSwitches (--switch NAME=VALUE), as they stand unless turned:\n");
    for named in Switches::default().named() {
        let _ = writeln!(
            text,
            "  {}={}\n      {}; {}",
            named.name, named.value, named.does, named.takes
        );
    }
    text.push_str("\nFaults (--fault NAME=VALUE):\n");
    for (name, takes, does) in Faults::known() {
        let _ = writeln!(text, "  {name}\n      {does}; {takes}");
    }
    text
}
