//! A server of one JSON document, such as an issuer's keys, that can be changed, counted and sent away.
//! It reads no request: whatever is asked for, this is the answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running server of a document.
pub(crate) struct Document {
    /// Where it is.
    pub(crate) url: String,
    text: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Document {
    /// Serves this.
    pub(crate) async fn serve(document: &Value) -> Document {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/document", listener.local_addr().unwrap());
        let text = Arc::new(Mutex::new(document.to_string()));
        let asked = Arc::new(AtomicUsize::new(0));
        let (says, counts) = (Arc::clone(&text), Arc::clone(&asked));
        let serving = actix_web::rt::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                counts.fetch_add(1, Ordering::SeqCst);
                let body = says.lock().unwrap().clone();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\ncontent-type: application/json\r\n\
                     connection: close\r\n\r\n",
                    body.len()
                );
                // A client that is gone needs no answer.
                let _ = client.read(&mut [0; 4096]).await;
                let _ = client.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        Document { url, text, asked, serving }
    }

    /// Says something else from now on.
    pub(crate) fn change(&self, document: &Value) {
        *self.text.lock().unwrap() = document.to_string();
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Answers no more.
    pub(crate) fn go_away(&self) {
        self.serving.abort();
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
