//! `/.well-known/jwks.json`: the public keys with which others can check access tokens.
//! Keys are made in `auth`; what signs never leaves it.

use actix_web::{HttpResponse, http::header, web::Data};
use data_encoding::BASE64URL_NOPAD;

use super::session_schema::{Key, Keys};
use crate::http::{Context, Problem};

/// Lists the keys that sign access tokens, will sign them soon, or did so lately.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "sessions",
    operation_id = "listKeys",
    responses(
        (status = 200, description = "A key set (RFC 7517)", body = Keys),
        (status = 503, description = "`storage_unavailable`"),
    )
)]
pub(in crate::http) async fn list(context: Data<Context>) -> Result<HttpResponse, Problem> {
    let keys = context.engine.public_keys().await?;
    let shown = keys.into_iter().map(|public| Key {
        kid: public.id,
        kty: "OKP",
        crv: "Ed25519",
        x: BASE64URL_NOPAD.encode(&public.key),
        purpose: "sig",
        alg: "EdDSA",
    });
    let cached = (header::CACHE_CONTROL, "public, max-age=300");
    Ok(HttpResponse::Ok().insert_header(cached).json(Keys { keys: shown.collect() }))
}
