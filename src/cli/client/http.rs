//! Single HTTP calls with a bound on their time: JSON there, JSON or a refusal back.
//! Repeats nothing; whether to try again, and where, is the caller's.

use std::fmt;
use std::time::Duration;

use awc::{ClientRequest, SendClientRequest};
use serde_json::Value;

/// A JSON answer may be this long: a page of history with the longest messages.
const ANSWER_BYTES: usize = 16 << 20;

/// Makes calls.
#[derive(Clone)]
pub struct Http {
    client: awc::Client,
    patience: Duration,
}

/// A call that did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// No answer, or none that can be read.
    Unanswered(String),
    /// A problem document, or whatever else came with a status that is no success.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The document.
        problem: Value,
    },
}

impl Http {
    /// Calls may take this long, from the connection to the last byte.
    pub fn new(patience: Duration) -> Self {
        // Streams of events hold their connections, so the pool may not be bounded.
        let connector = awc::Connector::new().limit(0);
        Self { client: awc::Client::builder().connector(connector).disable_timeout().finish(), patience }
    }

    /// Asks for a resource.
    pub async fn get(&self, address: &str) -> Result<Value, Failure> {
        self.answer(self.client.get(address).send()).await
    }

    /// Posts a JSON document; an empty token is none.
    pub async fn post(&self, address: &str, token: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client.post(address);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        self.answer(request.send_json(body)).await
    }

    /// A request for a stream, which may stay open for ever.
    pub(super) fn stream(&self, address: &str) -> ClientRequest {
        self.client.get(address)
    }

    /// How long a call may take.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    async fn answer(&self, request: SendClientRequest) -> Result<Value, Failure> {
        let answered = async {
            let mut response = request.await.map_err(|error| Failure::Unanswered(error.to_string()))?;
            let status = response.status();
            let body = response.json::<Value>().limit(ANSWER_BYTES).await;
            match (status.is_success(), body) {
                (true, Ok(body)) => Ok(body),
                (true, Err(error)) => Err(Failure::Unanswered(error.to_string())),
                (false, body) => {
                    Err(Failure::Refused { status: status.as_u16(), problem: body.unwrap_or_default() })
                }
            }
        };
        let too_late = |_| Err(Failure::Unanswered("it took too long".to_owned()));
        tokio::time::timeout(self.patience, answered).await.unwrap_or_else(too_late)
    }
}

impl Failure {
    /// The name in the table of codes, if there was an answer that had one.
    pub fn code(&self) -> Option<&str> {
        self.problem()?["code"].as_str()
    }

    /// The problem document.
    pub fn problem(&self) -> Option<&Value> {
        match self {
            Self::Unanswered(_) => None,
            Self::Refused { problem, .. } => Some(problem),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered(reason) => f.write_str(reason),
            Self::Refused { status, problem } => {
                write!(f, "the server answered {status} {}", problem["code"].as_str().unwrap_or_default())
            }
        }
    }
}

impl std::error::Error for Failure {}
