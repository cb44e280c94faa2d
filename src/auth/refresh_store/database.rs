//! Logins in the database, where everything else is.
//! What the queries are is in `storage::logins`.

use super::{Answer, RefreshStore};
use crate::{
    domain::{LoginId, Timestamp, UserId},
    storage::{
        Store,
        logins::{self, LoginRecord},
    },
};

/// The store for who has no other.
pub(in crate::auth) struct InDatabase(pub Store);

impl RefreshStore for InDatabase {
    fn begin(&self, login: LoginRecord) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.0.write(move |connection| logins::create(connection, &login)).await?) })
    }

    fn find<'a>(&'a self, id: &'a LoginId) -> Answer<'a, Option<LoginRecord>> {
        let id = id.clone();
        Box::pin(async move { Ok(self.0.read(move |connection| logins::by_id(connection, &id)).await?) })
    }

    fn advance(&self, from: [u8; 32], login: LoginRecord) -> Answer<'_, bool> {
        Box::pin(async move {
            Ok(self.0.write(move |connection| logins::advance(connection, &from, &login)).await?)
        })
    }

    fn of_user<'a>(&'a self, user: &'a UserId) -> Answer<'a, Vec<LoginRecord>> {
        let user = user.clone();
        Box::pin(async move { Ok(self.0.read(move |connection| logins::of_user(connection, &user)).await?) })
    }

    fn end<'a>(&'a self, user: &'a UserId, id: &'a LoginId) -> Answer<'a, bool> {
        let (user, id) = (user.clone(), id.clone());
        Box::pin(
            async move { Ok(self.0.write(move |connection| logins::end(connection, &user, &id)).await?) },
        )
    }

    fn sweep(&self, now: Timestamp) -> Answer<'_, ()> {
        Box::pin(async move {
            self.0.write(move |connection| logins::end_expired(connection, now)).await?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::refresh_store::contract, storage::testbed::on_every_database};

    #[test]
    fn the_database_keeps_the_contract() {
        on_every_database(|database| {
            let store = || InDatabase(Store::new(database.clone(), 2));
            actix_rt::System::new().block_on(contract::check(&store(), &store()));
        });
    }
}
