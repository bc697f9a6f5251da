//! The admin service stub: speaks the documented protocol over a real socket, and misbehaves on demand.

mod allocations;
mod behaviour;
mod control;
mod routes;

pub use allocations::Allocation;
pub use behaviour::Behaviour;
pub use control::{Control, Report};

use allocations::Allocations;
use behaviour::Script;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The stub: its trainers, its allocations, and what it has been told to do next.
#[derive(Debug)]
pub struct AdminService {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    allocations: Allocations,
    script: Script,
    latency: Duration,
    calls: u64,
    calls_by_key: BTreeMap<String, u64>,
}

impl AdminService {
    /// A service with this many trainers, whose ids are derived from their numbers.
    #[must_use]
    pub fn with_trainer_count(count: usize) -> Self {
        Self::with_trainers(
            (1..=count)
                .map(|number| makegood::ids::derived_uuid(&format!("trainer{number}")))
                .collect(),
        )
    }

    /// A service with these trainers, who are given out in turn. Where a foreign key guards `trainer_id`, they must stand
    /// in `trainers`.
    #[must_use]
    pub fn with_trainers(trainers: Vec<Uuid>) -> Self {
        let state = State {
            allocations: Allocations::with_trainers(trainers),
            script: Script::default(),
            latency: Duration::ZERO,
            calls: 0,
            calls_by_key: BTreeMap::new(),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// What the next requests for a trainer are answered with, one each; after them it behaves.
    pub fn script(&self, next: impl IntoIterator<Item = Behaviour>) {
        self.lock().script.extend(next);
    }

    /// It behaves from now on, whatever of a script is left.
    pub fn end_script(&self) {
        self.lock().script.clear();
    }

    /// No trainer is free until the request of this number, counted from the start: 0 frees them all, `u64::MAX` none.
    pub fn no_trainers_until_call(&self, number: u64) {
        self.lock().allocations.set_free_from_call(number);
    }

    /// From now on it keeps its allocations by idempotency key alone, as a service that does not check for others would:
    /// two keys get two allocations of one student and course.
    pub fn forget_pairs(&self) {
        self.lock().allocations.key_by_request();
    }

    /// How long each answer takes.
    pub fn set_latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    /// Makes an allocation as another client's request would have: with a trainer, under another key.
    pub fn allocate_for(&self, student: Uuid, course: Uuid) -> Allocation {
        self.lock().allocations.grant("another client", student, course)
    }

    /// The trainer of this student and course has left: under the keys that it knows it gives the same answer as before, under another one a
    /// new allocation.
    pub fn leave(&self, student: Uuid, course: Uuid) {
        self.lock().allocations.leave(student, course);
    }

    /// What it was asked and what it gave.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = self.lock();
        Report {
            calls: state.calls,
            calls_by_key: state.calls_by_key.clone(),
            allocations: state.allocations.all(),
        }
    }

    /// Does as it is told.
    pub fn apply(&self, control: Control) {
        let mut state = self.lock();
        state.script.extend(control.script);
        if let Some(number) = control.no_trainers_until_call {
            state.allocations.set_free_from_call(number);
        }
        if let Some(millis) = control.latency_millis {
            state.latency = Duration::from_millis(millis);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves on this listener until the process ends.
///
/// # Errors
/// Those of the socket.
pub async fn serve(listener: TcpListener, state: Arc<AdminService>) -> io::Result<()> {
    axum::serve(listener, routes::router(state)).await
}

/// Serves on a free port of this machine; gives back the address, and the task, which ends when it is aborted.
///
/// # Errors
/// Those of the socket.
pub async fn spawn(state: Arc<AdminService>) -> io::Result<(String, JoinHandle<io::Result<()>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((url, tokio::spawn(serve(listener, state))))
}
