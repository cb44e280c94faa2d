//! Who a request comes from, by its bearer token.
//! What they may do is decided by rooms.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Data};
use futures_util::future::LocalBoxFuture;

use super::{Context, Problem};
use crate::{
    auth::Token,
    domain::{Code, Identity, Refusal, Viewer},
};

/// Whose token came with the request; without a good one the request is refused as `unauthenticated`.
pub(super) struct Caller(pub Identity);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = bearer(request);
        let context = request.app_data::<Data<Context>>().cloned();
        Box::pin(async move {
            let context = context.ok_or(Code::Internal)?;
            Ok(Self(context.engine.authenticate(&token?).await?))
        })
    }
}

/// Who looks: whose token came with the request, or nobody in particular where none did. One that is not good is refused
/// as `unauthenticated`.
pub(super) struct Visitor(pub Viewer);

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return Box::pin(std::future::ready(Ok(Self(Viewer::STRANGER))));
        }
        let caller = Caller::from_request(request, payload);
        Box::pin(async move { caller.await.map(|Caller(identity)| Self(Viewer::of(Some(&identity)))) })
    }
}

fn bearer(request: &HttpRequest) -> Result<Token, Refusal> {
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
