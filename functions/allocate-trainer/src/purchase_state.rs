//! How purchases stand: the purchase, its allocation, and whether that was published.

use crate::answer::Grant;
use crate::request::Pair;
use makegood::db::Connection;
use makegood::event::{EventType, Metadata, PurchaseCreated};
use makegood::idempotency;
use makegood::ids::{AllocationId, CourseId, PaymentId, StudentId, TrainerId};
use uuid::Uuid;

/// A purchase as the database has it: the source of truth, whatever the event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub pair: Pair,
    pub payment: Option<PaymentId>,
    pub sessions: i32,
    /// How many of them were added by payments that came later: an event may be older than those.
    pub added: i32,
    /// How many more it would hold, had no money gone back: an event may be older than that.
    pub reduced: i32,
    pub active: bool,
    pub metadata: Metadata,
}

impl Purchase {
    /// Whether an event of this purchase may say this number of sessions.
    pub(crate) fn may_mean(&self, sessions: i32) -> bool {
        let most = self.sessions.saturating_add(self.reduced);
        (self.sessions.saturating_sub(self.added)..=most).contains(&sessions)
    }
}

/// The allocation of a purchase that has lost its trainer last: cancelled or rejected, or the trainer's row is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    pub allocation: AllocationId,
    /// When that trainer was allocated, as far as it is noted: one allocation may lose one trainer after the other.
    pub allocated_micros: Option<i64>,
}

/// How one purchase stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PurchaseState {
    /// None when the row is not there.
    pub purchase: Option<Purchase>,
    /// Whether the event was processed while the purchase's row was there; it is not any more.
    pub row_gone: bool,
    /// The approved or active allocation of its student and course. One that lost its trainer (the trainer's row was
    /// deleted) counts as none: the admin service is asked for another.
    pub held: Option<Grant>,
    /// Whether `TRAINER_ALLOCATED` stands in the outbox, or sessions show that it arrived.
    pub published: bool,
    /// Whether the purchase's allocation is completed: no other trainer is owed.
    pub completed: bool,
    /// What its trainer was lost with, if it had one.
    pub lost: Option<Lost>,
}

/// Loads how the purchases of these events stand, in order; one round trip for all, and another where a purchase is not there.
pub(crate) async fn load(
    connection: &mut Connection,
    events: &[&PurchaseCreated],
) -> Result<Vec<PurchaseState>, sqlx::Error> {
    let mut states = rows(connection, events).await?;
    let unknown: Vec<(&str, Uuid)> = events
        .iter()
        .zip(&states)
        .filter(|(_, state)| state.purchase.is_none())
        .map(|(event, _)| (event.envelope.event_id.as_str(), event.purchase_id.0))
        .collect();
    let processed =
        idempotency::processed(connection, EventType::PurchaseCreated, "purchaseId", &unknown).await?;
    for (event, state) in events.iter().zip(&mut states) {
        state.row_gone = state.purchase.is_none() && processed.contains(&event.envelope.event_id);
    }
    Ok(states)
}

async fn rows(
    connection: &mut Connection,
    events: &[&PurchaseCreated],
) -> Result<Vec<PurchaseState>, sqlx::Error> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.purchase_id.0).collect();
    let rows = sqlx::query_file!("src/purchase_state.sql", &ids)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| PurchaseState {
            purchase: row
                .student_id
                .zip(row.course_id)
                .map(|(student, course)| Purchase {
                    pair: Pair {
                        student: StudentId(student),
                        course: CourseId(course),
                    },
                    payment: row.payment_id.map(PaymentId),
                    sessions: row.purchase_tier.unwrap_or_default(),
                    added: row.added,
                    reduced: row.reduced,
                    active: row.is_active.unwrap_or_default(),
                    // Old rows hold what they hold; what can't be read as fields counts as not chosen.
                    metadata: Metadata::read(row.metadata.as_ref()).unwrap_or_default(),
                }),
            held: row
                .held_id
                .zip(row.held_trainer)
                .map(|(allocation, trainer)| Grant {
                    allocation: AllocationId(allocation),
                    trainer: TrainerId(trainer),
                }),
            published: row.published,
            completed: row.completed,
            row_gone: false,
            lost: row.lost_id.map(|id| Lost {
                allocation: AllocationId(id),
                allocated_micros: row.lost_since_micros,
            }),
        })
        .collect())
}

/// The allocations with a trainer that these pairs have by now.
pub(crate) async fn held_by_now(
    connection: &mut Connection,
    pairs: &[Pair],
) -> Result<Vec<(Pair, Grant)>, sqlx::Error> {
    let students: Vec<Uuid> = pairs.iter().map(|pair| pair.student.0).collect();
    let courses: Vec<Uuid> = pairs.iter().map(|pair| pair.course.0).collect();
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (a.student_id, a.course_id)
                  a.student_id, a.course_id AS "course_id!", a.id, a.trainer_id AS "trainer_id!"
           FROM unnest($1::uuid[], $2::uuid[]) AS r (student_id, course_id)
           JOIN trainer_allocations a ON a.student_id = r.student_id AND a.course_id = r.course_id
           WHERE a.status IN ('approved', 'active') AND a.trainer_id IS NOT NULL
           ORDER BY a.student_id, a.course_id, a.created_at, a.id"#,
        &students,
        &courses,
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
            (
                pair,
                Grant {
                    allocation: AllocationId(row.id),
                    trainer: TrainerId(row.trainer_id),
                },
            )
        })
        .collect())
}
