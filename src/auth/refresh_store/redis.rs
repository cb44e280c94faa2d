//! Logins in Redis, for those who keep sessions apart from the database: one hash for each, and a set for each user.
//! What changes more than one of them at once is a script, which Redis runs as a whole.

use std::{collections::HashMap, fmt, time::Duration};

use ::redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, aio::MultiplexedConnection};
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::Mutex;

use super::{Answer, RefreshStore, StoreError};
use crate::{
    config::RefreshStoreAddress,
    domain::{LoginId, Timestamp, UserId},
    storage::logins::LoginRecord,
};

/// Whoever waits longer for Redis is refused.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps a login and adds it to its user's set, which lasts as long as the login that lasts longest.
const KEEP: &str = "
    redis.call('HSET', KEYS[1], unpack(ARGV, 4))
    redis.call('PEXPIREAT', KEYS[1], ARGV[2])
    local now = redis.call('TIME')
    local left = ARGV[2] - (now[1] * 1000 + math.floor(now[2] / 1000))
    local before = redis.call('PTTL', KEYS[2])
    redis.call('SADD', KEYS[2], ARGV[3])
    if before < 0 or before < left then
        redis.call('PEXPIRE', KEYS[2], string.format('%.0f', math.max(left, 1)))
    end
    return 1";

/// Before that in a script: only where the digest is as it was.
const IF_AS_KNOWN: &str = "if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end";

/// Ends a login, if it is that user's.
const END: &str = "
    if redis.call('HGET', KEYS[1], 'user') ~= ARGV[1] then return 0 end
    redis.call('DEL', KEYS[1])
    redis.call('SREM', KEYS[2], ARGV[2])
    return 1";

/// The store in Redis. It connects when it is needed, and anew after each failure.
pub(in crate::auth) struct InRedis {
    address: RefreshStoreAddress,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl InRedis {
    /// A store at an address, which is not connected to before it is needed.
    pub(in crate::auth) fn at(address: RefreshStoreAddress) -> Self {
        Self { address, connection: Mutex::default() }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, StoreError> {
        let mut known = self.connection.lock().await;
        if let Some(connection) = known.as_ref() {
            return Ok(connection.clone());
        }
        let client = Client::open(self.address.expose()).map_err(unavailable)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection =
            client.get_multiplexed_async_connection_with_config(&config).await.map_err(unavailable)?;
        *known = Some(connection.clone());
        Ok(connection)
    }

    /// Asks once more on a new connection if the first one is dead. No command here does harm when it is done twice: who
    /// then finds that a login was advanced finds that by its own token.
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut connection = self.connection().await?;
        match command.query_async(&mut connection).await {
            Ok(answer) => return Ok(answer),
            Err(error) if !error.is_io_error() && !error.is_connection_dropped() => {
                return Err(unavailable(error));
            }
            Err(_) => *self.connection.lock().await = None,
        }
        let mut connection = self.connection().await?;
        let answer = command.query_async(&mut connection).await;
        if answer.is_err() {
            *self.connection.lock().await = None;
        }
        answer.map_err(unavailable)
    }

    async fn keep(&self, script: &str, from: &str, login: &LoginRecord) -> Result<bool, StoreError> {
        let mut command = ::redis::cmd("EVAL");
        command.arg(script).arg(2).arg(key_of(&login.id)).arg(set_of(&login.user));
        command.arg(from).arg(login.expires_at.as_millis()).arg(login.id.as_str());
        for (field, value) in fields(login) {
            command.arg(field).arg(value);
        }
        Ok(self.ask::<u8>(&command).await? == 1)
    }

    async fn find_by(&self, id: &LoginId) -> Result<Option<LoginRecord>, StoreError> {
        let found: HashMap<String, String> = self.ask(::redis::cmd("HGETALL").arg(key_of(id))).await?;
        if found.is_empty() {
            return Ok(None);
        }
        let login = login_of(id, &found);
        login.map(Some).ok_or_else(|| StoreError::Unavailable("a login in it does not parse".to_owned()))
    }
}

impl fmt::Debug for InRedis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InRedis({:?})", self.address)
    }
}

impl RefreshStore for InRedis {
    fn begin(&self, login: LoginRecord) -> Answer<'_, ()> {
        Box::pin(async move { self.keep(KEEP, "", &login).await.map(drop) })
    }

    fn find<'a>(&'a self, id: &'a LoginId) -> Answer<'a, Option<LoginRecord>> {
        Box::pin(self.find_by(id))
    }

    fn advance(&self, from: [u8; 32], login: LoginRecord) -> Answer<'_, bool> {
        let script = format!("{IF_AS_KNOWN}{KEEP}");
        Box::pin(async move { self.keep(&script, &BASE64URL_NOPAD.encode(&from), &login).await })
    }

    fn of_user<'a>(&'a self, user: &'a UserId) -> Answer<'a, Vec<LoginRecord>> {
        Box::pin(async move {
            let ids: Vec<String> = self.ask(::redis::cmd("SMEMBERS").arg(set_of(user))).await?;
            let mut logins = Vec::with_capacity(ids.len());
            for id in ids {
                match self.find_by(&LoginId::new(id.as_str())).await? {
                    Some(login) => logins.push(login),
                    // It has expired.
                    None => self.ask(::redis::cmd("SREM").arg(set_of(user)).arg(id)).await?,
                }
            }
            logins.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
            Ok(logins)
        })
    }

    fn end<'a>(&'a self, user: &'a UserId, id: &'a LoginId) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut command = ::redis::cmd("EVAL");
            command.arg(END).arg(2).arg(key_of(id)).arg(set_of(user)).arg(user.as_str()).arg(id.as_str());
            Ok(self.ask::<u8>(&command).await? == 1)
        })
    }

    /// Redis forgets by itself.
    fn sweep(&self, _: Timestamp) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn key_of(id: &LoginId) -> String {
    format!("klatsch:login:{id}")
}

