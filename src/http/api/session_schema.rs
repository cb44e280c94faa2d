//! The bodies of requests and answers about accounts and sessions.
//! Those about rooms are in `schema`.

use actix_web::{HttpRequest, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::{Session, SignUp},
    domain::{Device, Email, Identity, Limits, Login, LoginId, Nickname, Refusal, ServerRole, Timestamp},
    http::{body::JsonObject, error::invalid},
    storage::logins::LoginRecord,
    wire::json::{self, User},
};

/// Who wants an account.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::http) struct NewAccount {
    /// What to log in by: 1 to 64 letters, digits and symbols; an address will do. Unique whatever its case.
    #[schema(example = "ada")]
    login: String,
    /// At least 8 characters, and none of the commonest ones.
    #[schema(example = "correct horse battery staple")]
    password: String,
    /// The nickname; a guest who asks for an account with their token may leave it out and keep theirs.
    #[schema(example = "Ada")]
    nickname: Option<String>,
    /// An address, which is not verified and shown to nobody else.
    email: Option<String>,
    /// What the list of sessions calls this one; the `User-Agent` if it is not given.
    device: Option<String>,
    /// Whether the refresh token goes into a cookie instead of the answer.
    cookie: Option<bool>,
}

/// Who logs in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::http) struct Credentials {
    /// The login.
    #[schema(example = "ada")]
    login: String,
    /// The password.
    password: String,
    /// What the list of sessions calls this one; the `User-Agent` if it is not given.
    device: Option<String>,
    /// Whether the refresh token goes into a cookie instead of the answer.
    cookie: Option<bool>,
}

/// Who wants the next tokens.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::http) struct Refresh {
    /// The refresh token; without it that of the cookie counts.
    refresh_token: Option<String>,
}

/// Another password.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::http) struct NewPassword {
    /// The present one.
    password: String,
    /// The next one.
    new_password: String,
}

/// Another nickname.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::http) struct NewNickname {
    /// The nickname, 1 to 32 characters, unique whatever its case.
    #[schema(example = "Ada")]
    nickname: String,
}

/// A ban from the server.
#[derive(ToSchema)]
pub(in crate::http) struct NewBan {
    /// For so long; for ever if it is not given.
    #[schema(minimum = 1, maximum = 3_153_600_000_u32)]
    pub seconds: Option<u32>,
    /// Why, at most 200 characters; the user is told.
    pub reason: Option<String>,
}

/// What somebody shall be on the server.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::http) struct NewRole {
    /// `user` or `admin`.
    #[schema(example = "admin")]
    role: String,
}

/// A session and its tokens (the names of RFC 6749).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SessionAnswer<'a> {
    /// Who.
    pub user: User<'a>,
    /// The session's name in the list of sessions.
    pub session: &'a str,
    /// For `Authorization: Bearer`.
    pub access_token: &'a str,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Seconds for which the access token is good.
    pub expires_in: u32,
    /// For the next tokens, once; absent where it is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
}

/// Who the token stands for, as they alone see it.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Me<'a> {
    /// As everybody sees them.
    #[serde(flatten)]
    pub user: User<'a>,
    /// What they are on this server: `guest`, `user` or `admin`.
    pub role: &'static str,
    /// What they log in by, where they have a password here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub login: Option<String>,
    /// Their address, where they gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
}

/// A session in the list of one's own.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ShownSession<'a> {
    /// Its name.
    pub id: &'a str,
    /// What its client calls itself.
    pub device: &'a str,
    /// When it began.
    #[serde(serialize_with = "json::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was used last: its beginning, or its last refresh.
    #[serde(serialize_with = "json::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A page of one's sessions.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Sessions<'a> {
    /// The sessions, newest first.
    pub sessions: Vec<ShownSession<'a>>,
    /// The cursor for `after`; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// Whether a name can be had.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Availability {
    /// Whether it can.
    pub available: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "nickname_taken")]
    pub code: Option<&'static str>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
}

/// Keys with which others can check access tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Keys {
    /// The keys.
    pub keys: Vec<Key>,
}

/// A public key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Key {
    /// The name that stands in tokens.
    pub kid: String,
    /// The kind of key: `OKP`.
    pub kty: &'static str,
    /// The curve: `Ed25519`.
    pub crv: &'static str,
    /// The key itself.
    pub x: String,
    /// What it is for: `sig`.
    #[serde(rename = "use")]
    pub purpose: &'static str,
    /// How it signs: `EdDSA`.
    pub alg: &'static str,
}

impl NewAccount {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn read(object: &JsonObject, limits: &Limits) -> Result<SignUp, Refusal> {
        Ok(SignUp {
            login: Login::parse(object.text("login")?)?,
            password: crate::auth::Password::parse(object.text("password")?)?,
            nickname: object
                .optional_text("nickname")?
                .map(|text| Nickname::parse(text, limits))
                .transpose()?,
            email: object.optional_text("email")?.map(Email::parse).transpose()?,
        })
    }
}

impl NewBan {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        let reason = object.optional_text("reason")?.map(str::trim).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|reason| reason.chars().count() > 200 || reason.contains('\0')) {
            return Err(invalid("reason", "must have at most 200 characters and no U+0000"));
        }
        let seconds = object.optional_count("seconds", (1, 3_153_600_000))?;
        Ok(Self { seconds, reason: reason.map(str::to_owned) })
    }
}

impl NewRole {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid`, field `role`.
    pub(super) fn read(object: &JsonObject) -> Result<ServerRole, Refusal> {
        match ServerRole::of_name(object.text("role")?) {
            Some(role @ (ServerRole::User | ServerRole::Admin)) => Ok(role),
            Some(ServerRole::Guest) | None => Err(invalid("role", "must be user or admin")),
        }
    }
}

/// What a session is to be called: as the client says, or as its program calls itself.
///
/// # Errors
/// `invalid`, field `device`.
pub(super) fn device(object: &JsonObject, request: &HttpRequest) -> Result<Device, Refusal> {
    let program = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Device::parse(object.optional_text("device")?.or(program).unwrap_or_default())
}

impl<'a> SessionAnswer<'a> {
    /// Views a session, without its refresh token.
    pub(super) fn of(session: &'a Session) -> Self {
        Self {
            user: User::of(&session.user),
            session: session.login.as_str(),
            access_token: session.access.token.as_str(),
            token_type: "Bearer",
            expires_in: session.access.expires_in,
            refresh_token: None,
        }
    }
}

impl<'a> ShownSession<'a> {
    /// Views a login; `asks` is under which the list is asked for.
    pub(super) fn of(login: &'a LoginRecord, asks: &Identity) -> Self {
        Self {
            id: login.id.as_str(),
            device: &login.device,
            created_at: login.created_at,
            seen_at: login.seen_at,
            current: asks.login.as_ref().map(LoginId::as_str) == Some(login.id.as_str()),
        }
    }
}
