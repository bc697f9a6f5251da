-- Part of data.sql: what both pipelines have, and what people and alarms look at.

-- Published events stay for seven days; 300 of them are over that, 200 wait, and 20 of these are under a sender's lease.
INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, attempts, created_at, published_at)
SELECT e.event_id, e.event_type, e.topic, jsonb_build_object('studentId', student, 'paymentId', payment), payment, 1, at, at
FROM plans.bought
CROSS JOIN LATERAL (VALUES ('payment:' || payment || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', 'purchase-confirmed'),
                           ('purchase-created-' || purchase, 'PURCHASE_CREATED', 'purchase-created'),
                           ('trainer-allocated-' || allocation, 'TRAINER_ALLOCATED', 'trainer-allocated'),
                           ('sessions-generated-' || allocation, 'SESSIONS_GENERATED', 'sessions-generated')) e (event_id,
                             event_type, topic)
WHERE at > now() - interval '7 days';
INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, attempts, created_at, published_at)
SELECT 'order-confirmed-' || ordered, 'ORDER_CONFIRMED', 'order-confirmed', jsonb_build_object('userId', buyer), ordered, 1, at,
       at
FROM plans.checkout WHERE is_paid AND at > now() - interval '7 days';
INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, attempts, created_at, published_at)
SELECT 'old-' || o, 'PURCHASE_CREATED', 'purchase-created', '{}', md5('old' || o)::uuid, 1, now() - interval '8 days',
       now() - interval '8 days'
FROM generate_series(1, 300) o;
INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, attempts, created_at, claimed_until)
SELECT 'purchase-created-' || purchase, 'PURCHASE_CREATED', 'purchase-created', jsonb_build_object('studentId', student),
       payment, g % 4, at,
       CASE WHEN g <= 20 THEN now() + interval '1 day' END
FROM plans.unfinished WHERE g <= 150 OR g BETWEEN 201 AND 250;

INSERT INTO dead_letters (id, source, message_id, function_name, event_type, event_id, correlation_id, failure_reason,
                          error_code, permanent, attempts, raw,
                          document, status, replay_count, parked_at, replayed_at, discarded_at)
SELECT md5('dead letter' || n)::uuid, 'purchase-created-dlq', 'message-' || n, 'allocate-trainer', 'PURCHASE_CREATED',
       'purchase-created-' || purchase,
       payment, 'the admin service did not answer', CASE WHEN n % 100 = 17 THEN 'admin_refused' ELSE 'admin_unreachable' END,
         false, 5,
       CASE WHEN n > :rows / 2 THEN '{"eventType": "PURCHASE_CREATED"}' END,
            CASE WHEN n > :rows / 2 THEN '{"receiveCount": 5}'::jsonb END,
       CASE WHEN n % 150 = 17 THEN 'discarded' ELSE 'replayed' END, 1, at,
            CASE WHEN n % 150 <> 17 THEN at + interval '1 hour' END,
       CASE WHEN n % 150 = 17 THEN at + interval '1 hour' END
FROM plans.bought WHERE n % 50 = 17;
INSERT INTO dead_letters (id, source, message_id, function_name, event_type, event_id, correlation_id, failure_reason,
                          error_code, permanent, attempts, raw,
                          document, parked_at, claimed_until)
SELECT md5('open dead letter' || g)::uuid, 'purchase-created-dlq', 'open-message-' || g, 'allocate-trainer', 'PURCHASE_CREATED',
       'purchase-created-' || purchase, payment, 'the admin service did not answer', CASE WHEN g % 2 = 0 THEN 'admin_refused'
         ELSE 'admin_unreachable' END,
       g % 2 = 0, 5, '{"eventType": "PURCHASE_CREATED"}', '{"receiveCount": 5}', at - g * interval '1 hour',
       CASE WHEN g <= 20 THEN timestamptz '2100-01-01' END
FROM plans.unfinished WHERE g <= 150;

INSERT INTO payment_cases (id, kind, status, subject, payment_id, amount_cents, currency, details, opened_at, resolved_at,
    resolved_by, note)
