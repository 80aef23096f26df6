//! Connections that people have open while something happens to the address that they lead to, and that go on to talk.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;

use super::Outcome;
use super::announcement::NOTICED;
use super::scene::{PORT, SOON, Scene};
use crate::wire::Conversation;

/// To each address.
const CONNECTIONS: usize = 4;

/// Between two lines.
const PAUSE: Duration = Duration::from_millis(20);

/// Each says a line and waits for it to come back, again and again.
pub(super) struct Talks {
    ending: Arc<AtomicBool>,
    talking: JoinSet<Outcome>,
}

impl Talks {
    pub(super) async fn open(scene: &Scene, addresses: &[Ipv4Addr]) -> Result<Self> {
        let (ending, mut talking) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for address in addresses {
            for _ in 0..CONNECTIONS {
                let target = SocketAddrV4::new(*address, PORT);
                let open = Conversation::open(scene.home.client()?, target, SOON).await?;
                talking.spawn(talk(open, Arc::clone(&ending)));
            }
        }
        Ok(Self { ending, talking })
    }

    /// None was reset, and none waited for long.
    pub(super) async fn end(mut self) -> Outcome {
        self.ending.store(true, Ordering::Relaxed);
        while let Some(ended) = self.talking.join_next().await {
            ended.context("a connection")??;
        }
        Ok(())
    }
}

async fn talk(mut open: Conversation, ending: Arc<AtomicBool>) -> Outcome {
    let mut said = 0_u64;
    while !ending.load(Ordering::Relaxed) {
        let began = Instant::now();
        open.say("still there?", SOON).await?;
        let took = began.elapsed();
        ensure!(took < NOTICED, "{} was silent for {took:?}", open.node());
        said += 1;
        tokio::time::sleep(PAUSE).await;
    }
    ensure!(said > 0, "nothing was said");
    Ok(())
}
