//! What somebody says: a text, the sender's own name for it, and headers that are carried and never looked at.
//! Rules about who may say it are in `room`.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};

use super::{ClientId, Code, MessageBody, Refusal};

/// A message, before or after it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The text.
    pub body: MessageBody,
    /// The sender's own name for it, which makes the send idempotent.
    pub client_id: Option<ClientId>,
    /// What the sender's program adds for other programs.
    pub headers: Headers,
}

impl Message {
    /// A message without headers.
    pub fn new(body: MessageBody, client_id: Option<ClientId>) -> Self {
        Self { body, client_id, headers: Headers::default() }
    }
}

/// A sender's own headers, in their order; each name is there once. As JSON they are an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Option<Arc<[(Box<str>, Box<str>)]>>);

/// Most headers of a message.
pub const MOST_HEADERS: usize = 16;

/// Most bytes of a message's headers, names and values together.
pub const MOST_HEADER_BYTES: usize = 1024;

impl Headers {
    /// Checks a sender's headers. Of a name that comes again the first one counts.
    ///
    /// # Errors
    /// `invalid`, field `headers`, with what is allowed.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let refuse = |why: String| Err(Refusal::new(Code::Invalid).field("headers").message(why));
        let mut kept: Vec<(Box<str>, Box<str>)> = Vec::new();
        let mut bytes = 0;
        for (name, value) in pairs {
            if kept.iter().any(|(known, _)| **known == *name) {
                continue;
            }
            bytes += name.len() + value.len();
            if kept.len() == MOST_HEADERS || bytes > MOST_HEADER_BYTES {
                return refuse(format!(
                    "a message may have {MOST_HEADERS} headers of its own, {MOST_HEADER_BYTES} bytes together"
                ));
            }
            if name.contains('\0') || value.contains('\0') {
                return refuse("a header must not contain U+0000".to_owned());
            }
            kept.push((name.into(), value.into()));
        }
        Ok(Self::stored(kept))
    }

    /// Takes headers that were checked when they were stored.
    pub fn stored(pairs: Vec<(Box<str>, Box<str>)>) -> Self {
        Self((!pairs.is_empty()).then(|| pairs.into()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The headers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.as_deref().unwrap_or_default().iter().map(|(name, value)| (&**name, &**value))
    }

    /// About how much memory they take, in bytes.
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads an object as it stands; maps of the standard library forget its order.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry::<Box<str>, Box<str>>()? {
            pairs.push(pair);
        }
        Ok(Headers::stored(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_order_and_the_first_of_a_name() {
        let headers = Headers::parse([("b", "1"), ("a", ""), ("b", "2")]).unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("b", "1"), ("a", "")]);
        assert!(Headers::parse([]).unwrap().is_empty());
    }

    #[test]
    fn headers_are_bounded() {
        let names: Vec<String> = (0..=MOST_HEADERS).map(|number| number.to_string()).collect();
        let many = |count: usize| Headers::parse(names[..count].iter().map(|name| (name.as_str(), "")));
        assert!(many(MOST_HEADERS).is_ok());
        let long = "x".repeat(MOST_HEADER_BYTES - 1);
        assert!(Headers::parse([("n", &*long)]).is_ok());
        for refused in
            [many(MOST_HEADERS + 1), Headers::parse([("nn", &*long)]), Headers::parse([("n", "\0")])]
        {
            assert_eq!(refused.unwrap_err().field, Some("headers"));
        }
    }
}
