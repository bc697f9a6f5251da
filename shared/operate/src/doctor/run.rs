//! One reading: a snapshot, and every question asked in it.

use super::constraints::{self, Unenforced};
use super::{EXAMPLES, Finding, Guarantee, KINDS, Kind, Report, Scope, kind};
use chrono::{DateTime, Utc};
use makegood::case;
use makegood::db::{Connection, Database, Isolation, Transaction};
use makegood::schema::{HAS_TRANSACTION_TIMEOUT, UNIQUE_ACTIVE_ALLOCATION, UNIQUE_ACTIVE_PURCHASE};
use makegood::session::WINDOW;
use makegood::unfulfilled::{Figures, Kind as Unmet, Rule, Survey, Unfulfilled};
use sqlx::AssertSqlSafe;
use std::time::{Duration, Instant};

/// Whole tables are folded in memory instead of on disk, and compiling the plans would take longer than running them. Local to the
/// transaction. RDS Proxy keeps the connection for this session alone after it (it pins), which a reading now and then may cost.
const SETTINGS: [&str; 3] = [
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
    "SET LOCAL statement_timeout = '10min'",
];
/// What the client waits for one question, a little longer than the server lets it run.
const LONGEST_STATEMENT: Duration = Duration::from_secs(605);

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
struct Row {
    code: String,
    count: i64,
    examples: Vec<String>,
    oldest_at: Option<DateTime<Utc>>,
}

/// Reads the database once, in one snapshot, and gives back what it found. Healthy means: no breach among the findings.
/// Takes two connections where the pool has them, one otherwise.
///
/// # Errors
/// Those of the database; a table or column that is missing (42P01, 42703) among them.
pub async fn check(database: &Database, scope: &Scope) -> Result<Report, sqlx::Error> {
    let started = Instant::now();
    let mut reader = database.begin_as(Isolation::Snapshot).await?;
    set_up(&mut reader).await?;
    let rows = match beside(database, &mut reader).await? {
        // The calendars alone take as long as all the rest.
        Some(mut second) => {
            let (rows, calendars) = futures::future::try_join(
                all_but_calendars(&mut reader, scope),
                calendars(&mut second, scope),
            )
            .await?;
            second.rollback().await?;
            [rows, calendars].concat()
        }
        None => {
            let rows = all_but_calendars(&mut reader, scope).await?;
            [rows, calendars(&mut reader, scope).await?].concat()
        }
    };
    reader.rollback().await?;
    Ok(Report {
        at: scope.now,
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        examined: Guarantee::ALL
            .into_iter()
            .filter(|guarantee| scope.includes(*guarantee))
            .collect(),
        findings: in_order(rows, scope)?,
    })
}

async fn set_up(reader: &mut Transaction) -> Result<(), sqlx::Error> {
    reader.limit_statements(LONGEST_STATEMENT);
    for setting in SETTINGS {
        sqlx::raw_sql(setting).execute(&mut **reader).await?;
    }
    if reader.server_version() >= HAS_TRANSACTION_TIMEOUT {
        // A limit of the role is armed when the transaction begins; inside it can only be turned off, not lengthened.
        sqlx::raw_sql("SET LOCAL transaction_timeout = 0")
            .execute(&mut **reader)
            .await?;
    }
    Ok(())
}

/// A second reader of the very snapshot that the first one reads. None when the pool has one connection, or when the second one
/// came to a server that does not know the snapshot (a pooler before several): then the first one reads everything.
async fn beside(database: &Database, first: &mut Transaction) -> Result<Option<Transaction>, sqlx::Error> {
    if database.size() < 2 {
        return Ok(None);
    }
    let snapshot = sqlx::query_scalar!(r#"SELECT pg_export_snapshot() AS "id!""#)
        .fetch_one(&mut **first)
        .await?;
    let mut second = database.begin_as(Isolation::Snapshot).await?;
    // It takes no parameter. What Postgres calls a snapshot has digits, dead letters and dashes.
    let shared = sqlx::raw_sql(AssertSqlSafe(format!("SET TRANSACTION SNAPSHOT '{snapshot}'")))
        .execute(&mut *second)
        .await;
    if let Err(error) = shared {
        tracing::info!(%error, "the snapshot is not known on a second connection; reading with one");
        second.rollback().await?;
        return Ok(None);
    }
    set_up(&mut second).await?;
    Ok(Some(second))
}

impl Scope {
    /// Whether this guarantee is to be looked at.
    #[must_use]
    pub fn includes(&self, guarantee: Guarantee) -> bool {
        self.only.is_empty() || self.only.contains(&guarantee)
    }

    fn includes_any(&self, guarantees: &[Guarantee]) -> bool {
        guarantees.iter().any(|guarantee| self.includes(*guarantee))
    }
}

async fn calendars(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    if scope.includes_any(&[Guarantee::G3, Guarantee::G9]) {
        sessions(connection, scope).await
    } else {
        Ok(Vec::new())
    }
}

async fn all_but_calendars(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    use Guarantee::{G1, G2, G4, G5, G6, G7, G8, G9, G10};
    let mut rows = Vec::new();
    let unenforced = if scope.includes_any(&[G1, G2, G10]) {
        constraints::unenforced(connection).await?
    } else {
        Vec::new()
    };
    if scope.includes(G1) {
        rows.extend(unfulfilled(connection, scope, Unmet::Payment, "payment-without-purchase").await?);
        rows.extend(payments(connection, scope).await?);
        rows.extend(purchases_against_payments(connection, scope).await?);
    }
    if scope.includes_any(&[G1, G2, G9]) {
        rows.extend(doubles(connection, &unenforced).await?);
    }
    if scope.includes(G2) {
        rows.extend(allocations(connection, scope).await?);
    }
    if scope.includes(G4) {
        rows.extend(outbox(connection, scope).await?);
    }
    if scope.includes(G5) {
        rows.extend(unfulfilled(connection, scope, Unmet::Intent, "order-missing").await?);
        rows.extend(orders(connection, scope).await?);
    }
    if scope.includes(G6) {
        rows.extend(stock(connection, scope).await?);
    }
    if scope.includes(G7) {
        rows.extend(jobs(connection, scope).await?);
    }
    if scope.includes(G8) {
        rows.extend(dead_letters(connection, scope).await?);
    }
    if scope.includes(G10) {
        let lines = unenforced.into_iter().map(|index| index.line).collect();
        rows.extend(listed("index-missing", lines));
        rows.extend(listed(
            "constraint-missing",
            constraints::missing(connection).await?,
        ));
    }
    Ok(rows)
}

/// The rows as findings, in the order of the catalogue.
fn in_order(rows: Vec<Row>, scope: &Scope) -> Result<Vec<Finding>, sqlx::Error> {
    let mut found = Vec::new();
    for row in merged(rows) {
        let kind = kind(&row.code).ok_or_else(|| {
            sqlx::Error::Decode(format!("no kind of finding is called {}", row.code).into())
        })?;
        if scope.includes(kind.guarantee) {
            found.push(finding(kind, row));
        }
    }
    found.sort_by_key(|finding: &Finding| KINDS.iter().position(|kind| kind.code == finding.code));
    Ok(found)
}

fn finding(kind: &'static Kind, row: Row) -> Finding {
    Finding {
        guarantee: kind.guarantee,
        code: kind.code,
        severity: kind.severity,
        title: kind.title,
        count: row.count,
        examples: row.examples,
        oldest_at: row.oldest_at,
        anchor: kind.code,
        next_step: kind.next_step,
    }
}

/// One row a code, where several questions answer with it.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        match merged.iter_mut().find(|other| other.code == row.code) {
            Some(other) => {
                other.count += row.count;
                other.examples.extend(row.examples);
                other.examples.truncate(EXAMPLES);
                other.oldest_at = other.oldest_at.into_iter().chain(row.oldest_at).min();
            }
            None => merged.push(row),
        }
    }
    merged
}

