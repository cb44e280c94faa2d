//! What clients do and hear: they connect anywhere, say things, leave, vanish, and come back with their position.
//! What they may hear is the judge's business.

use klatsch::domain::{
    Act, Authority, Code, Deed, MessageBody, Missing, Penalty, Record, Retry, Role, Seq, Timestamp,
};

use super::{
    Cluster,
    begin::user,
    client_id,
    event::{Event, ToNode},
    text,
};
use crate::{
    client::Pending,
    node::NodeRef,
    sabotage::Sabotage,
    schedule::Millis,
    talk::{Ask, Frame, Peer, Request, Start},
    tally::Happening,
};

/// After this long without an answer a client asks again, or gives up a connection that does not begin.
const PATIENCE: Millis = 2_000;

/// Messages that a client may wait for.
const MOST_PENDING: usize = 5;

impl Cluster {
    /// A client does something of its own accord.
    pub(super) fn act(&mut self, index: usize) {
        let pause = self.chance.between(1, self.plan.leisure);
        self.schedule.after(pause, Event::Act(index));
        let now = self.schedule.now();
        match self.clients[index].link {
            None => self.connect(index),
            Some(link) if !link.joined && now - link.since > 2 * PATIENCE => self.hang_up(index),
            Some(_) => self.act_connected(index),
        }
    }

    fn act_connected(&mut self, index: usize) {
        let choice = self.chance.between(0, 99);
        if self.is_quiet() {
            // Every now and then a connection turns out to be dead, as a heart-beat would find.
            return if choice < 5 { self.hang_up(index) } else { self.say_again(index) };
        }
        match choice {
            0..60 => self.say(index),
            60..75 => self.say_again(index),
            75..82 => self.hang_up(index),
            82..85 => self.ask(index, Ask::Leave),
            85..92 => {
                let most = self.clients[index].position.unwrap_or(0);
                let after = self.chance.between(0, most.cast_signed()).unsigned_abs();
                self.ask_anywhere(index, Ask::History { after });
            }
            92..97 => self.act_upon(index),
            _ => {}
        }
    }

    /// A client does something about somebody, whether they may or not.
    fn act_upon(&mut self, index: usize) {
        let user = user(self.chance.index(self.plan.users.max(2)));
        let until = self.node_time().as_millis() + self.chance.between(1, 3_000);
        let penalty =
            || Penalty { user: user.clone(), until: Some(Timestamp::from_millis(until)), reason: None };
        let deed = match self.chance.between(0, 99) {
            0..25 => Deed::Invite(user),
            25..40 => Deed::Mute(penalty()),
            40..45 => Deed::Unmute(user),
            45..58 => Deed::Ban(penalty()),
            58..63 => Deed::Unban(user),
            63..75 => Deed::Kick(user, None),
            75..85 => Deed::SetRole(user, Role::Moderator),
            85..90 => Deed::SetRole(user, Role::Owner),
            90..95 => Deed::SetRole(user, Role::Member),
            95..99 => Deed::Uninvite(user),
            _ => Deed::Close(None),
        };
        let authority = if self.chance.hits(300) { Authority::Admin } else { Authority::Role };
        self.ask_anywhere(index, Ask::Act(Act { deed, authority }));
    }

    fn connect(&mut self, index: usize) {
        let node = self.any_node();
        if !self.nodes[node.node].is_up {
            return;
        }
        let start = match self.clients[index].position {
            Some(seq) => Start::After(seq),
            None if self.chance.hits(500) => Start::Live,
            None => Start::Last(self.chance.between(1, 30).unsigned_abs()),
        };
        if matches!(start, Start::After(_)) && self.clients[index].former.is_some_and(|former| former != node)
        {
            self.tally.count(Happening::ResumedElsewhere);
        }
        let now = self.schedule.now();
        self.clients[index].connect(node, now);
        self.ask(index, Ask::Subscribe(start));
        // Who comes back need not wait for the greeting before they go on.
        if !self.is_quiet() && self.chance.hits(300) {
            self.say(index);
            self.say_again(index);
        }
    }

    fn any_node(&mut self) -> NodeRef {
        let index = self.chance.index(self.nodes.len());
        self.nodes[index].me
    }

    fn say(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if client.pending.len() >= MOST_PENDING {
            return self.say_again(index);
        }
        client.sent += 1;
        let (number, now) = (client.sent, self.schedule.now());
        let pending =
            Pending { text: text(index, number), asked_at: now, floor: client.position.unwrap_or(0) };
        let (room, user) = (client.room.clone(), client.user.id.clone());
        self.judge.said(&room, &user, &pending.text);
        client.pending.insert(number, pending);
        self.send_message(index, number);
    }

    fn say_again(&mut self, index: usize) {
        let now = self.schedule.now();
        let overdue = |(_, pending): &(&u64, &Pending)| now - pending.asked_at > PATIENCE;
        let overdue = self.clients[index].pending.iter().find(overdue).map(|(number, _)| *number);
        if let Some(number) = overdue {
            self.send_message(index, number);
        }
    }

    fn send_message(&mut self, index: usize, number: u64) {
        let now = self.schedule.now();
        let Some(pending) = self.clients[index].pending.get_mut(&number) else { return };
        pending.asked_at = now;
        let body = MessageBody::stored(pending.text.clone());
        let client_id = (!self.is(Sabotage::ForgetDedup)).then(|| client_id(index, number));
        let ask = Ask::Send { number, client_id, body };
        if self.chance.hits(self.plan.twice) {
            self.ask_anywhere(index, ask.clone());
        }
        if self.chance.hits(self.plan.elsewhere) {
            self.ask_anywhere(index, ask);
        } else {
            self.ask(index, ask);
        }
    }

