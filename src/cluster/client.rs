//! One connection pool to the API server, with a bound on every wait.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use kube::Client;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tiklb_core::model::time::Spoken;
use tower::BoxError;
use tower::util::MapResultLayer;

use self::patience::Patience;

mod patience;

/// How long the server lets one watch live. A connection that died without a word is noticed when the next watch
/// should have begun, so this bounds how old the news can be.
pub const WATCH_SECONDS: u32 = 60;
/// For a connection with its TLS handshake, on a LAN.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two bytes of an answer: longer than a watch that has nothing to say.
const READ: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 15);
/// For the bytes of a request.
const WRITE: Duration = Duration::from_secs(10);

/// How audit logs and `metadata.managedFields` call whoever asks through this client: the API server takes the name of a
/// field's writer from the user agent.
pub const AGENT: &str = "tiklb";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file was named and cannot be used.
    #[error("reading the kubeconfig {path}: {source}; name another with --kubeconfig or KUBECONFIG")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: kube::config::KubeconfigError,
    },
    /// Neither a kubeconfig nor a Pod's service account.
    #[error(
        "finding the API server: {0}; run this in a Pod with a service account, or set --kubeconfig or KUBECONFIG"
    )]
    Nowhere(#[source] kube::config::InferConfigError),
    /// The configuration names certificates or credentials that cannot be used.
    #[error("preparing the connection to the API server: {0}; correct the kubeconfig")]
    Unusable(#[source] kube::Error),
}

/// A client for the API server that `kubeconfig` names; without one, the usual places: `KUBECONFIG`, the home folder,
/// a Pod's service account.
///
/// # Errors
/// What is wrong with the configuration. Whether the server answers is not known yet.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let mut config = match kubeconfig {
        Some(path) => {
            let wrong = |source| ConnectError::Kubeconfig {
                path: path.to_owned(),
                source,
            };
            let file = Kubeconfig::read_from(path).map_err(wrong)?;
            kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
                .await
                .map_err(wrong)?
        }
        None => kube::Config::infer().await.map_err(ConnectError::Nowhere)?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(READ);
    config.write_timeout = Some(WRITE);
    config.reset_reader_on_write = true;
    // Who writes knows what it wrote and waits its own time before it tries again.
    config.default_retry = false;
    let agent = HeaderValue::from_static(concat!("tiklb/", env!("CARGO_PKG_VERSION")));
    config.headers.push((http::header::USER_AGENT, agent));
    let reach = Reach::new(config.cluster_url.to_string());
    let builder = ClientBuilder::try_from(config).map_err(ConnectError::Unusable)?;
    let observed = MapResultLayer::new(move |result: Result<_, BoxError>| {
        reach.note(result.as_ref().err());
        result
    });
    Ok(builder.with_layer(&observed).with_layer(&Patience).build())
}

/// Whether the API server answers: said once when it stops, and once when it is back, not by each of the watches.
#[derive(Clone)]
struct Reach(Arc<Inner>);

struct Inner {
    url: String,
    away_since: Mutex<Option<Instant>>,
}

impl Reach {
    fn new(url: String) -> Self {
        Self(Arc::new(Inner {
            url,
            away_since: Mutex::new(None),
        }))
    }

    fn note(&self, error: Option<&BoxError>) {
        let mut away = self.0.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        match (error, *away) {
            (Some(error), None) => {
                *away = Some(Instant::now());
                tracing::warn!(
                    url = %self.0.url, error = %Chain(error.as_ref()),
                    "the API server does not answer; what is known stays in force"
                );
            }
            (None, Some(since)) => {
                *away = None;
                tracing::info!(
                    url = %self.0.url, after = %Spoken(since.elapsed()),
                    "the API server answers again"
                );
            }
            _ => {}
        }
    }
}

/// An error with its causes, in one line, each said once.
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // Many errors repeat their cause in their own words.
            if !said.contains(&words) {
                write!(f, ": {words}")?;
                said.push_str(&words);
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
