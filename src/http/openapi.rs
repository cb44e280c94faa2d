//! The OpenAPI document, made from the handlers and the shapes they answer with.
//! Sockets are no HTTP and are described in `asyncapi`.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use serde_json::{Map, Value};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Content, Ref, RefOr,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{
    api::{accounts, availability, keys, members, messages, rooms, sessions, users},
    asyncapi, health, login, sse,
};
use crate::wire::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Klatsch",
        description = "Chat rooms over a durable log. Ids are opaque; unknown fields are to be ignored. \
                       Refusals are problems (RFC 9457) with a stable `code`. Sockets are described as AsyncAPI in \
                       [/api/asyncapi.json](/api/asyncapi.json).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        users::register,
        users::me,
        users::rename,
        users::change_password,
        accounts::create,
        sessions::begin,
        sessions::refresh,
        sessions::list,
        sessions::end_current,
        sessions::end,
        availability::show,
        login::list,
        login::begin,
        login::finish,
        login::registration::show,
        login::registration::take,
        keys::list,
        rooms::create,
        rooms::list,
        rooms::show,
        members::list,
        members::join,
        members::leave,
        messages::list,
        messages::send,
        sse::events,
        health::alive,
        health::ready,
        health::metrics,
        document,
        asyncapi::document,
    ),
    tags(
        (name = "users", description = "Who people are"),
        (name = "accounts", description = "Users who log in with a password"),
        (name = "sessions", description = "Logins to accounts and their tokens"),
        (name = "login", description = "Logging in at a provider, by the page"),
        (name = "rooms", description = "Rooms and their list"),
        (name = "members", description = "Who belongs to a room"),
        (name = "messages", description = "What is said in a room"),
        (name = "operation", description = "For who runs a node"),
    ),
    components(schemas(Problem<'_>)),
    modifiers(&Bearer, &Problems),
)]
struct Api;

/// Adds the one way to say who one is.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", bearer);
    }
}

/// Gives every refusal its shape, which is the same everywhere.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let calls = document.paths.paths.values_mut().flat_map(|path| {
            [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete]
                .into_iter()
                .flatten()
        });
        for (status, answer) in calls.flat_map(|call| &mut call.responses.responses) {
            if let RefOr::T(answer) = answer
                && status.starts_with(['4', '5'])
                && answer.content.is_empty()
            {
                let problem = Content::new(Some(Ref::from_schema_name("Problem")));
                answer.content.insert("application/problem+json".to_owned(), problem.into());
            }
        }
    }
}

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| Api::openapi().to_json().expect("a document of texts, lists and maps serialises"));

/// The schemas of everything that is answered, by their names.
pub(super) fn schemas() -> Map<String, Value> {
    let components = Api::openapi().components.unwrap_or_default();
    let schemas = components
        .schemas
        .into_iter()
        .filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?)));
    schemas.collect()
}

/// Shows this document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "operation",
    operation_id = "showDocument",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"))
)]
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::{ENDPOINTS, Endpoint, OPERATION};
    use actix_web::http::Method;

    /// Pages and sockets are no calls of the API.
    const NO_CALLS: &[&str] = &["/", "/api/docs", "/api/socket"];

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
        let mut documented = BTreeSet::new();
        for (path, calls) in document["paths"].as_object().unwrap() {
            documented.extend(calls.as_object().unwrap().keys().map(|call| format!("{call} {path}")));
        }
        let mut mounted = BTreeSet::new();
        let endpoints = ENDPOINTS.iter().chain(OPERATION);
        for Endpoint(path, calls) in endpoints.filter(|Endpoint(path, _)| !NO_CALLS.contains(path)) {
            let methods = calls.iter().flat_map(|(verb, _)| verb.methods());
            let methods = methods.filter(|&method| method != Method::HEAD);
            mounted.extend(methods.map(|method| format!("{} {path}", method.as_str().to_lowercase())));
        }
        assert_eq!(documented, mounted);
    }

    #[test]
    fn the_document_is_openapi_3_1_and_whole() {
        let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
        let operations = DOCUMENT.split("\"operationId\":\"").skip(1);
        let names = operations.filter_map(|rest| rest.split('"').next());
        assert_eq!(names.clone().collect::<BTreeSet<_>>().len(), names.count(), "an operationId comes twice");
        let schemas = &document["components"]["schemas"];
        for name in DOCUMENT.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next())
        {
            assert!(schemas[name].is_object(), "{name} is referred to and missing");
        }
    }
}
