//! Whether something that the lab plays by threads and tasks of its own goes on, or stands still as a stopped process does.

use std::sync::Arc;

use tokio::sync::watch;

/// Open while it goes on. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub(crate) fn open() -> Self {
        Self(Arc::new(watch::Sender::new(true)))
    }

    pub(crate) fn set(&self, open: bool) {
        self.0.send_replace(open);
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is open.
    pub(crate) async fn passed(&self) {
        // The sender is ours, so there is one for as long as this waits.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