SELECT md5('case' || n)::uuid, (ARRAY['surplus_payment', 'unfulfillable', 'unpriced_payment', 'dispute',
       'given_back'])[n / 50 % 5 + 1], 'resolved',
       payment::text, payment, 499900, 'INR', jsonb_build_object('code', 'known', 'studentId', student), at,
         at + interval '1 day',
       CASE WHEN n % 100 = 23 THEN 'sweep' ELSE 'a.person' END, 'settled'
FROM plans.bought WHERE n % 50 = 23;
INSERT INTO payment_cases (id, kind, status, subject, payment_intent_id, amount_cents, currency, details, opened_at, resolved_at,
    resolved_by, note)
SELECT md5('shop case' || n)::uuid, 'refund_due', 'resolved', intent, intent, 25000, 'NPR', '{"code": "stock_gone"}', at,
       at + interval '1 day', 'a.person', 'settled'
FROM plans.checkout WHERE n % 50 = 24;
INSERT INTO payment_cases (id, kind, subject, payment_id, amount_cents, currency, details, opened_at)
SELECT md5('open case' || g)::uuid, CASE WHEN g <= 120 THEN 'unfulfillable' WHEN g <= 140 THEN 'unknown_payment'
       ELSE 'surplus_payment' END,
       payment::text, payment, 499900, 'INR', '{"code": "payment_not_recorded"}', at
FROM plans.unfinished WHERE g BETWEEN 101 AND 160;
INSERT INTO payment_cases (id, kind, subject, payment_intent_id, amount_cents, currency, details, opened_at)
SELECT md5('open shop case' || q)::uuid, 'refund_due', intent, intent, 25000, 'NPR',
       jsonb_build_object('code', 'stock_gone', 'jobId', md5('open job' || q)::uuid), at
FROM plans.open_checkout WHERE q > 360;

-- What the provider says of all that was paid, settled day by day.
INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, fee_cents, tax_cents, state, occurred_at,
                               settlement_id, net_cents,
                               outcome, subject, first_seen_at, seen_at)
SELECT 'razorpay', 'payment', 'pay_' || n, 'pay_' || n, 499900, 'INR', 9000, 1620, 'moved', at, 'setl_' || at::date, 489280,
       'matched', payment::text, at, at
FROM plans.bought;
INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, state, occurred_at, settlement_id,
                               net_cents, outcome, subject,
                               first_seen_at, seen_at)
SELECT 'razorpay', 'refund', provider_refund_id, provider_payment_id, amount_minor, 'INR', 'moved', created_at,
       'setl_' || created_at::date, -amount_minor,
       'matched', payment_id::text, created_at, created_at
FROM refunds WHERE provider = 'razorpay';
INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, state, occurred_at, outcome,
    first_seen_at, seen_at)
SELECT 'razorpay', 'settlement', settlement_id, settlement_id, sum(net_cents), 'INR', 'moved', max(occurred_at), 'matched',
       max(seen_at), max(seen_at)
FROM statement_entries WHERE settlement_id IS NOT NULL GROUP BY settlement_id
-- A day that has refunds alone is settled with the next one.
HAVING sum(net_cents) > 0;
INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, state, occurred_at, outcome,
    first_seen_at, seen_at)
SELECT 'razorpay', 'payment', 'pay_gap_' || g, 'pay_gap_' || g, 499900, 'INR', 'moved', now() - interval '2 hours',
       CASE WHEN g <= 50 THEN 'theirs_only' ELSE 'too_young' END, now() - interval '2 hours', now() - interval '1 hour'
FROM generate_series(1, 100) g;
INSERT INTO payment_cases (id, kind, subject, amount_cents, currency, opened_at)
SELECT md5('gap' || g)::uuid, 'statement_gap', 'pay_gap_' || g, 499900, 'INR', now() - interval '1 hour'
FROM generate_series(1, 30) g;

INSERT INTO audit_log (at, actor, action, subject, reason, details)
SELECT at, CASE WHEN n % 20 = 0 THEN 'a.person' ELSE 'sweep' END, CASE WHEN n % 12 = 0 THEN 'dead_letter.replay'
       ELSE 'case.resolve' END,
       'payment:' || payment, 'as agreed', '{}'
