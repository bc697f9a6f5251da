//! One Lambda execution environment: the Runtime API, and the very binary that goes to AWS running against it.
//! It can be killed at any moment, as Lambda's own hosts die.

use crate::link::Link;
use crate::runtime_api::RuntimeApi;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, Notify, oneshot, watch};
use tokio::task::JoinHandle;

/// What a function finds in its environment, by name.
pub type Variables = BTreeMap<String, String>;

/// What Lambda allows one invocation, unless a test says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a test waits for a line or an exit that must come; reached only when it does not.
const PATIENCE: Duration = Duration::from_secs(20);
/// The signal of `kill -9`.
const SIGKILL: i32 = 9;

/// How one invocation ended, as Lambda would see it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The function answered.
    Answered(Value),
    /// The function reported an error; the event source delivers everything again.
    FunctionError(Value),
    /// The process ended without an answer.
    Died(ExitStatus),
    /// The time was up, and the environment was killed for it.
    TimedOut,
}

impl Outcome {
    /// The answer; panics with what happened instead.
    #[must_use]
    pub fn answer(self) -> Value {
        match self {
            Self::Answered(answer) => answer,
            other => panic!("the function did not answer: {other:?}"),
        }
    }

    /// Whether the process was killed with SIGKILL before it answered.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        matches!(self, Self::Died(status) if status.signal() == Some(SIGKILL))
    }
}

/// A running environment of one function. Dropping it kills the process.
#[derive(Debug)]
pub struct Environment {
    api: RuntimeApi,
    turn: Mutex<()>,
    kill: Arc<Notify>,
    exit: watch::Receiver<Option<ExitStatus>>,
    output: watch::Receiver<Vec<String>>,
    process_id: Option<u32>,
    /// By how many seconds its clock is off.
    skew: i64,
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.kill.notify_one();
    }
}

impl Environment {
    /// Starts the function's binary with these variables, Lambda's own, and nothing else.
    ///
    /// Panics when the binary is not there.
    pub async fn start(function: &str, variables: &Variables) -> Self {
        let api = RuntimeApi::start().await;
        let address = api.address().to_string();
        Self::launch(function, variables, api, &address)
    }

