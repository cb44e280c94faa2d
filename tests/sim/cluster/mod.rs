//! A whole cluster in one thread: clients, nodes, brokers and a database, and every message between them.
//! It decides nothing that the product decides; it carries, delays, loses, and lets the judge look.

mod begin;
mod clients;
mod end;
mod event;
mod faults;
mod group;
mod pages;
mod rooms;
mod saving;
mod topic;
mod updates;

use klatsch::domain::{ClientId, RoomId, Timestamp};

use self::event::{Event, ToNode};
use crate::{
    chance::Chance,
    client::Client,
    judge::Judge,
    node::{Node, NodeRef},
    plan::Plan,
    sabotage::Sabotage,
    schedule::{Millis, Schedule},
    tally::Tally,
    virtual_database::VirtualDatabase,
    virtual_log::VirtualLog,
};

/// A cluster.
pub(crate) struct Cluster {
    chance: Chance,
    plan: Plan,
    schedule: Schedule<Event>,
    log: VirtualLog,
    database: VirtualDatabase,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    rooms: Vec<RoomId>,
    group: group::Group,
    judge: Judge,
    sabotage: Option<Sabotage>,
    broker_down_until: Millis,
    database_down_until: Millis,
    /// How far the brokers' clock is ahead.
    skew: Millis,
    sayings: u64,
    tally: Tally,
    trace: Trace,
}

/// Who reads along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    Off,
    /// Everything that happens is printed.
    Print,
    /// Everything that happens is counted into a number that tells runs apart.
    Digest(u64),
}

/// What came of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The first promise that was broken, if one was.
    pub(crate) fault: Option<String>,
    /// How many records there were.
    pub(crate) records: u64,
    pub(crate) events: u64,
    pub(crate) digest: u64,
    pub(crate) tally: Tally,
}

impl Cluster {
    /// The cluster of a seed.
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>, trace: Trace) -> Self {
        let mut chance = Chance::new(seed);
        let plan = Plan::choose(&mut chance);
        let mut cluster = Self {
            schedule: Schedule::new(),
            log: VirtualLog::new(plan.partitions),
            database: VirtualDatabase::default(),
            nodes: Vec::new(),
            clients: Vec::new(),
            rooms: Vec::new(),
            group: group::Group::default(),
            judge: Judge::default(),
            broker_down_until: 0,
            database_down_until: 0,
            skew: 0,
            sayings: 0,
            tally: Tally::default(),
            chance,
            plan,
            sabotage,
            trace,
        };
        cluster.begin();
        cluster
    }

    /// Lets everything happen until it has come to rest or a promise is broken.
    pub(crate) fn run(mut self) -> Verdict {
        let mut events = 0;
        while self.judge.fault().is_none()
            && let Some((place, event)) = self.schedule.next()
        {
            events += 1;
            self.note(&event);
            self.happen(place, event);
        }
        let digest = if let Trace::Digest(digest) = self.trace { digest } else { 0 };
        let records = self.rooms.iter().map(|room| self.judge.head(room)).sum();
        let fault = self.judge.fault().map(|fault| format!("at {} ms: {fault}", self.schedule.now()));
        Verdict { fault, records, events, digest, tally: self.tally }
    }

    fn happen(&mut self, place: u64, event: Event) {
        match event {
            Event::Act(client) => self.act(client),
            Event::Hear(peer, frame) => self.hear(peer, *frame),
            Event::Node(to, what) => self.reach(place, to, *what),
            Event::Append(append) => self.append(append),
            Event::Load(from, number) => self.load(from, number),
            Event::Extent(from, number, partition) => self.extent(from, number, partition),
            Event::Tail(from, number, until) => self.tail(from, number, until),
            Event::Save(from, step) => self.save(from, step),
            Event::LateCommit(step) => self.commit_late(&step),
            Event::Rebalance => self.rebalance(),
            Event::Fault(fault) => self.fault(fault),
            Event::Look => self.look(),
        }
    }

    /// Something reaches a node, if that still lives; one that stands still gets it later.
    fn reach(&mut self, place: u64, to: NodeRef, what: ToNode) {
        let node = &self.nodes[to.node];
        if !node.is_up || node.me != to {
            return;
        }
        if node.paused_until > self.schedule.now() {
            let until = node.paused_until;
            return self.schedule.postpone(until, place, Event::Node(to, Box::new(what)));
        }
        match what {
            ToNode::Request(request) => self.request(to, request),
            ToNode::Loaded(number, loaded) => self.loaded(to, number, loaded),
            ToNode::Extent(number, extent) => self.extent_known(to, number, extent),
            ToNode::Tail(number, entries, until) => self.tail_read(to, number, entries, until),
            ToNode::Signal(signal) => self.signalled(to, signal),
            ToNode::GiveUp(number) => self.give_up(to, number),
            ToNode::Poll => self.poll(to),
            ToNode::Run(opening) => self.run_room(to, opening),
            ToNode::LookWhetherIdle(opening) => self.look_whether_idle(to, opening),
            ToNode::AppendFailed(append) => self.append_failed(to, &append),
            ToNode::Group(event) => self.group_says(to, event),
            ToNode::PutOut => self.left(to),
            ToNode::PollForSaver => self.poll_for_saver(to),
            ToNode::Saved(answer) => self.saved(to, answer),
            ToNode::SaveAgain => self.save_again(to),
        }
    }

    fn node(&mut self, me: NodeRef) -> &mut Node {
        &mut self.nodes[me.node]
    }

    /// How long something is on its way now.
    fn delay(&mut self) -> Millis {
        self.plan.delay(&mut self.chance)
    }

    fn send(&mut self, event: Event) {
        let delay = self.delay();
        self.schedule.after(delay, event);
    }

    fn answer(&mut self, to: NodeRef, what: ToNode) {
        self.send(Event::Node(to, Box::new(what)));
    }

    /// Lets a node do something after a while, of its own accord.
    fn later(&mut self, node: NodeRef, (least, most): (Millis, Millis), what: ToNode) {
        let delay = self.chance.between(least, most);
        self.schedule.after(delay, Event::Node(node, Box::new(what)));
    }

    /// What the clock of every node says.
    fn node_time(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000 + self.schedule.now())
    }

    fn is_quiet(&self) -> bool {
        self.schedule.now() >= self.plan.quiet_from
    }

    fn is_broker_down(&self) -> bool {
        self.broker_down_until > self.schedule.now()
    }

    fn does_database_fail(&mut self) -> bool {
        let fails = !self.is_quiet() && self.chance.hits(self.plan.database_fails);
        fails || self.database_down_until > self.schedule.now()
    }

    fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    fn note(&mut self, event: &Event) {
        match &mut self.trace {
            Trace::Off => {}
            Trace::Print => println!("{:>6} {event:?}", self.schedule.now()),
            Trace::Digest(digest) => {
                for byte in format!("{} {event:?}", self.schedule.now()).bytes() {
                    *digest = (*digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
                }
            }
        }
    }
}

/// What a client calls its message.
fn client_id(client: usize, number: u64) -> ClientId {
    ClientId::new(format!("c{client}-{number}"))
}

/// What a client says; nobody else says that, and it nothing else by that number.
fn text(client: usize, number: u64) -> String {
    format!("{number} of {client}")
}
