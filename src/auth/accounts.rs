//! Accounts: a login and a password that stand for a user, whoever knows them.
//! What follows from knowing them, a login with its tokens, is the business of `logins`.

use sha2::{Digest, Sha256};

use super::{
    back_off::{BackOff, must_wait},
    logins::{Logins, Session},
    news::{Event, News},
    passwords::{Password, Passwords, Verdict},
    random,
};
use crate::{
    config::AuthSettings,
    domain::{Code, Device, Email, Identity, Login, Nickname, Refusal, ServerRole, Timestamp, User, UserId},
    storage::{
        StorageError, Store,
        accounts::{self, Account, Creation, NewAccount, Owner},
        users,
    },
};

/// Somebody who wants an account.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// What they want to log in by.
    pub login: Login,
    /// With which password.
    pub password: Password,
    /// Their nickname; a guest may keep theirs.
    pub nickname: Option<Nickname>,
    /// An address, which is not verified.
    pub email: Option<Email>,
}

/// What an account says of its owner to them alone.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What they log in by.
    pub login: String,
    /// Their address, which is not verified.
    pub email: Option<String>,
}

/// The register of accounts.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    logins: Logins,
    news: News,
    passwords: Passwords,
    back_off: BackOff,
    least_chars: usize,
}

impl Accounts {
    pub(super) fn new(
        store: Store,
        logins: Logins,
        news: News,
        passwords: Passwords,
        settings: &AuthSettings,
    ) -> Self {
        Self {
            store,
            logins,
            news,
            passwords,
            back_off: BackOff::new(settings),
            least_chars: settings.password_chars,
        }
    }

    /// Makes an account, of a new user or of the guest who asks, who stays who they are.
    ///
    /// # Errors
    /// `invalid`; `login_taken`, `nickname_taken`; `forbidden` to who is no guest any more; `storage_unavailable`.
    pub async fn create(
        &self,
        sign_up: SignUp,
        guest: Option<&Identity>,
        role: ServerRole,
        now: Timestamp,
    ) -> Result<User, Refusal> {
        let SignUp { login, password, nickname, email } = sign_up;
        let has_one = || Refusal::new(Code::Forbidden).message("the user has an account already");
        let owner = match (guest, &nickname) {
            (Some(guest), _) if guest.role != ServerRole::Guest => return Err(has_one()),
            (Some(guest), nickname) => {
                let name = nickname.as_ref().map(|name| (name.as_str().to_owned(), name.key().to_owned()));
                Owner::Guest(guest.user.id.clone(), name)
            }
            (None, Some(nickname)) => {
                let user = User { id: UserId::new(random::id()), nickname: nickname.shown() };
                Owner::New(user, nickname.key().to_owned())
            }
            (None, None) => {
                return Err(Refusal::new(Code::Invalid).field("nickname").message("nickname is missing"));
            }
        };
        let called = nickname.as_ref().map(Nickname::as_str);
        let called = called.or(guest.map(|guest| &*guest.user.nickname)).unwrap_or_default();
        password.must_be_strong(self.least_chars, &[login.as_str(), login.key(), called])?;
        let new = NewAccount {
            owner,
            login: login.as_str().to_owned(),
            login_key: login.key().to_owned(),
            email: email.map(|email| email.as_str().to_owned()),
            password_hash: self.passwords.hash(password).await?,
            role,
            created_at: now,
        };
        match self.store(new).await? {
            Creation::Created(user) => Ok(user),
            Creation::LoginTaken => Err(Refusal::new(Code::LoginTaken).field("login")),
            Creation::NicknameTaken => Err(Refusal::new(Code::NicknameTaken).field("nickname")),
            Creation::NoGuest => Err(has_one()),
        }
    }

    /// Logs in. Whether the login or the password is wrong is neither said nor to be seen by the time it takes.
    ///
    /// # Errors
    /// `bad_credentials`; `rate_limited` after too many attempts; `banned`; `overloaded`, `storage_unavailable`,
    /// `auth_unavailable`.
    pub async fn log_in(
        &self,
        login: &str,
        password: &str,
        device: &Device,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        // What cannot be a login is one that nobody has.
        let (key, account) = match Login::parse(login) {
            Ok(login) => {
                let key = login.key().to_owned();
                let look = move |connection: &mut _| accounts::by_login(connection, &key);
                (login.key().to_owned(), self.store.read(look).await?)
            }
            Err(_) => (login.to_owned(), None),
        };
        let user = self.prove(&key, account, password, now).await?;
        self.logins.begin(&user, device, now).await
    }

