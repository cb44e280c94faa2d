//! Asks other services over HTTPS: what they say is bounded in time and size, and no redirect is followed.
//! What is asked, and what an answer means, is decided by the callers.

use std::{sync::Arc, time::Duration};

use awc::{Client, Connector, http::StatusCode};
use oauth2::{HttpRequest, HttpResponse, http};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::timeout;

use crate::config::{AuthSettings, WebUrl};

/// How long another service may take, from the first byte of the request to the last one of the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much it may say, in bytes.
const MOST: usize = 256 * 1024;

/// What is said of the program to those whom it asks.
const USER_AGENT: &str = concat!("klatsch/", env!("CARGO_PKG_VERSION"));

/// Why a service could not be asked. It never carries what was sent.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address must not be asked, or is none.
    #[error("{0} may not be asked over http")]
    Exposed(String),
    /// The address is none.
    #[error("{0:?} is no address")]
    Address(String),
    /// No answer in time, or none at all.
    #[error("no answer from {host}: {why}")]
    Silent {
        /// Who was asked.
        host: String,
        /// What happened instead.
        why: String,
    },
    /// An answer that is no success.
    #[error("{host} answered {status}")]
    Status {
        /// Who was asked.
        host: String,
        /// The status.
        status: u16,
    },
}

/// A client of other services.
#[derive(Clone)]
pub struct Fetcher {
    tls: Arc<ClientConfig>,
    plain_http: bool,
}

impl Fetcher {
    /// A client that believes whom the system believes (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others), and asks over
    /// plain http only this machine, unless more is allowed.
    pub fn new(settings: &AuthSettings) -> Self {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            log::warn!("reading the certificates of this system: {error}");
        }
        roots.add_parsable_certificates(found.certs);
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { tls: Arc::new(tls), plain_http: settings.plain_http }
    }

    /// Whether an address may be asked.
    pub fn may_ask(&self, url: &WebUrl) -> bool {
        self.plain_http || !url.is_exposed()
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Everything but an answer 200.
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let request = http::Request::get(url)
            .header(http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| FetchError::Address(url.to_owned()))?;
        self.document(request).await
    }

    /// Sends a request that asks for a document.
    ///
    /// # Errors
    /// Everything but an answer 200.
    pub async fn document(&self, request: HttpRequest) -> Result<Vec<u8>, FetchError> {
        let host = host_of(&request);
        let response = self.send(request).await?;
        match response.status().as_u16() {
            200 => Ok(response.into_body()),
            status => Err(FetchError::Status { host, status }),
        }
    }

    /// Sends a request; an answer of any status is one.
    ///
    /// # Errors
    /// No answer, or one that was too slow or too large.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let text = request.uri().to_string();
        let url = WebUrl::parse(&text).map_err(|_| FetchError::Address(text.clone()))?;
        let host = host_of(&request);
        if !self.may_ask(&url) {
            return Err(FetchError::Exposed(host));
        }
        let silent = |why: String| FetchError::Silent { host: host.clone(), why };
        match timeout(PATIENCE, self.exchange(request)).await {
            Ok(answer) => answer.map_err(silent),
            Err(_) => Err(silent(format!("nothing within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        let (head, body) = request.into_parts();
        // A client of its own for each request: they are rare, and no connection of it outlives the answer.
        let client = Client::builder()
            .connector(Connector::new().rustls_0_23(Arc::clone(&self.tls)).timeout(PATIENCE))
            .disable_redirects()
            .timeout(PATIENCE)
            .no_default_headers()
            .finish();
        let method = awc::http::Method::from_bytes(head.method.as_str().as_bytes());
        let mut sent = client
            .request(method.map_err(|error| error.to_string())?, head.uri.to_string())
            .insert_header((awc::http::header::USER_AGENT, USER_AGENT));
        for (name, value) in &head.headers {
            sent = sent.insert_header((name.as_str(), value.as_bytes()));
        }
        let mut answer = sent.send_body(body).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let kind = answer.headers().get(awc::http::header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
        let body = answer.body().limit(MOST).await.map_err(|error| error.to_string())?;
        response(status, kind, body.to_vec()).map_err(|error| error.to_string())
    }
}

fn response(status: StatusCode, kind: Option<Vec<u8>>, body: Vec<u8>) -> http::Result<HttpResponse> {
    let mut response = http::Response::builder().status(status.as_u16());
    if let Some(kind) = kind {
        response = response.header(http::header::CONTENT_TYPE, kind);
    }
    response.body(body)
}

/// Whom a request goes to, which may be told; the rest of an address may hold a secret.
fn host_of(request: &HttpRequest) -> String {
    request.uri().authority().map_or_else(String::new, ToString::to_string)
}
