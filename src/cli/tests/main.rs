//! A person's verbs as a person runs them: the real binary, against the simulator over HTTPS on loopback. The simulator's
//! journal says what was really written, the files in `golden/` what a person reads.

#[cfg(test)]
mod enroll;
#[cfg(test)]
mod object;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod plugin;
#[cfg(test)]
mod privilege;
#[cfg(test)]
mod release;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod terminal;