    /// As [`Environment::start`], on a host whose clock is off by so many seconds: deadlines are told by it too, as on AWS. Its
    /// monotonic clock is left alone.
    ///
    /// Panics when [`skewing_library`] is not there.
    pub async fn start_skewed(function: &str, variables: &Variables, skew: i64) -> Self {
        let library = skewing_library().expect("libfaketime is there: local/stack/install.sh chaos");
        let mut variables = variables.clone();
        for (name, value) in [
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME", format!("{skew:+}")),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            // A killed process would leave its shared memory behind.
            ("FAKETIME_DISABLE_SHM", "1".to_owned()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        let mut environment = Self::start(function, &variables).await;
        environment.skew = skew;
        environment
    }

    /// As [`Environment::start`], with a link between the process and the Runtime API.
    pub async fn start_linked(function: &str, variables: &Variables) -> (Self, Link) {
        let api = RuntimeApi::start().await;
        let link = Link::to(&api.address().to_string()).await;
        let environment = Self::launch(function, variables, api, link.address());
        (environment, link)
    }

    fn launch(function: &str, variables: &Variables, api: RuntimeApi, api_address: &str) -> Self {
        let mut child = Command::new(binary(function))
            .env_clear()
            .envs(lambda_variables(function, api_address))
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the function's binary starts");
        let (lines, output) = watch::channel(Vec::new());
        let lines = Arc::new(lines);
        let readers = vec![
            read_lines(child.stdout.take().expect("stdout is piped"), Arc::clone(&lines)),
            read_lines(child.stderr.take().expect("stderr is piped"), lines),
        ];
        let kill = Arc::new(Notify::new());
        let process_id = child.id();
        let (exited, exit) = watch::channel(None);
        tokio::spawn(watch_over(child, readers, Arc::clone(&kill), exited));
        Self {
            api,
            turn: Mutex::new(()),
            kill,
            exit,
            output,
            process_id,
            skew: 0,
        }
    }

    /// Hands the event to the function and waits for how it ends; one invocation at a time, as in Lambda.
    pub async fn invoke(&self, event: Value) -> Outcome {
        self.invoke_within(event, TIMEOUT).await
    }

    /// As [`Environment::invoke`], with the time that the function has.
    pub async fn invoke_within(&self, event: Value, allowed: Duration) -> Outcome {
        let _turn = self.turn.lock().await;
        let (answer, answered) = oneshot::channel();
        self.api.hand_out(event, allowed, self.skew, answer);
        let mut exit = self.exit.clone();
        tokio::select! {
            biased;
            Ok(outcome) = answered => outcome,
            () = tokio::time::sleep(allowed) => {
                self.kill().await;
                Outcome::TimedOut
            }
            status = ended(&mut exit) => Outcome::Died(status.expect("the status of an ended process")),
        }
    }

    /// Waits until the process has started and asks for its first event.
    ///
    /// Panics when it does not within twenty seconds.
    pub async fn until_ready(&self) {
        let ready = tokio::time::timeout(PATIENCE, self.api.until_ready()).await;
        if ready.is_err() {
            panic!("it does not ask for an event:\n{}", self.lines().join("\n"));
        }
    }

    /// Kills the process (SIGKILL), waits until it is gone, and gives back its status.
    pub async fn kill(&self) -> ExitStatus {
        self.kill.notify_one();
        let mut exit = self.exit.clone();
        let status = tokio::time::timeout(PATIENCE, exit.wait_for(Option::is_some)).await;
        let status = status
            .expect("a killed process ends")
            .ok()
            .and_then(|status| *status);
        status.expect("the status of an ended process")
    }

    /// The process, for signals; none when it ended before it could be asked.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process_id.filter(|_| !self.has_exited())
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn has_exited(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Everything written so far, logs and metrics; complete once the process has ended.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.output.borrow().clone()
    }

    /// The first line that contains this text, waited for. Panics with the output when it does not come.
    pub async fn line(&self, text: &str) -> String {
        let mut output = self.output.clone();
        let found = |lines: &Vec<String>| lines.iter().any(|line| line.contains(text));
        match tokio::time::timeout(PATIENCE, output.wait_for(found)).await {
            Ok(Ok(lines)) => lines
                .iter()
                .find(|line| line.contains(text))
                .cloned()
                .expect("it was just there"),
            _ => panic!("no line contains {text:?}:\n{}", self.lines().join("\n")),
        }
    }

    /// The sum of a metric over the EMF lines written so far.
    #[must_use]
    pub fn metric(&self, name: &str) -> u64 {
        let lines = self.lines();
        let documents = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        documents
            .filter(|document| document.get("_aws").is_some())
            .filter_map(|document| document.get(name).and_then(Value::as_u64))
            .sum()
    }
}

/// The status of the process, once it has ended.
async fn ended(exit: &mut watch::Receiver<Option<ExitStatus>>) -> Option<ExitStatus> {
    exit.wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|status| *status)
}

/// Waits for the end, killing when asked to. The exit is known once all output has been read.
async fn watch_over(
    mut child: Child,
    readers: Vec<JoinHandle<()>>,
    kill: Arc<Notify>,
    exited: watch::Sender<Option<ExitStatus>>,
) {
    let ended = tokio::select! {
        status = child.wait() => status,
        () = kill.notified() => {
            // It may have ended by itself meanwhile; then there is nothing to kill.
            let _ = child.start_kill();
            child.wait().await
        }
    };
    for reader in readers {
        let _ = reader.await;
    }
    exited.send_replace(Some(ended.expect("the process can be waited for")));
}

fn read_lines(
    stream: impl AsyncRead + Unpin + Send + 'static,
    lines: Arc<watch::Sender<Vec<String>>>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            lines.send_modify(|known| known.push(line));
        }
    })
}

/// What gives a process another clock than the machine's, where it is installed (Debian's package libfaketime).
#[must_use]
pub fn skewing_library() -> Option<PathBuf> {
    let folder = format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH);
    Some(PathBuf::from(folder).join("libfaketimeMT.so.1")).filter(|library| library.is_file())
}

/// Where the functions' binaries lie: the folder named by `MAKEGOOD_BINARIES` (benches look at release builds), else that of
/// this program (`target/debug`), which of a test's is the one above (`target/debug/deps`).
#[must_use]
pub fn binaries() -> PathBuf {
    if let Some(folder) = std::env::var_os("MAKEGOOD_BINARIES") {
        return PathBuf::from(folder);
    }
    let program = std::env::current_exe().expect("a program knows where it is");
    let folder = program.parent().expect("a program lies in a folder");
    if folder.ends_with("deps") {
        return folder.parent().expect("target/<profile>").to_owned();
    }
    folder.to_owned()
}

fn binary(function: &str) -> PathBuf {
    let path = binaries().join(function);
    assert!(
        path.is_file(),
        "{} is not there: `make test` builds it, or `cargo build -p {function}`",
        path.display()
    );
    path
}

/// What Lambda itself sets.
fn lambda_variables(function: &str, api_address: &str) -> Variables {
    [
        ("AWS_LAMBDA_RUNTIME_API", api_address),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{function}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("_HANDLER", "bootstrap"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("TZ", ":UTC"),
        ("RUST_BACKTRACE", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}
