//! A school of one test: allocations planted by SQL, the stages on its database, a fixed moment.
#![allow(dead_code)]

use chrono_tz::Tz;
use makegood::clash_rules::ClashRules;
use makegood::clock::Clock;
use makegood::delivery::{Record, Trigger};
use makegood::event::{EventType, TrainerAllocated};
use makegood::outbox::{Publisher, SqsTransport, Transport};
use makegood::school_days::TeachingDays;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues;
use schedule_sessions::ScheduleSessions;
use serde_json::Value;
use sqlx::Row;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Thursday, 8 January 2026, 18:00 in Kolkata: today's usual slot has begun.
pub const THURSDAY_EVENING: &str = "2026-01-08T12:30:00Z";
/// The seven weekdays after it.
pub const NEXT_SEVEN: [&str; 7] = [
    "2026-01-09",
    "2026-01-12",
    "2026-01-13",
    "2026-01-14",
    "2026-01-15",
    "2026-01-16",
    "2026-01-19",
];

/// A test's database and what its functions are made of.
pub struct School {
    pub database: TestDatabase,
    pub clock: Clock,
    pub teaching_days: TeachingDays,
    pub clash_rules: ClashRules,
    pub transport: Transport,
}

impl School {
    /// An empty school on this moment's clock. Its events stay in the outbox.
    pub async fn at(moment: &str) -> Self {
        Self::of(TestDatabase::create().await, moment).await
    }

    /// The same on a database that is there already.
    pub async fn of(database: TestDatabase, moment: &str) -> Self {
        let client = aws_sdk_sqs::Client::new(&queues::aws().await);
        let transport = Transport::Sqs(SqsTransport::new(client, HashMap::new()));
        Self {
            database,
            clock: Clock::Fixed(moment.parse().expect("an instant")),
            teaching_days: TeachingDays::default(),
            clash_rules: ClashRules::default(),
            transport,
        }
    }

    /// Its events go to a queue of its own from now on.
    pub async fn with_queue(mut self) -> (Self, queues::TestQueue) {
        let (transport, mut queues) = queues::transport(&[EventType::SessionsGenerated]).await;
        self.transport = transport;
        (
            self,
            queues
                .remove("sessions-generated")
                .expect("the queue was created"),
        )
    }

    pub fn publisher(&self, connections: u32) -> Publisher {
        Publisher {
            database: self.database.through_pooler(connections),
            transport: self.transport.clone(),
        }
    }

    pub fn scheduler(&self) -> ScheduleSessions {
        ScheduleSessions {
            publisher: self.publisher(2),
            clock: self.clock,
            timezone: Tz::Asia__Kolkata,
            teaching_days: self.teaching_days,
            clash_rules: self.clash_rules.clone(),
        }
    }

