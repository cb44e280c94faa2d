//! Who may do what in a room: moderation, private rooms, invitations, rooms for two.
//! The same on two nodes is in `kafka::roles`; that a room's log decides it is in the library's own tests.

mod direct;
mod forged;
mod invitations;
mod moderation;
mod privacy;
pub(crate) mod stranger;

use serde_json::Value;

use crate::support::http::{Http, User, id_of};
use crate::support::server::Server;

/// A server with a public room of Ada's, and Ada and Bob in it.
struct House {
    server: Server,
    ada: User,
    bob: User,
    /// Acts as Ada.
    owner: Http,
    /// Acts as Bob.
    member: Http,
    room: String,
}

impl House {
    async fn open() -> House {
        let server = Server::start().await;
        let http = Http::to(&server);
        let (ada, bob) = (http.user("Ada").await, http.user("Bob").await);
        let (owner, member) = (http.acting_as(&ada), http.acting_as(&bob));
        let room = id_of(&owner.room("hall").await);
        owner.enter(&room).await;
        member.enter(&room).await;
        House { server, ada, bob, owner, member, room }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/rooms/{}{rest}", self.room)
    }

    fn of(&self, kind: &str, user: &User) -> String {
        self.path(&format!("/{kind}/{}", user.id))
    }

    /// What somebody is, as they see it themselves.
    async fn standing(&self, http: &Http) -> Value {
        http.get(&self.path("/members/me")).await.expect(200)
    }
}
