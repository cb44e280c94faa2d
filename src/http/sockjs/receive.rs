//! Receiving a session: by responses of one frame each, or by streams of them.
//! One receives at a time; that, and what breaking off means, is the handle's business.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    http::{StatusCode, Version, header},
    rt::time::{Instant, Interval, interval_at, timeout},
    web::Bytes,
};
use futures_util::Stream;

use super::{frames::Received, handle::Receiver, transport::Transport, visit::Visit};
use crate::{
    http::{Problem, policy},
    wire::sockjs::{self, Goodbye},
};

pub(super) async fn xhr(visit: Visit) -> Result<HttpResponse, Problem> {
    poll(visit, Transport::Xhr).await
}

pub(super) async fn jsonp(visit: Visit) -> Result<HttpResponse, Problem> {
    match visit.callback() {
        Ok(callback) => poll(visit, Transport::Jsonp(callback)).await,
        Err(error) => Ok(visit.fault(error.sentence())),
    }
}

pub(super) async fn xhr_streaming(visit: Visit) -> Result<HttpResponse, Problem> {
    stream(&visit, Transport::XhrStreaming)
}

pub(super) async fn eventsource(visit: Visit) -> Result<HttpResponse, Problem> {
    stream(&visit, Transport::EventSource)
}

pub(super) async fn htmlfile(visit: Visit) -> Result<HttpResponse, Problem> {
    match visit.callback() {
        Ok(callback) => {
            let mut response = stream(&visit, Transport::HtmlFile(callback))?;
            let policy = policy::streamed_scripts(&visit.context.allowed_origins);
            if let Ok(policy) = policy.try_into() {
                response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            }
            Ok(response)
        }
        Err(error) => Ok(visit.fault(error.sentence())),
    }
}

/// Answers with the next frame, as soon as there is one.
async fn poll(visit: Visit, transport: Transport) -> Result<HttpResponse, Problem> {
    let frame = match visit.receive()? {
        Ok(receiver) => next_frame(receiver, visit.service.settings.heartbeat()).await,
        Err(goodbye) => goodbye.frame(),
    };
    Ok(visit.answer(StatusCode::OK, transport.content_type()).body(transport.wrap(&frame)))
}

async fn next_frame(mut receiver: Receiver, heartbeat: Duration) -> String {
    let frame = match timeout(heartbeat, poll_fn(|context| receiver.poll_frames(context))).await {
        Ok(received) => received.first(),
        Err(_) => sockjs::HEARTBEAT.to_owned(),
    };
    receiver.finish();
    frame
}

/// Answers with frames as they come.
fn stream(visit: &Visit, transport: Transport) -> Result<HttpResponse, Problem> {
    let settings = &visit.service.settings;
    let mut response = visit.answer(StatusCode::OK, transport.content_type());
    let frames = Frames::new(visit.receive()?, transport, settings.response_bytes, settings.heartbeat());
    if visit.request.version() >= Version::HTTP_11 {
        return Ok(response.streaming(frames));
    }
    // Before 1.1 there are no chunks: the end of the connection is that of the response.
    let mut response = response.force_close().streaming(frames);
    response.head_mut().no_chunking(true);
    Ok(response)
}

/// The body of a stream.
struct Frames {
    transport: Transport,
    /// Until nothing more comes in this response.
    receiver: Option<Receiver>,
    waiting: VecDeque<Bytes>,
    /// Bytes that may still be written.
    left: usize,
    heartbeat: Interval,
}

impl Frames {
    fn new(
        receiver: Result<Receiver, Goodbye>,
        transport: Transport,
        left: usize,
        heartbeat: Duration,
    ) -> Self {
        let heartbeat = interval_at(Instant::now() + heartbeat, heartbeat);
        let waiting = transport.prelude().into_iter().collect();
        let mut frames = Self { transport, receiver: None, waiting, left, heartbeat };
        match receiver {
            Ok(receiver) => frames.receiver = Some(receiver),
            Err(goodbye) => frames.write(&goodbye.frame()),
        }
        frames
    }

    fn write(&mut self, frame: &str) {
        let bytes = self.transport.wrap(frame);
        self.left = self.left.saturating_sub(bytes.len());
        self.waiting.push_back(bytes);
    }

    fn take(&mut self, received: Received) {
        let is_last = received.goodbye.is_some();
        received.all().for_each(|frame| self.write(&frame));
        if is_last {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(receiver) = self.receiver.take() {
            receiver.finish();
        }
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                self.heartbeat.reset();
                return Poll::Ready(Some(Ok(bytes)));
            }
            if self.left == 0 {
                // Before the client hears of the end, for it comes back at once.
                self.finish();
            }
            let Some(receiver) = self.receiver.as_mut() else { return Poll::Ready(None) };
            if let Poll::Ready(received) = receiver.poll_frames(context) {
                self.take(received);
            } else if self.heartbeat.poll_tick(context).is_ready() {
                self.write(sockjs::HEARTBEAT);
            } else {
                return Poll::Pending;
            }
        }
    }
}
