//! The queues of a run: what SQS promises and not a bit more. At least once, in no order, with answers that may be lost. They
//! live in the driver, so that what was sent is on its own record, and so that every freedom that SQS takes happens by seed.

mod api;
mod queue;

pub use queue::{Misbehaviour, Received};

use anyhow::{Context, Result};
use queue::Queues;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Seconds of SQS that pass in one second of a run: visibility time-outs and delays of minutes must fit a run.
pub const TIME_SCALE: u64 = 10;

/// Where whoever sends next is to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillPoint {
    /// Before the queue has the messages.
    BeforeTaking,
    /// When it has them, and before it says so.
    AfterTaking,
}

/// All queues of a run.
#[derive(Debug)]
pub struct Broker {
    /// For `AWS_ENDPOINT_URL`.
    pub endpoint: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    queues: Mutex<Queues>,
    point: Mutex<Option<KillPoint>>,
    to_kill: mpsc::UnboundedSender<String>,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Broker {
    /// Starts it. Whoever is to be killed is named, by access key, on the receiver.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn start(seed: u64) -> Result<(Self, mpsc::UnboundedReceiver<String>)> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("no free port for the queues")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (to_kill, names) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            queues: Mutex::new(Queues::of_seed(seed)),
            point: Mutex::default(),
            to_kill,
        });
        let router = api::router(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            // Ends with the run.
            let _ = axum::serve(listener, router).await;
        });
        let broker = Self {
            endpoint,
            shared,
            serving,
        };
        Ok((broker, names))
    }

    /// A new queue; what is received `most_receives` times and not deleted goes to the other queue.
    pub fn create(&self, name: &str, redrive: Option<(u32, &str)>) {
        self.queues().create(name, redrive);
    }

    /// The URL of the queue of this name.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.endpoint)
    }

    /// From now on it behaves so.
    pub fn behave(&self, misbehaviour: Misbehaviour) {
        self.queues().misbehaviour = misbehaviour;
    }

    /// The next sender is killed there.
    pub fn kill_next_sender(&self, point: Option<KillPoint>) {
        *self.shared.point.lock().unwrap_or_else(PoisonError::into_inner) = point;
    }

    /// A message from outside, which is neither refused nor lost.
    pub fn put(&self, queue: &str, body: &str) {
        self.queues()
            .send(queue, &json!({"MessageBody": body}), Instant::now());
    }

    /// Up to `most` messages that can be received now; no other client gets them within `visibility`.
    #[must_use]
    pub fn receive(&self, queue: &str, most: usize, visibility: Duration) -> Vec<Received> {
        self.queues().receive(queue, most, visibility, Instant::now())
    }

    /// Whether anything can be received now.
    #[must_use]
    pub fn has_any(&self, queue: &str) -> bool {
        self.queues().has_any(queue, Instant::now())
    }

    /// Deletes a message that is done.
    pub fn delete(&self, queue: &str, message_id: &str) {
        self.queues().delete(queue, message_id, Instant::now());
    }

    /// Minutes pass: whatever is put off can be received. What a client has in hand stays with it.
    pub fn show_delayed(&self) {
        self.queues().show_delayed(Instant::now());
    }

    /// How many messages there are, those that are held or delayed included.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.queues().messages()
    }

    /// Messages that were taken so far, and how often they were delivered.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let queues = self.queues();
        (queues.taken, queues.delivered)
    }

    /// Every event that any queue ever took, once each: what left the functions, whatever their database says.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.queues().events()
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.shared.queues()
    }
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the next sender is to be killed, if one is; asked once.
    fn take_kill_point(&self) -> Option<KillPoint> {
        self.point.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
