//! A TCP proxy in front of a server whose link can misbehave in every way that a network does.

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// What a client of Postgres says first when it wants TLS: eight bytes, of which the last four are this code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// The answer: it can have it.
const HAS_TLS: u8 = b'S';

/// How long the server's side of a vanished link stays open: its keep-alive has not noticed yet.
const UNNOTICED: Duration = Duration::from_secs(20);

/// What new connections meet, and what happens to answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkFaults {
    /// New connections are closed at once.
    pub refuses: bool,
    /// New connections are taken, and nothing is ever answered.
    pub silent: bool,
    /// New connections lead here in place of the server.
    pub elsewhere: Option<String>,
    /// So many answers in a thousand come late.
    pub late_per_mille: u32,
    /// By so many milliseconds, at least and at most.
    pub late_millis: (u64, u64),
    /// Only the answers to questions that contain this are late.
    pub late_to: Option<&'static str>,
    /// So many answers in a thousand are lost: the connection is cut in their place.
    pub lost_per_mille: u32,
}

/// What the proxy shows to clients that want TLS.
#[derive(Clone)]
pub struct Certificate(TlsAcceptor);

impl std::fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Certificate(…)")
    }
}

impl Certificate {
    /// A certificate and its key from files in PEM.
    ///
    /// # Errors
    /// When one of them can't be read, or they don't belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let shown = CertificateDer::from_pem_file(certificate).context("no certificate")?;
        let key = PrivateKeyDer::from_pem_file(key).context("no key")?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![shown], key)?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// A running proxy. Dropping it closes everything.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens, `host:port`.
    pub address: String,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    server: String,
    tls: Option<Certificate>,
    faults: Mutex<LinkFaults>,
    seed: AtomicU64,
    /// Counts orders to close whatever is open.
    cuts: watch::Sender<u64>,
    /// Counts orders to swallow whatever open links carry.
    vanishings: watch::Sender<u64>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

impl Proxy {
    /// A proxy to a server, `host:port`.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn to(server: &str, seed: u64) -> io::Result<Self> {
        Self::start(server, seed, None).await
    }

    /// The same to a Postgres or PgBouncer, for clients that want TLS; it ends here, so that what they say can be told apart.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn with_tls(server: &str, seed: u64, certificate: &Certificate) -> io::Result<Self> {
        Self::start(server, seed, Some(certificate.clone())).await
    }

    async fn start(server: &str, seed: u64, tls: Option<Certificate>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let state = Arc::new(State {
            server: server.to_owned(),
            tls,
            faults: Mutex::default(),
            seed: AtomicU64::new(seed),
            cuts: watch::channel(0).0,
            vanishings: watch::channel(0).0,
        });
        let listening = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            listening,
        })
    }

    /// What happens from now on.
    pub fn set(&self, faults: LinkFaults) {
        *self.state.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Everything is well from now on. Links that lead elsewhere, or vanished, stay as they are.
    pub fn clear(&self) {
        self.set(LinkFaults::default());
    }

    /// Closes every open connection.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Every open connection swallows what is sent from now on, either way, and is never closed by the other side.
    pub fn vanish(&self) {
        self.state.vanishings.send_modify(|count| *count += 1);
    }
}

impl State {
    fn faults(&self) -> LinkFaults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(serve(client, Arc::clone(&state)));
    }
}

async fn serve(client: TcpStream, state: Arc<State>) {
    let faults = state.faults();
    let mut cuts = state.cuts.subscribe();
    if faults.refuses {
        return;
    }
    if faults.silent {
        let _ = cuts.changed().await;
        return;
    }
    let server = faults.elsewhere.as_ref().unwrap_or(&state.server);
    // A server that is away is a connection that closes at once.
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    // Small protocol messages must not wait for each other.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let carried = async {
        match &state.tls {
            None => carry(client, server, &state).await,
            Some(certificate) => {
                if let Ok(client) = begin_tls(client, certificate).await {
                    carry(client, server, &state).await;
                }
            }
        }
    };
    tokio::select! {
        () = carried => {}
        _ = cuts.changed() => {}
    }
}

/// As Postgres does it: the client asks for TLS in the clear and is told that it can have it.
async fn begin_tls(mut client: TcpStream, certificate: &Certificate) -> io::Result<TlsStream<TcpStream>> {
    let mut asked = [0; SSL_REQUEST.len()];
    client.read_exact(&mut asked).await?;
    if asked != SSL_REQUEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    client.write_u8(HAS_TLS).await?;
    certificate.0.accept(client).await
}

async fn carry(client: impl AsyncRead + AsyncWrite, server: TcpStream, state: &State) {
    let rng = StdRng::seed_from_u64(state.seed.fetch_add(1, Ordering::Relaxed));
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.into_split();
    let mut vanishings = state.vanishings.subscribe();
    let asked = AtomicBool::new(false);
    let ended = tokio::select! {
        () = questions(&mut from_client, &mut to_server, state, &asked) => true,
        () = answers(&mut from_server, &mut to_client, state, &asked, rng) => true,
        _ = vanishings.changed() => false,
    };
    if !ended {
        tokio::select! {
            () = swallow(&mut from_client) => {}
            () = async { swallow(&mut from_server).await; std::future::pending::<()>().await } => {}
        }
        // The client has gone; the server does not learn of it yet.
        tokio::time::sleep(UNNOTICED).await;
    }
}

/// Notes in `asked` whether this was a question whose answer is to be late.
async fn questions(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    state: &State,
    asked: &AtomicBool,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let is_meant = |text: &str| contains(&buffer[..length], text.as_bytes());
        asked.store(state.faults().late_to.is_none_or(is_meant), Ordering::Relaxed);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn answers(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    state: &State,
    asked: &AtomicBool,
    mut rng: StdRng,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let faults = state.faults();
        if rng.random_range(0..1_000) < faults.lost_per_mille {
            return;
        }
        if asked.load(Ordering::Relaxed) && rng.random_range(0..1_000) < faults.late_per_mille {
            let (least, most) = faults.late_millis;
            tokio::time::sleep(Duration::from_millis(rng.random_range(least..=most))).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len().max(1)).any(|window| window == text)
}

async fn swallow(from: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(1..) = from.read(&mut buffer).await {}
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
