//! HTTP: every route on one page, and what its handlers share.
//! No rule of chat is decided here; handlers read a request, ask the engine and write its answer.

mod api;
mod asyncapi;
mod body;
mod client_address;
mod cookie;
mod door;
mod error;
mod fragments;
mod frame_lengths;
mod framing;
mod gate;
mod hardening;
mod health;
mod hub;
mod identity;
mod login;
mod observe;
mod openapi;
mod origin;
mod page;
mod policy;
mod polling;
mod query;
mod reader;
mod room_path;
mod sockets;
pub mod sockjs;
mod sse;
mod stomp;
mod websocket;

use std::{rc::Rc, time::Duration};

use actix_web::{
    App, Error, Route,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::{Method, header::HeaderValue},
    middleware::from_fn,
    web::{self, ServiceConfig},
};

pub use error::Problem;

use crate::{
    actors::{Engine, Native, Protocol, RelayHandle, Stomp},
    config::{AllowedOrigins, PublicUrl, Role, Settings, SockJsSettings, SocketSettings, TrustedProxies},
};
use api::{
    accounts, admin, availability, direct, invitations, keys, members, messages, mine, moderation, rooms,
    sessions, users,
};

/// Mounts what is served beside the API, with rules of its own about who may call.
pub type Services = fn(&mut ServiceConfig, &Context);

/// What the handlers of one worker share.
pub struct Context {
    /// The node.
    pub engine: Engine,
    /// The relay of this worker.
    pub relay: RelayHandle,
    /// Whose pages may call.
    pub allowed_origins: AllowedOrigins,
    /// From whom it is believed where a request came from.
    pub trusted_proxies: TrustedProxies,
    /// The bounds of one connection.
    pub socket: SocketSettings,
    /// How SockJS is served.
    pub sockjs_settings: SockJsSettings,
    /// The SockJS sessions of the node.
    pub sockjs: sockjs::Sessions,
    /// The rooms that are polled on this worker.
    hubs: hub::Hubs,
    /// Largest body of a request, in bytes.
    pub request_bytes: usize,
    /// How long a body may take to come.
    pub request_timeout: Duration,
    /// Most entries of one answer.
    pub page_max: u32,
    /// Where browsers find this service, for providers.
    public_url: PublicUrl,
    /// How the cookie of a session is given.
    cookies: cookie::Cookies,
    /// Whether `/metrics` answers.
    pub show_metrics: bool,
    /// What browsers are told of coming back by TLS alone.
    strict_transport: Option<HeaderValue>,
    /// What is spoken on the native socket.
    native: Rc<dyn Protocol>,
    /// What is spoken at `/ws`.
    stomp: Rc<dyn Protocol>,
    /// Mounts what this node serves.
    routes: fn(&mut ServiceConfig),
    /// Mounts what stands beside that.
    services: Services,
}

impl Context {
    /// What a worker needs; starts the relay of the current thread.
    pub fn new(engine: Engine, settings: &Settings, sockjs: sockjs::Sessions, services: Services) -> Self {
        let is_gateway = settings.node.roles.has(Role::Gateway);
        let native = Native {
            engine: engine.clone(),
            outbox_bytes: settings.socket.outbox_bytes,
            in_flight: settings.socket.in_flight,
            heartbeat_s: settings.socket.heartbeat_s,
        };
        Self {
            relay: engine.start_relay(),
            native: Rc::new(native),
            stomp: Rc::new(Stomp::new(engine.clone(), stomp::options(settings))),
            engine,
            allowed_origins: settings.server.allowed_origins.clone(),
            trusted_proxies: settings.server.trusted_proxies.clone(),
            socket: settings.socket.clone(),
            sockjs_settings: settings.sockjs.clone(),
            sockjs,
            hubs: hub::Hubs::default(),
            request_bytes: settings.server.request_bytes,
            request_timeout: settings.server.request_timeout(),
            page_max: u32::try_from(settings.limits.history_page).unwrap_or(u32::MAX),
            public_url: settings.auth.public_url.clone(),
            cookies: cookie::Cookies::new(&settings.auth),
            show_metrics: settings.telemetry.metrics,
            strict_transport: hardening::strict_transport(&settings.tls),
            routes: if is_gateway { routes } else { operation },
            services: if is_gateway { services } else { |_, _| {} },
        }
    }
}

