//! What the console works with.

use crate::access::{LoginFlow, Seal, Verifier};
use crate::sweep_runner::SweepRunner;
use chrono_tz::Tz;
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::job::Waker;
use makegood::school_days::TeachingDays;
use operate::dead_letter::Replayer;

/// What logs an operator in, or out.
#[derive(Debug)]
pub struct OpenRoutes {
    /// The database: a login is worth one answer of the issuer, and a logout ends its token.
    pub database: Database,
    /// Who may come in.
    pub verifier: Verifier,
    /// How one logs in.
    pub login: LoginFlow,
    /// Signs cookies.
    pub seal: Seal,
    /// What time it is.
    pub clock: Clock,
}

/// The console with all that it needs.
#[derive(Debug)]
pub struct Admin {
    /// The database.
    pub database: Database,
    /// The routes that need no login.
    pub open: OpenRoutes,
    /// Signs forms and cookies.
    pub seal: Seal,
    /// Sends dead letters back.
    pub replayer: Replayer,
    /// Wakes the worker of a retried job.
    pub waker: Option<Waker>,
    /// Runs sweeps out of turn.
    pub sweeps: SweepRunner,
    /// Whose clock the pages show.
    pub timezone: Tz,
    /// The days of the week on which the school teaches.
    pub teaching_days: TeachingDays,
    /// What time it is.
    pub clock: Clock,
    /// The stack's name, where it has one.
    pub stack: Option<String>,
    /// Where the runbook is read, if not here.
    pub runbook_url: Option<String>,
}
