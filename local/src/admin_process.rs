//! The admin service stand-in on the port where the functions look for it: within the run, or kept up beside the stack.

use crate::admin::{self, AdminService};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;

const TRAINERS: usize = 25;
const START_WITHIN: Duration = Duration::from_secs(10);

/// Serves the stand-in on this port of this machine until the process ends.
///
/// # Errors
/// When the port is taken.
pub async fn serve_forever(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    let listener =
        listener.with_context(|| format!("port {port} is taken; is an admin-service running already?"))?;
    Ok(admin::serve(listener, Arc::new(AdminService::with_trainer_count(TRAINERS))).await?)
}

/// The admin service of a run.
#[derive(Debug)]
pub(crate) enum AdminProcess {
    /// In this process, gone with it.
    Here(JoinHandle<Result<()>>),
    /// In a process of its own.
    Elsewhere,
}

impl AdminProcess {
    /// Takes the one that runs, or starts one; `kept` lets it outlive this process.
    pub(crate) async fn ensure(port: u16, kept: bool, state: &Path) -> Result<Self> {
        if answers(port).await {
            return Ok(Self::Elsewhere);
        }
        if !kept {
            let here = Self::Here(tokio::spawn(serve_forever(port)));
            wait_for(port).await?;
            return Ok(here);
        }
        start_beside(state)?;
        wait_for(port).await?;
        Ok(Self::Elsewhere)
    }
}

impl Drop for AdminProcess {
    fn drop(&mut self) {
        if let Self::Here(task) = self {
            task.abort();
        }
    }
}

/// Has the service answer the next request for a trainer with "nobody is free".
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
fn start_beside(state: &Path) -> Result<()> {
    let log =
        File::create(state.join("admin-service.log")).context("the admin service's log can't be written")?;
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let child = Command::new(program)
        .arg("admin-service")
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("the admin service does not start")?;
    let id = child.id().unwrap_or_default();
    // Where servers.sh looks for the process of a server of this name.
    let home = state.join("admin-service");
    std::fs::create_dir_all(&home)?;
    std::fs::write(home.join("admin-service.pid"), format!("{id}\n"))?;
    Ok(())
}

async fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

async fn wait_for(port: u16) -> Result<()> {
    let started = Instant::now();
    while !answers(port).await {
        if started.elapsed() > START_WITHIN {
            bail!(
                "the admin service does not answer on port {port}; see admin-service.log in the stack's state folder"
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
