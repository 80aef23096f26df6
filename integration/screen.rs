//! What a person sees of a demo or a bench: numbered steps with their times, and what is being waited for.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::home::Home;

/// A wait up to here is not worth a line.
const QUIET: Duration = Duration::from_secs(2);

/// The column of the times: what is printed below is wider, but a person's eye finds it here.
const TITLE: usize = 70;

/// On a terminal the line of a wait is written anew so often; elsewhere each line stays, and comes less often.
const ON_TERMINAL: Duration = Duration::from_secs(1);
const ELSEWHERE: Duration = Duration::from_secs(5);

/// Takes the cursor back to the start of its line and clears it (ECMA-48, EL).
const CLEAR: &str = "\r\x1b[2K";

/// The person's screen.
pub(crate) struct Screen {
    out: Box<dyn Write>,
    terminal: bool,
    begun: Instant,
    /// The number of the last step, and its title.
    step: (usize, String),
    /// A line that the next one replaces stands on the terminal.
    fleeting: bool,
    /// When a line about progress was last printed.
    progressed: Option<Instant>,
}

impl Screen {
    /// stdout.
    pub(crate) fn stdout() -> Self {
        let out = io::stdout();
        let terminal = out.is_terminal();
        Self::new(Box::new(out), terminal)
    }

    fn new(out: Box<dyn Write>, terminal: bool) -> Self {
        Self {
            out,
            terminal,
            begun: Instant::now(),
            step: (0, "start".to_owned()),
            fleeting: false,
            progressed: None,
        }
    }

    /// Since it began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What is being done, for an error to name.
    pub(crate) fn place(&self) -> String {
        let (number, title) = &self.step;
        format!(
            "step {number} ({title}), {:.1} s after the start",
            self.elapsed().as_secs_f64()
        )
    }

    /// Begins the next step.
    pub(crate) fn step(&mut self, title: &str) -> io::Result<()> {
        self.clear()?;
        self.step = (self.step.0 + 1, title.to_owned());
        let time = format!("{:.1} s", self.elapsed().as_secs_f64());
        writeln!(self.out, "\n{}. {title:<TITLE$} {time:>8}", self.step.0)?;
        self.out.flush()
    }

    /// Prints a text below the step, whose lines are indented.
    pub(crate) fn say(&mut self, text: impl Display) -> io::Result<()> {
        self.clear()?;
        for line in text.to_string().lines() {
            let line = format!("   {line}");
            writeln!(self.out, "{}", line.trim_end())?;
        }
        self.out.flush()
    }

    /// Prints a table under its name.
    pub(crate) fn show(&mut self, name: &str, table: impl Display) -> io::Result<()> {
        self.say(format!("\n{name}"))?;
        for line in table.to_string().lines() {
            self.say(format!("  {line}"))?;
        }
        Ok(())
    }

    /// Waits for `future`. After two seconds the person is told for what, and for how long by now.
    pub(crate) async fn wait<T>(
        &mut self,
        what: &str,
        future: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let every = if self.terminal { ON_TERMINAL } else { ELSEWHERE };
        let mut ticks = interval_at(begun + QUIET, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                biased;
                outcome = &mut future => {
                    self.clear()?;
                    return outcome;
                }
                _ = ticks.tick() => self.tell(what, begun.elapsed())?,
            }
        }
    }

    /// The same, as long as all of tiklb's processes run.
    pub(crate) async fn watch<T>(
        &mut self,
        home: &Home,
        what: &str,
        future: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        self.wait(what, home.while_running(future)).await
    }

    fn tell(&mut self, what: &str, waited: Duration) -> io::Result<()> {
        let line = format!("   … waiting for {what} ({:.0} s)", waited.as_secs_f64());
        self.show_for_now(&line)
    }

    /// Tells how far a long step is: on a terminal at once and until the next line, elsewhere now and then.
    pub(crate) fn progress(&mut self, text: impl Display) -> io::Result<()> {
        let now = Instant::now();
        let lately = self.progressed.is_some_and(|last| now - last < ELSEWHERE);
        if lately && !self.terminal {
            return Ok(());
        }
        self.progressed = Some(now);
        self.show_for_now(&format!("   {text}"))
    }

    fn show_for_now(&mut self, line: &str) -> io::Result<()> {
        if self.terminal {
            write!(self.out, "{CLEAR}{line}")?;
            self.fleeting = true;
        } else {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }

    fn clear(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.fleeting) {
            write!(self.out, "{CLEAR}")?;
            self.out.flush()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
