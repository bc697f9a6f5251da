//! One reading: a snapshot, and every question asked in it.

use super::constraints;
use super::questions::{self, Row};
use super::{EXAMPLES, Finding, Guarantee, KINDS, Kind, Report, Scope, kind};
use chrono_tz::IANA_TZDB_VERSION;
use makegood::database::{Finding as Unseen, blinding};
use makegood::db::{Connection, Database, Isolation, Transaction};
use makegood::schema::HAS_TRANSACTION_TIMEOUT;
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

/// Reads the database once, in one snapshot, and gives back what it found. Healthy means: no breach among the findings.
/// Takes two connections where the pool has them, one otherwise.
///
/// # Errors
/// Those of the database; a table or column that is missing (42P01, 42703) among them.
pub async fn check(database: &Database, scope: &Scope) -> Result<Report, sqlx::Error> {
    let started = Instant::now();
    let mut reader = database.begin_as(Isolation::Snapshot).await?;
    set_up(&mut reader).await?;
    let unseen = blinding(&mut reader).await?;
    if unseen.iter().any(|finding| finding.code == "not-readable") {
        reader.rollback().await?;
        return Ok(report(scope, started, Vec::new(), unseen));
    }
    let rows = match beside(database, &mut reader).await? {
        // The calendars alone take as long as all the rest. Who is done first ends its transaction: the server ends one that says nothing
        // for a while, and its snapshot holds back vacuum.
        Some(mut second) => {
            let first = async move {
                let rows = all_but_calendars(&mut reader, scope).await?;
                reader.rollback().await?;
                Ok::<_, sqlx::Error>(rows)
            };
            let beside = async move {
                let rows = calendars(&mut second, scope).await?;
                second.rollback().await?;
                Ok(rows)
            };
            let (rows, calendars) = futures::future::try_join(first, beside).await?;
            [rows, calendars].concat()
        }
        None => {
            let rows = all_but_calendars(&mut reader, scope).await?;
            let rows = [rows, calendars(&mut reader, scope).await?].concat();
            reader.rollback().await?;
            rows
        }
    };
    Ok(report(scope, started, in_order(rows, scope)?, unseen))
}

fn report(scope: &Scope, started: Instant, findings: Vec<Finding>, unseen: Vec<Unseen>) -> Report {
    Report {
        at: scope.now,
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        time_zone: scope.timezone.name(),
        time_zone_rules: IANA_TZDB_VERSION,
        examined: Guarantee::ALL
            .into_iter()
            .filter(|guarantee| scope.includes(*guarantee))
            .collect(),
        findings,
        unseen,
    }
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
    // It takes no parameter. What Postgres calls a snapshot is hexadecimal digits and dashes.
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
        let mut rows = questions::sessions(connection, scope).await?;
        rows.extend(questions::ends(connection, scope).await?);
        Ok(rows)
    } else {
        Ok(Vec::new())
    }
}

async fn all_but_calendars(connection: &mut Connection, scope: &Scope) -> Result<Vec<Row>, sqlx::Error> {
    use Guarantee::{G1, G2, G4, G5, G6, G7, G8, G9, G10, G11, G12};
    let mut rows = Vec::new();
    let unenforced = if scope.includes_any(&[G1, G2, G10]) {
        constraints::unenforced(connection).await?
    } else {
        Vec::new()
    };
    if scope.includes(G1) {
        rows.extend(unfulfilled(connection, scope, Unmet::Payment, "payment-without-purchase").await?);
        rows.extend(questions::payments(connection, scope).await?);
        rows.extend(questions::purchases_against_payments(connection, scope).await?);
        rows.extend(scope.single_operator.then(single_operator));
    }
    if scope.includes_any(&[G1, G2, G9]) {
        rows.extend(questions::doubles(connection, &unenforced).await?);
    }
    if scope.includes(G2) {
        rows.extend(questions::allocations(connection, scope).await?);
    }
    if scope.includes(G4) {
        rows.extend(questions::outbox(connection, scope).await?);
    }
    if scope.includes(G5) {
        rows.extend(unfulfilled(connection, scope, Unmet::Intent, "order-missing").await?);
        rows.extend(questions::orders(connection, scope).await?);
    }
    if scope.includes(G6) {
        rows.extend(questions::stock(connection, scope).await?);
    }
    if scope.includes(G7) {
        rows.extend(questions::jobs(connection, scope).await?);
    }
    if scope.includes(G8) {
        rows.extend(questions::dead_letters(connection, scope).await?);
    }
    if scope.includes(G11) {
        rows.extend(questions::returned(connection, scope).await?);
    }
    if scope.includes(G12) {
        rows.extend(questions::statement(connection, scope).await?);
    }
    if scope.includes(G10) {
        let breaches = unenforced.into_iter().filter(|index| index.is_breach);
        let lines = breaches.map(|index| index.line).collect();
        rows.extend(listed("index-missing", lines));
        rows.extend(listed(
            "constraint-missing",
            constraints::missing(connection).await?,
        ));
        rows.extend(listed(
            "statistics-old",
            constraints::old_statistics(connection).await?,
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
        timezone: scope.timezone,
        teaching_days: scope.teaching_days,
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

/// No row says it: the environment does.
fn single_operator() -> Row {
    Row {
        code: "single-operator".to_owned(),
        count: 1,
        examples: Vec::new(),
        oldest_at: None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use chrono_tz::Asia::Kolkata;
    use makegood::school_days::TeachingDays;

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
            teaching_days: TeachingDays::default(),
            single_operator: false,
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
