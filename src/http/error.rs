//! Refusals as HTTP has them: the only place that makes a status from a code (RFC 9457).
//! Why something is refused is decided elsewhere.

use std::{fmt, time::Duration};

use actix_cors::CorsError;
use actix_web::{
    Error, HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use crate::{
    domain::{About, Code, Refusal},
    wire::problem,
};

/// A refusal on its way out as `application/problem+json`.
#[derive(Debug)]
pub struct Problem {
    refusal: Refusal,
    /// The methods that a path does know, where the method was wrong.
    allow: Option<String>,
}

impl Problem {
    /// The row of the table.
    pub fn code(&self) -> Code {
        self.refusal.code
    }

    /// The problem behind an error that the framework answered with a status; its words are kept where the
    /// client is at fault.
    pub(super) fn of_framework(error: &Error, status: StatusCode) -> Self {
        let code = match status {
            _ if error.as_error::<CorsError>().is_some() => Code::OriginNotAllowed,
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
            status if status.is_client_error() => Code::Malformed,
            _ => Code::Internal,
        };
        match code {
            Code::Internal => code.into(),
            _ => Refusal::new(code).message(error.to_string()).into(),
        }
    }
}

impl<R: Into<Refusal>> From<R> for Problem {
    fn from(refusal: R) -> Self {
        Self { refusal: refusal.into(), allow: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(self.refusal.code)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.refusal.code == Code::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(millis) = self.refusal.retry_after_ms {
            response.insert_header((header::RETRY_AFTER, whole_seconds(millis)));
        }
        for header in rate_headers(&self.refusal).into_iter().flatten() {
            response.insert_header(header);
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        response
            .content_type("application/problem+json")
            .json(problem::Problem::of(&self.refusal, self.status_code().as_u16()))
    }
}

/// Refuses a method that a path does not know; `allow` lists the ones that it does.
pub(super) async fn method_not_allowed(allow: String) -> Result<HttpResponse, Problem> {
    Err(Problem { refusal: Code::MethodNotAllowed.into(), allow: Some(allow) })
}

/// Refuses a path that nobody answers.
pub(super) async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Code::NotFound.into())
}

/// Refuses a field of a body, a query or a header, and says why after its name.
pub(super) fn invalid(field: &'static str, why: &str) -> Refusal {
    Refusal::new(Code::Invalid).field(field).message(format!("{field} {why}"))
}

pub(super) fn status(code: Code) -> StatusCode {
    match code {
        Code::Malformed | Code::UnknownType => StatusCode::BAD_REQUEST,
        Code::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Unauthenticated | Code::BadCredentials => StatusCode::UNAUTHORIZED,
        Code::NotAMember
        | Code::Forbidden
        | Code::OriginNotAllowed
        | Code::Muted
        | Code::Banned
        | Code::LoginFailed => StatusCode::FORBIDDEN,
        Code::NotFound
        | Code::RoomNotFound
        | Code::UserNotFound
        | Code::InvitationNotFound
        | Code::LoginNotFound => StatusCode::NOT_FOUND,
        Code::NicknameTaken
        | Code::RoomNameTaken
        | Code::AlreadyConnected
        | Code::LoginTaken
        | Code::RoomClosed => StatusCode::CONFLICT,
        Code::PositionLost => StatusCode::GONE,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::StorageUnavailable | Code::LogUnavailable | Code::Overloaded | Code::AuthUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Which limit was reached, and when it allows it again: the fields of draft-ietf-httpapi-ratelimit-headers-11.
fn rate_headers(refusal: &Refusal) -> Option<[(&'static str, String); 2]> {
    let Some(About::Rate { policy, rate }) = refusal.about.as_deref() else { return None };
    let (quota, window) = (rate.burst, rate.window().as_secs_f64().ceil());
    let wait = whole_seconds(refusal.retry_after_ms.unwrap_or_default());
    Some([
        ("RateLimit-Policy", format!("\"{policy}\";q={quota};w={window}")),
        ("RateLimit", format!("\"{policy}\";r=0;t={wait}")),
    ])
}

/// Whole seconds that are not earlier than the given milliseconds, as `Retry-After` has them.
fn whole_seconds(millis: u64) -> u64 {
    Duration::from_millis(millis.saturating_add(999)).as_secs()
}

#[cfg(test)]
mod tests {
    use actix_web::{
        body::to_bytes,
        error::{ErrorBadGateway, ErrorBadRequest},
        rt::System,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{self, About, Epoch};

    fn header<'a>(head: &'a HttpResponse<()>, name: &str) -> &'a str {
        head.headers().get(name).unwrap().to_str().unwrap()
    }

    fn answer(problem: impl Into<Problem>) -> (HttpResponse<()>, Value) {
        let (head, body) = problem.into().error_response().into_parts();
        let bytes = System::new().block_on(to_bytes(body)).unwrap();
        (head, serde_json::from_slice(&bytes).unwrap())
    }

    fn limited_by(policy: &'static str, rate: domain::Rate) -> Refusal {
        let mut limited = Refusal::new(Code::RateLimited);
        limited.retry_after_ms = Some(1200);
        limited.about(About::Rate { policy, rate })
    }

    #[test]
    fn a_refusal_becomes_a_problem_with_its_field() {
        let (head, body) = answer(Refusal::new(Code::Invalid).field("body").message("body is missing"));
        assert_eq!(header(&head, "content-type"), "application/problem+json");
        let expected = json!({
            "type": "urn:klatsch:problem:invalid", "title": Code::Invalid.sentence(), "status": 422,
            "detail": "body is missing", "code": "invalid", "field": "body", "retry": "no",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_refusal_says_how_to_go_on() {
        let (head, _) = answer(Code::Unauthenticated);
        assert_eq!(header(&head, "www-authenticate"), "Bearer");

        let mut limited = Refusal::new(Code::RateLimited);
        limited.retry_after_ms = Some(1200);
        let (head, body) = answer(limited);
        assert_eq!((head.status().as_u16(), header(&head, "retry-after")), (429, "2"));
        assert_eq!((&body["retry"], &body["retry_after_ms"]), (&json!("later"), &json!(1200)));

        let rate = domain::Rate::per_hour(1800, 500);
        limited = limited_by("address-sign-ups", rate);
        let (head, _) = answer(limited);
        assert_eq!(header(&head, "ratelimit-policy"), "\"address-sign-ups\";q=500;w=1000");
        assert_eq!(header(&head, "ratelimit"), "\"address-sign-ups\";r=0;t=2");

        let position = domain::Position { epoch: Epoch::new("e1"), seq: 5 };
        let lost = About::Lost { head: position, missing: domain::Missing { from: 1, to: 5 } };
        let (head, body) = answer(Refusal::new(Code::PositionLost).about(lost));
        assert_eq!(head.status(), StatusCode::GONE);
        assert_eq!(body["head"], json!({"epoch": "e1", "seq": 5}));
        assert_eq!(body["missing"], json!({"from": 1, "to": 5}));
    }

    #[test]
    fn what_the_framework_refuses_becomes_a_problem() {
        let (head, body) =
            answer(Problem::of_framework(&ErrorBadRequest("no upgrade"), StatusCode::BAD_REQUEST));
        assert_eq!((head.status().as_u16(), &body["detail"]), (400, &json!("no upgrade")));
        let (head, body) =
            answer(Problem::of_framework(&ErrorBadGateway("a secret"), StatusCode::BAD_GATEWAY));
        assert_eq!((head.status().as_u16(), &body["detail"]), (500, &json!(Code::Internal.sentence())));
    }

    #[test]
    fn every_code_has_the_status_of_its_class() {
        for &code in Code::ALL {
            assert_eq!(status(code).is_server_error(), matches!(code.number(), 501..), "{code:?}");
            assert!(status(code).is_client_error() || status(code).is_server_error(), "{code:?}");
        }
    }
}
