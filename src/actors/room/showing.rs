//! What a room shows of itself to whom: that it is there, its members, and what is held against people.
//! Whether somebody may see it is the state's to say; where that may lag, the log is asked first.

use actix::Context;

use super::{
    super::{
        reply::Reply,
        to_room::{Penalties, Standing},
    },
    Room,
};
use crate::{
    domain::{Access, Penalty, Refusal, Role, RoomInfo, Seq, User, Viewer},
    log::LogError,
};

impl Room {
    /// Shows the room to somebody. Nobody is refused by a state that may be behind the log.
    pub(super) fn show(
        &mut self,
        viewer: Viewer,
        access: Access,
        reply: Reply<RoomInfo>,
        ctx: &mut Context<Self>,
    ) {
        self.admit(viewer.clone(), access, ctx, move |room, admitted, _| {
            reply.give(admitted.map(|()| room.info().seen_by(viewer.user.as_ref())));
        });
    }

    /// Goes on with whether somebody may see this.
    pub(super) fn admit(
        &mut self,
        viewer: Viewer,
        access: Access,
        ctx: &mut Context<Self>,
        go_on: impl FnOnce(&mut Self, Result<(), Refusal>, &mut Context<Self>) + 'static,
    ) {
        match self.judge(&viewer, access) {
            Err(_) if self.context.log.is_shared() => {
                self.settle(ctx, move |room, settled: Result<(), LogError>, ctx| {
                    let admitted = settled.map_err(Refusal::from).and_then(|()| room.judge(&viewer, access));
                    go_on(room, admitted, ctx);
                });
            }
            admitted => go_on(self, admitted, ctx),
        }
    }

    fn judge(&self, viewer: &Viewer, access: Access) -> Result<(), Refusal> {
        self.desk.state().admits(viewer, access, self.context.clock.now())
    }

    /// Members who joined after a record; whoever asks has had the room settle.
    pub(super) fn list_members(
        &self,
        viewer: &Viewer,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, User, Role)>, Refusal> {
        self.judge(viewer, Access::Read)?;
        let state = self.desk.state();
        let members = state.members().joined_after(after).take(limit);
        let role = |user: &User| state.role_of(&user.id).unwrap_or(Role::Member);
        Ok(members.map(|(seq, user)| (seq, user.clone(), role(user))).collect())
    }

    /// What somebody is here. Of others one sees what they are, of oneself and as a moderator also what is held against
    /// them.
    pub(super) fn standing(&self, viewer: &Viewer, user: User) -> Result<Standing, Refusal> {
        let (state, now) = (self.desk.state(), self.context.clock.now());
        let is_self = viewer.user.as_ref() == Some(&user.id);
        let looks_after = state.looks_after(viewer, now);
        self.judge(viewer, if is_self || looks_after { Access::See } else { Access::Read })?;
        let may_know = is_self || looks_after;
        let penalty = |penalty: Option<&Penalty>| penalty.filter(|_| may_know).cloned();
        Ok(Standing {
            role: state.role_of(&user.id),
            member: state.members().contains(&user.id),
            invited: may_know && state.is_invited(&user.id),
            mute: penalty(state.mute_of(&user.id, now)),
            ban: penalty(state.ban_of(&user.id, now)),
            user: state.members().get(&user.id).cloned().unwrap_or(user),
        })
    }

    /// What is held against people.
    pub(super) fn penalties(&self, viewer: &Viewer, which: Penalties) -> Result<Vec<Penalty>, Refusal> {
        self.judge(viewer, Access::Moderate)?;
        let (state, now) = (self.desk.state(), self.context.clock.now());
        Ok(match which {
            Penalties::Mutes => state.mutes(now).cloned().collect(),
            Penalties::Bans => state.bans(now).cloned().collect(),
        })
    }
}
