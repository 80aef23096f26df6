//! Step 2: tiklb's processes.

use anyhow::Result;
use tokio::time::Instant;

use super::Demo;
use crate::table::Table;

impl Demo {
    pub(super) async fn start(&mut self) -> Result<()> {
        self.screen
            .step("tiklb: one allocator, and a speaker on each node")?;
        let begun = Instant::now();
        self.screen
            .wait("the allocator to be ready", self.home.start_allocator())
            .await?;
        let allocator = begun.elapsed();
        self.screen
            .wait("the speakers to be ready", self.home.start_speakers())
            .await?;
        let speakers = begun.elapsed();
        let mut table = Table::new(["PROCESS", "HOST", "PID", "READY AFTER", "MEMORY"]);
        let processes = std::iter::once((self.home.allocator()?, "tiklb allocator", allocator));
        let nodes: Vec<&str> = self.home.node_names().collect();
        let nodes = nodes
            .into_iter()
            .map(|node| Ok((self.home.speaker(node)?, "tiklb speaker", speakers)))
            .collect::<Result<Vec<_>>>()?;
        for (process, name, after) in processes.chain(nodes) {
            table.row([
                name,
                process.host(),
                &process.pid().to_string(),
                &format!("{} ms", after.as_millis()),
                &format!("{} KiB", process.rss_kib()?),
            ]);
        }
        self.screen.say(table)?;
        Ok(())
    }
}