    /// Plants an approved allocation with its trainer and course.
    pub async fn allocation(&self, n: u32, metadata: Value) {
        self.database.run_sql(&format!("INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
            VALUES ('{}', md5('student{n}')::uuid, md5(CASE {n} WHEN 1 THEN 'trainer' ELSE 'trainer of {n}' END)::uuid, md5('course')::uuid, md5('student{n}')::uuid, 'approved', '{metadata}')", id(n))).await;
    }

    /// Plants an active purchase for the student of this allocation.
    pub async fn purchase(&self, n: u32, tier: u32, metadata: Value) {
        self.database.run_sql(&format!("INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, metadata, payment_id)
            VALUES (md5('student{n}')::uuid, md5('course')::uuid, {tier}, '{metadata}', md5('payment{n}')::uuid)")).await;
    }

    /// Plants sessions of this allocation at 4:00 PM: `(day, status)`.
    pub async fn sessions(&self, n: u32, sessions: &[(&str, &str)]) {
        for (day, status) in sessions {
            self.database.run_sql(&format!("INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
                SELECT id, student_id, trainer_id, course_id, '{day}', '4:00 PM', '{status}' FROM trainer_allocations WHERE id = '{}'", id(n))).await;
        }
    }

    /// The days of the allocation's sessions with this status, in order.
    pub async fn days(&self, n: u32, status: &str) -> Vec<String> {
        self.texts(&format!("SELECT scheduled_date::text FROM tutoring_sessions WHERE allocation_id = '{}' AND status = '{status}' ORDER BY 1", id(n))).await
    }

    /// The bodies of the events that ask for the sessions of these allocations, as their rows say; of one that is not there, of anybody.
    pub async fn allocated(&self, allocations: impl IntoIterator<Item = u32>, start: &str) -> Vec<String> {
        let ids: Vec<Uuid> = allocations.into_iter().map(id).collect();
        self.allocated_by_id(&ids, start).await
    }

    /// The same by id.
    pub async fn allocated_by_id(&self, allocations: &[Uuid], start: &str) -> Vec<String> {
        let events = "SELECT jsonb_build_object(
                'type', 'TRAINER_ALLOCATED', 'allocationId', i.id, 'trainerId', coalesce(a.trainer_id, i.id),
                'studentId', coalesce(a.student_id, i.id), 'courseId', coalesce(a.course_id, i.id),
                'sessionCount', coalesce((a.metadata ->> 'sessionCount')::int, p.purchase_tier, 30),
                'startDate', $2::text, 'endDate', '2026-12-31',
                '_metadata', jsonb_build_object('eventId', 'trainer-allocated-' || i.id, 'source', 'allocate-trainer', 'version', '1.0.0',
                  'correlationId', (right(replace(i.id::text, '-', ''), 16) || left(replace(i.id::text, '-', ''), 16))::uuid))::text
            FROM unnest($1::uuid[]) WITH ORDINALITY AS i (id, number)
            LEFT JOIN trainer_allocations a ON a.id = i.id
            LEFT JOIN LATERAL (
              SELECT p.purchase_tier FROM student_course_purchases p
              WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
              ORDER BY p.created_at, p.id LIMIT 1) p ON true
            ORDER BY i.number";
        sqlx::query_scalar(events)
            .bind(allocations)
            .bind(start)
            .fetch_all(&self.database.direct())
            .await
            .expect("the events are made")
    }

    /// What the doctor finds about sessions and ends at this school's time: `code: count`, without the grace that it gives.
    pub async fn findings(&self) -> Vec<String> {
        let today = self.clock.today(Tz::Asia__Kolkata);
        let pool = self.database.direct();
        let sessions = sqlx::query(include_str!(
            "../../../../shared/operate/src/doctor/checks/sessions.sql"
        ))
        // The rows have the server's time, and the school another: an instant after all of them, so that none is too young to be found.
        .bind(Clock::System.now() + Duration::from_secs(3_600))
        .bind(0_f64)
        .bind(today)
        .bind(3_i64)
        .bind(7_i64)
        .bind(0_f64)
        .bind("Asia/Kolkata")
        .bind(self.teaching_days.iso_numbers())
        .fetch_all(&pool)
        .await
        .expect("the check runs");
        let ends = sqlx::query(include_str!(
            "../../../../shared/operate/src/doctor/checks/ends.sql"
        ))
        .bind(today)
        .bind("Asia/Kolkata")
        .fetch_all(&pool)
        .await
        .expect("the check runs");
        let found = sessions.iter().chain(&ends);
        found
            .map(|row| {
                format!(
                    "{}: {}",
                    row.get::<String, _>("code!"),
                    row.get::<i64, _>("count!")
                )
            })
            .collect()
    }

    /// The first column of every row, a text.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let pool = self.database.direct();
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_all(&pool)
            .await
            .expect("the query runs")
    }
}

/// The id of the `n`th allocation.
pub fn id(n: u32) -> Uuid {
    Uuid::from_u128(u128::from(n))
}

/// These bodies as the records of one batch.
pub fn records(bodies: &[String]) -> Vec<Record<TrainerAllocated>> {
    let (_, deliveries) =
        Trigger::decode(queues::sqs_event("trainer-allocated", bodies)).expect("an SQS event");
    deliveries
        .into_iter()
        .map(|delivery| {
            let input =
                TrainerAllocated::parse(delivery.payload.as_deref().expect("a body")).expect("an event");
            Record {
                delivery,
                input,
                attempt: 1,
            }
        })
        .collect()
}
