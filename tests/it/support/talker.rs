//! Clients that keep talking through every cut: they resume after their last position and resend what has no ack.
//! They hold the promises D1 to D4 themselves: a gap, a duplicate or a changed ack is a panic.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::http::{Http, User, id_of, seqs};
use super::server::Server;
use super::socket::{Heard, Socket, records_of};
use super::{PATIENCE, breath, until};

/// A pause between two tries, and how often a talker looks up from its socket.
const BEAT: Duration = Duration::from_millis(20);

/// One room and the talkers in it.
pub(crate) struct Conversation {
    /// Of the nodes; a talker that lost one goes on at the next.
    addresses: Vec<String>,
    room: String,
    epoch: String,
    window: usize,
    stop: Cell<bool>,
    settled: Cell<usize>,
    goal: Cell<Option<usize>>,
    acked: Cell<u64>,
    /// Whose messages have been acknowledged.
    speakers: RefCell<BTreeSet<String>>,
    refusals: RefCell<BTreeMap<String, u64>>,
}

/// A conversation that is going on.
pub(crate) struct Talking {
    conversation: Rc<Conversation>,
    talkers: Vec<tokio::task::JoinHandle<Outcome>>,
}

struct Outcome {
    nickname: String,
    acked: BTreeMap<String, u64>,
    heard: Vec<Value>,
}

impl Talking {
    /// Makes a room named `name` with `count` talkers, who keep `window` messages in flight each.
    pub(crate) async fn begin(server: &Server, name: &str, count: usize, window: usize) -> Talking {
        Talking::begin_across(std::slice::from_ref(server), name, count, window).await
    }

    /// The same over several nodes, where each cut leads to the next one.
    pub(crate) async fn begin_across(nodes: &[Server], name: &str, count: usize, window: usize) -> Talking {
        let http = Http::to(&nodes[0]);
        let mut users = Vec::new();
        for n in 0..count {
            users.push(http.user(&format!("{name} talker {n}")).await);
        }
        let room = http.acting_as(&users[0]).room(name).await;
        let conversation = Rc::new(Conversation {
            addresses: nodes.iter().map(Server::address).collect(),
            room: id_of(&room),
            epoch: room["head"]["epoch"].as_str().unwrap().to_owned(),
            window,
            stop: Cell::new(false),
            settled: Cell::new(0),
            goal: Cell::new(None),
            acked: Cell::new(0),
            speakers: RefCell::default(),
            refusals: RefCell::default(),
        });
        let begin = |(n, user)| actix_web::rt::spawn(talk(conversation.clone(), user, n));
        let talkers = users.into_iter().enumerate().map(begin).collect();
        Talking { conversation, talkers }
    }

    /// The id of the room.
    pub(crate) fn room(&self) -> &str {
        &self.conversation.room
    }

    /// Waits until `more` further messages are acknowledged.
    pub(crate) async fn progress(&self, more: u64) {
        let goal = self.conversation.acked.get() + more;
        until("acknowledged messages", async || self.must_go_on() && self.conversation.acked.get() >= goal)
            .await;
    }

    /// Waits until everybody is in the room and has said something.
    pub(crate) async fn everybody_has_spoken(&self) {
        let speakers = || self.conversation.speakers.borrow().len();
        until("a word of each talker", async || self.must_go_on() && speakers() == self.talkers.len()).await;
    }

    /// Waits until a send has been refused with `code` once more.
    pub(crate) async fn refusal(&self, code: &str) {
        let before = self.refused(code);
        until(code, async || self.must_go_on() && self.refused(code) > before).await;
    }

    /// Lets everybody finish and checks D1 to D4: every talker heard exactly the history, in its order, and every
    /// ack stands in it at its place, once. Gives the history.
    pub(crate) async fn end(self, server: &Server) -> Vec<Value> {
        let conversation = self.conversation.clone();
        conversation.stop.set(true);
        until("the last acks", async || {
            self.must_go_on() && conversation.settled.get() == self.talkers.len()
        })
        .await;
        let history = Http::to(server).history(&conversation.room).await;
        conversation.goal.set(Some(history.len()));
        let never_refused = conversation.refusals.borrow().is_empty();
        for talker in self.talkers {
            let outcome = talker.await.unwrap();
            outcome.must_agree_with(&history);
            // A refused message that is sent again may rightly come after a later one.
            if never_refused {
                outcome.must_be_in_order(&history);
            }
        }
        history
    }

