//! How fast an announced address is answered for, beside an address of the same node that its kernel answers for and one
//! for which the barest program answers there.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::super::Stage;
use super::super::ground::SOON;
use crate::home::Home;
use crate::wire::{self, BareAnswerer};

/// Questions for each of the three addresses: the median of so many holds still.
const QUESTIONS: usize = 1_000;

/// A thousand times what an answer takes. What has not come by then does not.
const GIVEN_UP: Duration = Duration::from_millis(200);

/// A Service of `deploy/examples/homelab` that asks for a certain address.
pub(super) const ANNOUNCED: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 203);

/// An address that nobody has, in no pool: the bare program's.
const NOBODYS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 97);

/// The times of all answers; nothing where none came.
#[derive(Debug, Clone)]
pub(in super::super) struct Answers {
    /// Who announces the address, and whose kernel and bare program were asked too.
    pub(in super::super) node: String,
    pub(in super::super) announced: Vec<Option<Duration>>,
    pub(in super::super) kernel: Vec<Option<Duration>>,
    pub(in super::super) bare: Vec<Option<Duration>>,
}

impl Answers {
    pub(in super::super) fn configuration(&self) -> Value {
        json!({
            "node": self.node,
            "announced": ANNOUNCED,
            "bare": NOBODYS,
            "questions_each": QUESTIONS,
        })
    }

    /// Questions that nobody answered.
    pub(in super::super) fn failures(&self) -> Option<String> {
        let missing = |times: &[Option<Duration>]| times.iter().filter(|time| time.is_none()).count();
        let [announced, kernel, bare] =
            [&self.announced, &self.kernel, &self.bare].map(|times| missing(times));
        (announced + kernel + bare > 0).then(|| {
            format!(
                "{announced} questions for {ANNOUNCED}, {kernel} for the node's own address and {bare} for the bare \
                 program's were not answered within {GIVEN_UP:?}"
            )
        })
    }
}

pub(in super::super) async fn run(stage: &mut Stage, home: &Home) -> Result<Answers> {
    let node = home.announcer(ANNOUNCED, SOON).await?.host;
    let own = home.address_of(&node).context("a stranger answers")?;
    let asked = async {
        let _bare = BareAnswerer::start(home.lan().host(&node)?, NOBODYS)?;
        let client = home.client()?;
        Ok(wire::answer_times(client, [ANNOUNCED, own, NOBODYS], QUESTIONS, GIVEN_UP).await?)
    };
    let what = format!("{QUESTIONS} ARP answers of {node}, of its kernel and of a bare program");
    let [announced, kernel, bare] = stage.screen.watch(home, &what, asked).await?;
    Ok(Answers {
        node,
        announced,
        kernel,
        bare,
    })
}
