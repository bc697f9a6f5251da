//! Servers that speak enough of Redis's protocol to misbehave on purpose, a link that counts, and a log that is kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How a stub treats its callers.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    /// Accepts and closes.
    HangUp,
    /// Accepts and never answers.
    Silent,
    /// Answers the greeting, then never an UNLINK.
    SilentToUnlink,
    /// Answers everything with this error.
    Refuse(&'static str),
    /// Refuses this many batches, then obeys.
    RefuseFirst(usize),
    /// Obeys one batch a link, then closes it.
    HangUpAfterBatch,
}

/// A server on a port of its own.
#[derive(Debug)]
pub struct Stub {
    pub url: String,
    connections: Arc<AtomicUsize>,
    batches: Arc<AtomicUsize>,
}

impl Stub {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let server = Self {
            url,
            connections: Arc::default(),
            batches: Arc::default(),
        };
        let (connections, batches) = (server.connections.clone(), server.batches.clone());
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(socket, behaviour, batches.clone()));
            }
        });
        server
    }

    /// How many callers connected.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many pipelines with an UNLINK arrived.
    pub fn batches(&self) -> usize {
        self.batches.load(Ordering::SeqCst)
    }
}

/// A request is small enough to arrive in one read here.
async fn serve(mut socket: TcpStream, behaviour: Behaviour, batches: Arc<AtomicUsize>) {
    if matches!(behaviour, Behaviour::HangUp) {
        return;
    }
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = socket.read(&mut buffer).await {
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let unlinks = request.matches("UNLINK").count();
        let batch = if unlinks > 0 {
            batches.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            0
        };
        let answer = match behaviour {
            Behaviour::Silent | Behaviour::HangUp => continue,
            Behaviour::SilentToUnlink if unlinks > 0 => continue,
            Behaviour::Refuse(error) => format!("{error}\r\n"),
            Behaviour::RefuseFirst(refused) if unlinks > 0 && batch <= refused => {
                "-LOADING later\r\n".to_owned()
            }
            Behaviour::RefuseFirst(_) | Behaviour::HangUpAfterBatch if unlinks > 0 => ":1\r\n".to_owned(),
            Behaviour::RefuseFirst(_) | Behaviour::HangUpAfterBatch | Behaviour::SilentToUnlink => {
                "+OK\r\n".to_owned()
            }
        };
        let commands = request.lines().filter(|line| line.starts_with('*')).count();
        if socket
            .write_all(answer.repeat(commands).as_bytes())
            .await
            .is_err()
        {
            return;
        }
        if unlinks > 0 && matches!(behaviour, Behaviour::HangUpAfterBatch) {
            return;
        }
    }
}

/// The URL of a port on which nothing listens.
pub async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("redis://{}", listener.local_addr().unwrap())
}

/// What went over a link.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    pub round_trips: usize,
    sent: Vec<u8>,
    answered: bool,
}

impl Traffic {
    /// How often a command was sent.
    pub fn commands(&self, name: &str) -> usize {
        String::from_utf8_lossy(&self.sent).matches(name).count()
    }
}

/// A link to a real server that counts how often the direction turns from answer to request.
#[derive(Debug)]
pub struct Link {
    pub url: String,
    traffic: Arc<Mutex<Traffic>>,
}

impl Link {
    pub async fn to(redis_url: &str) -> Self {
        let server = redis_url
            .trim_start_matches("redis://")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let traffic = Arc::new(Mutex::new(Traffic {
            answered: true,
            ..Traffic::default()
        }));
        let link = Self {
            url: format!("redis://{}", listener.local_addr().unwrap()),
            traffic: traffic.clone(),
        };
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, traffic.clone()));
            }
        });
        link
    }

    pub fn traffic(&self) -> Traffic {
        self.traffic.lock().unwrap().clone()
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, traffic: Arc<Mutex<Traffic>>) {
    let (mut request, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let Ok(length @ 1..) = read else { return };
                {
                    let mut traffic = traffic.lock().unwrap();
                    traffic.sent.extend_from_slice(&request[..length]);
                    traffic.round_trips += usize::from(traffic.answered);
                    traffic.answered = false;
                }
                server.write_all(&request[..length]).await.unwrap();
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                traffic.lock().unwrap().answered = true;
                if client.write_all(&answer[..length]).await.is_err() { return }
            }
        }
    }
}

/// A log layer that keeps what is logged at WARN and above.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub fn warnings(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        if *event.metadata().level() <= tracing::Level::WARN {
            let mut line = Line::default();
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}
