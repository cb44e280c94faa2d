//! Refresh tokens: each is made of the one before, so that one that was used before is known for what it is.
//! Where logins are kept is not known here.

use std::{fmt, sync::Arc};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use super::{keys::ChainKey, random};
use crate::{
    domain::{LoginId, Timestamp},
    storage::logins::LoginRecord,
};

/// How far back an old token is looked for. A login that was refreshed more often knows its older ones no more.
const MOST_GENERATIONS: u64 = 1_000_000;

/// A refresh token: which login it is of, the how many-th it is, and a secret. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    login: LoginId,
    generation: u64,
    secret: [u8; 32],
}

/// What a refresh token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is the newest; this follows it.
    Newest(RefreshToken),
    /// It is the one before, which may be shown once more for a moment; this followed it.
    Repeated(RefreshToken),
    /// It was used before, so two have it: one of them is a thief.
    Stolen,
    /// It was never a token of the login.
    Nothing,
}

impl RefreshToken {
    /// The first token of a login.
    pub(super) fn first(login: LoginId) -> Self {
        Self { login, generation: 0, secret: random::key() }
    }

    /// Takes what a client shows; none where it cannot be a token.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (login, generation, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let secret = BASE64URL_NOPAD.decode(secret.as_bytes()).ok()?.try_into().ok()?;
        Some(Self { login: LoginId::parse(login)?, generation: generation.parse().ok()?, secret })
    }

    /// The text for its owner.
    pub fn text(&self) -> String {
        format!("{}.{}.{}", self.login, self.generation, BASE64URL_NOPAD.encode(&self.secret))
    }

    /// The login that it says it is of.
    pub fn login(&self) -> &LoginId {
        &self.login
    }

    /// The how many-th of its login it says it is.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The digest under which it is stored.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    fn next(&self, chain: &ChainKey) -> Self {
        Self {
            login: self.login.clone(),
            generation: self.generation.saturating_add(1),
            secret: chain.next(&self.secret),
        }
    }

    /// What it is worth, the login being as given. Only who has the chain's key can make a token's successor, and so
    /// only tokens of the login lead to its newest one.
    pub(super) fn judge(
        &self,
        login: &LoginRecord,
        chain: &ChainKey,
        now: Timestamp,
        grace_ms: i64,
    ) -> Worth {
        let Some(behind) = login.generation.checked_sub(self.generation) else { return Worth::Nothing };
        if behind > MOST_GENERATIONS {
            return Worth::Nothing;
        }
        let newest = (0..behind).fold(self.clone(), |token, _| token.next(chain));
        if newest.digest() != login.token_hash {
            return Worth::Nothing;
        }
        match behind {
            0 => Worth::Newest(self.next(chain)),
            1 if now.millis_since(login.seen_at) <= grace_ms => Worth::Repeated(newest),
            _ => Worth::Stolen,
        }
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({}, {}, hidden)", self.login, self.generation)
    }
}

/// A refresh token as text, which does not show itself either.
impl From<&RefreshToken> for Arc<str> {
    fn from(token: &RefreshToken) -> Self {
        token.text().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    const GRACE: i64 = 10_000;

    fn login_with(newest: &RefreshToken, seen_at: i64) -> LoginRecord {
        LoginRecord {
            id: newest.login.clone(),
            user: UserId::new("u1"),
            device: String::new(),
            created_at: Timestamp::default(),
            seen_at: Timestamp::from_millis(seen_at),
            expires_at: Timestamp::from_millis(i64::MAX),
            generation: newest.generation,
            token_hash: newest.digest(),
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_token_leads_to_its_successor_once_and_for_a_moment_more() {
        let chain = ChainKey::of(b"the nodes' own");
        let first = RefreshToken::first(LoginId::new("l1"));
        let login = login_with(&first, 0);
        let Worth::Newest(second) = first.judge(&login, &chain, at(99_999), GRACE) else { panic!() };
        let login = login_with(&second, 100_000);
        assert_eq!(first.judge(&login, &chain, at(110_000), GRACE), Worth::Repeated(second.clone()));
        assert_eq!(first.judge(&login, &chain, at(110_001), GRACE), Worth::Stolen);
        let Worth::Newest(third) = second.judge(&login, &chain, at(110_001), GRACE) else { panic!() };
        let login = login_with(&third, 110_001);
        assert_eq!(first.judge(&login, &chain, at(110_002), GRACE), Worth::Stolen);
    }

    #[test]
    fn however_old_a_token_is_its_use_is_noticed() {
        let chain = ChainKey::of(b"the nodes' own");
        let first = RefreshToken::first(LoginId::new("l1"));
        let newest = (0..5_000).fold(first.clone(), |token, _| token.next(&chain));
        assert_eq!(first.judge(&login_with(&newest, 0), &chain, at(0), GRACE), Worth::Stolen);
    }

    #[test]
    fn who_knows_a_login_and_no_token_of_it_has_nothing_and_does_no_harm() {
        let chain = ChainKey::of(b"the nodes' own");
        let own = RefreshToken::first(LoginId::new("l1"));
        let newest = own.next(&chain).next(&chain);
        for generation in [0, 1, 2, 3, u64::MAX] {
            let made_up = RefreshToken { generation, ..RefreshToken::first(LoginId::new("l1")) };
            assert_eq!(made_up.judge(&login_with(&newest, 0), &chain, at(0), GRACE), Worth::Nothing);
            let moved = RefreshToken { generation, ..own.clone() };
            let expected = if generation == 0 { Worth::Stolen } else { Worth::Nothing };
            assert_eq!(moved.judge(&login_with(&newest, 0), &chain, at(0), GRACE), expected);
        }
        let forged = own.next(&ChainKey::of(b"a guess"));
        assert_eq!(forged.judge(&login_with(&newest, 0), &chain, at(0), GRACE), Worth::Nothing);
    }

    #[test]
    fn its_text_is_read_again_and_nothing_else_is_one() {
        let token = RefreshToken::first(LoginId::new("aZ09-_"));
        assert_eq!(RefreshToken::parse(&token.text()), Some(token.clone()));
        assert!(!format!("{token:?}").contains(&BASE64URL_NOPAD.encode(&token.secret)));
        let secret = BASE64URL_NOPAD.encode(&[1; 32]);
        for bad in ["", "..", "a.b.c", "a.1.", &format!("a b.1.{secret}"), &format!("a.-1.{secret}"), &secret]
        {
            assert_eq!(RefreshToken::parse(bad), None, "{bad}");
        }
    }
}