fn set_of(user: &UserId) -> String {
    format!("klatsch:logins:{user}")
}

fn fields(login: &LoginRecord) -> [(&'static str, String); 7] {
    [
        ("user", login.user.to_string()),
        ("device", login.device.clone()),
        ("created_at", login.created_at.as_millis().to_string()),
        ("seen_at", login.seen_at.as_millis().to_string()),
        ("expires_at", login.expires_at.as_millis().to_string()),
        ("generation", login.generation.to_string()),
        ("token", BASE64URL_NOPAD.encode(&login.token_hash)),
    ]
}

fn login_of(id: &LoginId, fields: &HashMap<String, String>) -> Option<LoginRecord> {
    let time = |name: &str| fields.get(name)?.parse().ok().map(Timestamp::from_millis);
    Some(LoginRecord {
        id: id.clone(),
        user: UserId::new(fields.get("user")?.as_str()),
        device: fields.get("device")?.clone(),
        created_at: time("created_at")?,
        seen_at: time("seen_at")?,
        expires_at: time("expires_at")?,
        generation: fields.get("generation")?.parse().ok()?,
        token_hash: BASE64URL_NOPAD.decode(fields.get("token")?.as_bytes()).ok()?.try_into().ok()?,
    })
}

fn unavailable(error: RedisError) -> StoreError {
    // Its own words may repeat what it was sent; its kind does not.
    StoreError::Unavailable(error.category().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        net::TcpListener,
        process::{Child, Command, Stdio},
    };

    use super::*;
    use crate::auth::{random, refresh_store::contract};

    /// A Redis of the test's own.
    struct Server {
        process: Child,
        port: u16,
        _folder: tempfile::TempDir,
    }

    impl Server {
        /// None, said aloud, where there is no `redis-server` on this machine.
        fn start() -> Option<Self> {
            let program = env::var("KLATSCH_REDIS_BIN").unwrap_or_else(|_| "redis-server".to_owned());
            let folder = tempfile::tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let started = Command::new(&program)
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
                .args(["--requirepass", "secret"])
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .spawn();
            match started {
                Ok(process) => Some(Self { process, port, _folder: folder }),
                Err(error) => {
                    assert_ne!(env::var("CI").as_deref(), Ok("true"), "there is no {program}: {error}");
                    eprintln!(
                        "\n*** SKIPPED the contract of logins in Redis: there is no {program}: {error}\n"
                    );
                    None
                }
            }
        }

        fn store(&self) -> InRedis {
            let address = format!("redis://:secret@127.0.0.1:{}/1", self.port);
            InRedis::at(RefreshStoreAddress::try_from(address).unwrap())
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            // Killing what has already ended is no failure.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    async fn until_it_answers(store: &InRedis) {
        for _ in 0..200 {
            if store.find(&LoginId::new("nobody's")).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Redis does not answer");
    }

    #[test]
    fn redis_keeps_the_contract() {
        let Some(server) = Server::start() else { return };
        actix_rt::System::new().block_on(async {
            let (one, two) = (server.store(), server.store());
            until_it_answers(&one).await;
            contract::check(&one, &two).await;
            assert!(!format!("{one:?}").contains("secret"), "{one:?}");
        });
    }

    #[test]
    fn the_set_of_a_user_lasts_as_long_as_the_login_that_lasts_longest() {
        let Some(server) = Server::start() else { return };
        actix_rt::System::new().block_on(async {
            let store = server.store();
            until_it_answers(&store).await;
            let user = UserId::new(random::id());
            let login = |expires_at: i64| LoginRecord {
                id: LoginId::new(random::id()),
                user: user.clone(),
                device: String::new(),
                created_at: Timestamp::default(),
                seen_at: Timestamp::default(),
                expires_at: Timestamp::from_millis(expires_at),
                generation: 0,
                token_hash: [1; 32],
            };
            let (long, short) = (login(4_000_000_000_000), login(3_900_000_000_000));
            store.begin(long.clone()).await.unwrap();
            let left = async || store.ask::<i64>(::redis::cmd("PTTL").arg(set_of(&user))).await.unwrap();
            let before = left().await;
            store.begin(short).await.unwrap();
            assert!(left().await > before - 60_000, "the set would be gone before the login");
            assert_eq!(store.of_user(&user).await.unwrap().len(), 2);
        });
    }

    #[tokio::test]
    async fn where_there_is_none_it_says_so_soon() {
        let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = RefreshStoreAddress::try_from(format!("redis://:secret@{nowhere}")).unwrap();
        let error = InRedis::at(address).find(&LoginId::new("l1")).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
