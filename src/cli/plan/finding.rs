//! One router, and what would be done on it.

use tiklb_core::reservation::{Failure, Plan, Planned, Reading, RouterStatus};

use crate::cli::console::Command;

/// One router, and what would be done on it.
#[derive(Debug)]
pub(in crate::cli) struct Finding {
    /// Of its object; of one that has none, `router`.
    pub(in crate::cli) name: String,
    pub(in crate::cli) namespace: String,
    pub(in crate::cli) url: String,
    pub(in crate::cli) read: Result<Reading, Failure>,
    pub(in crate::cli) writes: Vec<Planned>,
    pub(in crate::cli) obstacles: Vec<String>,
    /// Removals that a person has to agree to first.
    pub(in crate::cli) held: Vec<Planned>,
    /// What its object's status would say.
    pub(in crate::cli) status: Option<RouterStatus>,
    /// What a reader of the plan should know besides.
    pub(in crate::cli) notes: Vec<String>,
}

impl Finding {
    pub(in crate::cli) fn plan(&mut self, plan: Plan) {
        self.writes = plan.writes;
        self.obstacles = plan.obstacles;
        self.held = plan.held;
    }

    /// Each write's reason and its command.
    pub(in crate::cli) fn commands(&self) -> Vec<(String, Command)> {
        let writes = self.writes.iter();
        writes
            .map(|planned| (planned.because.clone(), Command::of(&planned.write)))
            .collect()
    }
}
