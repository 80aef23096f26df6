//! Who tells the story: steps with times, and what is waited for.

use std::time::{Duration, Instant};

use anyhow::Result;

/// After this a person is told what is waited for.
const PROGRESS: Duration = Duration::from_secs(2);

/// Prints.
#[derive(Debug)]
pub(super) struct Narrator {
    begun: Instant,
    step: std::sync::atomic::AtomicU32,
}

impl Narrator {
    pub(super) fn start() -> Self {
        Self {
            begun: Instant::now(),
            step: std::sync::atomic::AtomicU32::new(1),
        }
    }

    /// A step begins.
    pub(super) fn step(&self, title: &str) {
        let number = self.step.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        println!(
            "\n{number}. {title}  [{:.1} s]",
            self.begun.elapsed().as_secs_f64()
        );
    }

    /// Something that can be seen.
    pub(super) fn say(&self, words: &str) {
        for line in words.lines() {
            println!("   {line}");
        }
    }

    /// Something that can be seen, with how long it took since a moment.
    pub(super) fn timed(&self, words: &str, since: Instant) {
        self.say(&format!("{words}  (after {} ms)", since.elapsed().as_millis()));
    }

    /// Waits, and says for what when it takes long.
    pub(super) async fn wait<T>(&self, what: &str, future: impl Future<Output = Result<T>>) -> Result<T> {
        let mut future = Box::pin(future);
        let begun = Instant::now();
        loop {
            tokio::select! {
                done = &mut future => return done,
                () = tokio::time::sleep(PROGRESS) => {
                    self.say(&format!("… waiting for {what} ({} s)", begun.elapsed().as_secs()));
                }
            }
        }
    }

    /// The end.
    pub(super) fn done(&self) {
        println!(
            "\nAll as it should be, in {:.1} s.",
            self.begun.elapsed().as_secs_f64()
        );
    }
}
