//! Writes: look, write, look again.
//!
//! RouterOS has no transactions and no conditional requests, applies requests that it refuses, and can lose an answer.
//! So each write reads the row first and sends nothing unless the row is what the decision rested on; and whatever
//! the answer says, the row is read again and compared by meaning. What is left is the time between the first look
//! and the write: some milliseconds in which a person can change the row unseen.

use std::fmt;

use crate::menu::{
    BadRow, DynamicLease, Edit, ExpectedLease, Lease, LeaseAddress, NewRow, Properties, Target, Writable,
};

use super::call::{Answer, Call, Failure, Stage};
use super::{Client, Error};
use crate::value::RowId;

#[cfg(test)]
mod tests;

/// What became of a write. `A` is what is left of it when it was applied: the row, or nothing after a removal.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Outcome<M: Writable, A = M> {
    /// The router holds what was asked, as read back. Also when it did before: then nothing was sent.
    Applied(A),
    /// The row is not what the decision rested on. Nothing was sent; decide anew.
    Precondition {
        /// What was expected; `None` where there should have been no row.
        expected: Option<M::Expected>,
        /// The row that is there.
        found: Option<M>,
    },
    /// The router does not hold what was asked, and said why.
    NotApplied {
        /// What it said.
        error: Error,
        /// The row as it is now, if there is one.
        row: Option<M>,
    },
    /// The router agreed, and yet the row is another: an alarm. Nothing more should be written before a person
    /// has looked.
    Differs {
        /// The row as it is now, if there is one.
        row: Option<M>,
        /// The properties that are not as asked; empty when the row should be gone or there.
        properties: Vec<&'static str>,
    },
    /// The write may have been applied, or be applied yet: reading failed, or shows nothing of a write whose connection
    /// broke. It is settled by a later reading, never by repeating.
    Unknown {
        /// Why the write or the reading failed.
        error: Error,
    },
}

impl<M: Writable, A> Outcome<M, A> {
    /// The outcome's kind, for metrics: one of five words.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Applied(_) => "Applied",
            Self::Precondition { .. } => "Precondition",
            Self::NotApplied { .. } => "NotApplied",
            Self::Differs { .. } => "Differs",
            Self::Unknown { .. } => "Unknown",
        }
    }
}

impl<M: Writable, A> fmt::Display for Outcome<M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |row: &Option<M>| {
            row.as_ref()
                .map_or("no row".to_owned(), |row| row.expected().to_string())
        };
        match self {
            Self::Applied(_) => f.write_str("applied"),
            Self::Precondition { expected, found } => {
                let expected = expected.as_ref().map_or("no row".to_owned(), ToString::to_string);
                write!(f, "not sent: expected {expected}, found {}", row(found))
            }
            Self::NotApplied { error, .. } => write!(f, "not applied: {error}"),
            Self::Differs { row: now, properties } if properties.is_empty() => {
                write!(f, "the router agreed, but there is {}", row(now))
            }
            Self::Differs { row: now, properties } => {
                write!(
                    f,
                    "the router agreed, but {} of {} differ",
                    properties.join(", "),
                    row(now)
                )
            }
            Self::Unknown { error } => write!(f, "unknown until the next reading: {error}"),
        }
    }
}

impl Client {
    /// Adds a row, unless one already stands in its place. A row that means just what `new` does counts as applied.
    ///
    /// # Errors
    /// Nothing was sent.
    pub async fn add<M: Writable>(&self, new: &M::New) -> Result<Outcome<M>, Error> {
        let _writing = self.0.writing.lock().await;
        self.check_writable().await?;
        if let Some(found) = self
            .standing_in_place::<M>(new)
            .await
            .map_err(|failure| failure.error)?
        {
            if new.unmet(&found).is_empty() {
                return Ok(Outcome::Applied(found));
            }
            return Ok(Outcome::Precondition {
                expected: None,
                found: Some(found),
            });
        }
        let answer = self.send(Call::add::<M>(new)).await?;
        let row = match created(&answer) {
            Some(id) => self.find(id).await,
            None => self.standing_in_place::<M>(new).await,
        };
        Ok(settle(answer, row, |row| new.unmet(row)))
    }

    /// Sets properties of the row that `target` names, if it still is that row and does not hold them already.
    ///
    /// # Errors
    /// Nothing was sent.
    pub async fn set<M: Writable>(
        &self,
        target: &Target<M>,
        change: &M::Change,
    ) -> Result<Outcome<M>, Error> {
        let _writing = self.0.writing.lock().await;
        self.check_writable().await?;
        let row = match self.expect(target).await? {
            Ok(row) => row,
            Err(found) => {
                return Ok(Outcome::Precondition {
                    expected: Some(target.expected.clone()),
                    found,
                });
            }
        };
        permit(&row, Edit::Set(change))?;
        if change.unmet(&row).is_empty() {
            return Ok(Outcome::Applied(row));
        }
        let answer = self.send(Call::set::<M>(target.id, change)).await?;
        Ok(settle(answer, self.find(target.id).await, |row| {
            change.unmet(row)
        }))
    }

