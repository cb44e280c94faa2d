//! Reads a request's body as a JSON object and hands out its fields.
//! What a field may say is decided by whoever parses it.

use std::time::Duration;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header,
    rt::time::timeout,
    web::{BytesMut, Data},
};
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde_json::{Map, Value};

use super::{Context, Problem, error::invalid};
use crate::domain::{Code, Refusal};

/// The body of a request: a JSON object of at most `server.request_bytes`.
pub(super) struct JsonObject(Map<String, Value>);

impl JsonObject {
    /// A field that must be there.
    ///
    /// # Errors
    /// `invalid` with the field when it is missing or no text.
    pub(super) fn text(&self, field: &'static str) -> Result<&str, Refusal> {
        self.optional_text(field)?.ok_or_else(|| invalid(field, "is missing"))
    }

    /// A field that may be missing or null.
    ///
    /// # Errors
    /// `invalid` with the field when it is something else than a text.
    pub(super) fn optional_text(&self, field: &'static str) -> Result<Option<&str>, Refusal> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(field, "must be a text")),
        }
    }

    /// A field that is true, false, missing or null, the last two of which mean false.
    ///
    /// # Errors
    /// `invalid` with the field when it is something else.
    pub(super) fn flag(&self, field: &'static str) -> Result<bool, Refusal> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(field, "must be true or false")),
        }
    }

    /// A whole number from `least` to `most` that may be missing or null.
    ///
    /// # Errors
    /// `invalid` with the field when it is something else.
    pub(super) fn optional_count(
        &self,
        field: &'static str,
        (least, most): (u32, u32),
    ) -> Result<Option<u32>, Refusal> {
        let found = match self.0.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        match found.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(invalid(field, &format!("must be a whole number from {least} to {most}"))),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(bytes).map(Self).map_err(|_| Code::Malformed.into())
    }
}

impl FromRequest for JsonObject {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let declared = declared_type(&request)?;
            let context = request.app_data::<Data<Context>>().ok_or(Code::Internal)?;
            let bytes = read(&request, payload, Bound::of(context)).await?;
            if declared == Declared::Nothing && !bytes.is_empty() {
                return Err(Code::UnsupportedMediaType.into());
            }
            Ok(Self::parse(&bytes)?)
        })
    }
}

/// The body of a request that may do without one.
pub(super) struct OptionalObject(pub JsonObject);

impl FromRequest for OptionalObject {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
            let length = request.headers().get(header::CONTENT_LENGTH).map(header::HeaderValue::as_bytes);
            if !is_chunked && length.is_none_or(|length| length == b"0") {
                return Ok(Self(JsonObject(Map::new())));
            }
            JsonObject::from_request(&request, &mut payload).await.map(Self)
        })
    }
}

/// What the client says the body is.
#[derive(PartialEq)]
enum Declared {
    Json,
    Nothing,
}

fn declared_type(request: &HttpRequest) -> Result<Declared, Refusal> {
    let Some(header) = request.headers().get(header::CONTENT_TYPE) else { return Ok(Declared::Nothing) };
    let text = header.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let structured = |subtype: &str| subtype.len() > "+json".len() && subtype.ends_with("+json");
    match essence.split_once('/') {
        Some(("application", "json")) => Ok(Declared::Json),
        Some((_, subtype)) if structured(subtype) => Ok(Declared::Json),
        _ => Err(Code::UnsupportedMediaType.into()),
    }
}

/// The length that a body is said to have.
pub(super) fn announced(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// How large a body may be, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    most: usize,
    longest: Duration,
}

impl Bound {
    /// That of a node.
    pub(super) fn of(context: &Context) -> Self {
        Self { most: context.request_bytes, longest: context.request_timeout }
    }
}

/// The bytes of a body.
///
/// # Errors
/// `too_large` above the bound, `malformed` when it breaks off or takes too long.
pub(super) async fn read(request: &HttpRequest, payload: Payload, bound: Bound) -> Result<BytesMut, Refusal> {
    let too_late = |_| Refusal::new(Code::Malformed).message("the body took too long to come");
    timeout(bound.longest, read_all(request, payload, bound.most)).await.map_err(too_late)?
}

async fn read_all(request: &HttpRequest, mut payload: Payload, most: usize) -> Result<BytesMut, Refusal> {
    if announced(request).is_some_and(|length| length > most as u64) {
        return Err(Code::TooLarge.into());
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::new(Code::Malformed).message("the body broke off"))?;
        if bytes.len() + chunk.len() > most {
            return Err(Code::TooLarge.into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn declared(content_type: &str) -> Result<Declared, Refusal> {
        let header = (header::CONTENT_TYPE, content_type);
        declared_type(&TestRequest::post().insert_header(header).to_http_request())
    }

    #[test]
    fn a_body_is_declared_as_json() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.chat+json"] {
            assert!(declared(good) == Ok(Declared::Json), "{good}");
        }
        for bad in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", "", "a/+json"]
        {
            assert!(declared(bad).is_err_and(|refusal| refusal.code == Code::UnsupportedMediaType), "{bad}");
        }
        assert!(declared_type(&TestRequest::post().to_http_request()) == Ok(Declared::Nothing));
    }

    #[test]
    fn only_an_object_is_well_formed() {
        for bad in ["", "[]", "\"text\"", "null", "{", "{\"a\":\"\u{0}\"}", "{} x"] {
            assert!(JsonObject::parse(bad.as_bytes()).is_err_and(|refusal| refusal.code == Code::Malformed));
        }
        assert!(JsonObject::parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_refusal_names_the_field() {
        let object = JsonObject::parse(br#"{"a":"text","b":7,"c":null,"else":[]}"#).unwrap();
        assert_eq!(object.text("a"), Ok("text"));
        assert_eq!(object.optional_text("c"), Ok(None));
        assert_eq!(object.optional_text("missing"), Ok(None));
        for field in ["b", "c", "missing"] {
            let refusal = object.text(field).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::Invalid, Some(field)));
        }
        assert!(object.optional_text("b").is_err());
        assert_eq!(object.optional_count("b", (1, 7)), Ok(Some(7)));
        assert_eq!(object.optional_count("c", (1, 7)), Ok(None));
        for (field, bounds) in [("a", (0, 9)), ("b", (8, 9)), ("else", (0, 9))] {
            assert_eq!(object.optional_count(field, bounds).unwrap_err().field, Some(field));
        }
    }

    #[actix_web::test]
    async fn a_body_is_bounded_whether_it_is_announced_or_not() {
        let request = TestRequest::post().to_http_request();
        let (_, payload) = TestRequest::post().set_payload("x".repeat(11)).to_http_parts();
        let bound = Bound { most: 10, longest: Duration::from_secs(60) };
        let refusal = read(&request, payload, bound).await.unwrap_err();
        assert_eq!(refusal.code, Code::TooLarge);
        let (_, payload) = TestRequest::post().set_payload("x".repeat(10)).to_http_parts();
        assert_eq!(read(&request, payload, bound).await.unwrap().len(), 10);
    }

    #[actix_web::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let request = TestRequest::post().to_http_request();
        let never = futures_util::stream::pending().boxed_local();
        let bound = Bound { most: 10, longest: Duration::from_millis(10) };
        let refusal = read(&request, Payload::Stream { payload: never }, bound).await.unwrap_err();
        assert_eq!(refusal.code, Code::Malformed);
    }
}