/// How a path is called.
#[derive(Clone, Copy)]
enum Verb {
    /// GET, and HEAD for who wants only the headers.
    Read,
    /// GET of something that does not end by itself.
    Follow,
    Create,
    Put,
    Change,
    Delete,
}

impl Verb {
    fn methods(self) -> &'static [Method] {
        match self {
            Self::Read => &[Method::GET, Method::HEAD],
            Self::Follow => &[Method::GET],
            Self::Create => &[Method::POST],
            Self::Put => &[Method::PUT],
            Self::Change => &[Method::PATCH],
            Self::Delete => &[Method::DELETE],
        }
    }
}

/// Hands a route to a handler.
type Answer = fn(Route) -> Route;

/// A path and who answers which call of it.
struct Endpoint(&'static str, &'static [(Verb, Answer)]);

/// Every path of a gateway; whatever else is asked for is the page's business.
const ENDPOINTS: &[Endpoint] = &[
    Endpoint("/api/users", &[(Verb::Create, |route| route.to(users::register))]),
    Endpoint(
        "/api/users/me",
        &[(Verb::Read, |route| route.to(users::me)), (Verb::Change, |route| route.to(users::rename))],
    ),
    Endpoint("/api/users/me/password", &[(Verb::Put, |route| route.to(users::change_password))]),
    Endpoint(
        "/api/users/{id}/ban",
        &[(Verb::Put, |route| route.to(admin::ban)), (Verb::Delete, |route| route.to(admin::unban))],
    ),
    Endpoint("/api/users/{id}/role", &[(Verb::Put, |route| route.to(admin::set_role))]),
    Endpoint("/api/accounts", &[(Verb::Create, |route| route.to(accounts::create))]),
    Endpoint(
        "/api/sessions",
        &[(Verb::Read, |route| route.to(sessions::list)), (Verb::Create, |route| route.to(sessions::begin))],
    ),
    Endpoint("/api/sessions/refresh", &[(Verb::Create, |route| route.to(sessions::refresh))]),
    Endpoint("/api/sessions/current", &[(Verb::Delete, |route| route.to(sessions::end_current))]),
    Endpoint("/api/sessions/{id}", &[(Verb::Delete, |route| route.to(sessions::end))]),
    Endpoint("/api/availability", &[(Verb::Read, |route| route.to(availability::show))]),
    Endpoint("/api/auth/providers", &[(Verb::Read, |route| route.to(login::list))]),
    Endpoint("/api/auth/login/{provider}", &[(Verb::Follow, |route| route.to(login::begin))]),
    Endpoint("/api/auth/callback/{provider}", &[(Verb::Follow, |route| route.to(login::finish))]),
    Endpoint(
        "/api/auth/registration",
        &[
            (Verb::Read, |route| route.to(login::registration::show)),
            (Verb::Create, |route| route.to(login::registration::take)),
        ],
    ),
    Endpoint("/.well-known/jwks.json", &[(Verb::Read, |route| route.to(keys::list))]),
    Endpoint(
        "/api/rooms",
        &[(Verb::Read, |route| route.to(rooms::list)), (Verb::Create, |route| route.to(rooms::create))],
    ),
    Endpoint("/api/users/me/rooms", &[(Verb::Read, |route| route.to(mine::rooms))]),
    Endpoint("/api/users/me/invitations", &[(Verb::Read, |route| route.to(mine::invitations))]),
    Endpoint("/api/direct", &[(Verb::Create, |route| route.to(direct::open))]),
    Endpoint("/api/invitations", &[(Verb::Create, |route| route.to(invitations::accept))]),
    Endpoint(
        "/api/rooms/{id}",
        &[(Verb::Read, |route| route.to(rooms::show)), (Verb::Delete, |route| route.to(rooms::close))],
    ),
    Endpoint("/api/rooms/{id}/members", &[(Verb::Read, |route| route.to(members::list))]),
    Endpoint(
        "/api/rooms/{id}/members/me",
        &[
            (Verb::Read, |route| route.to(members::show_me)),
            (Verb::Put, |route| route.to(members::join)),
            (Verb::Delete, |route| route.to(members::leave)),
        ],
    ),
    Endpoint(
        "/api/rooms/{id}/members/{user}",
        &[(Verb::Read, |route| route.to(members::show)), (Verb::Delete, |route| route.to(members::kick))],
    ),
    Endpoint("/api/rooms/{id}/members/{user}/role", &[(Verb::Put, |route| route.to(members::set_role))]),
    Endpoint("/api/rooms/{id}/mutes", &[(Verb::Read, |route| route.to(moderation::mutes))]),
    Endpoint(
        "/api/rooms/{id}/mutes/{user}",
        &[
            (Verb::Put, |route| route.to(moderation::mute)),
            (Verb::Delete, |route| route.to(moderation::unmute)),
        ],
    ),
    Endpoint("/api/rooms/{id}/bans", &[(Verb::Read, |route| route.to(moderation::bans))]),
    Endpoint(
        "/api/rooms/{id}/bans/{user}",
        &[
            (Verb::Put, |route| route.to(moderation::ban)),
            (Verb::Delete, |route| route.to(moderation::unban)),
        ],
    ),
    Endpoint(
        "/api/rooms/{id}/invitations/{nickname}",
        &[
            (Verb::Put, |route| route.to(invitations::invite)),
            (Verb::Delete, |route| route.to(invitations::uninvite)),
        ],
    ),
    Endpoint(
        "/api/rooms/{id}/invitation-links",
        &[
            (Verb::Read, |route| route.to(invitations::links)),
            (Verb::Create, |route| route.to(invitations::create_link)),
        ],
    ),
    Endpoint(
        "/api/rooms/{id}/invitation-links/{link}",
        &[(Verb::Delete, |route| route.to(invitations::remove_link))],
    ),
    Endpoint(
        "/api/rooms/{id}/messages",
        &[(Verb::Read, |route| route.to(messages::list)), (Verb::Create, |route| route.to(messages::send))],
    ),
    Endpoint("/api/rooms/{id}/events", &[(Verb::Follow, |route| route.to(sse::events))]),
    Endpoint("/api/socket", &[(Verb::Follow, |route| route.to(sockets::native))]),
    Endpoint("/api/openapi.json", &[(Verb::Read, |route| route.to(openapi::document))]),
    Endpoint("/api/asyncapi.json", &[(Verb::Read, |route| route.to(asyncapi::document))]),
    Endpoint("/api/docs", &[(Verb::Read, |route| route.to(page::docs))]),
    Endpoint("/", &[(Verb::Read, |route| route.to(page::index))]),
];