    /// True, or a panic when a talker has ended before its time, which it does only by panicking.
    fn must_go_on(&self) -> bool {
        let ended = self.talkers.iter().any(|talker| talker.is_finished());
        assert!(!ended, "a talker failed; see its panic above");
        true
    }

    /// The codes with which sends and joins were refused so far.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.conversation.refusals.borrow().keys().cloned().collect()
    }

    fn refused(&self, code: &str) -> u64 {
        self.conversation.refusals.borrow().get(code).copied().unwrap_or_default()
    }
}

impl Outcome {
    fn must_agree_with(&self, history: &[Value]) {
        assert_eq!(seqs(&self.heard), seqs(history), "{} heard another list", self.nickname);
        for (heard, kept) in self.heard.iter().zip(history) {
            assert_eq!(heard, kept, "{} heard another record", self.nickname);
        }
        let mut places: BTreeMap<&str, u64> = BTreeMap::new();
        for record in self.own(history) {
            let client_id = record["client_id"].as_str().unwrap();
            let earlier = places.insert(client_id, record["seq"].as_u64().unwrap());
            assert_eq!(earlier, None, "{client_id} of {} is there twice", self.nickname);
        }
        for (client_id, seq) in &self.acked {
            let place = places.get(client_id.as_str());
            assert_eq!(place, Some(seq), "{client_id} of {} was acknowledged", self.nickname);
        }
    }

    fn must_be_in_order(&self, history: &[Value]) {
        let number = |record: &Value| record["body"].as_str().unwrap().parse::<u64>().unwrap();
        let numbers: Vec<u64> = self.own(history).map(number).collect();
        assert!(numbers.is_sorted(), "{}'s messages are out of order: {numbers:?}", self.nickname);
    }

    /// The messages of this talker.
    fn own<'a>(&'a self, history: &'a [Value]) -> impl Iterator<Item = &'a Value> {
        let of_mine = |record: &&Value| record["sender"]["nickname"] == *self.nickname;
        history.iter().filter(|record| record["kind"] == "message").filter(of_mine)
    }
}

struct Talker {
    conversation: Rc<Conversation>,
    user: User,
    heard: Vec<Value>,
    acked: BTreeMap<String, u64>,
    /// Sent and neither acknowledged nor refused, oldest first.
    in_flight: VecDeque<u64>,
    /// Refused; to be sent again.
    refused: VecDeque<u64>,
    said: u64,
    settled: bool,
    /// The node it is at.
    address: String,
}

async fn talk(conversation: Rc<Conversation>, user: User, mut node: usize) -> Outcome {
    let mut talker = Talker {
        conversation,
        user,
        heard: Vec::new(),
        acked: BTreeMap::new(),
        in_flight: VecDeque::new(),
        refused: VecDeque::new(),
        said: 0,
        settled: false,
        address: String::new(),
    };
    let mut in_touch = Instant::now();
    while !talker.is_done() {
        let addresses = &talker.conversation.addresses;
        talker.address = addresses[node % addresses.len()].clone();
        node += 1;
        if let Ok(socket) = Socket::try_open(&talker.address).await
            && talker.use_up(socket).await.is_some()
        {
            in_touch = Instant::now();
        }
        assert!(in_touch.elapsed() < PATIENCE, "{} does not get through", talker.user.nickname);
        breath().await;
    }
    Outcome { nickname: talker.user.nickname, acked: talker.acked, heard: talker.heard }
}

impl Talker {
    /// Talks on one socket until it ends or everything is done. `None` when it did not get as far as joining.
    async fn use_up(&mut self, mut socket: Socket) -> Option<()> {
        self.greet(&mut socket).await.ok()?;
        let mut joined = None;
        let mut looked_up = Instant::now();
        while !self.is_done() {
            if joined.is_some() && self.speak(&mut socket).await.is_err() {
                return joined;
            }
            if looked_up.elapsed() > BEAT && joined.is_some() {
                looked_up = Instant::now();
                if self.repeat_refused(&mut socket).await.is_err() {
                    return joined;
                }
            }
            match tokio::time::timeout(BEAT, socket.hear_patiently()).await {
                Err(_) => {}
                Ok(Heard::Json(value)) => match self.take(&value) {
                    Taken::Joined => joined = Some(()),
                    Taken::Rest => {}
                    Taken::TryAnew => return joined,
                },
                Ok(Heard::Closed(code)) => {
                    let resumable = (4000..4500).contains(&code) || (1000..=1012).contains(&code);
                    assert!(resumable, "{} was closed with {code}", self.user.nickname);
                    return joined;
                }
                Ok(Heard::Cut) => return joined,
            }
        }
        joined
    }

