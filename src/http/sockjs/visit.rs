//! One request to a session: of which service and node, and under which name.
//! What it wants is decided by its transport.

use std::{future::Ready, future::ready, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder,
    dev::Payload,
    http::StatusCode,
    web::{Data, Query},
};
use std::collections::HashMap;

use super::{
    Service,
    handle::{Handle, Receiver},
    headers,
    session::Session,
    sessions::Key,
    transport::{Callback, NoCallback},
};
use crate::{
    domain::{Code, Refusal},
    http::{Context, Problem, client_address},
    wire::sockjs::Goodbye,
};

/// One request to a session.
pub(super) struct Visit {
    pub(super) request: HttpRequest,
    pub(super) context: Data<Context>,
    pub(super) service: Data<Service>,
    key: Key,
}

impl Visit {
    /// Receives the session, which begins if there is none of that name; or what to say instead.
    ///
    /// # Errors
    /// `overloaded` when there are too many.
    pub(super) fn receive(&self) -> Result<Result<Receiver, Goodbye>, Refusal> {
        let from = client_address::of(&self.request);
        let begin = || Session::begin(&self.context, &self.service, self.key.clone(), from);
        let most = self.service.settings.sessions;
        Ok(self.context.sockjs.find_or_begin(&self.key, most, begin)?.receive())
    }

    /// The session.
    ///
    /// # Errors
    /// `not_found` when there is none of that name on this node.
    pub(super) fn session(&self) -> Result<Arc<Handle>, Refusal> {
        let missing = || Refusal::new(Code::NotFound).message("there is no such session on this node");
        self.context.sockjs.find(&self.key).ok_or_else(missing)
    }

    /// The function that the client wants to be called.
    ///
    /// # Errors
    /// Where it names none, or something that is no name.
    pub(super) fn callback(&self) -> Result<Callback, NoCallback> {
        let query = Query::<HashMap<String, String>>::from_query(self.request.query_string());
        let mut query = query.map(Query::into_inner).unwrap_or_default();
        Callback::parse(query.remove("c").or_else(|| query.remove("callback")))
    }

    /// An answer with the headers that all answers of sessions have.
    pub(super) fn answer(&self, status: StatusCode, content_type: &str) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        headers::fresh(&mut response).content_type(content_type);
        if self.service.settings.cookie {
            response.insert_header(headers::cookie(&self.request));
        }
        response
    }

    /// What the protocol has for requests that cannot be read.
    pub(super) fn fault(&self, sentence: &'static str) -> HttpResponse {
        self.answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=UTF-8").body(sentence)
    }
}

impl FromRequest for Visit {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let visit = || {
            let context = request.app_data::<Data<Context>>().ok_or(Code::Internal)?.clone();
            let service = request.app_data::<Data<Service>>().ok_or(Code::Internal)?.clone();
            let session = request.match_info().get("session").ok_or(Code::Internal)?.to_owned();
            let key = Key { prefix: Arc::clone(&service.prefix), session };
            Ok(Self { request: request.clone(), context, service, key })
        };
        ready(visit().map_err(|code: Code| code.into()))
    }
}
