//! The page for somebody who comes back from a provider and is not let in: why, and where to go on.
//! Plain text in it, escaped, no script and no style; why is said by `auth`.

use actix_web::HttpResponse;

use crate::{
    auth::providers::LoginFault,
    domain::Code,
    http::{Context, error},
};

/// The page. It offers to try again where that makes sense.
pub(super) fn page(context: &Context, provider: &str, fault: &LoginFault) -> HttpResponse {
    let known = context.engine.providers().iter().find(|one| one.id() == provider);
    let again = known.filter(|_| fault.code() != Code::Banned).map_or_else(String::new, |provider| {
        let (id, name) = (escaped(provider.id()), escaped(provider.name()));
        format!("<p><a href=\"/api/auth/login/{id}\">Log in with {name} again</a></p>")
    });
    context.engine.metrics().refused(fault.code().name());
    HttpResponse::build(error::status(fault.code())).content_type("text/html; charset=utf-8").body(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Login failed · Klatsch</title></head>\
         <body><h1>You are not logged in</h1><p>{}</p>{again}<p><a href=\"/\">Back to the chat</a></p></body></html>",
        escaped(&fault.to_string())
    ))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    }
}
