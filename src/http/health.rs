//! For who runs a node: is it alive, can it serve, what does it count.
//! Nothing is measured here.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, Problem};
use crate::domain::Code;

/// Whether a node is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Why it cannot serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reasons: Option<Vec<&'static str>>,
}

/// Tells that the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    operation_id = "isAlive",
    responses((status = 200, description = "It is alive", body = Health))
)]
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok", reasons: None })
}

/// Tells whether the node can serve.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    operation_id = "isReady",
    responses(
        (status = 200, description = "It can", body = Health),
        (status = 503, description = "It cannot, and why", body = Health),
    )
)]
pub(super) async fn ready(context: Data<Context>) -> HttpResponse {
    let reasons = context.engine.readiness().await;
    let (status, word) = match reasons.is_empty() {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    HttpResponse::build(status).json(Health { status: word, reasons: Some(reasons) })
}

/// Shows everything that is counted, in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    operation_id = "showMetrics",
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
        (status = 404, description = "`not_found`: the node is set not to show them"),
    )
)]
pub(super) async fn metrics(context: Data<Context>) -> Result<HttpResponse, Problem> {
    if !context.show_metrics {
        return Err(Code::NotFound.into());
    }
    let metrics = context.engine.metrics();
    if let Some(view) = context.engine.observe().await {
        let waiting: usize = view.relays.iter().map(|relay| relay.outbox_bytes).sum();
        metrics.outbox_bytes.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render()))
}
