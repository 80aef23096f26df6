//! Waits until a program says that it is ready, and tells what it still waits for.

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use tokio::time::{Instant, sleep};

use crate::kube::{Access, Kube};
use crate::lan::{Host, Process};

/// One question. On loopback an answer takes milliseconds.
const ASK: Duration = Duration::from_secs(5);

/// Between two questions.
const BETWEEN: Duration = Duration::from_millis(50);

/// Silence up to here is not worth a line, nor are two lines closer than this.
const QUIET: Duration = Duration::from_secs(2);

/// How much of an answer is kept: `?verbose` is about 3 KiB.
const TOLD: usize = 600;

/// How many of a program's last lines an error repeats.
const LINES: usize = 20;

/// Who is asked whether a program is ready.
#[derive(Debug, Clone)]
pub(crate) enum Readiness {
    /// An address that answers 200 to anybody, without TLS.
    Plain {
        /// Asks.
        client: Client,
        /// Is asked.
        url: String,
    },
    /// kube-apiserver's own checks: true once its roles and priority levels are written.
    Api(Kube),
}

impl Readiness {
    /// That of most programs.
    pub(crate) fn plain(url: &str) -> Result<Self> {
        // reqwest wants a provider of TLS even for what needs none; an error means that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(ASK).no_proxy().build();
        let client = client.context("making a client that asks whether a program is ready")?;
        Ok(Self::Plain {
            client,
            url: url.to_owned(),
        })
    }

    /// kube-apiserver's.
    pub(crate) fn of_api(access: Access) -> Result<Self> {
        Ok(Self::Api(Kube::new(access)?))
    }

    /// Asks from `host` until `process`, a run of `program`, is ready.
    ///
    /// Fails at once if the process ends, and after `bound`; the error carries the last answer and the last lines of
    /// the process's log.
    pub(crate) async fn wait(
        &self,
        host: &Host,
        program: impl Display,
        process: &Process,
        bound: Duration,
    ) -> Result<()> {
        let began = Instant::now();
        let mut told = began;
        let mut last = String::from("nothing yet");
        while process.ended().is_none() && began.elapsed() < bound {
            match host.call(self.clone().ask()).await? {
                Ok(()) => return Ok(()),
                Err(answer) => last = answer,
            }
            if told.elapsed() > QUIET {
                told = Instant::now();
                tracing::info!(
                    host = host.name(),
                    %program,
                    last,
                    "waiting until it is ready"
                );
            }
            sleep(BETWEEN).await;
        }
        let lines = process.logs();
        let lines = &lines[lines.len().saturating_sub(LINES)..];
        let log = lines
            .iter()
            .fold(String::new(), |text, line| format!("{text}\n  {line}"));
        match process.ended() {
            Some(status) => bail!(
                "{}: {program} has ended before it was ready ({status}):{log}",
                host.name()
            ),
            None => bail!(
                "{}: {program} was not ready within {bound:?}, it said {last}:{log}",
                host.name()
            ),
        }
    }

    async fn ask(self) -> Result<(), String> {
        match self {
            Self::Plain { client, url } => {
                let answer = client
                    .get(url)
                    .send()
                    .await
                    .and_then(reqwest::Response::error_for_status);
                answer
                    .map(drop)
                    .map_err(|error| format!("{:#}", anyhow::Error::new(error)))
            }
            Self::Api(kube) => {
                let answer = kube.send(Method::GET, "/readyz?verbose", None).await;
                answer.map(drop).map_err(|error| unready(&error.to_string()))
            }
        }
    }
}

/// The checks that fail, of a `?verbose` answer; the whole answer if it is none.
fn unready(text: &str) -> String {
    let failing: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("[-]")).collect();
    let told = if failing.is_empty() {
        text.trim().to_owned()
    } else {
        failing.join("; ")
    };
    told.chars().take(TOLD).collect()
}

#[cfg(test)]
mod tests;
