//! A place for one environment of a function. When it dies, the next invocation starts another, as in Lambda.

use super::function::Function;
use makegood_tests::environment::{Environment, Outcome, Variables};
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the start of an environment may take beside its first invocation.
const COLD_START: Duration = Duration::from_secs(5);

/// A place for an environment.
#[derive(Debug)]
pub struct Slot {
    /// Whose.
    pub function: &'static Function,
    /// The access key of the environments here, by which a queue knows who sends.
    pub key: String,
    variables: Variables,
    environment: Mutex<Option<Arc<Environment>>>,
    turn: tokio::sync::Mutex<()>,
    is_busy: AtomicBool,
    started: AtomicU64,
    /// By how many seconds the clock of whatever starts here is off.
    skew: AtomicI64,
    log: Option<PathBuf>,
}

impl Slot {
    /// An empty place; environments get these variables and this access key. What they write goes to `log` when they end.
    #[must_use]
    pub fn of(function: &'static Function, key: &str, variables: &Variables, log: Option<PathBuf>) -> Self {
        let mut variables = variables.clone();
        variables.insert("AWS_ACCESS_KEY_ID".to_owned(), key.to_owned());
        Self {
            function,
            key: key.to_owned(),
            variables,
            environment: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            is_busy: AtomicBool::new(false),
            started: AtomicU64::new(0),
            skew: AtomicI64::new(0),
            log,
        }
    }

    /// Invokes the environment that is here, or a new one. One invocation at a time.
    pub async fn invoke(&self, event: Value, allowed: Duration) -> Outcome {
        let _turn = self.turn.lock().await;
        let (environment, is_cold) = self.warm().await;
        let allowed = if is_cold { allowed + COLD_START } else { allowed };
        self.is_busy.store(true, Ordering::Relaxed);
        let outcome = environment.invoke_within(event, allowed).await;
        self.is_busy.store(false, Ordering::Relaxed);
        if environment.has_exited() {
            self.remove_ended();
        }
        outcome
    }

    /// Kills the environment that is here, whatever it does.
    pub async fn kill(&self) {
        if let Some(environment) = self.current()
            && !environment.has_exited()
        {
            environment.kill().await;
        }
    }

    /// Waits for the invocation that is under way, then ends the environment for good.
    pub async fn retire(&self) {
        let _turn = self.turn.lock().await;
        self.kill().await;
        self.remove_ended();
    }

    /// Stops (`STOP`) or continues (`CONT`) the process that is here; gives back which.
    pub fn signal(&self, name: &str) -> Option<u32> {
        let process = self.current()?.process_id()?;
        signal(process, name);
        Some(process)
    }

    /// By how many seconds the clock of whatever starts here is off.
    #[must_use]
    pub fn skew(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// What starts here from now on has a clock that is off by so many seconds.
    pub fn set_skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::Relaxed);
    }

    /// Whether an invocation is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    /// The process that is here.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.current()?.process_id()
    }

    /// How many environments were started here.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// The environment that is here, or a new one; whether it is new.
    async fn warm(&self) -> (Arc<Environment>, bool) {
        if let Some(environment) = self.current() {
            if !environment.has_exited() {
                return (environment, false);
            }
            self.remove_ended();
        }
        let (name, variables) = (self.function.name, &self.variables);
        let environment = Arc::new(match self.skew() {
            0 => Environment::start(name, variables).await,
            skew => Environment::start_skewed(name, variables, skew).await,
        });
        self.started.fetch_add(1, Ordering::Relaxed);
        *self.lock() = Some(Arc::clone(&environment));
        (environment, true)
    }

    /// Takes the dead environment away, and keeps what it wrote.
    fn remove_ended(&self) {
        let Some(environment) = self.lock().take() else {
            return;
        };
        let Some(log) = &self.log else {
            return;
        };
        let text = environment.lines().join("\n") + "\n-- ended --\n";
        let opened = OpenOptions::new().create(true).append(true).open(log);
        if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
            eprintln!("{}: {error}", log.display());
        }
    }

    fn current(&self) -> Option<Arc<Environment>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Environment>>> {
        self.environment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a signal; a process that is gone meanwhile needs none.
pub fn signal(process: u32, name: &str) {
    let _ = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
