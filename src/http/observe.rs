//! Around every request: counts what was answered and what was refused, and writes the access log.
//! It changes nothing on the way but what the framework itself refused, which becomes a problem too.

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::Data,
};

use super::{Context, Problem};
use crate::{domain::Code, telemetry::Stopwatch};

/// Counts and logs a request. `klatsch::http::observe=debug` shows every one, at the moment its headers are ready.
pub(super) async fn observe<B: MessageBody>(
    context: Data<Context>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let since = Stopwatch::start();
    let response = with_problem(next.call(request).await?);
    let (request, status) = (response.request(), response.status().as_u16());
    let metrics = context.engine.metrics();
    // The pattern, never the path, and only methods that are known: what people write must not make series.
    let route = request.match_pattern().unwrap_or_else(|| "other".to_owned());
    metrics.http_answered(&route, known(request.method()), status);
    if let Some(problem) = response.response().error().and_then(|error| error.as_error::<Problem>()) {
        metrics.refused(problem.code().name());
        if problem.code() == Code::Internal {
            log::error!("{} {}: {problem}", request.method(), request.path());
        }
    }
    log::debug!("{} {} {status} {:.6} s", request.method(), request.path(), since.seconds());
    Ok(response)
}

/// The answer, in which every error is a problem.
fn with_problem<B>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    match response.response().error() {
        Some(error) if error.as_error::<Problem>().is_none() => {
            let problem = Problem::of_framework(error, response.status());
            ServiceResponse::from_err(problem, response.into_parts().0).map_into_right_body()
        }
        _ => response.map_into_left_body(),
    }
}

fn known(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "other",
    }
}
