//! The golden trace: one Service, from the watch event to the decision, its effects, the frames on the LAN and the
//! router's rows, as one text that is committed and compared.
//!
//! It shows a reader in one page what every room does for one Service, in which order and why; and it shows a reviewer
//! what a change does to that. Four witnesses are merged by one clock: the API server's journal and a watch of ours, what
//! allocator and speakers say they decided, every ARP frame about the address, and the router's journal of writes.
//!
//! Two runs differ in times, in what is drawn or counted, and in the order of what happens side by side. `trace/name.rs` takes
//! out the first two, `trace/entry.rs` the third; both say for each rule why it hides nothing.

mod count;
mod entry;
mod golden;
mod leaf;
mod life;
mod log;
mod name;
mod recorder;
mod request;
mod rest;
mod router;
mod span;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use crate::home::{Home, Plan};
use golden::Purpose;

/// Longer than any run takes beside a build on two cores; alone it is half a minute.
const BOUND: Duration = Duration::from_mins(3);

/// Takes the trace and compares it with the committed one, or, with `TIKLB_GOLDEN=renew`, commits it to the file. To be
/// called in the [sandbox](crate::sandbox).
///
/// # Errors
/// The difference; what did not happen, with the last lines of tiklb's processes.
pub async fn judge(tiklb: PathBuf) -> Result<()> {
    // A wish that is refused is better refused before the run.
    let purpose = Purpose::from_environment()?;
    let mut home = Home::build(Plan::default().tiklb(tiklb)).await?;
    let told = tokio::time::timeout(BOUND, life::tell(&mut home)).await;
    let told = told.unwrap_or_else(|_| Err(anyhow!("the trace was not complete within {BOUND:?}")));
    let told = told.with_context(|| format!("what tiklb said:\n{}", home.last_words()))?;
    if told.missed.is_empty() {
        return purpose.carry_out(&told.trace);
    }
    // Half a life is never committed.
    let compared = Purpose::Compare.carry_out(&told.trace).err();
    let error = compared.unwrap_or_else(|| anyhow!("the trace itself is as committed"));
    Err(error.context(format!("it did not come to its end: {}", told.missed.join("; "))))
}
