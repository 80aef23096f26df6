//! Paths: what a request is about.

use super::journal::Verb;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/healthz`, `/livez`, `/readyz`.
    Health,
    /// `/version`.
    Version,
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/<group>`.
    Group(String),
    /// `/api/v1` and `/apis/<group>/<version>`.
    Resources(String, String),
    /// `/openapi/v2`, which kubectl asks for and does without.
    OpenApiV2,
    /// `/openapi/v3`.
    OpenApiIndex,
    /// `/openapi/v3/<group and version>`.
    OpenApi(String),
    /// Objects.
    Objects(Target),
    /// Nothing that a Kubernetes API server has, or nothing that is spoken here.
    Unknown,
}

/// The objects that a path names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Target {
    /// API group; empty for core.
    pub(crate) group: String,
    /// Version.
    pub(crate) version: String,
    /// Namespace, where the path has one.
    pub(crate) namespace: Option<String>,
    /// Plural name of the resource.
    pub(crate) plural: String,
    /// Name of the object, where the path has one.
    pub(crate) name: Option<String>,
    /// `status` and its like, where the path has one.
    pub(crate) subresource: Option<String>,
}

impl Route {
    /// Reads a path.
    pub(crate) fn parse(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["version"] => Self::Version,
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group((*group).to_owned()),
            ["api", version] => Self::Resources(String::new(), (*version).to_owned()),
            ["apis", group, version] => Self::Resources((*group).to_owned(), (*version).to_owned()),
            ["openapi", "v2"] => Self::OpenApiV2,
            ["openapi", "v3"] => Self::OpenApiIndex,
            ["openapi", "v3", rest @ ..] => Self::OpenApi(rest.join("/")),
            ["api", version, rest @ ..] => objects("", version, rest),
            ["apis", group, version, rest @ ..] => objects(group, version, rest),
            _ => Self::Unknown,
        }
    }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Route {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !matches!(rest, [] | ["status" | "finalize"]) => {
            (Some((*namespace).to_owned()), rest)
        }
        rest => (None, rest),
    };
    let text = |part: &&str| (*part).to_owned();
    let [plural, rest @ ..] = rest else {
        return Route::Unknown;
    };
    Route::Objects(Target {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace,
        plural: text(plural),
        name: rest.first().map(text),
        subresource: (rest.len() > 1).then(|| rest[1..].join("/")),
    })
}

/// What a request wants done with its objects.
pub(crate) fn verb(method: &hyper::Method, target: &Target, watch: bool) -> Verb {
    match method.as_str() {
        "GET" if target.name.is_some() => Verb::Get,
        "GET" if watch => Verb::Watch,
        "GET" => Verb::List,
        "POST" => Verb::Create,
        "PUT" => Verb::Update,
        "PATCH" => Verb::Patch,
        "DELETE" => Verb::Delete,
        _ => Verb::Other,
    }
}

#[cfg(test)]
mod tests;
