//! The guarantees G1 to G4 as queries, stricter than a live system is (nothing waits, every window is full): each gives back the
//! rows that break it, so that none means that it holds. `makegood doctor` looks after them.

use crate::database::TestDatabase;
use chrono::{TimeDelta, Utc};
use makegood::school_days::TeachingDays;
use operate::doctor::{self, Scope};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A guarantee of the course pipeline that a query can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Each succeeded payment for a course has exactly one active purchase, or an open case.
    OnePurchase,
    /// Each purchase has exactly one approved or active allocation, or is pending.
    OneAllocation,
    /// Each approved or active allocation has seven future sessions, or all that remain of what was bought, on
    /// weekdays that are no blackout days.
    SevenSessions,
    /// No event waits unpublished, and each fact was published: nothing is lost between commit and publish.
    EverythingPublished,
    /// Nothing is there twice: active purchases, marks, events, allocations, sessions.
    NoDuplicates,
}

impl Guarantee {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::OnePurchase,
        Self::OneAllocation,
        Self::SevenSessions,
        Self::EverythingPublished,
        Self::NoDuplicates,
    ];

    /// One text for each row that breaks it.
    const fn query(self) -> &'static str {
        match self {
            Self::OnePurchase => ONE_PURCHASE,
            Self::OneAllocation => ONE_ALLOCATION,
            Self::SevenSessions => SEVEN_SESSIONS,
            Self::EverythingPublished => EVERYTHING_PUBLISHED,
            Self::NoDuplicates => NO_DUPLICATES,
        }
    }
}

/// Panics with every row that breaks any guarantee of the course pipeline, and with every breach that `makegood doctor` finds
/// once its graces are over.
pub async fn assert_all_hold(database: &TestDatabase) {
    assert_hold(database, &Guarantee::ALL).await;
    assert_doctor_finds_no_breach(database).await;
}

/// Panics with every breach of G1 to G9 that `makegood doctor` would find in a quarter of an hour, were nothing to happen until
/// then. G10 is left out: tests drop indexes on purpose.
pub async fn assert_doctor_finds_no_breach(database: &TestDatabase) {
    let all = doctor::Guarantee::ALL
        .into_iter()
        .filter(|guarantee| *guarantee != doctor::Guarantee::G10);
    assert_doctor_finds_no_breach_of(database, all).await;
}

/// As [`assert_doctor_finds_no_breach`], of these guarantees alone: where a test has no next stage, what that one promises is
/// not kept.
pub async fn assert_doctor_finds_no_breach_of(
    database: &TestDatabase,
    guarantees: impl IntoIterator<Item = doctor::Guarantee>,
) {
    let scope = Scope {
        only: guarantees.into_iter().collect(),
        now: Utc::now() + TimeDelta::minutes(15),
        timezone: chrono_tz::Asia::Kolkata,
        teaching_days: TeachingDays::default(),
        single_operator: false,
    };
    let pooled = database.through_pooler(1);
    let report = doctor::check(&pooled, &scope).await;
    pooled.close();
    let report = report.expect("the doctor can look");
    let breaches: Vec<_> = report.breaches().collect();
    assert!(breaches.is_empty(), "the doctor finds {breaches:#?}");
}

/// Panics with every row that breaks one of these guarantees.
pub async fn assert_hold(database: &TestDatabase, guarantees: &[Guarantee]) {
    let broken = broken(database, guarantees).await;
    assert!(broken.is_empty(), "guarantees are broken:\n{}", broken.join("\n"));
}

/// One line for each row that breaks one of these guarantees.
pub async fn broken(database: &TestDatabase, guarantees: &[Guarantee]) -> Vec<String> {
    let mut connection = PgConnection::connect(&database.direct_url())
        .await
        .expect("the test's database answers");
    let mut broken = Vec::new();
    for guarantee in guarantees {
        let query = sqlx::query_scalar(AssertSqlSafe(guarantee.query()));
        let rows: Vec<String> = query
            .fetch_all(&mut connection)
            .await
            .expect("the guarantee's query runs");
        broken.extend(rows.into_iter().map(|row| format!("{guarantee:?}: {row}")));
    }
    broken
}

const ONE_PURCHASE: &str = "
SELECT format('payment %s of student %s has %s active purchases and no open case', id, student_id, purchases)
FROM (SELECT p.id, p.student_id, (SELECT count(*) FROM student_course_purchases o
        WHERE o.student_id = p.student_id AND o.course_id::text = p.metadata ->> 'courseId' AND o.is_active) AS purchases
      FROM payments p WHERE p.status = 'succeeded' AND p.metadata ->> 'courseId' IS NOT NULL) paid
