//! Content-Security-Policy: what each kind of answer may load, run and be framed by, should a browser show it.
//! No inline script and no inline style anywhere but where the protocol of SockJS fixes a page's words.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use crate::config::AllowedOrigins;

/// Whatever is no page: it is shown by nobody and loads nothing.
pub(super) const NOTHING: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page. It makes no markup out of text, which `require-trusted-types-for` holds it to.
pub(super) const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page of the HTTP API: Swagger UI, whose style sheet has its pictures inside.
pub(super) const DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers of SockJS: pages that may use the server get them in frames too.
pub(super) fn framed(allowed: &AllowedOrigins) -> String {
    format!("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {}", ancestors(allowed))
}

/// The stream of scripts that SockJS has for browsers of another age; its protocol fixes that they are inline.
pub(super) fn streamed_scripts(allowed: &AllowedOrigins) -> String {
    format!("script-src 'unsafe-inline'; {}", framed(allowed))
}

/// The hidden page of SockJS: its client from where the settings say, one inline script known by its hash, and what
/// the client does in it.
pub(super) fn hidden_page(allowed: &AllowedOrigins, client_url: &str, inline: &str) -> String {
    let hash = BASE64.encode(&Sha256::digest(inline));
    let client = origin_of(client_url).map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "script-src 'self' 'sha256-{hash}'{client}; connect-src 'self'; frame-src 'self'; {}",
        framed(allowed)
    )
}

fn ancestors(allowed: &AllowedOrigins) -> String {
    match allowed {
        AllowedOrigins::SameOrigin => "'self'".to_owned(),
        AllowedOrigins::Listed(origins) => format!("'self' {}", origins.join(" ")),
        AllowedOrigins::Any => "*".to_owned(),
    }
}

/// `scheme://host` of a URL; none of a path of this server.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let harmless = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    (!host.is_empty() && host.chars().all(harmless)).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> AllowedOrigins {
        AllowedOrigins::try_from(vec!["https://a.example".to_owned(), "http://b.example:81".to_owned()])
            .unwrap()
    }

    #[test]
    fn only_pages_that_may_call_may_frame_sockjs() {
        assert!(framed(&AllowedOrigins::SameOrigin).ends_with("frame-ancestors 'self'"));
        assert!(framed(&listed()).ends_with("frame-ancestors 'self' https://a.example http://b.example:81"));
        assert!(framed(&AllowedOrigins::Any).ends_with("frame-ancestors *"));
    }

    #[test]
    fn the_hidden_page_runs_its_client_and_one_known_script() {
        let policy =
            hidden_page(&AllowedOrigins::SameOrigin, "https://cdn.example/a@1/sockjs.min.js", "alert(1)");
        let script =
            "script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=' https://cdn.example;";
        assert!(policy.starts_with(script), "{policy}");
        let policy = hidden_page(&AllowedOrigins::SameOrigin, "/assets/sockjs.js", "alert(1)");
        assert!(policy.contains("pI='; connect-src"), "{policy}");
    }

    #[test]
    fn nothing_of_ours_is_inline() {
        for policy in [NOTHING, PAGE, DOCS] {
            assert!(!policy.contains("unsafe"), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src 'none'"));
        }
    }
}
