//! A thread of a host that works until it is told to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::Error;
use crate::lan::Host;

/// Ends when it is dropped; what it found is not wanted then.
#[derive(Debug)]
pub(super) struct Worker<T> {
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<T>>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts the thread. `work` looks now and then whether it is to end.
    pub(super) fn start(
        host: &Host,
        role: &str,
        work: impl FnOnce(&AtomicBool) -> io::Result<T> + Send + 'static,
    ) -> Result<Self, Error> {
        let ending = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ending);
        let thread = host.thread(role, move || work(&told))?;
        Ok(Self {
            ending,
            thread: Some(thread),
        })
    }
}

impl<T> Worker<T> {
    /// Has it end, and waits for what came of it.
    pub(super) fn stop(mut self) -> io::Result<T> {
        self.end().unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
    }

    fn end(&mut self) -> Option<io::Result<T>> {
        self.ending.store(true, Ordering::Relaxed);
        let joined = self.thread.take()?.join();
        Some(joined.unwrap_or_else(|_| Err(io::Error::other("its thread panicked"))))
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