WHERE purchases <> 1
  AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.payment_id = paid.id AND c.status = 'open')";

const ONE_ALLOCATION: &str = "
SELECT format('purchase %s has %s live and %s pending allocations', id, live, pending)
FROM (SELECT p.id,
        (SELECT count(*) FROM trainer_allocations a WHERE a.student_id = p.student_id AND a.course_id = p.course_id
           AND a.status IN ('approved', 'active')) AS live,
        (SELECT count(*) FROM trainer_allocations a WHERE a.student_id = p.student_id AND a.course_id = p.course_id
           AND a.status = 'pending') AS pending
      FROM student_course_purchases p WHERE p.is_active) bought
WHERE live > 1 OR (live = 0 AND pending = 0)";

// Today's session may have begun, and then counts for nothing: seven are ahead beside it.
const SEVEN_SESSIONS: &str = "
WITH today AS (SELECT (now() AT TIME ZONE 'Asia/Kolkata')::date AS day),
calendar AS (
  SELECT a.id, p.purchase_tier AS bought,
         count(s.id) FILTER (WHERE s.status <> 'cancelled') AS used,
         count(s.id) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= t.day) AS ahead,
         count(s.id) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date = t.day) AS today
  FROM today t CROSS JOIN trainer_allocations a
  JOIN student_course_purchases p ON p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  LEFT JOIN tutoring_sessions s ON s.allocation_id = a.id
  WHERE a.status IN ('approved', 'active') GROUP BY a.id, p.purchase_tier)
SELECT format('allocation %s has %s sessions ahead, %s used of %s bought', id, ahead, used, bought) FROM calendar
WHERE used > bought OR ahead < least(7, bought - used + ahead) OR ahead - today > 7
UNION ALL
SELECT format('session %s is on %s, no day for sessions', s.id, s.scheduled_date) FROM tutoring_sessions s
WHERE s.status = 'scheduled' AND (extract(isodow FROM s.scheduled_date) > 5
  OR EXISTS (SELECT FROM session_blackout_dates b WHERE b.day = s.scheduled_date))";

const EVERYTHING_PUBLISHED: &str = "
SELECT format('event %s waits unpublished: %s', event_id, coalesce(last_error, 'no error')) FROM outbox
WHERE published_at IS NULL
UNION ALL
SELECT format('purchase %s was never published', p.id) FROM student_course_purchases p
WHERE p.payment_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = 'purchase-created-' || p.id)
UNION ALL
SELECT format('purchase %s has no processed event', p.id) FROM student_course_purchases p
WHERE p.payment_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM processed_events e WHERE e.correlation_id = p.payment_id
                    AND e.event_type = 'PURCHASE_CONFIRMED')
UNION ALL
SELECT format('allocation %s was never published', a.id) FROM trainer_allocations a
WHERE a.status IN ('approved', 'active')
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = 'trainer-allocated-' || a.id)";

const NO_DUPLICATES: &str = "
SELECT format('student %s has %s active purchases of course %s', student_id, count(*), course_id)
FROM student_course_purchases WHERE is_active GROUP BY student_id, course_id HAVING count(*) > 1
UNION ALL
SELECT format('payment %s made %s purchases', payment_id, count(*))
FROM student_course_purchases WHERE payment_id IS NOT NULL GROUP BY payment_id HAVING count(*) > 1
UNION ALL
SELECT format('payment %s is marked %s times as %s', correlation_id, count(*), event_type)
FROM processed_events WHERE event_type = 'PURCHASE_CONFIRMED' GROUP BY correlation_id, event_type HAVING count(*) > 1
UNION ALL
SELECT format('event %s is in the outbox %s times', event_id, count(*)) FROM outbox GROUP BY event_id HAVING count(*) > 1
UNION ALL
SELECT format('student %s has %s live allocations for course %s', student_id, count(*), course_id)
FROM trainer_allocations WHERE status IN ('approved', 'active') GROUP BY student_id, course_id HAVING count(*) > 1
UNION ALL
SELECT format('allocation %s has %s sessions on %s', allocation_id, count(*), scheduled_date)
FROM tutoring_sessions WHERE status <> 'cancelled' GROUP BY allocation_id, scheduled_date HAVING count(*) > 1";
