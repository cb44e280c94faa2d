//! What a provider says of itself (OpenID Connect Discovery 1.0): where it is asked, and who signs its ID tokens.
//! How a login goes is not known here.

use serde::Deserialize;

use crate::{
    auth::{fetch::Fetcher, issuers::Issuer},
    config::{ClaimNames, ClientAuth, IssuerSettings, KeySource, ProviderSettings, SigningAlgorithm, WebUrl},
};

/// Where a provider is asked.
pub(super) struct Endpoints {
    pub(super) authorization: String,
    pub(super) token: String,
    pub(super) userinfo: Option<String>,
    pub(super) client_auth: ClientAuth,
    /// Who signs ID tokens; nobody where OAuth 2.0 alone is spoken.
    pub(super) signer: Option<Issuer>,
    /// Whether each answer names its issuer (RFC 9207).
    pub(super) names_itself: bool,
}

/// The document, of which only this is read.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Asks an issuer where its endpoints are.
pub(super) async fn discover(
    settings: &ProviderSettings,
    issuer: &WebUrl,
    fetcher: &Fetcher,
) -> Result<Endpoints, String> {
    let url = format!("{}/.well-known/openid-configuration", issuer.as_str().trim_end_matches('/'));
    let text = fetcher.get(&url).await.map_err(|error| error.to_string())?;
    let document: Document = serde_json::from_slice(&text).map_err(|error| format!("{url}: {error}"))?;
    read(settings, issuer, fetcher, document)
}

fn read(
    settings: &ProviderSettings,
    issuer: &WebUrl,
    fetcher: &Fetcher,
    document: Document,
) -> Result<Endpoints, String> {
    if document.issuer != issuer.as_str() {
        return Err(format!("the document is that of another issuer: {:?}", document.issuer));
    }
    let checked = |url: &str| {
        let parsed = WebUrl::parse(url).map_err(|why| format!("{url:?} should be {why}"))?;
        match fetcher.may_ask(&parsed) {
            true => Ok(parsed),
            false => Err(format!("{url:?} is http where others could listen")),
        }
    };
    let userinfo = document.userinfo_endpoint.as_deref().map(checked).transpose()?;
    let signer = IssuerSettings {
        name: settings.id.clone(),
        issuer: document.issuer.clone(),
        audience: vec![settings.client_id.clone()],
        keys: KeySource::JwksUrl(checked(&document.jwks_uri)?),
        algorithms: SigningAlgorithm::ASYMMETRIC.to_vec(),
        clock_skew_s: 30,
        refresh_s: 10,
        keys_age_s: 3600,
        claims: ClaimNames {
            id: settings.claims.id.clone(),
            nickname: settings.claims.nickname.clone(),
            ..ClaimNames::default()
        },
        admin_role: None,
    };
    Ok(Endpoints {
        authorization: checked(&document.authorization_endpoint)?.into(),
        token: checked(&document.token_endpoint)?.into(),
        userinfo: userinfo.map(String::from),
        client_auth: settings.client_auth.unwrap_or_else(|| client_auth(&document)),
        signer: Some(Issuer::new(&signer, fetcher).map_err(|error| error.to_string())?),
        names_itself: document.authorization_response_iss_parameter_supported,
    })
}

/// `client_secret_basic` unless only the other one is offered; a provider that says nothing means that one.
fn client_auth(document: &Document) -> ClientAuth {
    match &document.token_endpoint_auth_methods_supported {
        Some(methods) if !methods.iter().any(|method| method == "client_secret_basic") => ClientAuth::Post,
        _ => ClientAuth::Basic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use serde_json::{Value, json};

    fn found(change: Value) -> Result<Endpoints, String> {
        let settings: ProviderSettings =
            serde_json::from_value(json!({"id": "a", "issuer": "https://a.example", "client_id": "c"}))
                .unwrap();
        let mut document = json!({
            "issuer": "https://a.example", "authorization_endpoint": "https://a.example/auth",
            "token_endpoint": "https://a.example/token", "jwks_uri": "https://a.example/jwks",
        });
        document.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let issuer = WebUrl::parse("https://a.example").unwrap();
        let fetcher = Fetcher::new(&Settings::default().auth);
        read(&settings, &issuer, &fetcher, serde_json::from_value(document).unwrap())
    }

    #[test]
    fn a_document_says_where_and_how_to_ask() {
        let endpoints = found(json!({})).unwrap();
        assert_eq!((endpoints.token.as_str(), endpoints.userinfo), ("https://a.example/token", None));
        assert_eq!(endpoints.client_auth, ClientAuth::Basic);
        let post = found(json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]})).unwrap();
        assert_eq!(post.client_auth, ClientAuth::Post);
    }

    #[test]
    fn a_document_that_sends_elsewhere_is_not_believed() {
        for change in [
            json!({"issuer": "https://a.example/"}),
            json!({"issuer": "https://b.example"}),
            json!({"token_endpoint": "http://a.example/token"}),
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            json!({"jwks_uri": "file:///etc/passwd"}),
            json!({"userinfo_endpoint": "http://10.0.0.1/me"}),
        ] {
            assert!(found(change.clone()).is_err(), "{change}");
        }
    }
}