    /// Connect, join after the last position, and everything without an ack, all without waiting.
    async fn greet(&mut self, socket: &mut Socket) -> Result<(), String> {
        let after = json!({ "epoch": self.conversation.epoch, "seq": self.heard.len() });
        transmit(socket, json!({ "type": "connect", "id": "connect", "token": self.user.token })).await?;
        let room = &self.conversation.room;
        transmit(socket, json!({ "type": "join", "id": "join", "room": room, "after": after })).await?;
        self.in_flight.extend(self.refused.drain(..));
        self.in_flight.make_contiguous().sort_unstable();
        for n in self.in_flight.clone() {
            transmit(socket, self.message(n)).await?;
        }
        Ok(())
    }

    async fn speak(&mut self, socket: &mut Socket) -> Result<(), String> {
        while !self.conversation.stop.get()
            && self.in_flight.len() + self.refused.len() < self.conversation.window
        {
            self.said += 1;
            self.in_flight.push_back(self.said);
            transmit(socket, self.message(self.said)).await?;
        }
        Ok(())
    }

    async fn repeat_refused(&mut self, socket: &mut Socket) -> Result<(), String> {
        while let Some(n) = self.refused.pop_front() {
            self.in_flight.push_back(n);
            transmit(socket, self.message(n)).await?;
        }
        Ok(())
    }

    fn message(&self, n: u64) -> Value {
        let client_id = format!("m{n}");
        json!({
            "type": "send", "id": client_id, "room": self.conversation.room,
            "body": n.to_string(), "client_id": client_id,
        })
    }

    fn take(&mut self, value: &Value) -> Taken {
        match value["type"].as_str().unwrap() {
            "joined" => {
                assert_eq!(value["recovered"], true, "{}: {value}", self.user.nickname);
                return Taken::Joined;
            }
            "record" | "records" => {
                for record in records_of(value) {
                    self.must_continue(&record);
                    self.heard.push(record);
                }
            }
            "ack" => self.take_ack(value),
            "error" => return self.take_refusal(value),
            _ => {}
        }
        Taken::Rest
    }

    fn must_continue(&self, record: &Value) {
        let next = self.heard.len() + 1;
        let seq = record["seq"].as_u64().unwrap() as usize;
        if seq != next {
            let same = self.heard.get(seq - 1);
            let who = format!("{} at {}", self.user.nickname, self.address);
            panic!("{who} waited for {next} and heard {record}; it had {same:?}");
        }
    }

    fn take_ack(&mut self, ack: &Value) {
        let client_id = ack["client_id"].as_str().unwrap().to_owned();
        let seq = ack["seq"].as_u64().unwrap();
        let earlier = self.acked.insert(client_id.clone(), seq);
        assert!(earlier.is_none_or(|earlier| earlier == seq), "{client_id} has two acks: {ack}");
        self.in_flight.retain(|n| format!("m{n}") != client_id);
        self.conversation.acked.set(self.conversation.acked.get() + 1);
        self.conversation.speakers.borrow_mut().insert(self.user.nickname.clone());
    }

    fn take_refusal(&mut self, error: &Value) -> Taken {
        let code = error["code"].as_str().unwrap();
        let patient = ["later", "reconnect"].map(Value::from).contains(&error["retry"]);
        assert!(patient, "{} was refused for good at {}: {error}", self.user.nickname, self.address);
        *self.conversation.refusals.borrow_mut().entry(code.to_owned()).or_default() += 1;
        let number = error["id"].as_str().and_then(|id| id.strip_prefix('m')?.parse().ok());
        let Some(n) = number else {
            return Taken::TryAnew;
        };
        self.in_flight.retain(|other| *other != n);
        self.refused.push_back(n);
        Taken::Rest
    }

    fn is_done(&mut self) -> bool {
        let silent = self.conversation.stop.get() && self.in_flight.is_empty() && self.refused.is_empty();
        if silent && !self.settled {
            self.settled = true;
            self.conversation.settled.set(self.conversation.settled.get() + 1);
        }
        self.conversation.goal.get().is_some_and(|goal| self.heard.len() >= goal)
    }
}

/// What came of one message from the server.
enum Taken {
    Joined,
    Rest,
    TryAnew,
}

async fn transmit(socket: &mut Socket, value: Value) -> Result<(), String> {
    socket.try_transmit(Message::text(value.to_string())).await
}
