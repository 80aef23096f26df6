//! One write of core's as one call of the client, and what became of it.
//!
//! The client looks at the row before it sends anything: a write carries the row as core had read it, so that this
//! look compares what core decided on with what is there.

use routeros::client::{self, Client, Error};
use routeros::menu::Writable;
use tiklb_core::reservation::Write;
use tiklb_core::reservation::write::{Outcome, ReadBack};

use super::reading;

mod request;
#[cfg(test)]
mod tests;

use request::{Call, Request, Unwritable};

/// A write that was made, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// How it ended, for core.
    pub outcome: Outcome,
    /// The same for the log, with more words where core needs none.
    pub words: String,
}

/// Makes one write: looks, writes, looks again.
pub async fn make(client: &Client, write: &Write) -> Made {
    let call = match Call::of(write) {
        Ok(call) => call,
        Err(why) => return unwritable(&why),
    };
    match call {
        Call::Pool(request) => {
            let left = |row| Some(ReadBack::Pool(reading::pool(&row)));
            send(client, request, left).await
        }
        // The row was looked at for its address, so that it has one.
        Call::Lease(request) => {
            let left = |row| reading::assigned(&row).map(ReadBack::Lease);
            send(client, request, left).await
        }
        Call::Eviction(lease) => made(client.evict(&lease).await, |()| Some(ReadBack::Gone)),
        Call::Arp(request) => {
            let left = |row| Some(ReadBack::Arp(reading::arp(&row)));
            send(client, request, left).await
        }
    }
}

async fn send<M: Writable>(
    client: &Client,
    request: Request<M>,
    left: impl FnOnce(M) -> Option<ReadBack>,
) -> Made {
    match request {
        Request::Add(new) => made(client.add::<M>(&new).await, left),
        Request::Set(target, change) => made(client.set(&target, &change).await, left),
        Request::Remove(target) => made(client.remove(&target).await, |()| Some(ReadBack::Gone)),
    }
}

fn made<M: Writable, A>(
    result: Result<client::Outcome<M, A>, Error>,
    left: impl FnOnce(A) -> Option<ReadBack>,
) -> Made {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => return unsent(&error),
    };
    let words = outcome.to_string();
    let outcome = match outcome {
        client::Outcome::Applied(applied) => left(applied).map_or(Outcome::Changed, Outcome::Applied),
        client::Outcome::Precondition { .. } => Outcome::Changed,
        client::Outcome::NotApplied { .. } | client::Outcome::Differs { .. } => {
            Outcome::Refused(words.clone())
        }
        client::Outcome::Unknown { .. } => Outcome::Unknown(words.clone()),
    };
    Made { outcome, words }
}

/// What core makes of an error before anything was sent.
///
/// Where the way to the router or the account is the matter, it reads next: that reading meets the same, names it in
/// the conditions and waits longer each time, none of which a refusal of this one row would do. Where the row is the
/// matter, a reading would find nothing new.
fn unsent(error: &Error) -> Made {
    let words = format!("not sent: {error}");
    let outcome = match error {
        Error::Unauthorized
        | Error::SourceRefused
        | Error::PolicyMissing(_)
        | Error::Unreachable { .. }
        | Error::Away { .. }
        | Error::Rebooting { .. }
        | Error::Certificate { .. }
        | Error::NoRest { .. }
        | Error::NoRestBefore7(_)
        | Error::TooOld(_)
        | Error::Busy { .. }
        | Error::Timeout { .. }
        | Error::NotFound { .. }
        | Error::Forbidden { .. } => Outcome::Changed,
        Error::Configuration(_)
        | Error::Unfamiliar { .. }
        | Error::Refused { .. }
        | Error::Malformed { .. }
        | Error::Protected { .. } => Outcome::Refused(words.clone()),
    };
    Made { outcome, words }
}

fn unwritable(why: &Unwritable) -> Made {
    let words = format!("not sent: {why}");
    Made {
        outcome: Outcome::Refused(words.clone()),
        words,
    }
}
