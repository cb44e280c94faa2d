//! Headers on every answer that keep a browser from doing with it what it is not for.
//! An answer that needs another policy brings its own; what is in those is the business of `policy`.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};

use super::{Context, policy};
use crate::config::TlsSettings;

/// What a page may not ask a device for, framed or not: a chat needs none of it.
const NO_DEVICES: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
    magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// What an answer has unless it says otherwise.
const DEFAULTS: [(HeaderName, &str); 8] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, policy::NOTHING),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::PERMISSIONS_POLICY, NO_DEVICES),
    (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Around every request: completes the headers of its answer.
pub(super) async fn harden<B: MessageBody>(
    context: Data<Context>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    complete(response.headers_mut());
    if let Some(strict) = &context.strict_transport {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, strict.clone());
    }
    Ok(response)
}

fn complete(headers: &mut HeaderMap) {
    // A browser that knows the newer word goes by that; the older one knows no exceptions.
    let is_framed = headers.get(header::CONTENT_SECURITY_POLICY).is_some_and(is_for_frames);
    for (name, value) in DEFAULTS {
        let is_wanted = name != header::X_FRAME_OPTIONS || !is_framed;
        if is_wanted && !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

fn is_for_frames(policy: &HeaderValue) -> bool {
    policy.to_str().is_ok_and(|policy| !policy.contains("frame-ancestors 'none'"))
}

/// What browsers are told of coming back by TLS alone; nothing where a node does not speak it, or need not insist.
pub(super) fn strict_transport(tls: &TlsSettings) -> Option<HeaderValue> {
    tls.pair().filter(|_| tls.hsts_s > 0)?;
    HeaderValue::try_from(format!("max-age={}", tls.hsts_s)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(own: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in own {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        complete(&mut headers);
        headers
    }

    #[test]
    fn an_answer_that_says_nothing_may_do_nothing() {
        let headers = completed(&[]);
        for (name, value) in DEFAULTS {
            assert_eq!(headers.get(&name).unwrap(), value);
        }
    }

    #[test]
    fn an_answer_keeps_what_it_says_and_may_be_framed_if_it_says_so() {
        let own = "default-src 'none'; frame-ancestors 'self'";
        let headers =
            completed(&[(header::CONTENT_SECURITY_POLICY, own), (header::CACHE_CONTROL, "no-cache")]);
        assert_eq!(headers.get(header::CONTENT_SECURITY_POLICY).unwrap(), own);
        assert_eq!(headers.get(header::CACHE_CONTROL).unwrap(), "no-cache");
        assert!(!headers.contains_key(header::X_FRAME_OPTIONS));
        let headers = completed(&[(header::CONTENT_SECURITY_POLICY, policy::PAGE)]);
        assert_eq!(headers.get(header::X_FRAME_OPTIONS).unwrap(), "DENY");
    }

    #[test]
    fn only_who_speaks_tls_insists_on_it() {
        let tls = |file: &str, hsts_s| TlsSettings { cert: file.into(), key: file.into(), hsts_s };
        assert_eq!(strict_transport(&tls("a.pem", 3600)).unwrap(), "max-age=3600");
        assert!(strict_transport(&tls("", 3600)).is_none() && strict_transport(&tls("a.pem", 0)).is_none());
    }
}
