//! Paths, and what they name.

use super::{Route, Target};

fn target(
    group: &str,
    namespace: Option<&str>,
    plural: &str,
    name: Option<&str>,
    subresource: Option<&str>,
) -> Route {
    Route::Objects(Target {
        group: group.to_owned(),
        version: "v1".to_owned(),
        namespace: namespace.map(str::to_owned),
        plural: plural.to_owned(),
        name: name.map(str::to_owned),
        subresource: subresource.map(str::to_owned),
    })
}

#[test]
fn paths_of_objects() {
    for (path, wanted) in [
        ("/api/v1/services", target("", None, "services", None, None)),
        (
            "/api/v1/namespaces/a/services",
            target("", Some("a"), "services", None, None),
        ),
        (
            "/api/v1/namespaces/a/services/b/status",
            target("", Some("a"), "services", Some("b"), Some("status")),
        ),
        ("/api/v1/namespaces", target("", None, "namespaces", None, None)),
        (
            "/api/v1/namespaces/a",
            target("", None, "namespaces", Some("a"), None),
        ),
        (
            "/api/v1/namespaces/a/status",
            target("", None, "namespaces", Some("a"), Some("status")),
        ),
        (
            "/api/v1/nodes/n/proxy/x",
            target("", None, "nodes", Some("n"), Some("proxy/x")),
        ),
        (
            "/apis/g.io/v1/things/t",
            target("g.io", None, "things", Some("t"), None),
        ),
        (
            "/apis/g.io/v1/namespaces/a/things",
            target("g.io", Some("a"), "things", None, None),
        ),
    ] {
        assert_eq!(Route::parse(path), wanted, "{path}");
    }
}

#[test]
fn paths_of_the_server_itself() {
    for (path, wanted) in [
        ("/readyz", Route::Health),
        ("/livez/ping", Route::Health),
        ("/version", Route::Version),
        ("/api", Route::CoreVersions),
        ("/apis", Route::Groups),
        ("/apis/", Route::Groups),
        ("/apis/g.io", Route::Group("g.io".to_owned())),
        ("/api/v1", Route::Resources(String::new(), "v1".to_owned())),
        (
            "/apis/g.io/v1",
            Route::Resources("g.io".to_owned(), "v1".to_owned()),
        ),
        ("/openapi/v2", Route::OpenApiV2),
        ("/openapi/v3", Route::OpenApiIndex),
        (
            "/openapi/v3/apis/g.io/v1",
            Route::OpenApi("apis/g.io/v1".to_owned()),
        ),
        ("/", Route::Unknown),
        ("/metrics", Route::Unknown),
    ] {
        assert_eq!(Route::parse(path), wanted, "{path}");
    }
}
