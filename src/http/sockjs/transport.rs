//! How frames look in the responses of each transport over HTTP.
//! Which response carries which frame is decided by whoever writes it.

use actix_web::web::Bytes;

use crate::wire::sockjs::script_string;

/// A transport over HTTP.
#[derive(Debug, Clone)]
pub(super) enum Transport {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile(Callback),
    Jsonp(Callback),
}

/// The name of a function of the page that is called with each frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Callback(String);

/// Why a name is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoCallback {
    Missing,
    Invalid,
}

impl Callback {
    /// Parses a name; whatever could be more than a name is refused, for it is put into a script.
    ///
    /// # Errors
    /// [`NoCallback`].
    pub(super) fn parse(name: Option<String>) -> Result<Self, NoCallback> {
        const MOST: usize = 128;
        let name = name.filter(|name| !name.is_empty()).ok_or(NoCallback::Missing)?;
        let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match name.len() <= MOST && name.chars().all(harmless) {
            true => Ok(Self(name)),
            false => Err(NoCallback::Invalid),
        }
    }
}

impl NoCallback {
    /// What the client is told, in the protocol's words.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Missing => "\"callback\" parameter required",
            Self::Invalid => "invalid \"callback\" parameter",
        }
    }
}

impl Transport {
    pub(super) fn content_type(&self) -> &'static str {
        match self {
            Self::Xhr | Self::XhrStreaming | Self::Jsonp(_) => "application/javascript; charset=UTF-8",
            Self::EventSource => "text/event-stream",
            Self::HtmlFile(_) => "text/html; charset=UTF-8",
        }
    }

    /// What a stream begins with; much of it is there only because browsers withhold the first bytes of a page.
    pub(super) fn prelude(&self) -> Option<Bytes> {
        match self {
            Self::Xhr | Self::Jsonp(_) => None,
            Self::XhrStreaming => Some(("h".repeat(2048) + "\n").into()),
            Self::EventSource => Some(Bytes::from_static(b"\r\n")),
            Self::HtmlFile(Callback(name)) => Some(format!("{:<1024}\r\n\r\n", streamed_page(name)).into()),
        }
    }

    /// A frame as it is written.
    pub(super) fn wrap(&self, frame: &str) -> Bytes {
        match self {
            Self::Xhr | Self::XhrStreaming => format!("{frame}\n"),
            Self::EventSource => format!("data: {frame}\r\n\r\n"),
            Self::HtmlFile(_) => format!("<script>\np({});\n</script>\r\n", script_string(frame)),
            // The comment keeps a name from being read as something else than a script.
            Self::Jsonp(Callback(name)) => format!("/**/{name}({});\r\n", script_string(frame)),
        }
        .into()
    }
}

fn streamed_page(callback: &str) -> String {
    format!(
        r#"<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.{callback};
    c.start();
    function p(d) {{c.message(d);}};
    window.onload = function() {{c.stop();}};
  </script>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callback(name: &str) -> Result<Callback, NoCallback> {
        Callback::parse(Some(name.to_owned()))
    }

    #[test]
    fn a_callback_is_a_name_and_nothing_else() {
        for good in ["callback", "_jp.a1b2", "a-b", "A.b_c.d"] {
            assert!(callback(good).is_ok(), "{good}");
        }
        for bad in [" ", "*", "abc(", "a;b", "a<b", "\"", "a\n", "ü", "a()", &"x".repeat(129)] {
            assert_eq!(callback(bad), Err(NoCallback::Invalid), "{bad}");
        }
        assert_eq!(callback(""), Err(NoCallback::Missing));
        assert_eq!(Callback::parse(None), Err(NoCallback::Missing));
    }

    #[test]
    fn frames_are_written_as_each_transport_has_them() {
        let name = callback("cb").unwrap();
        let written = |transport: Transport| String::from_utf8(transport.wrap("a[\"x\"]").to_vec()).unwrap();
        assert_eq!(written(Transport::Xhr), "a[\"x\"]\n");
        assert_eq!(written(Transport::XhrStreaming), "a[\"x\"]\n");
        assert_eq!(written(Transport::EventSource), "data: a[\"x\"]\r\n\r\n");
        let page = written(Transport::HtmlFile(name.clone()));
        assert_eq!(page, "<script>\np(\"a[\\\"x\\\"]\");\n</script>\r\n");
        assert_eq!(written(Transport::Jsonp(name.clone())), "/**/cb(\"a[\\\"x\\\"]\");\r\n");
        assert!(Transport::HtmlFile(name).prelude().unwrap().len() > 1024);
    }
}
