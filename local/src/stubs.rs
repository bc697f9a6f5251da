//! The stubs on the ports where the functions look for them: within the run, or kept up beside the stack.

use crate::admin::{self, AdminService};
use crate::api_proxy::{self, ApiProxy};
use crate::gateway::{self, Gateways};
use crate::identity::{self, Identity, SigningKey};
use crate::settings::Outside;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use makegood::clock::Clock;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;

const TRAINERS: usize = 25;
const START_WITHIN: Duration = Duration::from_secs(10);

/// What is not ours and must be there all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stub {
    /// The service that assigns trainers.
    AdminService,
    /// eSewa, Khalti and Razorpay.
    Gateways,
    /// Who issues tokens.
    Identity,
    /// One address for the deployed API and its console.
    ApiProxy,
}

impl Stub {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AdminService, Self::Gateways, Self::Identity, Self::ApiProxy];

    /// As the command line and `servers.sh` have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AdminService => "admin-service",
            Self::Gateways => "gateways",
            Self::Identity => "identity",
            Self::ApiProxy => "api-proxy",
        }
    }

    /// The port on which the functions look for it.
    #[must_use]
    pub const fn port(self, outside: &Outside) -> u16 {
        match self {
            Self::AdminService => outside.admin_port,
            Self::Gateways => outside.gateways_port,
            Self::Identity => outside.identity_port,
            Self::ApiProxy => outside.api_port,
        }
    }

    /// Serves it on its port of this machine until the process ends.
    ///
    /// # Errors
    /// When the port is taken, or the signing key can't be used.
    pub async fn serve(self, outside: Outside) -> Result<()> {
        let (name, port) = (self.name(), self.port(&outside));
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.with_context(|| format!("port {port} is taken; does {name} run already?"))?;
        match self {
            Self::AdminService => {
                admin::serve(listener, Arc::new(AdminService::with_trainer_count(TRAINERS))).await?;
            }
            Self::Gateways => {
                let gateways = Gateways::at(&outside.gateways_url(), outside.credentials.clone());
                gateway::serve(listener, Arc::new(gateways)).await?;
            }
            Self::Identity => {
                identity::serve(listener, Arc::new(identity_of(&outside, Clock::System)?)).await?
            }
            Self::ApiProxy => api_proxy::serve(listener, Arc::new(ApiProxy::of(&outside.state)?)).await?,
        }
        Ok(())
    }
}

/// The identity provider of this stack. Its key is kept in the stack's state folder, so that every process signs with the
/// same one.
///
/// # Errors
/// When the key can't be used.
pub fn identity_of(outside: &Outside, clock: Clock) -> Result<Identity> {
    let key = SigningKey::load_or_create(&outside.state.join("identity/key.der"))?;
    Ok(Identity::at(&outside.identity_url(), key, clock))
}

/// A stub of a run.
#[derive(Debug)]
pub(crate) enum Running {
    /// In this process, gone with it.
    Here(JoinHandle<Result<()>>),
    /// In a process of its own.
    Elsewhere,
}

impl Running {
    /// Takes all that run, and starts the others; `kept` lets them outlive this process.
    pub(crate) async fn ensure_all(outside: &Outside, kept: bool) -> Result<Vec<Self>> {
        let mut running = Vec::new();
        for stub in Stub::ALL {
            running.push(Self::ensure(stub, outside, kept).await?);
        }
        Ok(running)
    }

    async fn ensure(stub: Stub, outside: &Outside, kept: bool) -> Result<Self> {
        if answers(stub.port(outside)).await {
            return Ok(Self::Elsewhere);
        }
        let running = if kept {
            start_beside(stub, &outside.state)?;
            Self::Elsewhere
        } else {
            Self::Here(tokio::spawn(stub.serve(outside.clone())))
        };
        wait_for(stub, outside).await?;
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Here(task) = self {
            task.abort();
        }
    }
}

/// Starts what does not run yet, each in a process of its own that outlives this one; `stop.sh` ends them.
///
/// # Errors
/// When one of them does not start.
pub async fn start_all(outside: &Outside) -> Result<()> {
    Running::ensure_all(outside, true).await?;
    Ok(())
}

/// Has the service answer the next request for a trainer with "no trainer is free".
pub(crate) async fn let_one_wait(port: u16, http: &reqwest::Client) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}/_control");
    let told = http
        .post(url)
        .json(&serde_json::json!({"script": ["pending"]}))
        .send()
        .await?;
    told.error_for_status()
        .context("the admin service does not take orders; is it another program?")?;
    Ok(())
}

/// In a process group of its own, so that an interrupt of the run leaves it alone; `make clean` and stop.sh end it by its id.
fn start_beside(stub: Stub, state: &Path) -> Result<()> {
    let name = stub.name();
    let log = File::create(state.join(format!("{name}.log")));
    let log = log.with_context(|| format!("the log of {name} can't be written"))?;
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let child = Command::new(program)
        .args(["serve", name])
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .with_context(|| format!("{name} does not start"))?;
    let id = child.id().unwrap_or_default();
    // Where servers.sh looks for the process of a server of this name.
    let home = state.join(name);
    std::fs::create_dir_all(&home)?;
    std::fs::write(home.join(format!("{name}.pid")), format!("{id}\n"))?;
    Ok(())
}

async fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

async fn wait_for(stub: Stub, outside: &Outside) -> Result<()> {
    let (name, port, started) = (stub.name(), stub.port(outside), Instant::now());
    while !answers(port).await {
        if started.elapsed() > START_WITHIN {
            bail!("{name} does not answer on port {port}; see {name}.log in the stack's state folder");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
