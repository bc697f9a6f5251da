//! The allocation's row against the event that names it: the row decides, the event only points to it.

use makegood::db::Connection;
use makegood::delivery::Failure;
use makegood::erased::pseudonym;
use makegood::event::{EventType, TrainerAllocated};
use makegood::idempotency;
use makegood::ids::AllocationId;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What an allocation's row says of what its event says too.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllocationRow {
    student: Uuid,
    course: Option<Uuid>,
    trainer: Option<Uuid>,
    /// Approved or active: only then trainer and sessions are decided.
    stands: bool,
    /// The numbers of sessions that may be meant: the allocation's own, and that of the active purchase. Empty when neither is known.
    sessions: Vec<i32>,
    /// How many of them were added by payments that came later: the event may be older than those.
    added: i32,
    /// How many more there would be, had no money gone back: the event may be older than that.
    reduced: i32,
}

impl AllocationRow {
    /// Whether an event of this allocation may say this number of sessions.
    fn may_mean(&self, sessions: i32) -> bool {
        self.sessions.iter().any(|now| {
            (now.saturating_sub(self.added)..=now.saturating_add(self.reduced)).contains(&sessions)
        })
    }
}

/// Reads the rows of these allocations; one that is not there is not among them. Takes no lock: who fills looks again.
pub(crate) async fn load(
    connection: &mut Connection,
    allocations: &[AllocationId],
) -> Result<HashMap<AllocationId, AllocationRow>, sqlx::Error> {
    let ids: Vec<Uuid> = allocations.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!("src/row.sql", &ids)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let own = row
                .session_count
                .as_deref()
                .and_then(|text| text.trim().parse().ok());
            let found = AllocationRow {
                student: row.student_id,
                course: row.course_id,
                trainer: row.trainer_id,
                stands: row.stands,
                added: row.added,
                reduced: row.reduced,
                sessions: own.into_iter().chain(row.purchase_tier).collect(),
            };
            (AllocationId(row.id), found)
        })
        .collect())
}

/// Those of these events whose allocation is not there, although they were processed while it was.
pub(crate) async fn gone(
    connection: &mut Connection,
    events: &[&TrainerAllocated],
    rows: &HashMap<AllocationId, AllocationRow>,
) -> Result<HashSet<String>, sqlx::Error> {
    let unknown: Vec<(&str, Uuid)> = events
        .iter()
        .filter(|event| !rows.contains_key(&event.allocation_id))
        .map(|event| (event.envelope.event_id.as_str(), event.allocation_id.0))
        .collect();
    idempotency::processed(connection, EventType::TrainerAllocated, "allocationId", &unknown).await
}

/// What is answered for such an event.
pub(crate) fn deleted() -> Failure {
    let reason =
        "the event was processed, and its allocation's row was deleted since; no sessions are planned";
    Failure::acknowledge("allocation_row_gone", reason)
}

/// Why nothing is made for this event; none when its row says the same, or says nothing of it. What an allocation has not (yet) is
/// judged when its window is filled.
pub(crate) fn refusal(event: &TrainerAllocated, row: &AllocationRow) -> Option<Failure> {
    let other = |row: Option<Uuid>, event: Uuid| row.is_some_and(|row| row != event);
    if row.student == pseudonym(event.student_id.0) {
        return Some(Failure::acknowledge(
            "student_erased",
            "the student was erased; no sessions are planned",
        ));
    }
    let sessions_known = row.stands && !row.sessions.is_empty();
    let (code, field) = if row.student != event.student_id.0 {
        ("allocation_student_differs", "studentId")
    } else if other(row.course, event.course_id.0) {
        ("allocation_course_differs", "courseId")
    } else if row.stands && other(row.trainer, event.trainer_id.0) {
        ("allocation_trainer_differs", "trainerId")
    } else if sessions_known && !row.may_mean(event.session_count) {
        ("allocation_sessions_differ", "sessionCount")
    } else {
        return None;
    };
    let id = event.allocation_id;
    let reason = format!(
        "`{field}` is not what the row of allocation {id} says; compare both with `makegood trace {id}`, and find out who sent this event"
    );
    Some(Failure::park(code, reason))
}
