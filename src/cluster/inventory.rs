//! One look at what is on a cluster, of any kind, for a person's verb: each read once, in bounded pages, by the person's
//! own account. What that account may not read is no error: it is told apart from what is not there.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Error, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tiklb_core::model::ObjectKey;

use super::client::Chain;
use super::object::key_of;

/// Objects of one answer: kubectl's number.
const PAGE: u32 = 500;
/// Pages of one kind. A home has tens of Deployments; whoever has more than ten thousand looks otherwise.
const PAGES: usize = 20;
/// For one request. Ten thousand objects come in many.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// The API server knows no such kind: nobody installed it.
    #[error("this cluster has no such kind")]
    Undefined,
    /// The person's account may not.
    #[error("your account may not read it ({0})")]
    Forbidden(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// What is read; `Err` is what was not.
pub type Read<T> = Result<T, Unread>;

/// Which objects of a kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    /// Only of this namespace; `None`: of all.
    pub namespace: Option<&'a str>,
    /// A label selector.
    pub labels: Option<&'a str>,
}

/// A cluster that is looked at.
#[derive(Clone)]
pub struct Inventory {
    client: Client,
}

impl Inventory {
    /// Over this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Whether the API server answers at all, which every account may ask: its version.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn version(&self) -> Read<String> {
        let version = within(self.client.apiserver_version()).await?;
        Ok(version.git_version)
    }

    /// All objects of a namespaced kind.
    ///
    /// # Errors
    /// Why they were not read, or not all of them.
    pub async fn list<K>(&self, scope: Scope<'_>) -> Read<Vec<K>>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api: Api<K> = match scope.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        pages(&api, scope.labels).await
    }

    /// All objects of a kind that lies in no namespace.
    ///
    /// # Errors
    /// Why they were not read, or not all of them.
    pub async fn list_all<K>(&self) -> Read<Vec<K>>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        pages(&Api::<K>::all(self.client.clone()), None).await
    }

    /// Names of all objects of a kind that may not be installed.
    ///
    /// # Errors
    /// Why they were not read; [`Unread::Undefined`] where the kind is not installed.
    pub async fn names(&self, group: &str, version: &str, kind: &str, plural: &str) -> Read<Vec<ObjectKey>> {
        let objects = self.specs(group, version, kind, plural).await?;
        Ok(objects.into_iter().map(|(key, _)| key).collect())
    }

    /// All objects of a kind that may not be installed: each with its spec as it is.
    ///
    /// # Errors
    /// Why they were not read; [`Unread::Undefined`] where the kind is not installed.
    pub async fn specs(
        &self,
        group: &str,
        version: &str,
        kind: &str,
        plural: &str,
    ) -> Read<Vec<(ObjectKey, Value)>> {
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let objects = pages(&api, None).await?.into_iter();
        let spec = |mut object: DynamicObject| (key_of(&object.metadata), object.data["spec"].take());
        Ok(objects.map(spec).collect())
    }

    /// One object of a namespace; `None` where there is none.
    ///
    /// # Errors
    /// Why it was not read.
    pub async fn get<K>(&self, namespace: &str, name: &str) -> Read<Option<K>>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        within(api.get_opt(name)).await
    }

    /// One object that lies in no namespace; `None` where there is none.
    ///
    /// # Errors
    /// Why it was not read.
    pub async fn get_all<K>(&self, name: &str) -> Read<Option<K>>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let api: Api<K> = Api::all(self.client.clone());
        within(api.get_opt(name)).await
    }

    /// Whether a service account may do something. The question is no object: the API server answers it and stores nothing.
    ///
    /// # Errors
    /// Why it was not answered: asking for others is a right of its own.
    pub async fn may(&self, account: &ObjectKey, what: ResourceAttributes) -> Read<bool> {
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(format!(
                    "system:serviceaccount:{}:{}",
                    account.namespace, account.name
                )),
                // Rights may be given to all service accounts, or to those of a namespace.
                groups: Some(vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{}", account.namespace),
                    "system:authenticated".to_owned(),
                ]),
                resource_attributes: Some(what),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = within(api.create(&params, &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}

/// Reads page by page.
async fn pages<K>(api: &Api<K>, labels: Option<&str>) -> Read<Vec<K>>
where
    K: Clone + Debug + DeserializeOwned,
{
    let mut params = ListParams::default().limit(PAGE);
    params.label_selector = labels.map(str::to_owned);
    let mut objects = Vec::new();
    for _ in 0..PAGES {
        let page = within(api.list(&params)).await?;
        objects.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(objects),
        }
    }
    Err(Unread::Failed(format!(
        "there are more than {} of them",
        objects.len()
    )))
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Read<T> {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(outcome) => outcome.map_err(|error| why(&error)),
        Err(_) => Err(Unread::Failed(format!("no answer in {} s", TIMEOUT.as_secs()))),
    }
}

fn why(error: &Error) -> Unread {
    match error {
        Error::Api(status) if status.is_forbidden() => Unread::Forbidden(status.message.clone()),
        Error::Api(status) if status.code == 404 => Unread::Undefined,
        Error::Api(status) => Unread::Failed(format!("{} ({})", status.message, status.code)),
        other => Unread::Failed(Chain(other).to_string()),
    }
}

#[cfg(test)]
mod tests;
