-- Two years of a large school and shop, up to one hour ago, for a database that `makegood migrate` made: :rows payments with
-- what follows
-- from each, and as many checkouts. What is unfinished is as much at every size, as in a system that works.
--
--   psql -v rows=100000 -f tests/plans/data.sql "$URL"
--
-- Skewed as reality is: a fiftieth of all rows is one student's and one buyer's, a third of the orders has one variant, students
-- buy
-- again, and the oldest tenth of the purchases is from before payments had ids. Ids can be worked out from a row's number
-- (values.sql).

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';
SET work_mem = '128MB';
-- Foreign keys hold by construction.
SET session_replication_role = replica;

CREATE SCHEMA plans;
-- Indexes are made after the rows, which takes half the time; constraints keep theirs.
CREATE TABLE plans.indexes AS
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid);
SELECT format('DROP INDEX %s', name) FROM plans.indexes \gexec
CREATE TABLE plans.size AS SELECT :rows::bigint AS rows;
CREATE UNLOGGED TABLE plans.moment AS
SELECT n, n % 50 = 7 AS is_many, n % (:rows * 2 / 5) AS s, n / (:rows * 2 / 5) AS k,
       now() - interval '1 hour' - (:rows - n) * (interval '730 days' / :rows) AS at
FROM generate_series(1, :rows::bigint) n;
-- Even students renew the same course, odd ones try another; a twentieth of these has one without end.
CREATE UNLOGGED TABLE plans.bought AS
SELECT n, at, md5('payment' || n)::uuid AS payment, md5('purchase' || n)::uuid AS purchase,
       md5('allocation' || n)::uuid AS allocation,
       CASE WHEN is_many THEN md5('many')::uuid ELSE md5('student' || s)::uuid END AS student,
       CASE WHEN is_many THEN md5('course of many' || n)::uuid
            WHEN s % 2 = 0 THEN md5('course' || s % 40)::uuid ELSE md5('course' || (s + k) % 40)::uuid END AS course,
       md5('trainer' || n % 500)::uuid AS trainer,
       n > :rows * 7 / 8 OR NOT is_many AND s % 20 = 1 AS is_active,
       n % 50 = 3 AND n <= :rows * 7 / 8 AND NOT (s % 20 = 1) AS is_refunded
FROM plans.moment;

INSERT INTO payments (id, student_id, amount_cents, status, provider, provider_payment_id, metadata, confirmed_at, created_at,
    updated_at)
SELECT payment, student, 499900, CASE WHEN is_refunded THEN 'refunded' ELSE 'succeeded' END, 'razorpay', 'pay_' || n,
       jsonb_build_object('courseId', course, 'purchaseTier', 10, 'timeSlot', '4:00 PM', 'orderId', 'order_' || n), at,
         at - interval '1 minute', at
FROM plans.bought;
INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, payment_id, is_active, ended_at, end_reason,
                                      metadata, created_at,
                                      updated_at)
SELECT purchase, student, course, 10, CASE WHEN n > :rows / 10 THEN payment END, is_active,
       CASE WHEN NOT is_active THEN at + interval '80 days' END,
       CASE WHEN is_active THEN NULL WHEN is_refunded THEN 'refunded' WHEN n % 3 = 0 THEN 'expired' ELSE 'consumed' END,
       jsonb_build_object('timeSlot', '4:00 PM'), at + interval '2 seconds', at
FROM plans.bought;
INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source, processed_at, created_at)
SELECT 'payment:' || payment || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', payment,
       jsonb_build_object('paymentId', payment, 'studentId', student, 'amountCents', 499900, 'currency', 'INR'),
         'receive-payment', at, at
FROM plans.bought;
INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, requested_at, status, allocated_at,
                                 metadata, planned,
                                 created_at, updated_at)
SELECT allocation, student, trainer, course, student, at + interval '3 seconds',
       CASE WHEN is_active THEN 'approved' WHEN is_refunded THEN 'cancelled' ELSE 'completed' END, at + interval '4 seconds',
       jsonb_build_object('purchaseId', purchase, 'sessionCount', 10, 'timeSlot', '4:00 PM'),
       CASE WHEN is_active THEN jsonb_build_object('trainer', trainer, 'slot', '4:00 PM', 'start', NULL, 'purchase', purchase,
                                                   'purchaseSlot', '4:00 PM', 'purchaseStart', NULL) END,
       at + interval '4 seconds', at + interval '4 seconds'
FROM plans.bought;
-- Trainers who left.
INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, allocated_at, metadata, created_at,
    updated_at)
SELECT md5('left' || n)::uuid, student, md5('trainer' || n % 499)::uuid, course, student, 'cancelled', at + interval '3 seconds',
       jsonb_build_object('purchaseId', purchase, 'sessionCount', 10), at + interval '3 seconds', at + interval '3 seconds'
FROM plans.bought WHERE n % 100 = 33 AND is_active;
-- Seven ahead and three behind of what runs, four of what is over, two of a trainer who left.
INSERT INTO tutoring_sessions (id, allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time,
                               planned_date, planned_time, status,
                               created_at, updated_at)
SELECT md5('session' || b.n || '-' || d)::uuid, allocation, student, trainer, course, day, '4:00 PM', day, '4:00 PM',
       CASE WHEN is_active AND d > 3 THEN 'scheduled' ELSE 'completed' END, at, at
FROM plans.bought b
CROSS JOIN LATERAL generate_series(1, CASE WHEN is_active THEN 10 ELSE 4 END) d
CROSS JOIN LATERAL (SELECT CASE WHEN is_active THEN current_date + (d - 3) ELSE at::date + d END AS day) x;
INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status,
    created_at, updated_at)
