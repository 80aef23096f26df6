//! A small client for judges, the same for the embedded API server and a real one.
//!
//! Objects are plain JSON here: a judge that read them through tiklb's types would share its misreadings. Every call has
//! a bound, and waiting is watching.

mod error;
mod manifest;
mod resource;
mod wait;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::lan::Host;

pub use self::error::{Error, Result};
pub use self::resource::{
    CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, Collection, DAEMON_SETS, ENDPOINT_SLICES, EVENTS, EVENTS_V1,
    LEASES, NAMESPACES, NODES, PODS, Resource, SECRETS, SERVICE_ACCOUNTS, SERVICES,
};
pub use self::watch::{Event, Watch};

/// Longest wait for a TCP and TLS connection. On one machine it takes milliseconds.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer. A busy real API server on two cores takes up to a second.
const ANSWER: Duration = Duration::from_secs(15);
/// How often a request is sent anew that was refused with 429: as often as client-go does it. A real API server answers
/// so while it is busy, and for a new kind until its storage is ready, also when the definition is established already.
const REPEATS: usize = 10;
/// Media type of every document.
const JSON: &str = "application/json";
/// Media type of a table made by the server.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
/// Media type of a JSON merge patch (RFC 7386).
const MERGE_PATCH: &str = "application/merge-patch+json";

/// How an API server is reached, and as whom.
#[derive(Clone)]
pub struct Access {
    /// `https://<host>:<port>`.
    pub url: String,
    /// The authority that signed the server's certificate, as PEM.
    pub ca_pem: String,
    /// Bearer token.
    pub token: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A client of one API server as one user.
#[derive(Debug, Clone)]
pub struct Kube {
    access: Arc<Access>,
    client: reqwest::Client,
    /// Where it asks from; the caller's own network if it names none.
    host: Option<Host>,
}

impl Kube {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// The CA is not PEM, or holds no certificate.
    pub fn new(access: Access) -> Result<Self> {
        let client = client(&access).map_err(|why| Error::Access {
            url: access.url.clone(),
            why,
        })?;
        Ok(Self {
            access: Arc::new(access),
            client,
            host: None,
        })
    }

    /// The same client, asking from a host of the LAN: the lab itself need not be on it.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn at(&self, host: &Host) -> Result<Self> {
        // Connections belong to the namespace that they were opened in, so they are not shared with the first client.
        let own = Self::new((*self.access).clone())?;
        Ok(Self {
            host: Some(host.clone()),
            ..own
        })
    }

    /// Reads one object.
    ///
    /// # Errors
    /// [`Error::Refused`] with code 404 where there is none.
    pub async fn get(&self, collection: impl Into<Collection>, name: &str) -> Result<Value> {
        self.send(Method::GET, &collection.into().object_path(name), None)
            .await
    }

