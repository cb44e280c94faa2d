//! The headers that browsers go by: who may call, with cookies where the page asks so, and what may be kept.
//! Here an origin is named and never a star, for a star forbids the cookies that load balancers go by.

use actix_web::{
    Error, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};

use crate::{
    domain::Code,
    http::{Context, Problem, origin, policy},
};

/// Seconds of a year.
const YEAR: u32 = 31_536_000;

/// For those who know no age; the others do not look at it.
const FAR_AWAY: &str = "Thu, 31 Dec 2099 23:59:59 GMT";

const COOKIE: &str = "JSESSIONID=";

/// Around every request of a service: refuses pages that may not call, and says to the others that they may.
pub(super) async fn share<B: MessageBody>(
    context: Data<Context>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if !origin::allowed(request.request(), &context.allowed_origins) {
        let refusal = Problem::from(Code::OriginNotAllowed);
        return Ok(request.error_response(refusal).map_into_boxed_body().map_into_right_body());
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.call(request).await?;
    allow(response.headers_mut(), origin);
    let framed = policy::framed(&context.allowed_origins);
    let headers = response.headers_mut();
    if let (false, Ok(framed)) = (headers.contains_key(header::CONTENT_SECURITY_POLICY), framed.try_into()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, framed);
    }
    // Scripts of pages elsewhere load what JSONP answers.
    headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    Ok(response.map_into_left_body())
}

fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if origin.is_some() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    let origin = origin.unwrap_or_else(|| HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
}

/// What a browser is told that asks before it calls.
pub(super) fn preflight(request: &HttpRequest, methods: &str) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    cached(&mut response)
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, YEAR))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods));
    let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) {
        response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, wanted));
    }
    response.finish()
}

/// An answer that may be kept for a year.
pub(super) fn cached(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={}", YEAR)))
        .insert_header((header::EXPIRES, FAR_AWAY))
}

/// An answer that nothing on the way may keep or change.
pub(super) fn fresh(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    let never = "no-store, no-cache, no-transform, must-revalidate, max-age=0";
    response
        .insert_header((header::CACHE_CONTROL, never))
        // Asks a proxy in front to hand each frame on at once.
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
}

/// The cookie that a load balancer goes by: the one that it made of it, or a new one.
pub(super) fn cookie(request: &HttpRequest) -> (HeaderName, String) {
    let cookies = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).map(str::trim);
    let value = pairs.find_map(|pair| pair.strip_prefix(COOKIE)).unwrap_or("dummy");
    (header::SET_COOKIE, format!("{COOKIE}{value}; path=/"))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn set_for(cookies: &str) -> String {
        cookie(&TestRequest::get().insert_header((header::COOKIE, cookies)).to_http_request()).1
    }

    #[test]
    fn a_load_balancers_cookie_is_kept() {
        assert_eq!(set_for("a=b; JSESSIONID=x.node-2;c=d"), "JSESSIONID=x.node-2; path=/");
        assert_eq!(set_for("XJSESSIONID=x"), "JSESSIONID=dummy; path=/");
    }

    #[test]
    fn a_page_is_named_and_a_program_is_not() {
        let mut headers = HeaderMap::new();
        allow(&mut headers, Some(HeaderValue::from_static("null")));
        assert_eq!(headers.get("access-control-allow-origin").unwrap(), "null");
        assert_eq!(headers.get("access-control-allow-credentials").unwrap(), "true");
        let mut headers = HeaderMap::new();
        allow(&mut headers, None);
        assert_eq!(headers.get("access-control-allow-origin").unwrap(), "*");
        assert!(!headers.contains_key("access-control-allow-credentials"));
    }
}