    /// Ends a connection; the node hears of it, if it lives.
    fn hang_up(&mut self, index: usize) {
        self.ask(index, Ask::Unsubscribe);
        self.clients[index].link = None;
    }

    /// A client will find that its connection is gone.
    pub(super) fn hang_up_by(&mut self, client: usize, session: u64, noticed: Millis) {
        self.schedule.after(noticed, Event::Hear(Peer { client, session }, Box::new(Frame::Closed)));
    }

    /// Asks through the connection.
    fn ask(&mut self, index: usize, ask: Ask) {
        let time = self.schedule.now() + self.delay();
        let client = &mut self.clients[index];
        let Some(link) = &mut client.link else { return };
        let peer = Peer { client: index, session: link.session };
        let (node, arrival) = (link.node, link.up.arrival(time));
        let request = Request {
            peer,
            user: client.user.clone(),
            room: client.room.clone(),
            membership: None,
            right: None,
            ask,
        };
        self.schedule.at(arrival, Event::Node(node, Box::new(ToNode::Request(request))));
    }

    /// Asks any node, without a connection that lasts.
    fn ask_anywhere(&mut self, index: usize, ask: Ask) {
        let node = self.any_node();
        let client = &self.clients[index];
        let peer = Peer { client: index, session: 0 };
        let request = Request {
            peer,
            user: client.user.clone(),
            room: client.room.clone(),
            membership: None,
            right: None,
            ask,
        };
        self.answer(node, ToNode::Request(request));
    }

    /// A node says something to a client. What is said in a connection keeps its order, but for answers.
    pub(super) fn tell(&mut self, peer: Peer, frame: Frame) {
        self.judge_frame(peer, &frame);
        let mut time = self.schedule.now() + self.delay();
        let keeps_order =
            !matches!(frame, Frame::Ack { .. } | Frame::Done(_) | Frame::Refused { number: Some(_), .. });
        let client = &mut self.clients[peer.client];
        if !client.hears(peer) {
            return;
        }
        if let (true, Some(link)) = (keeps_order, &mut client.link) {
            time = link.down.arrival(time);
        }
        self.schedule.at(time, Event::Hear(peer, Box::new(frame)));
    }

    fn judge_frame(&mut self, peer: Peer, frame: &Frame) {
        let client = &self.clients[peer.client];
        match frame {
            Frame::Record(record) => self.judge.shown(&client.room, record),
            Frame::Done(record) => {
                self.tally.count(Happening::DeedDone);
                record.iter().for_each(|record| self.judge.shown(&client.room, record));
            }
            Frame::Ack { number, first, repeated } => {
                if *repeated {
                    self.tally.count(Happening::RepeatedSendAcknowledged);
                }
                let floor = client.pending.get(number).map_or(0, |pending| pending.floor);
                let said = text(peer.client, *number);
                self.judge.acked(&client.room, (&client.user.id, &said), *first, floor);
            }
            _ => {}
        }
    }

    /// A client hears something.
    pub(super) fn hear(&mut self, peer: Peer, frame: Frame) {
        let client = &mut self.clients[peer.client];
        if !client.hears(peer) {
            return;
        }
        match frame {
            Frame::Joined { after, missing } => self.hear_joined(peer.client, after, missing),
            Frame::Record(record) => self.hear_record(peer.client, &record),
            Frame::Ack { number, .. } => drop(client.pending.remove(&number)),
            Frame::Refused { code: Code::Internal, .. } => {
                self.judge.object("a room did not know what to answer".to_owned());
            }
            Frame::Refused { number: Some(number), code } => {
                self.tally.count(Happening::Refused);
                // Who is refused for good gives up; who is no member only becomes one again.
                if code.retry() == Retry::No && code != Code::NotAMember {
                    client.pending.remove(&number);
                }
            }
            Frame::Done(_) => {}
            Frame::Refused { number: None, code } if peer.session != 0 && code.retry() == Retry::No => {
                client.link = None;
                client.pending.clear();
            }
            Frame::Refused { number: None, .. } | Frame::Parted | Frame::Left | Frame::Closed => {
                if peer.session != 0 {
                    client.link = None;
                }
            }
        }
    }

    fn hear_joined(&mut self, index: usize, after: Seq, missing: Option<Missing>) {
        let client = &mut self.clients[index];
        let had = *client.position.get_or_insert(after);
        if let Some(link) = &mut client.link {
            link.joined = true;
        }
        if had != after || missing.is_some() {
            let (user, room) = (&client.user.id, &client.room);
            let fault =
                format!("D3: {user} came back to {room} with {had}, got {after} and lacks {missing:?}");
            self.judge.object(fault);
        }
    }

    fn hear_record(&mut self, index: usize, record: &Record) {
        let client = &mut self.clients[index];
        let expected = client.position.unwrap_or(0) + 1;
        client.position = Some(record.seq);
        if !client.is_joined() || record.seq != expected {
            let (user, room, seq) = (&client.user.id, &client.room, record.seq);
            self.judge.object(format!("D3: {user} was shown {seq} of {room}, not {expected}"));
        }
    }
}
