//! The questions of each guarantee, as rows by finding. Each is one statement.

use super::Scope;
use super::constraints::Unenforced;
use chrono::{DateTime, Utc};
use makegood::case;
use makegood::db::Connection;
use makegood::schema::{UNIQUE_ACTIVE_ALLOCATION, UNIQUE_ACTIVE_PURCHASE};
use makegood::session::WINDOW;

/// Reconcile leaves what is younger alone (SPEC 4): a pipeline may be at work on it.
const GRACE_SECONDS: f64 = 120.0;
/// The alarm on the oldest event of the outbox (SPEC 5).
const OUTBOX_SECONDS: f64 = 300.0;
/// The sweep `stale-jobs` runs every five minutes (SPEC 4), and a lease may be over for one sweep (G7).
const STALE_JOBS_SECONDS: f64 = 300.0;
/// The sweep `reservations` runs each minute (SPEC 4); one run may be missed.
const RESERVATIONS_SECONDS: f64 = 120.0;
/// Reconcile asks the gateway every five minutes; an hour past its end it was asked a dozen times.
const UNDECIDED_SECONDS: f64 = 3_600.0;
/// A claim for a replay lasts half a minute; what is still parked this long after it was left by a sender that died.
const REPLAY_SECONDS: f64 = 300.0;
/// `top-up-sessions` refills windows with fewer than three sessions left (SPEC 3) ...
const REFILL_BELOW: i64 = 3;
/// ... every six hours.
const TOP_UP_SECONDS: f64 = 21_600.0;

/// What a question answers: rows of one kind.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) code: String,
    pub(super) count: i64,
    pub(super) examples: Vec<String>,
    pub(super) oldest_at: Option<DateTime<Utc>>,
}

pub(super) async fn payments(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/payments.sql",
        scope.now,
        GRACE_SECONDS,
        &case::programs()
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn returned(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/returned.sql",
        scope.now,
        GRACE_SECONDS,
        &case::programs()
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn statement(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/statement.sql",
        scope.now,
        &case::programs()
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn purchases_against_payments(
    connection: &mut Connection,
    scope: &Scope,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/doctor/checks/rows.sql", scope.now, GRACE_SECONDS)
        .fetch_all(connection)
        .await
}

pub(super) async fn doubles(
    connection: &mut Connection,
    unenforced: &[Unenforced],
) -> Result<Vec<Row>, sqlx::Error> {
    let enforced = |name: &str| unenforced.iter().all(|index| index.index != name);
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/doubles.sql",
        enforced(UNIQUE_ACTIVE_PURCHASE.name),
        enforced(UNIQUE_ACTIVE_ALLOCATION.name),
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn allocations(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/doctor/checks/allocations.sql", scope.now, GRACE_SECONDS)
        .fetch_all(connection)
        .await
}

pub(super) async fn sessions(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    let today = scope.now.with_timezone(&scope.timezone).date_naive();
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/sessions.sql",
        scope.now,
        GRACE_SECONDS,
        today,
        REFILL_BELOW,
        i64::try_from(WINDOW).unwrap_or(i64::MAX),
        TOP_UP_SECONDS,
        scope.timezone.name(),
        &scope.teaching_days.iso_numbers(),
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn ends(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    let today = scope.now.with_timezone(&scope.timezone).date_naive();
    sqlx::query_file_as!(Row, "src/doctor/checks/ends.sql", today, scope.timezone.name())
        .fetch_all(connection)
        .await
}

pub(super) async fn outbox(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/outbox.sql",
        scope.now,
        GRACE_SECONDS,
        OUTBOX_SECONDS
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn orders(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/orders.sql",
        scope.now,
        GRACE_SECONDS,
        UNDECIDED_SECONDS,
        &case::programs()
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn stock(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/stock.sql",
        scope.now,
        RESERVATIONS_SECONDS
    )
    .fetch_all(connection)
    .await
}

pub(super) async fn jobs(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/doctor/checks/jobs.sql", scope.now, STALE_JOBS_SECONDS)
        .fetch_all(connection)
        .await
}

pub(super) async fn dead_letters(
    connection: &mut Connection,
    scope: &Scope,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/dead_letters.sql",
        scope.now,
        REPLAY_SECONDS
    )
    .fetch_all(connection)
    .await
}