SELECT md5('left' || n)::uuid, student, md5('trainer' || n % 499)::uuid, course, at::date + d, '4:00 PM', 'completed', at, at
FROM plans.bought CROSS JOIN generate_series(1, 2) d WHERE n % 100 = 33 AND is_active;

-- Begun and never paid: a fifth.
INSERT INTO payments (id, student_id, amount_cents, status, provider, provider_payment_id, metadata, created_at, updated_at)
SELECT md5('begun' || n)::uuid, student, 499900, (ARRAY['initiated', 'failed', 'processing', 'cancelled'])[n / 5 % 4 + 1],
       'razorpay', 'order_b' || n,
       jsonb_build_object('courseId', course, 'orderId', 'order_b' || n), at, at
FROM plans.bought WHERE n % 5 = 0;
INSERT INTO purchase_extensions (payment_id, purchase_id, sessions, created_at)
SELECT md5('extension' || n)::uuid, purchase, 5, at FROM plans.bought WHERE n % 50 = 11;
INSERT INTO purchase_reductions (payment_id, purchase_id, sessions, updated_at)
SELECT payment, purchase, 2, at FROM plans.bought WHERE n % 200 = 12;
INSERT INTO refunds (id, provider, provider_refund_id, provider_payment_id, payment_id, amount_minor, currency, status, reason,
                     payment_refunded_minor,
                     told_at, created_at, updated_at)
SELECT md5('refund' || n)::uuid, 'razorpay', 'rfnd_' || n, 'pay_' || n, payment, CASE WHEN is_refunded THEN 499900
       ELSE 99900 END, 'INR', 'processed',
       'asked for', CASE WHEN is_refunded THEN 499900 ELSE 99900 END, at + interval '2 days', at + interval '2 days',
         at + interval '2 days'
FROM plans.bought WHERE is_refunded OR n % 200 = 12;
INSERT INTO disputes (id, provider, provider_dispute_id, provider_payment_id, payment_id, amount_minor, currency, status, reason,
    told_at, created_at, updated_at)
SELECT md5('dispute' || n)::uuid, 'razorpay', 'disp_' || n, 'pay_' || n, payment, 499900, 'INR',
       CASE WHEN n > :rows - 4000 THEN 'open' ELSE 'won' END, 'not asked for', at, at, at
FROM plans.bought WHERE n % 200 = 21;

-- Unfinished, ten minutes old: 1 to 100 have a payment, up to 150 a purchase, up to 200 wait for a trainer, up to 250 for
-- sessions. 251 to
-- 300 are held, since nothing confirms their price.
CREATE TABLE plans.unfinished AS
SELECT g, md5('open payment' || g)::uuid AS payment, md5('open purchase' || g)::uuid AS purchase,
       md5('open allocation' || g)::uuid AS allocation,
       md5('open student' || g)::uuid AS student, md5('course' || g % 40)::uuid AS course, now() - interval '10 minutes' AS at
FROM generate_series(1, 300) g;
INSERT INTO payments (id, student_id, amount_cents, status, provider, provider_payment_id, metadata, confirmed_at, created_at,
    updated_at)
SELECT payment, student, CASE WHEN g > 255 THEN 490000 ELSE 499900 END, 'succeeded', 'razorpay', 'pay_open_' || g,
       jsonb_build_object('courseId', course, 'purchaseTier', 10, 'timeSlot', '4:00 PM', 'orderId', 'order_open_' || g), at, at,
         at
FROM plans.unfinished;
INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, payment_id, metadata, created_at, updated_at)
SELECT purchase, student, course, 10, payment, '{"timeSlot": "4:00 PM"}', at, at FROM plans.unfinished WHERE g BETWEEN 101
       AND 250;
INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
SELECT 'payment:' || payment || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', payment, '{}', 'receive-payment'
FROM plans.unfinished WHERE g BETWEEN 101 AND 250;
INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, requested_at, status, allocated_at,
                                 metadata, created_at,
                                 updated_at)
SELECT allocation, student, CASE WHEN g > 200 THEN md5('trainer' || g)::uuid END, course, student, at,
       CASE WHEN g > 200 THEN 'approved' ELSE 'pending' END,
       CASE WHEN g > 200 THEN at END, jsonb_build_object('purchaseId', purchase, 'sessionCount', 10, 'timeSlot', '4:00 PM'), at,
            at
FROM plans.unfinished WHERE g BETWEEN 151 AND 250;
INSERT INTO unfulfilled (kind, id, since)
SELECT CASE WHEN g <= 100 THEN 'payment' WHEN g <= 150 THEN 'purchase' ELSE 'allocation' END,
       CASE WHEN g <= 100 THEN payment WHEN g <= 150 THEN purchase ELSE allocation END::text, at
FROM plans.unfinished WHERE g <= 150 OR g BETWEEN 201 AND 250;
INSERT INTO payment_cases (id, kind, subject, payment_id, amount_cents, currency, details, opened_at)
SELECT md5('held' || g)::uuid, 'unpriced_payment', payment::text, payment, 490000, 'INR',
       jsonb_build_object('courseId', course, 'purchaseTier', 10, 'orderId', 'order_open_' || g, 'paidAt', at), at
FROM plans.unfinished WHERE g > 250;

\ir shop.sql
\ir around.sql

RESET session_replication_role;
SELECT definition FROM plans.indexes \gexec
VACUUM (ANALYZE);
