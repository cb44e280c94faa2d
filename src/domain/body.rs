//! The text of a message.
//! It is kept exactly as it was sent; markup and links are the business of whoever shows it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Code, Limits, Refusal};

/// A message's text: 1 byte to `limits.body_bytes` of UTF-8, not only white space, no U+0000.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageBody(Arc<str>);

impl MessageBody {
    /// Checks a text.
    ///
    /// # Errors
    /// `invalid`, field `body`, with what is allowed.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Refusal> {
        let refuse = |why: String| Err(Refusal::new(Code::Invalid).field("body").message(why));
        if text.len() > limits.body_bytes {
            return refuse(format!("body must have at most {} bytes of UTF-8", limits.body_bytes));
        }
        if text.chars().all(char::is_whitespace) {
            return refuse("body must not be empty or only white space".to_owned());
        }
        if text.contains('\0') {
            return refuse("body must not contain U+0000".to_owned());
        }
        Ok(Self::stored(text))
    }

    /// Takes a text that was checked when it was stored.
    pub fn stored(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_bounded_in_bytes_and_kept_as_it_is() {
        let limits = Limits::default();
        for good in ["x", " padded ", "line\nline", &"x".repeat(8192), &"한".repeat(2730)] {
            assert_eq!(MessageBody::parse(good, &limits).unwrap().as_str(), good);
        }
        for bad in ["", " \n\t\u{3000}", "nul\0", &"x".repeat(8193), &"한".repeat(2731)] {
            assert_eq!(MessageBody::parse(bad, &limits).unwrap_err().field, Some("body"), "{bad:?}");
        }
    }
}
