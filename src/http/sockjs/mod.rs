//! SockJS around any protocol: a service below a prefix, with every transport that browsers have (version 0.3.3).
//! Its frames are the business of `wire`, what is said in them is the protocol's.

mod frames;
mod handle;
mod headers;
mod pages;
mod receive;
mod send;
mod session;
mod sessions;
mod transport;
mod visit;

use std::{rc::Rc, sync::Arc};

use actix_web::{
    Error, HttpRequest, HttpResponse, Route,
    http::{Method, header},
    middleware::from_fn,
    web::{self, Data, Payload, ServiceConfig},
};

use super::{Context, door, error, framing::Framing, websocket};
use crate::{actors::Protocol, config::SockJsSettings};
pub use sessions::Sessions;

/// One service: what is spoken below one prefix.
pub(super) struct Service {
    prefix: Arc<str>,
    protocol: Rc<dyn Protocol>,
    settings: SockJsSettings,
}

/// Mounts a service: SockJS below `prefix`, and plain WebSockets at `prefix` itself and at `prefix/websocket`.
pub fn mount(
    config: &mut ServiceConfig,
    prefix: &str,
    protocol: Rc<dyn Protocol>,
    settings: &SockJsSettings,
) {
    let service = Service { prefix: prefix.into(), protocol, settings: settings.clone() };
    let scope = web::scope(prefix)
        .wrap(from_fn(door::keep))
        .wrap(from_fn(headers::share))
        .app_data(Data::new(service))
        .configure(pages)
        .configure(transports)
        .default_service(web::to(error::not_found));
    config.service(scope);
}

fn pages(config: &mut ServiceConfig) {
    resource(config, "", Method::GET, |route| route.to(root));
    resource(config, "/", Method::GET, |route| route.to(pages::greeting));
    resource(config, "/info", Method::GET, |route| route.to(pages::info));
    resource(config, "/iframe{version:[0-9a-z._-]*}.html", Method::GET, |route| route.to(pages::iframe));
    resource(config, "/websocket", Method::GET, |route| route.to(plain_socket));
}

fn transports(config: &mut ServiceConfig) {
    let mut at = |transport: &str, method, answer: fn(Route) -> Route| {
        // What the load balancer goes by, and the session's name; neither may look like the name of a file.
        let path = format!("/{{server:[^/.]{{1,128}}}}/{{session:[^/.]{{1,128}}}}/{transport}");
        resource(config, &path, method, answer);
    };
    at("websocket", Method::GET, |route| route.to(framed_socket));
    at("xhr", Method::POST, |route| route.to(receive::xhr));
    at("xhr_send", Method::POST, |route| route.to(send::xhr_send));
    at("xhr_streaming", Method::POST, |route| route.to(receive::xhr_streaming));
    at("eventsource", Method::GET, |route| route.to(receive::eventsource));
    at("htmlfile", Method::GET, |route| route.to(receive::htmlfile));
    at("jsonp", Method::GET, |route| route.to(receive::jsonp));
    at("jsonp_send", Method::POST, |route| route.to(send::jsonp_send));
}

/// A path that knows one method, and OPTIONS for browsers that ask before they call.
fn resource(config: &mut ServiceConfig, path: &str, method: Method, answer: fn(Route) -> Route) {
    let allow = format!("OPTIONS, {method}");
    let refuse = {
        let allow = allow.clone();
        move || {
            let refusal =
                HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allow.clone())).finish();
            async { refusal }
        }
    };
    let preflight = move |request: HttpRequest| {
        let answer = headers::preflight(&request, &allow);
        async { answer }
    };
    config.service(
        web::resource(path)
            .route(answer(web::method(method)))
            .route(web::method(Method::OPTIONS).to(preflight))
            .default_service(web::to(refuse)),
    );
}

/// The prefix itself: a greeting, or a socket for who asks for one.
async fn root(
    request: HttpRequest,
    payload: Payload,
    context: Data<Context>,
    service: Data<Service>,
) -> Result<HttpResponse, Error> {
    match request.headers().contains_key(header::UPGRADE) {
        true => plain_socket(request, payload, context, service).await,
        false => Ok(pages::greeting().await),
    }
}

async fn plain_socket(
    request: HttpRequest,
    payload: Payload,
    context: Data<Context>,
    service: Data<Service>,
) -> Result<HttpResponse, Error> {
    websocket::open(&request, payload, &context, Rc::clone(&service.protocol), Framing::Plain)
}

async fn framed_socket(
    request: HttpRequest,
    payload: Payload,
    context: Data<Context>,
    service: Data<Service>,
) -> Result<HttpResponse, Error> {
    if !service.settings.websocket {
        return Ok(error::not_found().await?);
    }
    let framing = Framing::SockJs { heartbeat_s: service.settings.heartbeat_s };
    websocket::open(&request, payload, &context, Rc::clone(&service.protocol), framing)
}