    /// Reads one object that may not be there.
    ///
    /// # Errors
    /// Any refusal but 404.
    pub async fn find(&self, collection: impl Into<Collection>, name: &str) -> Result<Option<Value>> {
        match self.get(collection, name).await {
            Err(why) if why.code() == Some(404) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Reads the objects of a collection; of all namespaces where it names none.
    ///
    /// # Errors
    /// The list was refused.
    pub async fn list(&self, collection: impl Into<Collection>) -> Result<Vec<Value>> {
        let list = self.list_where(collection, &[]).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Reads a list with query parameters such as `labelSelector`, whole, with its metadata.
    ///
    /// # Errors
    /// The list was refused.
    pub async fn list_where(
        &self,
        collection: impl Into<Collection>,
        query: &[(&str, &str)],
    ) -> Result<Value> {
        let path = with_query(&collection.into().path(), query);
        self.send(Method::GET, &path, None).await
    }

    /// Creates an object; its kind and version are filled in where they are missing.
    ///
    /// # Errors
    /// [`Error::Refused`] with code 409 where the name is taken.
    pub async fn create(&self, collection: impl Into<Collection>, object: &Value) -> Result<Value> {
        let collection = collection.into();
        let object = collection.resource().typed(object);
        self.send(Method::POST, &collection.path(), Some((JSON, &object)))
            .await
    }

    /// Replaces an object by what `object` says, which names it.
    ///
    /// # Errors
    /// [`Error::Refused`] with code 409 where `metadata.resourceVersion` is not the present one.
    pub async fn replace(&self, collection: impl Into<Collection>, object: &Value) -> Result<Value> {
        let collection = collection.into();
        let object = collection.resource().typed(object);
        let path = collection.object_path(object["metadata"]["name"].as_str().unwrap_or_default());
        self.send(Method::PUT, &path, Some((JSON, &object))).await
    }

    /// Changes an object by a JSON merge patch.
    ///
    /// # Errors
    /// The patch was refused.
    pub async fn merge_patch(
        &self,
        collection: impl Into<Collection>,
        name: &str,
        patch: &Value,
    ) -> Result<Value> {
        self.send(
            Method::PATCH,
            &collection.into().object_path(name),
            Some((MERGE_PATCH, patch)),
        )
        .await
    }

    /// Changes an object's status by a JSON merge patch; `patch` holds `status`.
    ///
    /// # Errors
    /// The patch was refused.
    pub async fn patch_status(
        &self,
        collection: impl Into<Collection>,
        name: &str,
        patch: &Value,
    ) -> Result<Value> {
        let path = format!("{}/status", collection.into().object_path(name));
        self.send(Method::PATCH, &path, Some((MERGE_PATCH, patch))).await
    }

    /// Deletes an object, or asks for its deletion where it has finalizers.
    ///
    /// # Errors
    /// [`Error::Refused`] with code 404 where there is none.
    pub async fn delete(&self, collection: impl Into<Collection>, name: &str) -> Result<Value> {
        self.send(Method::DELETE, &collection.into().object_path(name), None)
            .await
    }

    /// Deletes a Pod at once. Otherwise one that is on a node stays until its kubelet says that it has ended.
    ///
    /// # Errors
    /// [`Error::Refused`] with code 404 where there is none.
    pub async fn delete_pod(&self, namespace: &str, name: &str) -> Result<Value> {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0});
        let path = PODS.in_namespace(namespace).object_path(name);
        self.send(Method::DELETE, &path, Some((JSON, &options))).await
    }

    /// Deletes an object under `preconditions` (`uid`, `resourceVersion`).
    ///
    /// # Errors
    /// [`Error::Refused`] with code 409 where the object is another one by now.
    pub async fn delete_if(
        &self,
        collection: impl Into<Collection>,
        name: &str,
        preconditions: &Value,
    ) -> Result<Value> {
        let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions });
        let path = collection.into().object_path(name);
        self.send(Method::DELETE, &path, Some((JSON, &options))).await
    }

    /// The events about an object of this name, oldest first.
    ///
    /// # Errors
    /// The list was refused.
    pub async fn events(&self, namespace: &str, object: &str) -> Result<Vec<Value>> {
        let about = format!("involvedObject.name={object}");
        let list = self
            .list_where(EVENTS.in_namespace(namespace), &[("fieldSelector", &about)])
            .await?;
        let mut events = list["items"].as_array().cloned().unwrap_or_default();
        events.sort_by_key(|event| event["metadata"]["creationTimestamp"].as_str().map(str::to_owned));
        Ok(events)
    }

    /// Reads a collection as the table that `kubectl get` shows.
    ///
    /// # Errors
    /// The list was refused.
    pub async fn table(&self, collection: impl Into<Collection>) -> Result<Value> {
        self.exchange(Method::GET, &collection.into().path(), TABLE, None)
            .await
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        let access = Access {
            token: token.to_owned(),
            ..(*self.access).clone()
        };
        Self {
            access: Arc::new(access),
            client: self.client.clone(),
            host: self.host.clone(),
        }
    }

    /// Sends any request; `body` is a media type and a document. For what the methods above do not say.
    ///
    /// # Errors
    /// The server could not be reached within the bound, or answered with a failure.
    pub async fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value> {
        self.exchange(method, path, JSON, body).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Value> {
        let mut patience = Patience::default();
        loop {
            let outcome = Box::pin(self.exchange_once(method.clone(), path, accept, body)).await;
            if !patience.lasts(&outcome).await {
                return outcome;
            }
        }
    }

    async fn exchange_once(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Value> {
        let request = format!("{method} {path}");
        let mut builder = self.request(method, path).header(ACCEPT, accept).timeout(ANSWER);
        if let Some((media, document)) = body {
            builder = builder.header(CONTENT_TYPE, media).body(document.to_string());
        }
        let answer = self.answer(&request, builder).await?;
        let code = answer.status().as_u16();
        let bytes = answer
            .bytes()
            .await
            .map_err(|why| Error::unreachable(&request, why))?;
        let document = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| json!({ "message": String::from_utf8_lossy(&bytes) }));
        if code < 300 {
            Ok(document)
        } else {
            Err(Error::refused(request, code, document))
        }
    }

    /// The head of the answer; the rest may be read anywhere.
    async fn answer(&self, request: &str, builder: RequestBuilder) -> Result<reqwest::Response> {
        let answer = match &self.host {
            // The host itself stays out of what runs in it: it would never end.
            Some(host) => host
                .call(builder.send())
                .await
                .map_err(|gone| Error::Unreachable {
                    request: request.to_owned(),
                    why: gone.to_string(),
                })?,
            None => builder.send().await,
        };
        answer.map_err(|why| Error::unreachable(request, why))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.access.url);
        self.client.request(method, url).bearer_auth(&self.access.token)
    }
}

/// Asks again when and as often as the server says: a request that is refused with 429 was not carried out.
#[derive(Default)]
struct Patience {
    repeats: usize,
}

impl Patience {
    /// Whether to ask again, after the pause that the server named.
    async fn lasts<T>(&mut self, outcome: &Result<T>) -> bool {
        let Some(pause) = outcome.as_ref().err().and_then(Error::retry_after) else {
            return false;
        };
        self.repeats += 1;
        if self.repeats > REPEATS {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// An HTTP client that trusts one authority alone.
pub(crate) fn client(access: &Access) -> anyhow::Result<reqwest::Client> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(access.ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    anyhow::ensure!(!roots.is_empty(), "it holds no certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .no_proxy()
        .build()?)
}

/// A path with query parameters, encoded.
fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests;
