//! The sockets: which protocol is spoken at which path.
//! How a socket is carried is in `websocket`, what is said in it is the protocol's business.

use std::rc::Rc;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    web::{Data, Payload},
};

use super::{Context, framing::Framing, websocket};

/// JSON objects, one a message.
pub(super) async fn native(
    request: HttpRequest,
    payload: Payload,
    context: Data<Context>,
) -> Result<HttpResponse, Error> {
    let protocol = Rc::clone(&context.native);
    websocket::open(&request, payload, &context, protocol, Framing::Plain)
}
