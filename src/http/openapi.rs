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
    api::{
        accounts, admin, availability, direct, invitations, keys, members, messages, mine, moderation, rooms,
        sessions, users,
    },
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
        admin::ban,
        admin::unban,
        admin::set_role,
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
        rooms::close,
        direct::open,
        mine::rooms,
        mine::invitations,
        members::list,
        members::show_me,
        members::join,
        members::leave,
        members::show,
        members::kick,
        members::set_role,
        moderation::mutes,
        moderation::mute,
        moderation::unmute,
        moderation::bans,
        moderation::ban,
        moderation::unban,
        invitations::invite,
        invitations::uninvite,
        invitations::create_link,
        invitations::links,
        invitations::remove_link,
        invitations::accept,
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
        (name = "admin", description = "For admins of the server"),
        (name = "rooms", description = "Rooms and their list"),
        (name = "members", description = "Who belongs to a room"),
        (name = "moderation", description = "What is held against people in a room"),
        (name = "invitations", description = "Who may join a private room"),
        (name = "messages", description = "What is said in a room"),
        (name = "operation", description = "For who runs a node"),
    ),
    components(schemas(Problem<'_>)),
    modifiers(&Bearer, &Everywhere, &Problems),
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

/// What any call may be answered, which no handler has to say.
struct Everywhere;

/// Statuses of any call, and those of a call with a body.
const OF_ANY: [(&str, &str); 3] = [
    ("413", "`too_large`"),
    ("429", "`rate_limited`, with `Retry-After`, `RateLimit` and `RateLimit-Policy`"),
    ("503", "`storage_unavailable`, `log_unavailable` or `overloaded`"),
];
const OF_BODIES: [(&str, &str); 2] = [("400", "`malformed`"), ("415", "`unsupported_media_type`")];

impl Modify for Everywhere {
    fn modify(&self, document: &mut openapi::OpenApi) {
        for call in calls(document) {
            let of_bodies = call.request_body.iter().flat_map(|_| OF_BODIES);
            for (status, what) in OF_ANY.into_iter().chain(of_bodies) {
                let answer = || openapi::Response::new(what).into();
                call.responses.responses.entry(status.to_owned()).or_insert_with(answer);
            }
            if let Some(RefOr::T(body)) = &mut call.request_body {
                for content in body.content.values_mut() {
                    if let RefOr::T(Content { schema: Some(schema), .. }) = content {
                        not_null(schema);
                    }
                }
            }
            // Any number is taken, and a large one means the largest.
            for parameter in call.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter
                    && parameter.name == "limit"
                    && let Some(RefOr::T(openapi::Schema::Object(number))) = &mut parameter.schema
                {
                    number.format = None;
                }
            }
        }
    }
}

/// A body that may be missing is not null.
fn not_null(schema: &mut RefOr<openapi::Schema>) {
    if let RefOr::T(openapi::Schema::OneOf(choices)) = schema
        && let Some(body) = choices.items.iter().find(|choice| matches!(choice, RefOr::Ref(_))).cloned()
    {
        *schema = body;
    }
}

/// All calls of a document.
fn calls(document: &mut openapi::OpenApi) -> impl Iterator<Item = &mut openapi::path::Operation> {
    document.paths.paths.values_mut().flat_map(|path| {
        let calls = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        calls.into_iter().flatten()
    })
}

/// Gives every refusal its shape, which is the same everywhere.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut openapi::OpenApi) {
        for (status, answer) in calls(document).flat_map(|call| &mut call.responses.responses) {
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
