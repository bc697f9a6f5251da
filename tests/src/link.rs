//! A link in front of a server (the pooler, the SQS API, the Runtime API) that forwards bytes both ways, and can stop or
//! cut the traffic at an exact point of the conversation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a test waits for a point that must be reached; used up only when it is not.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the function.
    ToServer,
    /// To the function.
    ToClient,
}

/// Bytes to watch for on one connection.
#[derive(Debug, Clone)]
pub struct Mark {
    direction: Direction,
    bytes: Vec<u8>,
}

/// The function says this.
#[must_use]
pub fn to_server(bytes: impl AsRef<[u8]>) -> Mark {
    Mark {
        direction: Direction::ToServer,
        bytes: bytes.as_ref().to_vec(),
    }
}

/// The server says this.
#[must_use]
pub fn to_client(bytes: impl AsRef<[u8]>) -> Mark {
    Mark {
        direction: Direction::ToClient,
        bytes: bytes.as_ref().to_vec(),
    }
}

/// What happens at the last mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Nothing passes any more, either way, on any connection, from the bytes of the last mark on.
    Hold,
    /// The connection is closed instead of passing the bytes of the last mark on; the others go on.
    Cut,
}

#[derive(Debug)]
struct Plan {
    number: u64,
    marks: Vec<Mark>,
    act: Act,
    reached: watch::Sender<bool>,
}

/// A TCP proxy in front of a server. Dropping it closes every connection.
#[derive(Debug)]
pub struct Link {
    address: String,
    server: String,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    plan: Mutex<Option<Plan>>,
    plans: AtomicU64,
    held: watch::Sender<bool>,
    /// Counts the orders to close whatever is open.
    cuts: watch::Sender<u64>,
    /// How many connections there were so far.
    carried: AtomicU64,
    /// The first so many of them lead nowhere any more.
    vanished: AtomicU64,
    /// How often a client said something new after it had been answered.
    round_trips: AtomicU64,
}

/// A point of the conversation that a test waits for.
#[derive(Debug)]
pub struct Stop {
    reached: watch::Receiver<bool>,
    what: String,
}

impl Stop {
    /// Waits until the last mark has been seen; its bytes have not been passed on. Panics when it is never seen.
    pub async fn reached(&mut self) {
        let seen = tokio::time::timeout(PATIENCE, self.reached.wait_for(|reached| *reached)).await;
        assert!(
            matches!(seen, Ok(Ok(_))),
            "the conversation never came to {}",
            self.what
        );
    }

    /// Whether the last mark has been seen.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        *self.reached.borrow()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

impl Link {
    /// A link to a server, `host:port`.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let state = Arc::new(State {
            plan: Mutex::default(),
            plans: AtomicU64::default(),
            held: watch::channel(false).0,
            cuts: watch::channel(0).0,
            carried: AtomicU64::default(),
            vanished: AtomicU64::default(),
            round_trips: AtomicU64::default(),
        });
        let listening = tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&state)));
        Self {
            address,
            server: server.to_owned(),
            state,
            listening,
        }
    }

    /// A link to the server that a URL names; the port must be written out.
    pub async fn to_url(url: &str) -> Self {
        let authority = url
            .split_once("://")
            .expect("a URL with a scheme")
            .1
            .split('/')
            .next()
            .unwrap_or_default();
        let server = authority.rsplit('@').next().unwrap_or(authority);
        assert!(server.contains(':'), "{url} names no port");
        Self::to(server).await
    }

    /// Where it listens, `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The same URL through this link.
    #[must_use]
    pub fn through(&self, url: &str) -> String {
        assert!(
            url.contains(&self.server),
            "{url} does not lead to {}",
            self.server
        );
        url.replacen(&self.server, &self.address, 1)
    }

    /// From now on, once one connection has seen these marks in this order, nothing passes any more on any connection:
    /// the last mark's bytes are kept back.
    #[must_use]
    pub fn stop_at(&self, marks: &[Mark]) -> Stop {
        self.plan(marks, Act::Hold)
    }

    /// From now on, the first connection that sees these marks in this order is closed instead of passing the last on.
    #[must_use]
    pub fn cut_at(&self, marks: &[Mark]) -> Stop {
        self.plan(marks, Act::Cut)
    }

    fn plan(&self, marks: &[Mark], act: Act) -> Stop {
        assert!(!marks.is_empty(), "a plan needs a mark");
        let (sender, reached) = watch::channel(false);
        let number = self.state.plans.fetch_add(1, Ordering::Relaxed) + 1;
        let plan = Plan {
            number,
            marks: marks.to_vec(),
            act,
            reached: sender,
        };
        *self.state.plan.lock().expect("not poisoned") = Some(plan);
        let what: Vec<String> = marks
            .iter()
            .map(|mark| format!("{:?} {:?}", mark.direction, String::from_utf8_lossy(&mark.bytes)))
            .collect();
        Stop {
            reached,
            what: what.join(", then "),
        }
    }

    /// Lets pass on what was held back, and everything after it.
    pub fn release(&self) {
        self.state.held.send_replace(false);
    }

    /// The peer of every connection that is open now has vanished: what either side still sends is swallowed, and nothing is
    /// closed. New connections are carried as ever.
    pub fn hold_open_connections(&self) {
        let carried = self.state.carried.load(Ordering::Acquire);
        self.state.vanished.store(carried, Ordering::Release);
    }

    /// How many round trips there were so far, over all connections: how often a client said something and was answered, whatever
    /// either said in how many pieces.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.state.round_trips.load(Ordering::Acquire)
    }

    /// Closes every open connection at once.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn accept(listener: TcpListener, server: String, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, state) = (server.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            // A server that is away is a connection that closes at once.
            if let Ok(server) = TcpStream::connect(server).await {
                carry(client, server, &state).await;
            }
        });
    }
}

