//! The services that the public test suite of SockJS expects, around a protocol that says everything back.
//! No chat: `make sockjs-suite` runs the suite against it. Settings are those of a node, such as
//! KLATSCH__SERVER__LISTEN=127.0.0.1:8081.

use std::{env, rc::Rc, sync::Arc};

use actix_web::web::ServiceConfig;
use klatsch::{
    actors::{
        Conversation, Incoming, Line, Outbox, Pending, Progress, Protocol, SessionId, SessionState, ToRelay,
    },
    app,
    config::{AllowedOrigins, DatabaseUrl, Settings, SockJsSettings},
    domain::CloseCode,
    http::{Context, sockjs},
};

fn main() -> anyhow::Result<()> {
    let mut settings = Settings::load(None, env::vars())?;
    let folder = tempfile::tempdir()?;
    settings.database.url = DatabaseUrl::try_from(format!("sqlite://{}/echo.db", folder.path().display()))
        .map_err(anyhow::Error::msg)?;
    settings.server.allowed_origins = AllowedOrigins::Any;
    app::serve_beside(settings, services)
}

fn services(config: &mut ServiceConfig, context: &Context) {
    let outbox_bytes = context.socket.outbox_bytes;
    let echo: Rc<dyn Protocol> = Rc::new(Service { outbox_bytes, manner: Manner::Echo });
    let close: Rc<dyn Protocol> = Rc::new(Service { outbox_bytes, manner: Manner::Close });
    let usual = SockJsSettings { response_bytes: 4096, ..context.sockjs_settings.clone() };
    let without_websocket = SockJsSettings { websocket: false, ..usual.clone() };
    let with_cookie = SockJsSettings { cookie: true, ..usual.clone() };
    sockjs::mount(config, "/echo", Rc::clone(&echo), &usual);
    sockjs::mount(config, "/disabled_websocket_echo", Rc::clone(&echo), &without_websocket);
    sockjs::mount(config, "/cookie_needed_echo", echo, &with_cookie);
    sockjs::mount(config, "/close", close, &usual);
}

/// A protocol in which the server has nothing of its own to say.
struct Service {
    outbox_bytes: usize,
    manner: Manner,
}

/// What becomes of a session.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Everything is said back.
    Echo,
    /// It is closed at once.
    Close,
}

impl Protocol for Service {
    fn outbox(&self) -> Arc<Outbox> {
        Outbox::new(|_| None, self.outbox_bytes)
    }

    fn begin(&self, line: Line) -> Box<dyn Conversation> {
        let id = SessionId::next();
        line.pulse.connected();
        // So that the relay sees to signs of life, and ends the session with the node.
        line.relay.tell(ToRelay::Register(id, Arc::clone(&line.outbox), Some(Arc::clone(&line.pulse))));
        if self.manner == Manner::Close {
            line.outbox.close(CloseCode::GoAway, Pending::Flush);
        }
        Box::new(Echo { id, line })
    }
}

struct Echo {
    id: SessionId,
    line: Line,
}

impl Conversation for Echo {
    fn take(&mut self, message: Incoming<'_>) {
        match message {
            Incoming::Text(text) => self.line.outbox.push(text.into()),
            Incoming::Binary(bytes) => self.line.outbox.push_binary(bytes.to_vec().into()),
        };
    }

    fn wants_more(&self) -> bool {
        self.line.outbox.bytes() <= self.line.outbox.replay_budget()
    }

    fn advance(&mut self) {}

    fn progress(&mut self, _: Progress) {}

    fn close(&mut self) {
        self.line.outbox.abandon();
        self.line.relay.tell(ToRelay::Unregister(self.id));
    }

    fn observe(&self) -> SessionState {
        SessionState::default()
    }
}
