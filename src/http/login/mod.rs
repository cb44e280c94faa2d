//! Logging in at a provider: the way there, the way back, and the list of where that can be done.
//! How a login is judged is the business of `auth::providers`; here are only addresses, cookies and pages.

mod cookies;
mod refused;
pub(super) mod registration;
mod return_path;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, query::Query};
use crate::{
    auth::providers::{Answer, Finished, LoginFault, Provider},
    domain::{Device, Refusal},
};

/// Where people can log in besides their accounts here.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownProviders<'a> {
    /// The providers, in the order in which they should be shown.
    providers: Vec<ShownProvider<'a>>,
}

/// Somewhere to log in.
#[derive(Serialize, ToSchema)]
struct ShownProvider<'a> {
    /// Its name in `/api/auth/login/{provider}`.
    #[schema(example = "google")]
    id: &'a str,
    /// What people call it.
    #[schema(example = "Google")]
    name: &'a str,
}

impl<'a> ShownProvider<'a> {
    fn of(provider: &'a Provider) -> Self {
        Self { id: provider.id(), name: provider.name() }
    }
}

/// Lists where people can log in besides their accounts here.
#[utoipa::path(
    get,
    path = "/api/auth/providers",
    tag = "login",
    operation_id = "listProviders",
    responses((status = 200, description = "The providers; none where none is set up", body = ShownProviders<'_>)),
)]
pub(super) async fn list(context: Data<Context>) -> HttpResponse {
    let providers = context.engine.providers().iter().map(ShownProvider::of).collect();
    HttpResponse::Ok().json(ShownProviders { providers })
}

/// Sends a browser to a provider. A page links to it; it is no call for a script.
#[utoipa::path(
    get,
    path = "/api/auth/login/{provider}",
    tag = "login",
    operation_id = "logInElsewhere",
    params(
        ("provider" = String, Path, description = "The provider's id"),
        ("return" = Option<String>, Query, description = "The path of this server where the page goes on; `/` by default"),
    ),
    responses(
        (status = 303, description = "To the provider's own login, with a cookie that tells this browser from others"),
        (status = 404, description = "A page that says that there is no such provider", body = String, content_type = "text/html"),
        (status = 503, description = "A page that says that the provider does not answer", body = String, content_type = "text/html"),
    )
)]
pub(super) async fn begin(
    context: Data<Context>,
    request: HttpRequest,
    provider: Path<String>,
    query: Query,
) -> HttpResponse {
    let return_to = return_path::of(query.text("return"));
    let redirect_uri = callback(&context, &request, &provider);
    let security = context.cookies.security(&request);
    match context.engine.begin_elsewhere(&provider, redirect_uri, return_to).await {
        Ok(begun) => HttpResponse::SeeOther()
            .insert_header((header::LOCATION, begun.url))
            .insert_header(cookies::LOGIN.give(&begun.browser, security))
            .finish(),
        Err(fault) => refused::page(&context, &provider, &fault),
    }
}

/// Takes a browser back from a provider, and lets in whoever that knows.
#[utoipa::path(
    get,
    path = "/api/auth/callback/{provider}",
    tag = "login",
    operation_id = "comeBack",
    params(
        ("provider" = String, Path, description = "The provider's id"),
        ("state" = Option<String>, Query, description = "What names the login"),
        ("code" = Option<String>, Query, description = "What the provider gives tokens for"),
        ("error" = Option<String>, Query, description = "Why there is no code"),
        ("iss" = Option<String>, Query, description = "Who says so (RFC 9207)"),
    ),
    responses(
        (status = 303, description = "To the page: `#login`, with the cookie of a session, or at the first login `#choose-nickname`"),
        (status = 403, description = "A page that says why nobody was let in", body = String, content_type = "text/html"),
        (status = 404, description = "A page that says that there is no such provider", body = String, content_type = "text/html"),
        (status = 503, description = "A page that says that the provider does not answer", body = String, content_type = "text/html"),
    )
)]
pub(super) async fn finish(
    context: Data<Context>,
    request: HttpRequest,
    provider: Path<String>,
    query: Query,
) -> HttpResponse {
    let answer = Answer {
        state: query.text("state"),
        code: query.text("code"),
        error: query.text("error"),
        iss: query.text("iss"),
    };
    let browser = cookies::LOGIN.shown(&request);
    match let_in(&context, &request, &provider, &answer, browser.as_deref()).await {
        Ok(response) => response,
        Err(fault) => {
            log::info!("login at provider {}: {fault}", provider.as_str());
            refused::page(&context, &provider, &fault)
        }
    }
}

async fn let_in(
    context: &Context,
    request: &HttpRequest,
    provider: &str,
    answer: &Answer<'_>,
    browser: Option<&str>,
) -> Result<HttpResponse, LoginFault> {
    let security = context.cookies.security(request);
    let mut response = HttpResponse::SeeOther();
    response.insert_header(cookies::LOGIN.take(security));
    match context.engine.finish_elsewhere(provider, answer, browser).await? {
        Finished::Known { user, return_to } => {
            let device = device(request).map_err(LoginFault::Own)?;
            let session = context.engine.welcome(&user, &device).await.map_err(LoginFault::Own)?;
            let token = session.refresh.text();
            response.append_header(context.cookies.give(request, &token));
            response.insert_header((header::LOCATION, format!("{return_to}#login")));
        }
        Finished::New { secret, return_to } => {
            response.append_header(cookies::REGISTRATION.give(&secret, security));
            response.insert_header((header::LOCATION, format!("{return_to}#choose-nickname")));
        }
    }
    Ok(response.finish())
}

/// Where a provider sends browsers back to.
fn callback(context: &Context, request: &HttpRequest, provider: &str) -> String {
    let connection = request.connection_info();
    let origin = match context.public_url.get() {
        Some(url) => url.to_owned(),
        None => format!("{}://{}", connection.scheme(), connection.host()),
    };
    format!("{origin}/api/auth/callback/{provider}")
}

/// What the list of sessions calls this browser.
fn device(request: &HttpRequest) -> Result<Device, Refusal> {
    let program = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Device::parse(program.unwrap_or_default())
}