/// All history by the rule of reconcile, step by step in this reading's snapshot.
async fn unfulfilled(
    connection: &mut Connection,
    scope: &Scope,
    kind: Unmet,
    code: &str,
) -> Result<Option<Row>, sqlx::Error> {
    let rule = Rule {
        now: scope.now,
        today: scope.now.with_timezone(&scope.timezone).date_naive(),
    };
    let mut survey = Survey::of_all(kind, rule);
    let (mut figures, mut examples) = (Figures::default(), Vec::new());
    while let Some(batch) = survey.next(&mut *connection).await? {
        figures.add(&batch.unfulfilled);
        let wanted = EXAMPLES.saturating_sub(examples.len());
        examples.extend(batch.unfulfilled.iter().take(wanted).map(Unfulfilled::id));
    }
    Ok((figures.count > 0).then(|| Row {
        code: code.to_owned(),
        count: figures.count,
        examples,
        oldest_at: figures.oldest,
    }))
}

fn listed(code: &str, mut lines: Vec<String>) -> Option<Row> {
    let count = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    lines.truncate(EXAMPLES);
    (count > 0).then(|| Row {
        code: code.to_owned(),
        count,
        examples: lines,
        oldest_at: None,
    })
}

async fn payments(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
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

async fn purchases_against_payments(
    connection: &mut Connection,
    scope: &Scope,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/doctor/checks/rows.sql", scope.now, GRACE_SECONDS)
        .fetch_all(connection)
        .await
}

async fn doubles(connection: &mut Connection, unenforced: &[Unenforced]) -> Result<Vec<Row>, sqlx::Error> {
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

async fn allocations(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/doctor/checks/allocations.sql", scope.now, GRACE_SECONDS)
        .fetch_all(connection)
        .await
}

async fn sessions(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
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
    )
    .fetch_all(connection)
    .await
}

async fn outbox(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
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

async fn orders(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
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

async fn stock(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/stock.sql",
        scope.now,
        RESERVATIONS_SECONDS
    )
    .fetch_all(connection)
    .await
}

async fn jobs(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/doctor/checks/jobs.sql", scope.now, STALE_JOBS_SECONDS)
        .fetch_all(connection)
        .await
}

async fn dead_letters(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/doctor/checks/dead_letters.sql",
        scope.now,
        REPLAY_SECONDS
    )
    .fetch_all(connection)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Asia::Kolkata;

    fn row(code: &str) -> Row {
        Row {
            code: code.to_owned(),
            count: 1,
            examples: Vec::new(),
            oldest_at: None,
        }
    }

    fn scope(only: &[Guarantee]) -> Scope {
        Scope {
            only: only.iter().copied().collect(),
            now: DateTime::UNIX_EPOCH,
            timezone: Kolkata,
        }
    }

    #[test]
    fn findings_come_in_the_order_of_the_guarantees_and_only_those_asked_for() {
        let rows = || vec![row("job-stuck"), row("payment-without-purchase")];
        let codes = |scope: &Scope| -> Vec<&str> {
            let found = in_order(rows(), scope).unwrap();
            found.iter().map(|finding| finding.code).collect()
        };
        assert_eq!(codes(&scope(&[])), ["payment-without-purchase", "job-stuck"]);
        assert_eq!(codes(&scope(&[Guarantee::G7])), ["job-stuck"]);
    }

    #[test]
    fn a_code_that_is_in_no_catalogue_is_an_error_and_never_left_out() {
        assert!(in_order(vec![row("gremlins")], &scope(&[])).is_err());
    }
}
