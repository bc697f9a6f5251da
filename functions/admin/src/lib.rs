//! The `admin` function: the console of the person on call, under `/admin/`. Server-rendered, without scripts. The same binary
//! answers the gateway's authorizer.

mod access;
mod act;
mod columns;
mod context;
mod http;
mod name;
mod open;
mod page;
mod refusal;
mod route;
mod settings;
mod sweep_runner;
mod sweeps;
mod visit;

pub use access::{Denied, Issuer, IssuerError, LoginFlow, Seal, Verifier, WeakSecret};
pub use act::CHANGES;
pub use columns::COLUMNS;
pub use context::{Admin, OpenRoutes};
pub use http::RequestError;
pub use name::NAME;
pub use page::LISTS;
pub use settings::{OpenSettings, Settings};
pub use sweeps::{SWEEPS, Sweep};

use aws_config::SdkConfig;
use http::Request;
use makegood::clock::Clock;
use makegood::db::{Database, LoginError, secret_text};
use makegood::delivery::Deadline;
use makegood::job::Waker;
use makegood::runtime::Coded;
use makegood::{limits, telemetry};
use operate::dead_letter::Replayer;
use serde_json::Value;
use sweep_runner::SweepRunner;
use tokio::time::Instant;

/// Why the console can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A secret can't be read.
    #[error(transparent)]
    Secret(#[from] LoginError),
    /// The secret that signs is too short.
    #[error(transparent)]
    WeakSecret(#[from] WeakSecret),
    /// No HTTP client can be made.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

/// Why an invocation failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// It is no HTTP request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The gateway asked who this is, and that can't be found out.
    #[error("the gateway's question can't be answered: {0}")]
    Authorizer(#[from] Denied),
}

impl Coded for AdminError {
    fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "request_unreadable",
            Self::Authorizer(_) => "authorizer_unanswered",
        }
    }
}

impl OpenRoutes {
    /// Opens the database lazily; asks the issuer nothing yet.
    ///
    /// # Errors
    /// When a secret can't be read, or is too short.
    pub async fn open(settings: OpenSettings, aws: &SdkConfig) -> Result<Self, StartError> {
        let seal = Seal::new(&secret_text(&settings.console_secret, aws).await?)?;
        let client_secret = match &settings.client_secret {
            Some(secret) => Some(secret_text(secret, aws).await?),
            None => None,
        };
        Ok(Self {
            database: Database::open(&settings.database, aws).await?,
            verifier: Verifier {
                issuer: Issuer::new(&settings.issuer)?,
                client_id: settings.client_id,
                operator_group: settings.operator_group,
                viewer_group: settings.viewer_group,
                clock: Clock::System,
            },
            login: LoginFlow {
                client_secret,
                scope: settings.scope,
                seal: seal.clone(),
            },
            seal,
            clock: Clock::System,
        })
    }

    /// Handles one HTTP request, and gives back the answer to it. What is none of these routes is not found.
    ///
    /// # Errors
    /// When the event is no HTTP request.
    pub async fn handle(&self, event: Value) -> Result<Value, AdminError> {
        let started = Instant::now();
        let request = Request::decode(event)?;
        let segments = request.segments().unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let answered = open::answer(self, &request, &segments).await;
        telemetry::stage_finished(started.elapsed());
        Ok(answered.unwrap_or_else(page::problem::not_found).to_http_api())
    }
}

impl Admin {
    /// Opens the database lazily; asks the issuer nothing yet.
    ///
    /// # Errors
    /// When a secret can't be read, or is too short.
    pub async fn open(settings: Settings, aws: &SdkConfig) -> Result<Self, StartError> {
        let open = OpenRoutes::open(settings.open, aws).await?;
        let (database, seal) = (open.database.clone(), open.seal.clone());
        let sqs = limits::queues(aws);
        Ok(Self {
            open,
            seal,
            replayer: Replayer {
                database: database.clone(),
                sqs: sqs.clone(),
                destinations: settings.destinations,
                single_operator: settings.single_operator,
            },
            waker: settings.jobs_queue_url.map(|queue_url| Waker {
                client: sqs,
                queue_url,
            }),
            sweeps: SweepRunner {
                client: sweep_runner::invoker(aws),
                function: settings.sweep_function,
            },
            timezone: settings.timezone,
            teaching_days: settings.teaching_days,
            clock: Clock::System,
            stack: settings.stack,
            runbook_url: settings.runbook_url,
            database,
        })
    }

    /// Handles one HTTP request or one question of the authorizer, and gives back the answer to it.
    ///
    /// # Errors
    /// When the event is neither, or the authorizer's question can't be answered.
    pub async fn handle(&self, event: Value, deadline: Deadline) -> Result<Value, AdminError> {
        let started = Instant::now();
        let request = Request::decode(event)?;
        let answer = if request.is_authorizer {
            access::authorize(&self.open.verifier, &self.seal, &request).await?
        } else {
            route::answer(self, &request, deadline).await.to_http_api()
        };
        telemetry::stage_finished(started.elapsed());
        Ok(answer)
    }
}
