//! `auth.public_url`: where browsers find this service, whatever it can see of that itself.
//! Where a request came to is known where it is answered.

use serde::{Deserialize, Serialize};

use super::web_url::WebUrl;

/// Where browsers find this service: scheme, host and port. Empty means wherever the request came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl(Option<WebUrl>);

impl PublicUrl {
    /// The address without a slash at its end, where one is given.
    pub fn get(&self) -> Option<&str> {
        self.0.as_ref().map(|url| url.as_str().trim_end_matches('/'))
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        const ALLOWED: &str =
            "https://HOST or http://HOST, with :PORT where it is not the usual one, and no path";
        let url = WebUrl::parse(&text).map_err(|_| ALLOWED)?;
        let is_origin = url.as_str().trim_end_matches('/').matches('/').count() == 2 && !text.contains('?');
        if is_origin { Ok(Self(Some(url))) } else { Err(ALLOWED) }
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.0.map(Self::from).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_or_nothing() {
        let parse = |text: &str| PublicUrl::try_from(text.to_owned());
        assert_eq!(parse("").unwrap().get(), None);
        assert_eq!(parse("https://chat.example/").unwrap().get(), Some("https://chat.example"));
        assert_eq!(parse("http://localhost:8080").unwrap().get(), Some("http://localhost:8080"));
        for bad in
            ["chat.example", "https://chat.example/a", "https://chat.example?a", "https://u@chat.example"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