/// Carries bytes both ways until either side, or the test, ends it; then both ends are closed.
async fn carry(client: TcpStream, server: TcpStream, state: &State) {
    // Small protocol messages must not wait for each other.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let progress = Mutex::new(Progress {
        connection: state.carried.fetch_add(1, Ordering::AcqRel) + 1,
        ..Progress::default()
    });
    let mut cuts = state.cuts.subscribe();
    tokio::select! {
        () = pump(Direction::ToServer, from_client, to_server, &progress, state) => {}
        () = pump(Direction::ToClient, from_server, to_client, &progress, state) => {}
        _ = cuts.changed() => {}
    }
}

/// How far one connection has come in the plan of this number.
#[derive(Debug, Default)]
struct Progress {
    /// Which connection it is, counted from one.
    connection: u64,
    /// Who spoke last.
    last: Option<Direction>,
    plan: u64,
    step: usize,
    /// What was seen each way and may be the beginning of the next mark.
    to_server: Vec<u8>,
    to_client: Vec<u8>,
}

async fn pump(
    direction: Direction,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    progress: &Mutex<Progress>,
    state: &State,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = Vec::new();
    let mut held = state.held.subscribe();
    loop {
        let is_held = *held.borrow_and_update();
        if !is_held && !kept.is_empty() {
            if to.write_all(&kept).await.is_err() {
                return;
            }
            kept.clear();
        }
        // Reading goes on while held, so that the end of the process is seen and passed on.
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = held.changed() => continue,
        };
        let bytes = match read {
            Ok(0) | Err(_) => return,
            Ok(length) => &buffer[..length],
        };
        if state.has_vanished(progress) {
            continue;
        }
        kept.extend_from_slice(bytes);
        state.count_turn(direction, progress);
        if state.sees_last_mark(direction, bytes, progress) == Some(Act::Cut) {
            return;
        }
    }
}

impl State {
    /// The client's turn begins a round trip. Counted before the bytes are passed on, so that no answer can be seen before.
    fn count_turn(&self, direction: Direction, progress: &Mutex<Progress>) {
        let mut progress = progress.lock().expect("not poisoned");
        if direction == Direction::ToServer && progress.last != Some(Direction::ToServer) {
            self.round_trips.fetch_add(1, Ordering::AcqRel);
        }
        progress.last = Some(direction);
    }

    fn has_vanished(&self, progress: &Mutex<Progress>) -> bool {
        progress.lock().expect("not poisoned").connection <= self.vanished.load(Ordering::Acquire)
    }

    /// Follows the plan along these bytes; what is to be done when they hold the last mark.
    fn sees_last_mark(&self, direction: Direction, bytes: &[u8], progress: &Mutex<Progress>) -> Option<Act> {
        let mut plan = self.plan.lock().expect("not poisoned");
        if !progress
            .lock()
            .expect("not poisoned")
            .follow(direction, bytes, plan.as_ref()?)
        {
            return None;
        }
        let plan = plan.take()?;
        if plan.act == Act::Hold {
            self.held.send_replace(true);
        }
        plan.reached.send_replace(true);
        Some(plan.act)
    }
}

impl Progress {
    /// Whether the last mark has been seen.
    fn follow(&mut self, direction: Direction, bytes: &[u8], plan: &Plan) -> bool {
        if self.plan != plan.number {
            *self = Self {
                connection: self.connection,
                last: self.last,
                plan: plan.number,
                ..Self::default()
            };
        }
        let marks = &plan.marks;
        let longest = marks.iter().map(|mark| mark.bytes.len()).max().unwrap_or(1);
        let mut seen = match direction {
            Direction::ToServer => std::mem::take(&mut self.to_server),
            Direction::ToClient => std::mem::take(&mut self.to_client),
        };
        seen.extend_from_slice(bytes);
        while let Some(mark) = marks.get(self.step).filter(|mark| mark.direction == direction)
            && let Some(at) = seen
                .windows(mark.bytes.len())
                .position(|window| window == mark.bytes)
        {
            seen.drain(..at + mark.bytes.len());
            self.step += 1;
            // What the other side said before is no answer to this.
            self.to_server.clear();
            self.to_client.clear();
        }
        seen.drain(..seen.len().saturating_sub(longest - 1));
        match direction {
            Direction::ToServer => self.to_server = seen,
            Direction::ToClient => self.to_client = seen,
        }
        self.step == marks.len()
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
