//! Connections that are open while something happens to the address that they lead to.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::Result;
use futures::future::{join_all, try_join_all};

use super::ground::SOON;
use crate::lan::Host;
use crate::wire::Conversation;

/// How many.
pub(super) const CONNECTIONS: usize = 8;

/// A line that has not come back by then does not: the node's kernel knows no such connection, or keeps it for nobody.
const BROKEN: Duration = Duration::from_secs(3);

/// They.
pub(super) struct Talk(Vec<Conversation>);

impl Talk {
    pub(super) async fn open(client: &Host, service: SocketAddrV4) -> Result<Self> {
        let open = (0..CONNECTIONS).map(|_| Conversation::open(client, service, SOON));
        Ok(Self(try_join_all(open).await?))
    }

    /// How many of them do not carry a line any more.
    pub(super) async fn broken(&mut self) -> u64 {
        let said = self.0.iter_mut().map(|open| open.say("still there?", BROKEN));
        join_all(said).await.iter().filter(|said| said.is_err()).count() as u64
    }
}
