//! Reads a query string's parameters; what is not asked for is ignored.
//! What they select is decided by the handlers.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};

use super::error::invalid;
use crate::domain::{PositionText, Refusal};

/// Entries of an answer where nothing else is asked for.
const DEFAULT_LIMIT: u32 = 50;

/// The longest that an answer is held, in seconds.
const LONGEST_WAIT: f64 = 60.0;

/// The parameters of a request, decoded.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// A parameter as it was written; the first one where it comes more than once.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `limit`: how many entries are wanted, 50 where nothing is said, at most `most`.
    ///
    /// # Errors
    /// `invalid`, field `limit`, when it is not a positive whole number.
    pub(super) fn limit(&self, most: u32) -> Result<u32, Refusal> {
        let Some(text) = self.text("limit") else { return Ok(DEFAULT_LIMIT.min(most)) };
        if !is_whole(text) || text.bytes().all(|digit| digit == b'0') {
            return Err(invalid("limit", "must be a positive whole number"));
        }
        // A number too large to be read is more than enough.
        Ok(text.parse().unwrap_or(most).min(most))
    }

    /// `after` as the cursor that an earlier answer gave in `next`.
    ///
    /// # Errors
    /// `invalid`, field `after`, when no answer can have given it.
    pub(super) fn cursor(&self) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text("after") else { return Ok(None) };
        let number = if is_whole(text) { text.parse().ok() } else { None };
        number.map(Some).ok_or_else(|| invalid("after", "must be a cursor that `next` gave"))
    }

    /// A parameter that is a position.
    ///
    /// # Errors
    /// `invalid` with the field when it is not one.
    pub(super) fn position(&self, field: &'static str) -> Result<Option<PositionText>, Refusal> {
        self.text(field).map(|text| PositionText::parse(text, field)).transpose()
    }

    /// `wait`: how long an answer may be held, at most 60 seconds.
    ///
    /// # Errors
    /// `invalid`, field `wait`, when it is not a number of seconds.
    pub(super) fn wait(&self) -> Result<Option<Duration>, Refusal> {
        let Some(text) = self.text("wait") else { return Ok(None) };
        let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match text.parse::<f64>() {
            Ok(seconds) if decimal => Ok(Some(Duration::from_secs_f64(seconds.min(LONGEST_WAIT)))),
            _ => Err(invalid("wait", "must be a number of seconds")),
        }
    }

    /// Reads a query string.
    pub(super) fn parse(text: &str) -> Self {
        // Pairs of texts come out of any query string.
        Self(web::Query::from_query(text).map(web::Query::into_inner).unwrap_or_default())
    }
}

impl FromRequest for Query {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::parse(request.query_string())))
    }
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    fn field<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Option<&'static str> {
        let refusal = result.unwrap_err();
        assert_eq!(refusal.code, Code::Invalid);
        refusal.field
    }

    #[test]
    fn a_limit_is_a_positive_number_and_bounded() {
        for (query, limit) in [
            ("", 50),
            ("limit=1", 1),
            ("limit=007&limit=9", 7),
            ("limit=501", 500),
            ("limit=99999999999999999999", 500),
            ("other=x", 50),
        ] {
            assert_eq!(Query::parse(query).limit(500), Ok(limit), "{query}");
        }
        for bad in ["limit=0", "limit=", "limit=-1", "limit=1.5", "limit=%2B1", "limit=x", "limit=00"] {
            assert_eq!(field(Query::parse(bad).limit(500)), Some("limit"), "{bad}");
        }
    }

    #[test]
    fn a_wait_is_a_number_of_seconds_and_bounded() {
        for (query, seconds) in [("wait=0", 0.0), ("wait=1.5", 1.5), ("wait=61", 60.0), ("wait=60", 60.0)] {
            assert_eq!(Query::parse(query).wait(), Ok(Some(Duration::from_secs_f64(seconds))), "{query}");
        }
        for bad in ["wait=", "wait=-1", "wait=x", "wait=NaN", "wait=inf", "wait=1e1", "wait=."] {
            assert_eq!(field(Query::parse(bad).wait()), Some("wait"), "{bad}");
        }
        assert_eq!(Query::parse("").wait(), Ok(None));
    }

    #[test]
    fn positions_and_cursors_name_their_field() {
        let query = Query::parse("before=e%3A1:7&after=5");
        assert_eq!(query.position("before").unwrap().unwrap().seq, 7);
        assert_eq!(query.cursor(), Ok(Some(5)));
        let query = Query::parse("before=+7&after=e1:5");
        assert_eq!(field(query.position("before")), Some("before"));
        assert_eq!(field(query.cursor()), Some("after"));
    }
}
