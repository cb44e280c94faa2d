//! Clients that only read, by event stream or by polling, and resume through every cut. D3 on those surfaces.
//! They say nothing; `talker` does.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use super::http::{Http, messages_of, position_text};
use super::server::Server;
use super::sse::{Events, Heard};
use super::{breath, until};

/// How a room is followed.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Events,
    Polling,
}

/// Somebody who follows a room from its first record.
pub(crate) struct Following {
    heard: Rc<RefCell<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Following {
    /// Follows `room` from now until [`Self::must_have_heard`].
    pub(crate) fn begin(server: &Server, room: &str, by: By) -> Following {
        let heard: Rc<RefCell<Vec<Value>>> = Rc::default();
        let follower = Follower { address: server.address(), room: room.to_owned(), heard: heard.clone() };
        let task = actix_web::rt::spawn(async move {
            match by {
                By::Events => follower.follow_events().await,
                By::Polling => follower.poll().await,
            }
        });
        Following { heard, task }
    }

    /// Waits until the follower has heard as much as the history, which must be the same records in the same order.
    pub(crate) async fn must_have_heard(self, history: &[Value]) {
        until("a follower", async || {
            assert!(!self.task.is_finished(), "a follower failed; see its panic above");
            self.heard.borrow().len() >= history.len()
        })
        .await;
        self.task.abort();
        assert_eq!(*self.heard.borrow(), history);
    }
}

struct Follower {
    address: String,
    room: String,
    heard: Rc<RefCell<Vec<Value>>>,
}

impl Follower {
    /// As a browser does it: the id of the last event resumes.
    async fn follow_events(self) {
        let mut last_id: Option<String> = None;
        loop {
            let opened = Events::try_open(&self.address, &self.room, "?after=0", last_id.as_deref()).await;
            if let Ok(mut events) = opened {
                while let Heard::Event(event) = events.hear().await {
                    if event.name == "joined" {
                        assert_eq!(event.data["recovered"], true, "{event:?}");
                    } else {
                        self.take(event.data);
                        last_id = event.id;
                    }
                }
            }
            breath().await;
        }
    }

    async fn poll(self) {
        let http = Http::at(self.address.clone());
        let mut position = String::from("0");
        loop {
            let path = format!("{}?after={position}&wait=5&limit=100", messages_of(&self.room));
            match http.call(awc::http::Method::GET, &path).try_answer().await {
                Ok(answer) if answer.status == 200 => {
                    let page = answer.expect(200);
                    for record in page["records"].as_array().unwrap() {
                        self.take(record.clone());
                    }
                    position = position_text(&page["position"]);
                }
                // A position that was given out once is honoured for ever.
                Ok(answer) => assert!(answer.status >= 500, "{answer:?}"),
                Err(_) => {}
            }
            breath().await;
        }
    }

    fn take(&self, record: Value) {
        let mut heard = self.heard.borrow_mut();
        assert_eq!(record["seq"], heard.len() + 1, "a follower heard a gap or a duplicate");
        heard.push(record);
    }
}
