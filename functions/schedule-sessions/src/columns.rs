//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("dead_letters", &["attempts", "claimed_until", "correlation_id", "discarded_at", "document", "error_code", "event_id",
        "event_type", "failure_reason", "function_name", "id", "message_id", "parked_at", "permanent", "raw", "replay_count",
        "replayed_at", "source", "status"]),
    ("disputes", &["payment_id", "status"]),
    ("erased_people", &["person", "pipeline"]),
    ("outbox", &["attempts", "claimed_until", "correlation_id", "created_at", "event_id", "event_type", "id", "last_error",
        "payload", "published_at", "taken_by", "topic"]),
    ("processed_events", &["correlation_id", "event_id", "event_type", "payload", "source", "version"]),
    ("purchase_extensions", &["purchase_id", "sessions"]),
    ("purchase_reductions", &["purchase_id", "sessions"]),
    ("session_blackout_dates", &["day"]),
    ("student_course_purchases", &["course_id", "created_at", "expiry_date", "id", "is_active", "metadata", "payment_id",
        "purchase_tier", "student_id"]),
    ("trainer_allocations", &["course_id", "created_at", "id", "metadata", "planned", "status", "student_id", "trainer_id",
        "updated_at"]),
    ("tutoring_sessions", &["allocation_id", "course_id", "created_at", "id", "planned_date", "planned_time", "scheduled_date",
        "scheduled_time", "status", "student_id", "trainer_id", "updated_at"]),
];
