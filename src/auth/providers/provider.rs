//! One provider: where people are sent, what their code is changed for, and who they turn out to be.
//! Which login a code belongs to is known by the register.

use std::sync::Arc;

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardRevocableToken, TokenResponse as _, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
    http::{self, header},
};
use serde_json::Value;

use super::{
    discovery::{self, Endpoints},
    fault::LoginFault,
    tokens::Tokens,
};
use crate::{
    auth::{
        cached::Cached,
        fetch::{FetchError, Fetcher},
        issuers::{Claims, Issuer, Subject, TokenFault},
    },
    config::{ClaimNames, ClientAuth, ProviderKind, ProviderSettings},
    domain::Timestamp,
    storage::provider_logins::Attempt,
};

/// Milliseconds between two attempts to find out where a provider is asked.
const PAUSE_MS: i64 = 5_000;

/// Milliseconds after which that is found out anew.
const AGE_MS: i64 = 3_600_000;

/// Where else a nickname may stand; it is only a proposal.
const NICKNAMES: &[&str] = &["nickname", "name", "given_name"];

/// A client with an address to send people to and one to ask for tokens.
type FlowClient = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A provider that people can log in at.
pub struct Provider {
    settings: ProviderSettings,
    secret: Option<String>,
    fetcher: Fetcher,
    endpoints: Arc<Cached<Endpoints>>,
}

/// What sends somebody to a provider.
pub(super) struct Way {
    /// Where to.
    pub(super) url: String,
    /// What proves later that the code was asked for here.
    pub(super) verifier: String,
}

/// Somebody, as a provider knows them.
#[derive(Debug)]
pub(super) struct Person {
    /// Whose name for them it is.
    pub(super) issuer: String,
    /// Who.
    pub(super) subject: Subject,
}

impl Provider {
    /// A provider as the settings have it, with its secret.
    pub fn new(settings: &ProviderSettings, secret: Option<String>, fetcher: &Fetcher) -> Self {
        let what = format!("provider {}", settings.id);
        let endpoints = Cached::new(what, PAUSE_MS, AGE_MS);
        Self { settings: settings.clone(), secret, fetcher: fetcher.clone(), endpoints }
    }

