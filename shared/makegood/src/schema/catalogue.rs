//! The indexes that Makegood builds on tables that may be large and busy, declared once.
//!
//! They are not in migration files: a failed concurrent build leaves an invalid index over which `IF NOT EXISTS` reports success, and
//! duplicates in old data must not stop a migration.

use super::spec::IndexSpec;

/// G1: one active purchase a student and course. `IS TRUE` is not among the predicates: Postgres does not infer it (FACTS).
pub const UNIQUE_ACTIVE_PURCHASE: IndexSpec = IndexSpec {
    name: "unique_active_purchase",
    table: "student_course_purchases",
    columns: &["student_id", "course_id"],
    unique: true,
    predicate: Some("is_active"),
    printed_predicates: &["is_active", "(is_active = true)"],
};

/// G2: one approved or active allocation a student and course.
pub const UNIQUE_ACTIVE_ALLOCATION: IndexSpec = IndexSpec {
    name: "unique_active_allocation",
    table: "trainer_allocations",
    columns: &["student_id", "course_id"],
    unique: true,
    predicate: Some("status IN ('approved', 'active')"),
    printed_predicates: &[
        "(status = ANY (ARRAY['approved'::text, 'active'::text]))",
        "(status = ANY (ARRAY['active'::text, 'approved'::text]))",
        "((status = 'approved'::text) OR (status = 'active'::text))",
        "((status = 'active'::text) OR (status = 'approved'::text))",
    ],
};

/// G3: one session a slot of an allocation. Its first two columns serve the scheduler's look at a window, too.
pub const UNIQUE_SESSION_SLOT: IndexSpec = IndexSpec {
    name: "unique_session_slot",
    table: "tutoring_sessions",
    columns: &["allocation_id", "scheduled_date", "scheduled_time"],
    unique: true,
    predicate: None,
    printed_predicates: &[],
};

/// A webhook's repeat finds the first payment.
pub const UNIQUE_PROVIDER_PAYMENT: IndexSpec = IndexSpec {
    name: "unique_provider_payment",
    table: "payments",
    columns: &["provider_payment_id"],
    unique: true,
    predicate: None,
    printed_predicates: &[],
};

/// One mark an event type and correlation id; the older system has it already.
pub const PROCESSED_EVENT_ONCE: IndexSpec = IndexSpec {
    name: "idx_processed_events_idempotency",
    table: "processed_events",
    columns: &["correlation_id", "event_type"],
    unique: true,
    predicate: None,
    printed_predicates: &[],
};

/// The constraints that `makegood ensure-index` knows by name.
pub const UNIQUE_INDEXES: [IndexSpec; 5] = [
    UNIQUE_ACTIVE_PURCHASE,
    UNIQUE_ACTIVE_ALLOCATION,
    UNIQUE_SESSION_SLOT,
    UNIQUE_PROVIDER_PAYMENT,
    PROCESSED_EVENT_ONCE,
];

const fn plain(
    name: &'static str,
    table: &'static str,
    columns: &'static [&'static str],
    predicate: Option<&'static str>,
    printed_predicates: &'static [&'static str],
) -> IndexSpec {
    IndexSpec {
        name,
        table,
        columns,
        unique: false,
        predicate,
        printed_predicates,
    }
}