    /// Removes the row that `target` names, if it still is that row. One that is gone counts as applied.
    ///
    /// # Errors
    /// Nothing was sent.
    pub async fn remove<M: Writable>(&self, target: &Target<M>) -> Result<Outcome<M, ()>, Error> {
        let _writing = self.0.writing.lock().await;
        self.check_writable().await?;
        let row = match self.expect(target).await? {
            Ok(row) => row,
            Err(None) => return Ok(Outcome::Applied(())),
            Err(found) => {
                return Ok(Outcome::Precondition {
                    expected: Some(target.expected.clone()),
                    found,
                });
            }
        };
        permit(&row, Edit::Remove)?;
        let answer = self.send(Call::remove::<M>(target.id)).await?;
        let left = self.find::<M>(target.id).await;
        // The id may have gone to a new row at once.
        Ok(removed(answer, left, |row| row.expected() == target.expected))
    }

    /// Removes a client's dynamic lease, if it still is that client's: the one removal of a row without a mark. The client
    /// is told nothing and keeps the address until it renews. A lease that is gone counts as applied.
    ///
    /// # Errors
    /// Nothing was sent.
    pub async fn evict(&self, lease: &DynamicLease) -> Result<Outcome<Lease, ()>, Error> {
        let _writing = self.0.writing.lock().await;
        self.check_writable().await?;
        let found: Option<Lease> = self.find(lease.id).await.map_err(|failure| failure.error)?;
        match found {
            None => return Ok(Outcome::Applied(())),
            Some(row) if lease.is(&row) => {}
            Some(row) => {
                let expected = ExpectedLease {
                    address: LeaseAddress::Ip(lease.address),
                    comment: None,
                };
                return Ok(Outcome::Precondition {
                    expected: Some(expected),
                    found: Some(row),
                });
            }
        }
        let answer = self.send(Call::remove::<Lease>(lease.id)).await?;
        let left = self.find::<Lease>(lease.id).await;
        Ok(removed(answer, left, |row| lease.is(row)))
    }

    /// A write's answer once it may have been seen by the router; an error before that.
    async fn send(&self, write: Call) -> Result<Result<Answer, Failure>, Error> {
        let answer = self.call(write).await;
        if let Err(Failure {
            error,
            stage: Stage::Unsent,
        }) = answer
        {
            return Err(error);
        }
        self.note_answer(&answer);
        Ok(answer)
    }

    /// The row of `target` if it is as expected, else what is there instead.
    async fn expect<M: Writable>(&self, target: &Target<M>) -> Result<Result<M, Option<M>>, Error> {
        let found: Option<M> = self.find(target.id).await.map_err(|failure| failure.error)?;
        Ok(match found {
            Some(row) if row.expected() == target.expected => Ok(row),
            found => Err(found),
        })
    }

    /// The row that stands where `new` should; of several, one that means the same.
    async fn standing_in_place<M: Writable>(&self, new: &M::New) -> Result<Option<M>, Failure> {
        let listing = self.list::<M>(new.filter()).await?;
        if let Some(BadRow { why, .. }) = listing.bad.first() {
            // It may be the very row that stands in the place.
            let why = format!("a row of it: {why}");
            return Err(Failure::answered(Error::Malformed { menu: M::PATH, why }));
        }
        let mut colliding: Vec<M> = listing.rows.into_iter().filter(|row| new.collides(row)).collect();
        colliding.sort_by_key(|row| new.unmet(row).len());
        Ok(colliding.into_iter().next())
    }
}

fn permit<M: Writable>(row: &M, edit: Edit<'_, M>) -> Result<(), Error> {
    row.permits(edit).map_err(|why| Error::Protected {
        row: row.expected().to_string(),
        why,
    })
}

/// The id of the row that an answer to PUT shows.
fn created(answer: &Result<Answer, Failure>) -> Option<RowId> {
    answer.as_ref().ok()?.body.get(".id")?.as_str()?.parse().ok()
}

/// What the row, read back, says of a write that should leave it.
fn settle<M: Writable>(
    answer: Result<Answer, Failure>,
    row: Result<Option<M>, Failure>,
    unmet: impl Fn(&M) -> Vec<&'static str>,
) -> Outcome<M> {
    let row = match row {
        Ok(row) => row,
        Err(failure) => {
            return Outcome::Unknown {
                error: answer.err().unwrap_or(failure).error,
            };
        }
    };
    let properties = row.as_ref().map(unmet).unwrap_or_default();
    match (answer, row) {
        (_, Some(row)) if properties.is_empty() => Outcome::Applied(row),
        (Ok(_), row) => Outcome::Differs { row, properties },
        (Err(failure), row) => not_applied(failure, row),
    }
}

/// What reading says of a removal.
fn removed<M: Writable>(
    answer: Result<Answer, Failure>,
    left: Result<Option<M>, Failure>,
    is_still_there: impl Fn(&M) -> bool,
) -> Outcome<M, ()> {
    match left {
        Err(failure) => Outcome::Unknown {
            error: answer.err().unwrap_or(failure).error,
        },
        Ok(row) if row.as_ref().is_none_or(|row| !is_still_there(row)) => Outcome::Applied(()),
        Ok(row) => match answer {
            Ok(_) => Outcome::Differs {
                row,
                properties: Vec::new(),
            },
            Err(failure) => not_applied(failure, row),
        },
    }
}

/// What to make of a write that failed, and whose row is as if it had never been sent. An answer, or waiting for longer
/// than RouterOS lets a request live, shows that it is over; a connection that broke before that does not: the router
/// may be carrying it out yet.
fn not_applied<M: Writable, A>(failure: Failure, row: Option<M>) -> Outcome<M, A> {
    let Failure { error, stage } = failure;
    if stage == Stage::Interrupted && !matches!(error, Error::Timeout { .. }) {
        return Outcome::Unknown { error };
    }
    Outcome::NotApplied { error, row }
}
