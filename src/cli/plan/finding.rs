//! One router, and what would be done on it.

use tiklb_core::reservation::{Failure, Plan, Planned, Reading, RouterStatus};

use crate::cli::console::Command;

/// One router, and what would be done on it.
#[derive(Debug)]
pub(super) struct Finding {
    /// Of its object; of one that has none, `router`.
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) url: String,
    pub(super) read: Result<Reading, Failure>,
    pub(super) writes: Vec<Planned>,
    pub(super) obstacles: Vec<String>,
    /// What its object's status would say.
    pub(super) status: Option<RouterStatus>,
    /// What a reader of the plan should know besides.
    pub(super) notes: Vec<String>,
}

impl Finding {
    pub(super) fn plan(&mut self, plan: Plan) {
        self.writes = plan.writes;
        self.obstacles = plan.obstacles;
    }

    /// Each write's reason and its command.
    pub(super) fn commands(&self) -> Vec<(String, Command)> {
        let writes = self.writes.iter();
        writes
            .map(|planned| (planned.because.clone(), Command::of(&planned.write)))
            .collect()
    }
}
