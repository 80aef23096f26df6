//! Lines between those who log and the thread that writes them out.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::Format;

/// Bytes that wait at most. A thousand Services at once make about half of it; a speaker has 16 MiB for everything.
pub(super) const ROOM: usize = 512 * 1024;
/// A process that ends does not wait longer for its last lines.
const FLUSH: Duration = Duration::from_secs(1);

/// The way in. Clones lead to the same thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub(super) struct Queue(Arc<Entrance>);

#[derive(Debug)]
struct Entrance(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something is to be written, or nothing ever will be again.
    filled: Condvar,
    /// Everything is written.
    drained: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    writing: bool,
    closed: bool,
    /// Dropped since this was last said.
    unsaid: u64,
    dropped: u64,
}

impl Queue {
    pub(super) fn start(format: Format, output: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let inside = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || inside.write_out(format, output))?;
        Ok(Self(Arc::new(Entrance(shared))))
    }

    pub(super) fn dropped(&self) -> u64 {
        self.0.0.lock().dropped
    }

    pub(super) fn flush(&self) {
        let shared = &self.0.0;
        let pending = |state: &mut State| state.writing || !state.lines.is_empty() || state.unsaid > 0;
        // Whether it came to an end or not, there is nothing more to be done.
        drop(shared.drained.wait_timeout_while(shared.lock(), FLUSH, pending));
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.filled.notify_one();
    }
}

impl Shared {
    /// Held only to copy bytes.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.lines.len() + line.len() > ROOM {
            state.unsaid += 1;
            state.dropped += 1;
            return;
        }
        state.lines.extend_from_slice(line);
        drop(state);
        self.filled.notify_one();
    }

    fn write_out(&self, format: Format, mut output: impl Write) {
        loop {
            let idle = |state: &mut State| state.lines.is_empty() && state.unsaid == 0 && !state.closed;
            let mut state = self
                .filled
                .wait_while(self.lock(), idle)
                .unwrap_or_else(PoisonError::into_inner);
            let mut lines = std::mem::take(&mut state.lines);
            let unsaid = std::mem::take(&mut state.unsaid);
            if lines.is_empty() && unsaid == 0 {
                return;
            }
            state.writing = true;
            drop(state);
            if unsaid > 0 {
                // There was no room any more: what is missing came after these lines.
                lines.extend_from_slice(missing(format, unsaid).as_bytes());
            }
            // There is no other place where a failure could be said.
            let _ = output.write_all(&lines).and_then(|()| output.flush());
            self.lock().writing = false;
            self.drained.notify_all();
        }
    }
}

fn missing(format: Format, lines: u64) -> String {
    let now = jiff::Timestamp::now();
    let words = format!("standard output was too slow: {lines} lines are missing here");
    match format {
        Format::Text => format!("{now}  WARN {}: {words}\n", module_path!()),
        Format::Json => {
            let line = serde_json::json!({
                "timestamp": now.to_string(), "level": "WARN", "message": words, "target": module_path!(),
            });
            format!("{line}\n")
        }
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Queue {
    /// Takes a whole line: tracing's formatter writes each in one piece.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