FROM plans.bought WHERE n % 4 = 0;
-- Fourteen days of samples (one in five minutes), buckets and runs, whatever the size.
INSERT INTO health_samples (at, name, value)
SELECT date_trunc('minute', now()) - m * interval '5 minutes', name, m % 50
FROM generate_series(1, 14 * 288) m
CROSS JOIN (VALUES ('outbox_backlog'), ('outbox_oldest_seconds'), ('parked'), ('paid_unfulfilled'),
  ('paid_unfulfilled_oldest_seconds'),
                   ('allocations_pending'), ('jobs_open'), ('cases_open')) g (name);
INSERT INTO health_buckets (step_seconds, at, name, count, p50_millis, p95_millis)
SELECT step, to_timestamp(floor(extract(epoch FROM now()) / step) * step) - b * make_interval(secs => step), name, 100, 200, 900
FROM (VALUES (900), (7200)) s (step)
CROSS JOIN LATERAL generate_series(1, 14 * 86400 / step) b
CROSS JOIN unnest('{payments,purchases,allocations,orders,payment_to_purchase,payment_to_order}'::text[]) name;
INSERT INTO sweep_runs (sweep, started_at, millis, done)
SELECT sweep, now() - r * every, 300, CASE sweep WHEN 'statement' THEN jsonb_build_object('from', now() - interval '3 days',
       'through', now()) ELSE '{}' END
FROM (VALUES ('health', interval '1 minute'), ('outbox', interval '5 minutes'), ('stale-jobs', interval '5 minutes'),
  ('reservations', interval '5 minutes'),
             ('reconcile', interval '5 minutes'), ('compare', interval '1 day'), ('statement', interval '1 day')) s (sweep, every)
CROSS JOIN LATERAL generate_series(1, (extract(epoch FROM interval '14 days') / extract(epoch FROM every))::integer) r
ORDER BY r * every DESC;

INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
SELECT md5('course' || c)::uuid, tier, 'INR', 49990 * tier, now() - interval '3 years' FROM generate_series(0, 39) c,
       unnest('{10,20,30}'::integer[]) tier;
INSERT INTO session_blackout_dates (day) SELECT current_date - 300 + d * 10 FROM generate_series(1, 60) d;
INSERT INTO client_requests (scope, client, since, requests)
SELECT 'checkout', '203.0.113.' || c, now() - interval '90 seconds' - c % 2 * interval '5 minutes', 3
FROM generate_series(1, 2000) c;
INSERT INTO console_logouts (session, until) SELECT 'session-' || l, now() + (l - 50) * interval '1 hour'
FROM generate_series(1, 200) l;
INSERT INTO erased_people (pipeline, person, done_at) SELECT 'course', md5('erased' || e)::uuid, CASE WHEN e > 1 THEN now() END
FROM generate_series(1, 300) e;
INSERT INTO proposed_edits (id, subject, changes, body, status, proposed_by, caller, reason, proposed_at)
SELECT md5('edit' || e)::uuid, 'dead_letter:' || md5('open dead letter' || e)::uuid, '[]', CASE WHEN e <= 10 THEN '{}' END,
       CASE WHEN e <= 10 THEN 'pending' ELSE 'confirmed' END, 'a.person', 'a.person', 'as agreed', now() - e * interval '1 hour'
FROM generate_series(1, 500) e;
-- Each fiftieth payment was paid in two parts, and pays for one more line.
INSERT INTO payment_parts (provider_payment_id, payment_id, order_id, amount_minor, currency, received_at)
SELECT 'part_' || b.n || '_' || h, payment, 'order_' || b.n, 1000, 'INR', now() FROM plans.bought b, generate_series(1, 2) h
WHERE b.n % 50 = 30;
INSERT INTO payment_lines (line_id, payment_id) SELECT md5('line' || b.n)::uuid, payment FROM plans.bought b WHERE b.n % 50 = 30;