    /// Its name in addresses.
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The way to its login.
    pub(super) async fn way(
        &self,
        state: &str,
        nonce: &str,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Way, LoginFault> {
        let endpoints = self.endpoints(now).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.settings.scopes.iter().map(|scope| Scope::new(scope.clone()));
        let client = self.client(&endpoints, redirect_uri)?;
        let (state, nonce) = (state.to_owned(), nonce.to_owned());
        let mut request =
            client.authorize_url(|| CsrfToken::new(state)).add_scopes(scopes).set_pkce_challenge(challenge);
        if endpoints.signer.is_some() {
            request = request.add_extra_param("nonce", nonce);
        }
        let (url, _) = request.url();
        Ok(Way { url: url.into(), verifier: verifier.into_secret() })
    }

    /// Whether an answer with this `iss`, or with none, can be the provider's (RFC 9207).
    pub(super) async fn can_have_said(&self, iss: Option<&str>, now: Timestamp) -> Result<bool, LoginFault> {
        let endpoints = self.endpoints(now).await?;
        let Some(signer) = &endpoints.signer else { return Ok(true) };
        Ok(match iss {
            Some(iss) => iss == signer.iss(),
            None => !endpoints.names_itself,
        })
    }

    /// Who came back with a code.
    pub(super) async fn person(
        &self,
        code: &str,
        state: &str,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Person, LoginFault> {
        let endpoints = self.endpoints(now).await?;
        let tokens = self.change(&endpoints, code, state, attempt).await?;
        match &endpoints.signer {
            Some(signer) => self.by_id_token(&endpoints, signer, &tokens, attempt, now).await,
            None => self.by_document(&endpoints, &tokens).await,
        }
    }

    /// Changes a code for tokens.
    async fn change(
        &self,
        endpoints: &Endpoints,
        code: &str,
        state: &str,
        attempt: &Attempt,
    ) -> Result<Tokens, LoginFault> {
        let client = self.client(endpoints, &attempt.redirect_uri)?;
        let send = |request| self.ask_for_token(request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            // NAVER wants it once more; others ignore what they do not know (RFC 6749, section 3.2).
            .add_extra_param("state", state.to_owned())
            .request_async(&send)
            .await;
        answer.map_err(|error| {
            // What the provider wrote may hold a token, so only the kind of the error is told.
            let (fault, why) = match error {
                RequestTokenError::ServerResponse(said) => (LoginFault::Code, said.error().to_string()),
                RequestTokenError::Request(error) => (LoginFault::Away, error.to_string()),
                RequestTokenError::Parse(..) => (LoginFault::Code, "an answer without a token".to_owned()),
                RequestTokenError::Other(why) => (LoginFault::Away, why),
            };
            log::info!("provider {}: no token for a code: {why}", self.id());
            fault
        })
    }

    /// A provider that fails has not said that the code is wrong.
    async fn ask_for_token(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
        let answer = self.fetcher.send(request).await?;
        match answer.status().as_u16() {
            status @ 500.. => Err(FetchError::Status { host, status }),
            _ => Ok(answer),
        }
    }

    /// Who the ID token says it is; what it does not say of a nickname, the provider's document may.
    async fn by_id_token(
        &self,
        endpoints: &Endpoints,
        signer: &Issuer,
        tokens: &Tokens,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Person, LoginFault> {
        let id_token = tokens.id_token.as_deref().ok_or(LoginFault::NoIdToken)?;
        let claims = signer.verify(id_token, now).await?.claims;
        if claims.get("nonce").and_then(Value::as_str) != Some(&attempt.nonce) {
            return Err(LoginFault::Nonce);
        }
        // Where it is for several, it must have been asked for by this one (OpenID Connect Core, section 3.1.3.7).
        let party = claims.get("azp").map(|azp| azp.as_str() == Some(&self.settings.client_id));
        let is_shared = claims.get("aud").and_then(Value::as_array).is_some_and(|aud| aud.len() > 1);
        if !party.unwrap_or(!is_shared) {
            return Err(TokenFault::Audience.into());
        }
        let mut subject = claims.subject(&signer.names)?;
        if subject.nickname.is_none()
            && let Some(url) = &endpoints.userinfo
        {
            let document = self.document(url, tokens).await?;
            if document.get("sub") != claims.get("sub") {
                return Err(LoginFault::OtherPerson);
            }
            subject.nickname = nickname(&document, &signer.names.nickname);
        }
        subject.nickname = subject.nickname.or_else(|| nickname(&claims, &signer.names.nickname));
        Ok(Person { issuer: signer.iss().to_owned(), subject })
    }

    /// Who the provider's own document says it is.
    async fn by_document(&self, endpoints: &Endpoints, tokens: &Tokens) -> Result<Person, LoginFault> {
        let ProviderKind::OAuth { issuer, .. } = &self.settings.kind else {
            return Err(LoginFault::NoIdToken);
        };
        let url = endpoints.userinfo.as_deref().ok_or(LoginFault::NoIdToken)?;
        let document = self.document(url, tokens).await?;
        let claims = &self.settings.claims;
        let names =
            ClaimNames { id: claims.id.clone(), nickname: claims.nickname.clone(), ..ClaimNames::default() };
        Ok(Person { issuer: issuer.clone(), subject: document.subject(&names)? })
    }

    /// The document about who has the token.
    async fn document(&self, url: &str, tokens: &Tokens) -> Result<Claims, LoginFault> {
        let bearer = format!("Bearer {}", tokens.access_token().secret());
        let request = http::Request::get(url)
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, bearer)
            .body(Vec::new());
        let asked = match request {
            Ok(request) => self.fetcher.document(request).await,
            Err(_) => Err(FetchError::Address(url.to_owned())),
        };
        let text = asked.map_err(|error| {
            log::info!("provider {}: no document about who logged in: {error}", self.id());
            LoginFault::Away
        })?;
        match serde_json::from_slice(&text) {
            Ok(Value::Object(claims)) => Ok(Claims::new(claims)),
            _ => Err(LoginFault::OtherPerson),
        }
    }

    async fn endpoints(&self, now: Timestamp) -> Result<Arc<Endpoints>, LoginFault> {
        let (settings, fetcher) = (self.settings.clone(), self.fetcher.clone());
        let found = self.endpoints.known(now, async move || match &settings.kind {
            ProviderKind::OpenId { issuer } => discovery::discover(&settings, issuer, &fetcher).await,
            ProviderKind::OAuth { authorization_url, token_url, userinfo_url, .. } => Ok(Endpoints {
                authorization: authorization_url.as_str().to_owned(),
                token: token_url.as_str().to_owned(),
                userinfo: Some(userinfo_url.as_str().to_owned()),
                client_auth: settings.client_auth.unwrap_or(ClientAuth::Basic),
                signer: None,
                names_itself: false,
            }),
        });
        found.await.ok_or(LoginFault::Away)
    }

    fn client(&self, endpoints: &Endpoints, redirect_uri: &str) -> Result<FlowClient, LoginFault> {
        let authorization = AuthUrl::new(endpoints.authorization.clone());
        let token = TokenUrl::new(endpoints.token.clone());
        let redirect = RedirectUrl::new(redirect_uri.to_owned());
        let (Ok(authorization), Ok(token), Ok(redirect)) = (authorization, token, redirect) else {
            log::warn!("provider {}: an address is none, or {redirect_uri:?} is not", self.id());
            return Err(LoginFault::Away);
        };
        let client = Client::new(ClientId::new(self.settings.client_id.clone()))
            .set_auth_uri(authorization)
            .set_token_uri(token)
            .set_redirect_uri(redirect)
            .set_auth_type(match endpoints.client_auth {
                ClientAuth::Basic => AuthType::BasicAuth,
                ClientAuth::Post => AuthType::RequestBody,
            });
        Ok(match &self.secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.clone())),
            None => client,
        })
    }
}

/// A proposal for a nickname.
fn nickname(claims: &Claims, first: &str) -> Option<String> {
    let mut names = [first].into_iter().chain(NICKNAMES.iter().copied());
    names.find_map(|name| claims.get(name)?.as_str().map(str::to_owned))
}
