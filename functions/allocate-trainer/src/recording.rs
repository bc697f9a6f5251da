//! Records what was answered: allocation, mark and event in one transaction a batch, right with and without the
//! unique index, since pairs are locked before they are looked at.

use crate::answer::Grant;
use crate::decide::Candidate;
use crate::request::Pair;
use chrono::{DateTime, NaiveDate, Utc};
use makegood::blackout;
use makegood::db::{Connection, Database, ErrorClass, classify};
use makegood::delivery::Failure;
use makegood::event::{Envelope, EventType, PurchaseCreated, TrainerAllocated};
use makegood::idempotency;
use makegood::ids::{AllocationId, CourseId, StudentId, TrainerId};
use makegood::outbox::{self, OutboxEvent, OutboxRow};
use makegood::school_days::{SchoolDays, TeachingDays};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use uuid::Uuid;

/// How many advisory locks one transaction takes at most; the shared lock table is finite (FACTS).
const LOCKS_A_TRANSACTION: usize = 100;
/// The first key of the advisory locks: this purpose and no other.
const LOCK_SPACE: &str = "makegood.allocation";

/// What there is to record for one pair.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub event: &'a PurchaseCreated,
    pub attempt: u32,
    pub candidate: Candidate,
    pub allocation: AllocationId,
    /// None while no trainer is free.
    pub trainer: Option<TrainerId>,
}

/// What came of recording.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// One for each pair.
    pub results: HashMap<Pair, Result<(), Failure>>,
    /// Committed events, to publish now.
    pub published: Vec<OutboxRow>,
}

/// The present and the school's week, as the stage was handed them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub now: DateTime<Utc>,
    pub today: NaiveDate,
    pub teaching_days: TeachingDays,
}

/// Records all entries, each pair at most once among them. A chunk that fails for what may be one entry's fault is split
/// until that entry stands alone; the admin service is not asked again for it.
pub(crate) async fn record_all(database: &Database, mut entries: Vec<Entry<'_>>, moment: Moment) -> Recorded {
    entries.sort_by_key(|entry| entry.candidate.pair);
    let mut recorded = Recorded::default();
    let starts = (0..entries.len()).step_by(LOCKS_A_TRANSACTION);
    let mut ranges: Vec<Range<usize>> = starts
        .map(|start| start..entries.len().min(start + LOCKS_A_TRANSACTION))
        .collect();
    while let Some(range) = ranges.pop() {
        let chunk = &entries[range.clone()];
        match record_settled(database, chunk, moment).await {
            Ok((written, published)) => {
                recorded.published.extend(published);
                recorded
                    .results
                    .extend(chunk.iter().map(|entry| result_of(entry, &written)));
            }
            Err(error) if chunk.len() > 1 && classify(&error).may_be_one_record() => {
                let middle = range.start + range.len() / 2;
                ranges.extend([middle..range.end, range.start..middle]);
            }
            Err(error) => {
                let failure = refusal(error);
                recorded.results.extend(
                    chunk
                        .iter()
                        .map(|entry| (entry.candidate.pair, Err(failure.clone()))),
                );
            }
        }
    }
    recorded
}

type Written = HashMap<Pair, (AllocationId, Option<TrainerId>)>;

