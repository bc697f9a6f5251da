//! The servers of a run: a Postgres and two PgBouncers of its own, started and ended by `local/stack/chaos_servers.sh`.

use crate::proxy::Certificate;
use anyhow::{Context, Result, bail};
use makegood_tests::environment::binaries;
use makegood_tests::setting;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Size of the disk that is filled, in MB.
const SMALL_DISK_MB: &str = "768";
const CONNECTS_WITHIN: Duration = Duration::from_secs(15);

/// Running servers. Dropping them ends them and removes their folder.
#[derive(Debug)]
pub struct Servers {
    name: String,
    is_kept: bool,
    is_ended: AtomicBool,
    /// Postgres itself.
    pub postgres: u16,
    /// PgBouncer in front of it, which the functions use.
    pub pgbouncer: u16,
    /// PgBouncer whose sessions are read-only: the old writer after a failover.
    pub read_only: u16,
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.end();
    }
}

/// One driver may have several, one after the other.
static STARTED: AtomicU32 = AtomicU32::new(0);

impl Servers {
    /// Starts them, on a small disk where that is asked for and can be mounted. What abandoned runs left is removed first.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(wants_small_disk: bool, is_kept: bool) -> Result<Self> {
        script(&["stop-abandoned"])?;
        let ports = free_ports()?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let servers = Self {
            name: format!("run-{}-{number}", std::process::id()),
            is_kept,
            is_ended: AtomicBool::new(false),
            postgres: ports[0],
            pgbouncer: ports[1],
            read_only: ports[2],
        };
        let texts = ports.map(|port| port.to_string());
        let mut arguments = vec!["start", &servers.name, &texts[0], &texts[1], &texts[2]];
        if wants_small_disk {
            arguments.push(SMALL_DISK_MB);
        }
        script(&arguments)?;
        Ok(servers)
    }

    /// Ends them and removes their folder, or says where they are kept; once.
    pub fn end(&self) {
        if self.is_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        if self.is_kept {
            eprintln!("kept: {} and {}", self.url("makegood"), self.home().display());
        } else if let Err(error) = script(&["stop", &self.name]) {
            eprintln!("{error:#}");
        }
    }

    /// A verb of the script for this run.
    ///
    /// # Errors
    /// When it fails.
    pub async fn tell(&self, verb: &'static str, which: &str) -> Result<()> {
        let (name, which) = (self.name.clone(), which.to_owned());
        let done = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = [verb, &name, &which]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            script(&arguments)
        });
        done.await?
    }

    /// The folder of this run.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        PathBuf::from(setting("MAKEGOOD_STATE"))
            .join("chaos")
            .join(&self.name)
    }

    /// What a server of this run shows to those who want TLS.
    ///
    /// # Errors
    /// When its files can't be read.
    pub fn certificate(&self) -> Result<Certificate> {
        Certificate::read(&self.home().join("tls.crt"), &self.home().join("tls.key"))
    }

    /// Who has signed it: itself.
    ///
    /// # Errors
    /// When its file can't be read.
    pub fn authority(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.home().join("tls.crt"))?)
    }

    /// Whether the data lies on a small disk, which can be filled.
    #[must_use]
    pub fn has_small_disk(&self) -> bool {
        self.home().join("full").exists()
    }

    /// Straight to a database, as the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://makegood@127.0.0.1:{}/{database}", self.postgres)
    }

    /// A connection straight to the run's database, as the superuser.
    ///
    /// # Errors
    /// When there is none within fifteen seconds.
    pub async fn connect(&self) -> Result<PgConnection> {
        self.connect_to("makegood").await
    }

    /// The same to another database of the server.
    ///
    /// # Errors
    /// As [`Servers::connect`].
    pub async fn connect_to(&self, database: &str) -> Result<PgConnection> {
        let url = self.url(database);
        let connecting = async {
            loop {
                match PgConnection::connect(&url).await {
                    Ok(connection) => return connection,
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        tokio::time::timeout(CONNECTS_WITHIN, connecting)
            .await
            .context("the run's Postgres does not answer")
    }

    /// Runs SQL text of several statements.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn run_sql(&self, text: &str) -> Result<()> {
        let mut connection = self.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
            .execute(&mut connection)
            .await
            .with_context(|| format!("SQL failed: {text}"))?;
        Ok(())
    }

    /// Runs the command `makegood` on a database of this run; its exit code and standard output.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn makegood(&self, database: &str, arguments: &[&str]) -> Result<(Option<i32>, String)> {
        let mut command = tokio::process::Command::new(binaries().join("makegood"));
        command
            .args(arguments)
            .env("DATABASE_URL", self.url(database))
            .env("BUSINESS_TIMEZONE", "Asia/Kolkata")
            .stdin(Stdio::null());
        let output = command.output().await.context("makegood does not start")?;
        Ok((
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ))
    }
}

/// Held together, so that they differ.
fn free_ports() -> Result<[u16; 3]> {
    let listeners = [
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    ];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

fn script(arguments: &[&str]) -> Result<()> {
    let path = format!("{}/chaos_servers.sh", setting("STACK_DIR"));
    let done = Command::new(path)
        .args(arguments)
        .env("MAKEGOOD_BINARIES", binaries())
        .stdin(Stdio::null())
        .status()
        .context("chaos_servers.sh does not start")?;
    if !done.success() {
        bail!("chaos_servers.sh {} failed", arguments.join(" "));
    }
    Ok(())
}
