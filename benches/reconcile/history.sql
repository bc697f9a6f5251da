-- Two years of a school and a shop with nothing amiss, up to one hour ago: :rows payments with their purchases, allocations, calendars, and
-- as many intents with their verifications, orders and finished jobs. For a database that `makegood migrate` made:
--
--   psql -v rows=300000 -f benches/reconcile/history.sql "$DATABASE_URL"

\set ON_ERROR_STOP on
SET synchronous_commit = off;

CREATE TEMP TABLE moment AS
SELECT n, md5('student' || n)::uuid AS student, md5('course' || n % 40)::uuid AS course, md5('payment' || n)::uuid AS payment,
       md5('purchase' || n)::uuid AS purchase, md5('allocation' || n)::uuid AS allocation,
       now() - interval '1 hour' - (:rows - n) * (interval '730 days' / :rows) AS at
FROM generate_series(1, :rows) n;

INSERT INTO payments (id, student_id, amount_cents, status, provider, provider_payment_id, metadata, confirmed_at, created_at, updated_at)
SELECT payment, student, 499900, 'succeeded', 'razorpay', 'pay_' || n,
       jsonb_build_object('courseId', course, 'purchaseTier', 10, 'timeSlot', '4:00 PM'), at, at - interval '1 minute', at FROM moment;
INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, payment_id, metadata, created_at, updated_at)
SELECT purchase, student, course, 10, payment, jsonb_build_object('timeSlot', '4:00 PM'), at + interval '2 seconds', at FROM moment;
INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source, processed_at, created_at)
SELECT 'payment:' || payment || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', payment, '{}', 'receive-payment', at, at FROM moment;
INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, requested_at, status, allocated_at, metadata, created_at)
SELECT allocation, student, md5('trainer' || n % 500)::uuid, course, student, at + interval '3 seconds', 'approved', at + interval '4 seconds',
       jsonb_build_object('purchaseId', purchase, 'sessionCount', 10), at + interval '4 seconds' FROM moment;
-- Seven ahead for the last twelfth, and used up before.
INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status, created_at)
SELECT allocation, student, md5('trainer' || n % 500)::uuid, course,
       CASE WHEN n > :rows * 11 / 12 THEN current_date + d ELSE at::date + d END, '4:00 PM',
       CASE WHEN n > :rows * 11 / 12 THEN 'scheduled' ELSE 'completed' END, at
FROM moment CROSS JOIN LATERAL generate_series(1, CASE WHEN n > :rows * 11 / 12 THEN 7 ELSE 10 END) d;

INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, status, items, expires_at, created_at)
SELECT 'pi_' || n, student, 'esewa', 'txn-' || n, 50000, 'succeeded', '[]', at, at - interval '2 minutes' FROM moment;
INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified, verified_at)
SELECT 'esewa', 'txn-' || n, 'pi_' || n, 'success', 50000, at FROM moment;
INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents, created_at, confirmed_at)
SELECT 'ORD-' || n, student, 'pi_' || n, 'esewa', 50000, 50000, at + interval '2 seconds', at FROM moment;
INSERT INTO job_queue (job_type, payload, priority, idempotency_key, status, attempts, scheduled_for, created_at, completed_at)
SELECT 'finalize_order', jsonb_build_object('payment_intent_id', 'pi_' || n, 'provider', 'esewa'), 1, 'payment_esewa_txn-' || n, 'completed', 1,
       at, at, at + interval '2 seconds' FROM moment;
VACUUM (ANALYZE);
