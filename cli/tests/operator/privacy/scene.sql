-- After tests/fixtures/healthy.sql with twenty purchases: students 10 and 20 have had their course and nothing is open; buyers 10 and 20 have got
-- their goods. Each of them has a row in every table that may tell of a person.
UPDATE student_course_purchases SET is_active = false, ended_at = now(), end_reason = 'consumed'
WHERE student_id IN (md5('student10')::uuid, md5('student20')::uuid);
UPDATE tutoring_sessions SET status = 'cancelled' WHERE student_id IN (md5('student10')::uuid, md5('student20')::uuid);
UPDATE trainer_allocations SET status = 'completed' WHERE student_id IN (md5('student10')::uuid, md5('student20')::uuid);
UPDATE orders SET status = 'delivered';

CREATE TEMPORARY TABLE person AS
SELECT kind, n, md5(kind || n)::uuid AS id,
       CASE kind WHEN 'student' THEN md5('payment' || n)::uuid END AS payment_id,
       CASE kind WHEN 'buyer' THEN 'pi_esewa_' || n END AS payment_intent_id,
       CASE kind WHEN 'student' THEN md5('payment' || n)::uuid ELSE md5('pi_esewa_' || n)::uuid END AS correlation_id
FROM (VALUES ('student'), ('buyer')) k (kind) CROSS JOIN (VALUES (10), (20)) p (n);

INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
SELECT 'order-confirmed-' || correlation_id, 'ORDER_CONFIRMED', correlation_id, jsonb_build_object('userId', id, 'orderId', correlation_id), 'shop'
FROM person WHERE kind = 'buyer';
UPDATE processed_events e
SET payload = jsonb_build_object('type', 'PURCHASE_CONFIRMED', 'studentId', p.id, 'amountCents', 499900, 'currency', 'INR')
FROM person p WHERE e.correlation_id = p.payment_id;
INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, created_at, published_at)
SELECT 'order-refunded-' || correlation_id, 'ORDER_REFUNDED', 'order-refunded', jsonb_build_object('userId', id), correlation_id, now(), now()
FROM person WHERE kind = 'buyer';
INSERT INTO dead_letters (source, message_id, event_type, failure_reason, error_code, raw, document, status, replayed_at, correlation_id)
SELECT 'queue', kind || '-' || n, 'PURCHASE_CONFIRMED', 'it says ' || id, 'invalid_field', json_build_object('studentId', id)::text, '{}',
       'replayed', now(), correlation_id
FROM person;
INSERT INTO proposed_edits (subject, body, changes, proposed_by, caller, reason)
SELECT 'dead_letter:' || id, '{}', '[]', 'asha', 'aws:arn', 'why' FROM dead_letters;
INSERT INTO payment_cases (kind, status, subject, payment_id, payment_intent_id, amount_cents, currency, details, resolved_at, resolved_by, note)
SELECT 'amount_mismatch', 'resolved', kind || n, payment_id, payment_intent_id, 100, 'INR', jsonb_build_object('studentId', id), now(), 'binod', 'talked'
FROM person;
INSERT INTO refunds (provider, provider_refund_id, payment_id, payment_intent_id, amount_minor, currency, status, reason, told_at)
SELECT CASE kind WHEN 'student' THEN 'razorpay' ELSE 'esewa' END, 'rfnd_' || kind || n, payment_id, payment_intent_id, 1, 'XXX', 'failed', 'why', now()
FROM person;
INSERT INTO disputes (provider, provider_dispute_id, payment_id, payment_intent_id, amount_minor, currency, status, reason, told_at)
SELECT 'razorpay', 'disp_' || kind || n, payment_id, payment_intent_id, 1, 'INR', 'won', 'why', now() FROM person;
INSERT INTO audit_log (actor, action, subject, reason)
SELECT 'operator of ' || p.kind || ' ' || p.n, 'case.resolve', 'case:' || c.id, 'why'
FROM person p JOIN payment_cases c ON c.subject = p.kind || p.n;
INSERT INTO carts (user_id) SELECT id FROM person WHERE kind = 'buyer';
INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
SELECT c.id, md5('variant1')::uuid, 1, 10000 FROM carts c;
INSERT INTO client_requests (scope, client, since, requests) SELECT 'order-status', id::text, now(), 1 FROM person WHERE kind = 'buyer';