    /// Changes a password; all other sessions of the user end.
    ///
    /// # Errors
    /// `bad_credentials` where the present password is another; `forbidden` to who has none; `invalid`, field
    /// `new_password`; and those of [`Self::log_in`].
    pub async fn change_password(
        &self,
        identity: &Identity,
        present: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let id = identity.user.id.clone();
        let account = self.store.read(move |connection| accounts::of_user(connection, &id)).await?;
        let none = || Refusal::new(Code::Forbidden).message("the user has no password here");
        let account = account.ok_or_else(none)?;
        let as_new = |refusal: Refusal| Refusal { field: Some("new_password"), ..refusal };
        let new = Password::parse(new).map_err(as_new)?;
        let names = [account.login.as_str(), &account.login_key, &identity.user.nickname];
        new.must_be_strong(self.least_chars, &names).map_err(as_new)?;
        let user = self.prove(&account.login_key.clone(), Some(account), present, now).await?;
        let hash = self.passwords.hash(new).await?;
        self.replace_hash(user.clone(), hash).await?;
        self.logins.end_others(&user, identity.login.as_ref(), now).await
    }

    /// Gives a user another nickname.
    ///
    /// # Errors
    /// `nickname_taken`; `forbidden` to guests, whose nickname is all that they have; `storage_unavailable`.
    pub async fn rename(
        &self,
        identity: &Identity,
        nickname: &Nickname,
        now: Timestamp,
    ) -> Result<User, Refusal> {
        if identity.role == ServerRole::Guest {
            return Err(Refusal::new(Code::Forbidden).message("a guest's nickname cannot change"));
        }
        let (id, shown, key) = (identity.user.id.clone(), nickname.shown(), nickname.key().to_owned());
        let rename = move |connection: &mut _| accounts::rename(connection, &id, &shown, &key);
        match self.store.write(rename).await {
            Ok(true) => {}
            Ok(false) | Err(StorageError::Conflict(_)) => {
                return Err(Refusal::new(Code::NicknameTaken).field("nickname"));
            }
            Err(error) => return Err(error.into()),
        }
        let user = User { id: identity.user.id.clone(), nickname: nickname.shown() };
        self.news.tell(Event::Changed { user: user.clone(), role: identity.role }, now).await?;
        Ok(user)
    }

    /// What a user's account says, if they have one.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn profile(&self, user: &UserId) -> Result<Option<Profile>, Refusal> {
        let id = user.clone();
        let account = self.store.read(move |connection| accounts::of_user(connection, &id)).await?;
        Ok(account.map(|account| Profile { login: account.login, email: account.email }))
    }

    /// Whether nobody has a login.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn is_free(&self, login: &Login) -> Result<bool, Refusal> {
        let key = login.key().to_owned();
        Ok(self.store.read(move |connection| accounts::by_login(connection, &key)).await?.is_none())
    }

    /// Whether nobody has a nickname.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn is_unused(&self, nickname: &Nickname) -> Result<bool, Refusal> {
        let key = nickname.key().to_owned();
        Ok(!self.store.read(move |connection| users::has_nickname(connection, &key)).await?)
    }

    /// Forgets attempts to log in that count no more.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Refusal> {
        let before = BackOff::horizon(now);
        self.store.write(move |connection| accounts::forget_old_attempts(connection, before)).await?;
        Ok(())
    }

    /// Whose login and password these are. The attempt is counted before it is judged, so that many at once count too.
    async fn prove(
        &self,
        login_key: &str,
        account: Option<Account>,
        password: &str,
        now: Timestamp,
    ) -> Result<UserId, Refusal> {
        let login_hash: [u8; 32] = Sha256::digest(login_key).into();
        let back_off = self.back_off;
        let judge = move |before| back_off.judge(before, now);
        let counted = move |connection: &mut _| accounts::attempt(connection, &login_hash, now, judge);
        self.store.write(counted).await?.map_err(must_wait)?;
        // What cannot be a password is one that nobody has.
        let (password, hash) = match Password::parse(password) {
            Ok(password) => (password, account.as_ref().map(|account| account.password_hash.clone())),
            Err(_) => (Password::nobodys(), None),
        };
        let verdict = self.passwords.compare(password.clone(), hash).await?;
        let Some(account) = account.filter(|_| verdict != Verdict::Wrong) else {
            return Err(Code::BadCredentials.into());
        };
        let user = UserId::new(account.user_id);
        self.store.write(move |connection| accounts::forget_attempts(connection, &login_hash)).await?;
        if verdict == Verdict::Outdated {
            let hash = self.passwords.hash(password).await?;
            let (id, from) = (user.clone(), account.password_hash);
            self.store.write(move |connection| accounts::set_password(connection, &id, &from, &hash)).await?;
        }
        Ok(user)
    }

    async fn replace_hash(&self, user: UserId, hash: String) -> Result<(), Refusal> {
        let replace = move |connection: &mut _| {
            let Some(account) = accounts::of_user(connection, &user)? else { return Ok(false) };
            accounts::set_password(connection, &user, &account.password_hash, &hash)
        };
        self.store.write(replace).await?;
        Ok(())
    }

    async fn store(&self, new: NewAccount) -> Result<Creation, Refusal> {
        let again = new.clone();
        match self.store.write(move |connection| accounts::create(connection, &new)).await {
            // Somebody took a name at the same time on another node, and has it now.
            Err(StorageError::Conflict(_)) => {
                Ok(self.store.write(move |connection| accounts::create(connection, &again)).await?)
            }
            done => Ok(done?),
        }
    }
}
