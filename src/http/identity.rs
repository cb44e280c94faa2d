//! Who a request comes from, by its bearer token.
//! What they may do is decided by rooms.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Data};
use futures_util::future::LocalBoxFuture;

use super::{Context, Problem, body};
use crate::{
    auth::Token,
    domain::{Code, Identity, Refusal, Viewer},
};

/// Whose token came with the request; without a good one the request is refused as `unauthenticated`, and as
/// `rate_limited` where they ask too often.
pub(super) struct Caller(pub Identity);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = bearer(request);
        let bytes = body::announced(request).unwrap_or_default();
        let context = request.app_data::<Data<Context>>().cloned();
        Box::pin(async move {
            let context = context.ok_or(Code::Internal)?;
            let identity = context.engine.authenticate(&token?).await?;
            context.engine.allowances().command(&identity.user.id, bytes)?;
            Ok(Self(identity))
        })
    }
}

/// Whose token came with the request, if one came; a bad one is refused all the same.
pub(super) struct PerhapsCaller(pub Option<Identity>);

impl FromRequest for PerhapsCaller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return Box::pin(async { Ok(Self(None)) });
        }
        let caller = Caller::from_request(request, payload);
        Box::pin(async { Ok(Self(Some(caller.await?.0))) })
    }
}

/// Who looks: whose token came with the request, or nobody in particular where none did.
pub(super) struct Visitor(pub Viewer);

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = PerhapsCaller::from_request(request, payload);
        Box::pin(async { caller.await.map(|PerhapsCaller(identity)| Self(Viewer::of(identity.as_ref()))) })
    }
}

/// The bearer token of a request.
///
/// # Errors
/// `unauthenticated` where there is none.
pub(super) fn bearer(request: &HttpRequest) -> Result<Token, Refusal> {
    let header = request.headers().get(header::AUTHORIZATION).ok_or(Code::Unauthenticated)?;
    let credentials = header.to_str().ok().and_then(|text| text.trim().split_once(' '));
    match credentials {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Token::shown(token.trim())),
        _ => {
            Err(Refusal::new(Code::Unauthenticated)
                .message("the header must be: Authorization: Bearer <token>"))
        }
    }
}
