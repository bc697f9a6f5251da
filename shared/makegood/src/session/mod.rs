//! Sessions on the calendar: which days they are on (pure), and the window of each allocation filled in the database.
//! `schedule-sessions` fills it first, `top-up-sessions` keeps it full.

mod fill;
mod next_sessions;
mod slot;
mod store;

pub use fill::{Filled, Filling, Outcome, Told, fill};
pub use next_sessions::{Booked, WINDOW, Window, next_sessions, upcoming};
pub use slot::TimeSlot;
pub(crate) use store::bought;
pub use store::{Page, next_page};

/// The columns that filling windows uses, by table: compared with the live catalogue at start.
pub const COLUMNS: &[(&str, &[&str])] = &[
    (
        "trainer_allocations",
        &[
            "id",
            "student_id",
            "trainer_id",
            "course_id",
            "status",
            "metadata",
        ],
    ),
    (
        "student_course_purchases",
        &[
            "id",
            "student_id",
            "course_id",
            "purchase_tier",
            "metadata",
            "is_active",
            "payment_id",
            "expiry_date",
            "created_at",
        ],
    ),
    ("disputes", &["payment_id", "status"]),
    (
        "tutoring_sessions",
        &[
            "id",
            "allocation_id",
            "student_id",
            "trainer_id",
            "course_id",
            "scheduled_date",
            "scheduled_time",
            "status",
        ],
    ),
    ("session_blackout_dates", &["day"]),
    (
        "outbox",
        &[
            "id",
            "event_id",
            "event_type",
            "topic",
            "payload",
            "correlation_id",
            "published_at",
            "claimed_until",
        ],
    ),
];