/// Every index that `migrate` builds after the migrations: the constraints, then those that only make queries quick.
///
/// `payment_id` is not unique on purpose: a second unique index that is no arbiter of the purchase's `ON
/// CONFLICT` would make concurrent redeliveries fail with 23505.
pub const MANAGED_INDEXES: [IndexSpec; 46] = [
    UNIQUE_ACTIVE_PURCHASE,
    UNIQUE_ACTIVE_ALLOCATION,
    UNIQUE_SESSION_SLOT,
    UNIQUE_PROVIDER_PAYMENT,
    PROCESSED_EVENT_ONCE,
    plain(
        "idx_purchases_payment",
        "student_course_purchases",
        &["payment_id"],
        Some("payment_id IS NOT NULL"),
        &["(payment_id IS NOT NULL)"],
    ),
    plain("idx_payments_student", "payments", &["student_id"], None, &[]),
    // A begun payment, by the provider's order that it was begun with.
    plain(
        "idx_payments_order",
        "payments",
        &["(metadata ->> 'orderId'::text)"],
        None,
        &[],
    ),
    plain(
        "idx_allocations_student_course",
        "trainer_allocations",
        &["student_id", "course_id"],
        None,
        &[],
    ),
    plain(
        "idx_allocations_pending",
        "trainer_allocations",
        &["requested_at"],
        Some("status = 'pending'"),
        &["(status = 'pending'::text)"],
    ),
    // What reconcile asks about although we gave it up.
    plain(
        "idx_payment_intents_ended",
        "payment_intents",
        &["created_at"],
        Some("status IN ('cancelled', 'expired', 'failed')"),
        &["(status = ANY (ARRAY['cancelled'::text, 'expired'::text, 'failed'::text]))"],
    ),
    // What the buyers of one address have open, which a checkout counts.
    plain(
        "idx_payment_intents_client",
        "payment_intents",
        &["(metadata ->> 'client'::text)"],
        Some("status = 'pending'"),
        &["(status = 'pending'::text)"],
    ),
    // What the person on call lists: each page is a walk along one of these, and none is a scan that counts.
    plain(
        "idx_dead_letters_status",
        "dead_letters",
        &["status", "parked_at", "id"],
        None,
        &[],
    ),
    plain(
        "idx_dead_letters_claimed",
        "dead_letters",
        &["claimed_until"],
        Some("claimed_until IS NOT NULL"),
        &["(claimed_until IS NOT NULL)"],
    ),
    plain(
        "idx_job_queue_status",
        "job_queue",
        &["status", "created_at", "id"],
        None,
        &[],
    ),
    plain(
        "idx_job_queue_type",
        "job_queue",
        &["job_type", "status", "created_at", "id"],
        None,
        &[],
    ),
    plain(
        "idx_job_queue_intent",
        "job_queue",
        &["(payload ->> 'payment_intent_id'::text)"],
        None,
        &[],
    ),
    // What `stale-jobs` starts again: failed, and not by its own fault.
    plain(
        "idx_job_queue_healable",
        "job_queue",
        &["failed_at", "id"],
        Some("status = 'failed' AND cause IN ('outage', 'drift', 'lock', 'worker_lost')"),
        &[
            "((status = 'failed'::text) AND (cause = ANY (ARRAY['outage'::text, 'drift'::text, 'lock'::text, 'worker_lost'::text])))",
        ],
    ),
    plain(
        "idx_payment_cases_status",
        "payment_cases",
        &["status", "opened_at", "id"],
        None,
        &[],
    ),
    plain("idx_audit_log_actor", "audit_log", &["actor", "id"], None, &[]),
    plain("idx_audit_log_action", "audit_log", &["action", "id"], None, &[]),
    plain(
        "idx_audit_log_subject_id",
        "audit_log",
        &["subject", "id"],
        None,
        &[],
    ),
    // A dead letter is looked for by its event: by `makegood trace`, and by reconcile before it publishes again.
    plain(
        "idx_dead_letters_event",
        "dead_letters",
        &["event_id"],
        Some("event_id IS NOT NULL"),
        &["(event_id IS NOT NULL)"],
    ),
    // What the console plots, by the time at which it was made.
    plain(
        "idx_payments_confirmed_at",
        "payments",
        &["confirmed_at"],
        Some("status = 'succeeded'"),
        &["(status = 'succeeded'::text)"],
    ),
    // What the walks of `reconcile`, `compare` and `doctor` go along: by time, and by key among rows of one moment. An import may give
    // a million rows the same time.
    plain(
        "idx_payments_paid",
        "payments",
        &["COALESCE(confirmed_at, created_at)", "id"],
        Some("status = 'succeeded'"),
        &["(status = 'succeeded'::text)"],
    ),
    plain(
        "idx_purchases_made",
        "student_course_purchases",
        &["created_at", "id"],
        None,
        &[],
    ),
    plain(
        "idx_allocations_live",
        "trainer_allocations",
        &["GREATEST(created_at, allocated_at)", "id"],
        Some("status IN ('approved', 'active')"),
        &["(status = ANY (ARRAY['approved'::text, 'active'::text]))"],
    ),
    // The pages of `top-up-sessions`: it looks at each approved and active allocation, and at no other.
    plain(
        "idx_allocations_live_id",
        "trainer_allocations",
        &["id"],
        Some("status IN ('approved', 'active')"),
        &["(status = ANY (ARRAY['approved'::text, 'active'::text]))"],
    ),
    // What a trainer has ahead (docs/decisions/0104). Not partial: without statistics the planner takes such an index for empty.
    plain(
        "idx_sessions_taught",
        "tutoring_sessions",
        &["trainer_id", "scheduled_date"],
        None,
        &[],
    ),
    plain(
        "idx_verifications_success",
        "payment_gateway_verifications",
        &["verified_at", "id"],
        Some("status = 'success'"),
        &["(status = 'success'::text)"],
    ),
    // The purchases from before payments had ids, by pair.
    plain(
        "idx_purchases_unowned",
        "student_course_purchases",
        &["student_id", "course_id"],
        Some("payment_id IS NULL"),
        &["(payment_id IS NULL)"],
    ),
    // The purchases that have ended, by pair.
    plain(
        "idx_purchases_ended",
        "student_course_purchases",
        &["student_id", "course_id"],
        Some("NOT is_active"),
        &["(NOT is_active)"],
    ),
    // Jobs that are due, however many are not due yet.
    plain(
        "idx_job_queue_scheduled",
        "job_queue",
        &["scheduled_for"],
        Some("status = 'pending'"),
        &["(status = 'pending'::text)"],
    ),
    plain(
        "idx_allocations_allocated_at",
        "trainer_allocations",
        &["allocated_at"],
        None,
        &[],
    ),
    plain("idx_orders_created_at", "orders", &["created_at"], None, &[]),
    // What is due, beside what waits for its time: the claim's second window, and what the sweep wakes.
    plain(
        "idx_job_queue_due",
        "job_queue",
        &["priority", "scheduled_for"],
        Some("status = 'pending'"),
        &["(status = 'pending'::text)"],
    ),
    // The sweep's keyset: many reservations end at the same moment.
    plain(
        "idx_reservations_due",
        "inventory_reservations",
        &["expires_at", "id"],
        Some("status = 'active'"),
        &["(status = 'active'::text)"],
    ),
    // Paid payments whose gateway was not asked yet whether it gave them back, and those that it is asked about again.
    plain(
        "idx_verifications_unasked",
        "payment_gateway_verifications",
        &["provider", "verified_at"],
        Some("status <> 'failed' AND refund_question_at IS NULL"),
        &["((status <> 'failed'::text) AND (refund_question_at IS NULL))"],
    ),
    plain(
        "idx_verifications_asked",
        "payment_gateway_verifications",
        &["provider", "refund_question_at"],
        Some("refund_question_at < 'infinity'"),
        &["(refund_question_at < 'infinity'::timestamp with time zone)"],
    ),
    // Whatever id a person has of a case's subject, of whatever kind the case is.
    plain(
        "idx_payment_cases_subject",
        "payment_cases",
        &["subject"],
        None,
        &[],
    ),
    // What a person asks of the provider's statement: by the payment that an entry is about, the provider's id of it or ours.
    plain(
        "idx_statement_entries_pays",
        "statement_entries",
        &["pays"],
        None,
        &[],
    ),
    plain(
        "idx_statement_entries_subject",
        "statement_entries",
        &["subject"],
        Some("subject IS NOT NULL"),
        &["(subject IS NOT NULL)"],
    ),
    // What the sweep `health` removes when its time is over (docs/privacy.md): each holds what is still there, and nothing else.
    plain(
        "idx_dead_letters_bodies",
        "dead_letters",
        &["parked_at"],
        Some("status <> 'parked' AND (raw IS NOT NULL OR document IS NOT NULL)"),
        &["((status <> 'parked'::text) AND ((raw IS NOT NULL) OR (document IS NOT NULL)))"],
    ),
    plain(
        "idx_payment_intents_addresses",
        "payment_intents",
        &["updated_at"],
        Some("status IN ('cancelled', 'expired', 'failed') AND shipping_address IS NOT NULL"),
        &[
            "((status = ANY (ARRAY['cancelled'::text, 'expired'::text, 'failed'::text])) AND (shipping_address IS NOT NULL))",
        ],
    ),
    plain(
        "idx_orders_addresses",
        "orders",
        &["created_at"],
        Some(
            "status IN ('cancelled', 'delivered', 'refunded') AND (shipping_address IS NOT NULL OR notes IS NOT NULL)",
        ),
        &[
            "((status = ANY (ARRAY['cancelled'::text, 'delivered'::text, 'refunded'::text])) AND ((shipping_address IS NOT NULL) OR (notes IS NOT NULL)))",
        ],
    ),
    plain(
        "idx_verifications_responses",
        "payment_gateway_verifications",
        &["verified_at"],
        Some("verification_response IS NOT NULL"),
        &["(verification_response IS NOT NULL)"],
    ),
];

/// The managed index of this name.
#[must_use]
pub fn managed_index(name: &str) -> Option<&'static IndexSpec> {
    MANAGED_INDEXES.iter().find(|spec| spec.name == name)
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
