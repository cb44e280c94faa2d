//! Where on this server somebody goes on after a login.
//! Whatever could lead elsewhere leads to the page's beginning instead.

/// Longest path that is kept.
const MOST: usize = 512;

/// The path that was asked for, if it is one of this server; else `/`.
pub(super) fn of(asked: Option<&str>) -> String {
    match asked.filter(|path| is_own(path)) {
        Some(path) => path.to_owned(),
        None => "/".to_owned(),
    }
}

/// Whether a browser stays here: one slash, then neither another nor what it takes for one, and nothing that ends an
/// address, is dropped from it, or begins a fragment, which belongs to the page.
fn is_own(path: &str) -> bool {
    let harmless = |c: char| c.is_ascii_graphic() && !"\\\"<>`#".contains(c);
    path.len() <= MOST && path.starts_with('/') && !path.starts_with("//") && path.chars().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_goes_on_at_a_path_of_this_server_or_at_its_beginning() {
        for good in ["/", "/docs", "/a/b?c=d&e=%2F%2Fx", "/@a//b"] {
            assert_eq!(of(Some(good)), good);
        }
        for bad in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "evil",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n",
            "/a b",
            "/ü",
            "/#x",
            "/a\r\nSet-Cookie: b",
        ] {
            assert_eq!(of(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(of(None), "/");
        assert_eq!(of(Some(&format!("/{}", "x".repeat(MOST)))), "/");
    }
}
