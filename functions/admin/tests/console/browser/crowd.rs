//! What a bad night leaves behind: pages full of rows, a person with many payments, values that are long or hostile, and the
//! opposite, a database in which nothing has happened yet.

use super::scene::{STUDENT, Scene};
use uuid::Uuid;

/// Markup, quotes, and dead letters of several scripts.
const HOSTILE: &str =
    "</textarea><script>alert(1)</script>\u{22} onmouseover=\u{22}x \u{202e}नमस्ते शिक्षक 你好";
/// Nothing in it can be broken into two lines.
const LONG: &str = "a_word_that_is_far_too_long_for_any_phone_and_has_no_place_where_it_could_be_broken_into_two_lines_of_text";
/// A dead letter whose every text is hostile.
pub const HOSTILE_DEAD_LETTER: Uuid = Uuid::from_u128(0xbad_0001);
/// A case with notes and details.
pub const LONG_CASE: Uuid = Uuid::from_u128(0xbad_0002);

impl Scene {
    /// Fills every list beyond a page.
    pub async fn crowd(&self) {
        let source = super::scene::name_of(&self.confirmed);
        self.database
            .run_sql(&format!(
                "INSERT INTO dead_letters (source, message_id, function_name, event_type, event_id, correlation_id, failure_reason, error_code,
                                           permanent, attempts, raw, status, replay_count, parked_at)
                 SELECT CASE WHEN n % 4 = 0 THEN 'makegood-production-trainer-allocated-consumer-queue' ELSE '{source}' END, 'c-' || n,
                        (ARRAY['create-purchase', 'allocate-trainer', 'schedule-sessions'])[1 + n % 3],
                        (ARRAY['PURCHASE_CONFIRMED', 'PURCHASE_CREATED', 'TRAINER_ALLOCATED', NULL])[1 + n % 4],
                        'payment:' || md5(n::text)::uuid || ':PURCHASE_CONFIRMED', md5(n::text)::uuid,
                        (ARRAY['the admin service answered 422: {{\"message\": \"no trainer teaches this course\"}}', 'studentId is missing',
                               'three attempts met the same trouble: the database did not answer within 5 s',
                               'Task timed out after 30.00 seconds; moved by SQS after 4 receives'])[1 + n % 4],
                        (ARRAY['refused', 'missing_field', 'database_unavailable', 'moved_by_sqs'])[1 + n % 4], n % 2 = 0, 1 + n % 4,
                        json_build_object('type', 'PURCHASE_CONFIRMED', 'n', n)::text,
                        CASE WHEN n % 7 = 0 THEN 'replayed' WHEN n % 11 = 0 THEN 'discarded' ELSE 'parked' END, n % 7 / 3,
                        now() - n * interval '3 minutes'
                 FROM generate_series(1, 120) n;
                 INSERT INTO dead_letters (id, source, message_id, function_name, event_type, event_id, failure_reason, error_code, raw, parked_at)
                 VALUES ('{HOSTILE_DEAD_LETTER}', '{source}', '{LONG}', '{HOSTILE}', '{HOSTILE}', '{LONG}', '{HOSTILE} {LONG}', '{HOSTILE}',
                         '{{\"name\": \"{LONG}\", not json {HOSTILE}', now() - interval '10 seconds');
                 INSERT INTO job_queue (job_type, payload, priority, status, attempts, last_error, created_at, scheduled_for, locked_by, locked_until)
                 SELECT (ARRAY['finalize_order', 'handle_payment_failure', 'process_refund'])[1 + n % 3],
                        json_build_object('payment_intent_id', 'pi_esewa_17678173447' || n || '_0000beef'), 1 + n % 5,
                        (ARRAY['completed', 'failed', 'pending', 'cancelled', 'processing'])[1 + n % 5], n % 4,
                        CASE WHEN n % 5 = 1 THEN 'vendor 0192f0c1-7e1d-7c3a-9a51-2f6f0d1c9b11 has no profile; add it, then retry. ' || '{LONG}' END,
                        now() - n * interval '2 minutes', now() + n * interval '1 second',
                        CASE WHEN n % 5 = 4 THEN 'finalize-order/2026/11/21/[$LATEST]{LONG}' END, CASE WHEN n % 5 = 4 THEN now() + interval '40 seconds' END
                 FROM generate_series(1, 120) n;
                 INSERT INTO payment_cases (kind, status, subject, payment_intent_id, amount_cents, currency, details, opened_at, resolved_at, resolved_by, note)
                 SELECT (ARRAY['surplus_payment', 'refund_due', 'amount_mismatch', 'unfulfillable'])[1 + n % 4],
                        CASE WHEN n % 3 = 0 THEN 'resolved' ELSE 'open' END, 'intent:pi_esewa_' || n, 'pi_esewa_17678173447' || n || '_0000beef', n * 12345, 'NPR',
                        CASE WHEN n % 2 = 0 THEN '{{\"assignee\": \"Asha Gurung (8a1b2c3d-0000-4000-8000-00000000000a)\"}}'::jsonb ELSE '{{}}' END,
                        now() - n * interval '1 hour', CASE WHEN n % 3 = 0 THEN now() END, CASE WHEN n % 3 = 0 THEN 'Asha' END,
                        CASE WHEN n % 3 = 0 THEN 'refunded at eSewa' END
                 FROM generate_series(1, 70) n;
                 INSERT INTO payment_cases (id, kind, subject, payment_intent_id, amount_cents, currency, details, opened_at)
                 VALUES ('{LONG_CASE}', 'amount_mismatch', 'intent:{LONG}', '{LONG}', 150000, 'NPR', jsonb_build_object('wanted', 150000, 'verified', 149999,
                         'gateway', '{HOSTILE}', 'assignee', '{LONG}', 'notes', jsonb_build_array(
                           jsonb_build_object('at', '2026-11-21T03:12:00Z', 'by', 'Asha Gurung', 'text', 'rang the gateway, they look into it'),
                           jsonb_build_object('at', '2026-11-21T03:40:00Z', 'by', '{LONG}', 'text', '{HOSTILE} {LONG}'))), now() - interval '9 days');
                 INSERT INTO audit_log (at, actor, action, subject, reason, details)
                 SELECT now() - n * interval '7 minutes', (ARRAY['Asha Gurung (8a1b2c3d-0000-4000-8000-00000000000a)', 'root', '{LONG}'])[1 + n % 3],
                        (ARRAY['job.retry', 'dead_letter.replay', 'case.resolve', 'sweep.run'])[1 + n % 4],
                        (ARRAY['job:', 'dead_letter:', 'case:', 'sweep:'])[1 + n % 4] || CASE WHEN n % 4 = 3 THEN 'outbox' ELSE md5(n::text)::uuid::text END,
                        (ARRAY['the vendor has a profile again', '{HOSTILE} {LONG}', 'refunded at Khalti, reference 4711'])[1 + n % 3],
                        CASE WHEN n % 2 = 0 THEN '{{\"before\": {{\"status\": \"failed\"}}}}'::jsonb ELSE '{{}}' END
                 FROM generate_series(1, 120) n;
                 INSERT INTO sweep_runs (sweep, started_at, millis, error) VALUES ('reconcile', now() - interval '40 minutes', 5, '{HOSTILE} {LONG}');
                 INSERT INTO payments (student_id, amount_cents, currency, status, provider, provider_payment_id, metadata, confirmed_at, created_at)
                 SELECT '{STUDENT}', 100000 + n, 'INR', CASE WHEN n % 4 = 0 THEN 'failed' ELSE 'succeeded' END, 'razorpay', 'pay_many_' || n,
                        jsonb_build_object('courseId', gen_random_uuid()), now() - n * interval '1 day', now() - n * interval '1 day'
                 FROM generate_series(1, 30) n"
            ))
            .await;
    }

    /// Nothing has happened yet.
    pub async fn empty(&self) {
        self.database
            .run_sql(
                "TRUNCATE dead_letters, job_queue, payment_cases, payment_intents, payments, student_course_purchases, health_samples, sweep_runs,
                          audit_log, outbox CASCADE",
            )
            .await;
    }
}