/// 23505 means that a writer who takes no advisory lock was faster, and has committed: the second look finds its row.
async fn record_settled(
    database: &Database,
    entries: &[Entry<'_>],
    moment: Moment,
) -> Result<(Written, Vec<OutboxRow>), sqlx::Error> {
    match record(database, entries, moment).await {
        Err(error) if classify(&error) == ErrorClass::UniqueViolation => {
            record(database, entries, moment).await
        }
        other => other,
    }
}

async fn record(
    database: &Database,
    entries: &[Entry<'_>],
    moment: Moment,
) -> Result<(Written, Vec<OutboxRow>), sqlx::Error> {
    let mut transaction = database.begin().await?;
    lock_pairs(&mut transaction, entries).await?;
    let owed = lock_running(&mut transaction, entries).await?;
    let written = write(&mut transaction, &owed).await?;
    let granted: Vec<(&Owed<'_, '_>, Grant)> = owed
        .iter()
        .filter_map(|owed| {
            let (allocation, trainer) = *written.get(&owed.candidate.pair)?;
            Some((
                owed,
                Grant {
                    allocation,
                    trainer: trainer?,
                },
            ))
        })
        .collect();
    let marks: Vec<_> = granted
        .iter()
        .map(|(owed, _)| (&owed.entry.event.envelope, owed.entry.event.to_json()))
        .collect();
    idempotency::mark(&mut transaction, EventType::PurchaseCreated, &marks).await?;
    let days = if granted.is_empty() {
        SchoolDays::default()
    } else {
        blackout::school_days(&mut transaction, moment.teaching_days, moment.today).await?
    };
    let outbox_events: Vec<OutboxEvent> = granted
        .iter()
        .map(|(owed, grant)| outbox_event(&owed.candidate, *grant, moment, &days))
        .collect();
    let published = outbox::enqueue(&mut transaction, &outbox_events).await?;
    transaction.commit().await?;
    Ok((written, published))
}

async fn lock_pairs(connection: &mut Connection, entries: &[Entry<'_>]) -> Result<(), sqlx::Error> {
    let pairs: Vec<String> = entries
        .iter()
        .map(|entry| format!("{}:{}", entry.candidate.pair.student, entry.candidate.pair.course))
        .collect();
    sqlx::query!(
        // Sorted by what is locked, so that even pairs whose hashes collide are taken in the same order by everybody.
        r#"SELECT pg_advisory_xact_lock(hashtext($2), s.hash)::text AS "locked?"
           FROM (SELECT DISTINCT hashtext(pair) AS hash FROM unnest($1::text[]) AS p (pair) ORDER BY 1 OFFSET 0) s"#,
        &pairs,
        LOCK_SPACE,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// An entry whose student has a running purchase of the course, which can't change before this transaction ends.
struct Owed<'a, 'b> {
    entry: &'a Entry<'b>,
    /// With the number of sessions that the purchase holds by now.
    candidate: Candidate,
}

/// The entries that are still owed. An end that came first is found when the event comes again. Sessions that were added or taken since the
/// purchase was looked at, while the admin service was asked, count.
async fn lock_running<'a, 'b>(
    connection: &mut Connection,
    entries: &'a [Entry<'b>],
) -> Result<Vec<Owed<'a, 'b>>, sqlx::Error> {
    let pair = |entry: &Entry<'_>| (entry.candidate.pair.student.0, entry.candidate.pair.course.0);
    let (students, courses): (Vec<Uuid>, Vec<Uuid>) = entries.iter().map(pair).unzip();
    let running = sqlx::query!(
        "SELECT p.id, p.student_id, p.course_id, p.purchase_tier FROM unnest($1::uuid[], $2::uuid[]) AS r (student_id, course_id)
         JOIN student_course_purchases p ON p.student_id = r.student_id AND p.course_id = r.course_id AND p.is_active
         ORDER BY p.id
         FOR SHARE OF p",
        &students,
        &courses,
    )
    .fetch_all(connection)
    .await?;
    let pairs: HashSet<(Uuid, Uuid)> = running
        .iter()
        .map(|row| (row.student_id, row.course_id))
        .collect();
    let tiers: HashMap<Uuid, i32> = running.iter().map(|row| (row.id, row.purchase_tier)).collect();
    let owed = entries.iter().filter(|entry| pairs.contains(&pair(entry)));
    let owed = owed.map(|entry| {
        let mut candidate = entry.candidate.clone();
        if let Some(tier) = tiers.get(&candidate.terms.purchase.0) {
            candidate.terms.sessions = *tier;
        }
        Owed { entry, candidate }
    });
    Ok(owed.collect())
}

async fn write(connection: &mut Connection, entries: &[Owed<'_, '_>]) -> Result<Written, sqlx::Error> {
    let students: Vec<Uuid> = entries
        .iter()
        .map(|entry| entry.candidate.pair.student.0)
        .collect();
    let courses: Vec<Uuid> = entries
        .iter()
        .map(|entry| entry.candidate.pair.course.0)
        .collect();
    let allocations: Vec<Uuid> = entries.iter().map(|owed| owed.entry.allocation.0).collect();
    let trainers: Vec<Option<Uuid>> = entries
        .iter()
        .map(|owed| owed.entry.trainer.map(|id| id.0))
        .collect();
    let metadata: Vec<_> = entries
        .iter()
        .map(|entry| entry.candidate.terms.allocation_metadata())
        .collect();
    let rows = sqlx::query_file!(
        "src/record.sql",
        &students,
        &courses,
        &allocations,
        &trainers as &[Option<Uuid>],
        &metadata,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let pair = Pair {
                student: StudentId(row.student_id),
                course: CourseId(row.course_id),
            };
            (pair, (AllocationId(row.id), row.trainer_id.map(TrainerId)))
        })
        .collect())
}

fn outbox_event(candidate: &Candidate, grant: Grant, moment: Moment, days: &SchoolDays) -> OutboxEvent {
    let start_date = candidate.terms.start(moment.today);
    let event_id = TrainerAllocated::event_id(grant.allocation);
    let correlation_id = candidate.correlation_id.clone();
    let envelope = Envelope::published(event_id.clone(), correlation_id, crate::NAME, moment.now);
    let correlation = envelope.correlation();
    let event = TrainerAllocated {
        allocation_id: grant.allocation,
        trainer_id: grant.trainer,
        student_id: candidate.pair.student,
        course_id: candidate.pair.course,
        session_count: candidate.terms.sessions,
        start_date,
        end_date: TrainerAllocated::last_day(start_date, candidate.terms.sessions, days),
        envelope,
    };
    OutboxEvent {
        event_id,
        event_type: EventType::TrainerAllocated,
        correlation,
        payload: event.to_json(),
    }
}

fn result_of(entry: &Entry<'_>, written: &Written) -> (Pair, Result<(), Failure>) {
    let pair = entry.candidate.pair;
    let result = match written.get(&pair) {
        Some((allocation, None)) => {
            metrics::counter!("AllocationsPending").increment(1);
            tracing::info!(
                function = crate::NAME,
                event_id = entry.event.envelope.event_id,
                correlation_id = entry.candidate.correlation_id,
                attempt = entry.attempt,
                %allocation,
                "no trainer is free; the reconcile sweep asks again"
            );
            Ok(())
        }
        Some((_, Some(_))) => Ok(()),
        None => Err(Failure::retry(
            "allocation_changed",
            format!(
                "allocation {} was changed at this moment, is another student's, its purchase has ended, or it was cancelled here \
                 and not at the admin service, which gives the same trainer back: cancel it there too",
                entry.allocation
            ),
        )),
    };
    (pair, result)
}

/// A foreign key of the older schema refuses for good, until the row that it wants is there.
fn refusal(error: sqlx::Error) -> Failure {
    const FOREIGN_KEY_VIOLATION: &str = "23503";
    let state = error.as_database_error().and_then(|error| error.code());
    if state.as_deref() != Some(FOREIGN_KEY_VIOLATION) {
        return Failure::from(error);
    }
    let constraint = error
        .as_database_error()
        .and_then(|error| error.constraint())
        .unwrap_or("a foreign key");
    let reason = format!(
        "{constraint} refuses the allocation: the student, course or trainer is not in this database; add it and replay"
    );
    Failure::park("allocation_foreign_key", reason)
}
