//! The tasks of a process: each has a name, and none ends before the process.

use tokio::task::JoinSet;

/// Running tasks. They are stopped when this is dropped.
#[derive(Debug, Default)]
pub struct Tasks(JoinSet<&'static str>);

impl Tasks {
    /// Runs a task under a name that completes the sentence "… ended".
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(async move {
            task.await;
            name
        });
    }

    /// Waits until one ends, which none should: a process with a dead task must end, not go on half alive.
    pub async fn first_ended(&mut self) -> &'static str {
        match self.0.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a task that panicked",
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
