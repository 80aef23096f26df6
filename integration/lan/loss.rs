//! What a switch, a cable or a firewall loses: rules for the frames that the lab's switch forwards, by nftables.

use std::time::Duration;

use super::{Error, Lan};
use crate::installed;

/// What rules the bridge.
const NFT: &str = "nft";

/// The table in the switch's namespace.
const TABLE: &str = "lost";

/// A transaction of a few rules takes milliseconds.
const BOUND: Duration = Duration::from_secs(10);

/// Frames that do not arrive: those to which all that is said applies.
///
/// ```no_run
/// # async fn example(lan: lab::lan::Lan) -> Result<(), lab::lan::Error> {
/// use lab::lan::Loss;
/// lan.lose(&[Loss::of_all().to(&["node1"])]).await?; // node1 sends and hears nothing
/// lan.lose(&[Loss::of_all().percent(30)]).await?; // and now anybody hears most
/// lan.lose(&[]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Loss {
    from: Vec<String>,
    to: Vec<String>,
    udp_port: Option<u16>,
    percent: Option<u8>,
}

impl Loss {
    /// Whether this machine has the program that it takes.
    pub fn is_possible() -> bool {
        installed::find(NFT).is_some()
    }

    /// Whatever is sent.
    #[must_use]
    pub fn of_all() -> Self {
        Self::default()
    }

    /// All frames between two parts of the LAN, either way: as if each had a switch of its own, and no cable between them.
    #[must_use]
    pub fn between(one: &[&str], other: &[&str]) -> [Self; 2] {
        [
            Self::of_all().from(one).to(other),
            Self::of_all().from(other).to(one),
        ]
    }

    /// By one of these hosts.
    #[must_use]
    pub fn from(self, hosts: &[&str]) -> Self {
        let from = hosts.iter().map(|host| (*host).to_owned()).collect();
        Self { from, ..self }
    }

    /// To one of these hosts; of what is sent to everybody they alone hear nothing.
    #[must_use]
    pub fn to(self, hosts: &[&str]) -> Self {
        let to = hosts.iter().map(|host| (*host).to_owned()).collect();
        Self { to, ..self }
    }

    /// To this port by UDP over IPv4.
    #[must_use]
    pub fn udp_port(self, port: u16) -> Self {
        Self {
            udp_port: Some(port),
            ..self
        }
    }

    /// So many of a hundred, each by chance.
    #[must_use]
    pub fn percent(self, percent: u8) -> Self {
        Self {
            percent: Some(percent),
            ..self
        }
    }

    fn rule(&self, lan: &Lan) -> Result<String, Error> {
        let mut words = Vec::new();
        for (word, hosts) in [("iifname", &self.from), ("oifname", &self.to)] {
            if !hosts.is_empty() {
                let ports = hosts.iter().map(|host| Ok(format!("{:?}", lan.port(host)?)));
                let ports: Vec<String> = ports.collect::<Result<_, Error>>()?;
                words.push(format!("{word} {{ {} }}", ports.join(", ")));
            }
        }
        if let Some(port) = self.udp_port {
            words.push(format!("ether type ip udp dport {port}"));
        }
        if let Some(percent) = self.percent {
            words.push(format!("numgen random mod 100 < {percent}"));
        }
        words.push("drop".to_owned());
        Ok(words.join(" "))
    }
}

/// Puts these rules in the place of those that stand, in one transaction.
pub(super) async fn impose(lan: &Lan, losses: &[Loss]) -> Result<(), Error> {
    let hook = "{ type filter hook forward priority 0; }";
    let mut script = vec![
        format!("add table bridge {TABLE}"),
        format!("add chain bridge {TABLE} forward {hook}"),
        format!("flush chain bridge {TABLE} forward"),
    ];
    for loss in losses {
        script.push(format!("add rule bridge {TABLE} forward {}", loss.rule(lan)?));
    }
    let refused = |said: String| lan.switch().system("lose frames", std::io::Error::other(said));
    let missing = || refused("the program nft is not there: install nftables".to_owned());
    let program = installed::find(NFT).ok_or_else(missing)?;
    let nft = lan
        .switch()
        .command(program)
        .arg(script.join("\n"))
        .spawn()
        .await?;
    let status = nft.wait(BOUND).await?;
    if status.success() {
        return Ok(());
    }
    let said: Vec<String> = nft.logs().iter().map(ToString::to_string).collect();
    Err(refused(format!("nft says: {}", said.join(" "))))
}