/// What every node answers, whatever its roles.
const OPERATION: &[Endpoint] = &[
    Endpoint("/healthz", &[(Verb::Read, |route| route.to(health::alive))]),
    Endpoint("/readyz", &[(Verb::Read, |route| route.to(health::ready))]),
    Endpoint("/metrics", &[(Verb::Read, |route| route.to(health::metrics))]),
];

/// Mounts every route of a gateway.
pub fn routes(config: &mut ServiceConfig) {
    mount(config, OPERATION);
    mount(config, ENDPOINTS);
    config.default_service(web::to(page::other));
}

/// Mounts the routes of a node that serves no clients.
fn operation(config: &mut ServiceConfig) {
    mount(config, OPERATION);
    config.default_service(web::to(error::not_found));
}

fn mount(config: &mut ServiceConfig, endpoints: &[Endpoint]) {
    for Endpoint(path, calls) in endpoints {
        let methods = || calls.iter().flat_map(|(verb, _)| verb.methods());
        let allow = methods().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let mut resource = web::resource(*path);
        for (verb, answer) in *calls {
            for method in verb.methods() {
                resource = resource.route(answer(web::method(method.clone())));
            }
        }
        config.service(resource.default_service(web::to(move || error::method_not_allowed(allow.clone()))));
    }
}

/// What a node serves beside the API: STOMP on sockets and on SockJS, and SockJS for the native protocol too.
pub fn services(config: &mut ServiceConfig, context: &Context) {
    sockjs::mount(config, "/ws", Rc::clone(&context.stomp), &context.sockjs_settings);
    sockjs::mount(config, "/api/sockjs", Rc::clone(&context.native), &context.sockjs_settings);
}

/// The application of one worker: the routes, and what stands around all of them.
pub fn app(
    context: web::Data<Context>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .wrap(from_fn(observe::observe))
        .wrap(from_fn(hardening::harden))
        .configure(|config| (context.services)(config, &context))
        .service(
            web::scope("")
                .wrap(from_fn(door::keep))
                // Around the door, for a page is to see why it was refused.
                .wrap(origin::cors(&context.allowed_origins))
                .configure(context.routes),
        )
        .app_data(context)
}
