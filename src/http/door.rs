//! In front of every route: who comes from where, how often they may, and how much they may bring.
//! A route that is added is behind it without a word; what a user may do is counted where they are known.

use std::{
    pin::Pin,
    task::{Context as Task, Poll},
};

use actix_web::{
    Error,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    middleware::Next,
    web::{Bytes, Data},
};

use super::{Context, Problem, body, client_address};
use crate::{
    actors::{Attempt, Entrance, Seat},
    domain::{Code, Refusal},
};

/// What operators ask, who are not counted: the node is well, however many ask otherwise.
const OF_OPERATORS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Where a POST makes somebody of a stranger, if it is answered with 201.
const ENTRANCES: [(&str, Entrance); 4] = [
    ("/api/users", Entrance::SignUp),
    ("/api/accounts", Entrance::SignUp),
    ("/api/auth/registration", Entrance::SignUp),
    ("/api/sessions", Entrance::LogIn),
];

/// Lets a request in, or refuses it.
pub(super) async fn keep<B: MessageBody + 'static>(
    context: Data<Context>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<Seated>>, Error> {
    let (seat, attempt) = match admit(&context, &request) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            return Ok(request.error_response(Problem::from(refusal)).map_into_right_body());
        }
    };
    let response = next.call(request).await?;
    if let Some(attempt) = attempt.filter(|attempt| !counts(attempt.at(), response.status())) {
        attempt.give_back();
    }
    let seated = response.map_body(|_, body| Seated { body: body.boxed(), _seat: seat });
    Ok(seated.map_into_left_body())
}

/// Whether an answer is one that the limit of its entrance counts.
fn counts(at: Entrance, status: StatusCode) -> bool {
    match at {
        Entrance::SignUp => status == StatusCode::CREATED,
        Entrance::LogIn => status == StatusCode::UNAUTHORIZED,
    }
}

type Admitted = (Option<Seat>, Option<Attempt>);

fn admit(context: &Context, request: &ServiceRequest) -> Result<Admitted, Refusal> {
    let from = client_address::find(request, &context.trusted_proxies);
    if OF_OPERATORS.contains(&request.path()) {
        return Ok((None, None));
    }
    let allowances = context.engine.allowances();
    let seat = allowances.enter(from)?;
    if body::announced(request.request()).is_some_and(|bytes| bytes > context.request_bytes as u64) {
        return Err(Code::TooLarge.into());
    }
    let entrance =
        ENTRANCES.iter().find(|(path, _)| request.method() == Method::POST && *path == request.path());
    Ok((seat, entrance.map(|(_, at)| allowances.attempt(*at, from)).transpose()?))
}

/// The body of an answer, which holds its seat until it has gone out: a socket or a stream for as long as it is open.
pub(super) struct Seated {
    body: BoxBody,
    _seat: Option<Seat>,
}

impl MessageBody for Seated {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(task)
    }
}
