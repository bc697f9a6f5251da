//! Every kind of breach, planted in a healthy database: it is found under its own code, and nothing else is.

use crate::scene::Scene;
use chrono::TimeDelta;
use operate::doctor::KINDS;
use std::collections::BTreeSet;

/// Plants, checks, and compares the codes; what the planting itself had to drop is found as well, and named.
async fn finds(codes: &[&str], planted: &str) {
    let scene = Scene::healthy(20).await;
    scene.database.run_sql(planted).await;
    let found = scene.found_later(TimeDelta::zero()).await;
    let found: Vec<&str> = found.into_iter().map(|(code, _)| code).collect();
    assert_eq!(found, codes);
    scene.drop().await;
}

macro_rules! planted {
    ($($name:ident: [$($code:literal),+] $sql:literal)+) => {
        $(#[tokio::test]
        async fn $name() {
            finds(&[$($code),+], $sql).await;
        })+

        #[test]
        fn every_kind_of_finding_is_planted() {
            let mut planted: BTreeSet<&str> = [$($($code),+),+].into();
            // No row says this one: `command::a_stack_with_one_operator_is_named`.
            planted.insert("single-operator");
            let known: BTreeSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
            assert_eq!(planted, known);
        }
    };
}

planted! {
    refunded_purchase_runs: ["refunded-purchase-runs"]
        "UPDATE payments SET status = 'refunded', updated_at = now() - interval '3 minutes' WHERE id = md5('payment1')::uuid"
    refund_not_applied: ["refund-not-applied"]
        "INSERT INTO refunds (provider, provider_refund_id, payment_id, amount_minor, currency, status, told_at, updated_at)
         SELECT 'razorpay', 'rfnd_' || n, id, CASE n WHEN 0 THEN amount_cents / 2 ELSE amount_cents - amount_cents / 2 END, currency, 'processed', now(), now() - interval '3 minutes'
         FROM payments, generate_series(0, 1) n WHERE id = md5('payment1')::uuid"
    dispute_lost_and_not_applied: ["refund-not-applied"]
        "INSERT INTO disputes (provider, provider_dispute_id, payment_id, amount_minor, currency, status, told_at, updated_at)
         SELECT 'razorpay', 'disp_1', id, amount_cents, currency, 'lost', now(), now() - interval '3 minutes'
         FROM payments WHERE id = md5('payment1')::uuid"
    refund_of_an_order_not_applied: ["refund-not-applied"]
        "INSERT INTO refunds (provider, provider_refund_id, payment_intent_id, amount_minor, currency, status, told_at, updated_at)
         SELECT 'esewa', 'rf', payment_intent_id, amount_cents, currency, 'processed', now(), now() - interval '3 minutes'
         FROM payment_intents WHERE payment_intent_id = 'pi_esewa_10'"
    refunded_order_runs: ["refunded-order-runs"]
        "INSERT INTO refunds (provider, provider_refund_id, payment_intent_id, amount_minor, currency, status, told_at, updated_at)
         SELECT 'esewa', 'rf', payment_intent_id, amount_cents, currency, 'processed', now(), now() - interval '3 minutes'
         FROM payment_intents WHERE payment_intent_id = 'pi_esewa_10';
         UPDATE payment_intents SET given_back_at = now() WHERE payment_intent_id = 'pi_esewa_10'"
    refunded_order_keeps_stock: ["refunded-order-keeps-stock"]
        "INSERT INTO refunds (provider, provider_refund_id, payment_intent_id, amount_minor, currency, status, told_at, updated_at)
         SELECT 'esewa', 'rf', payment_intent_id, amount_cents, currency, 'processed', now(), now() - interval '3 minutes'
         FROM payment_intents WHERE payment_intent_id = 'pi_esewa_10';
         UPDATE payment_intents SET given_back_at = now() WHERE payment_intent_id = 'pi_esewa_10';
         UPDATE orders SET status = 'cancelled' WHERE payment_intent_id = 'pi_esewa_10'"
    refunded_intent_keeps_its_reservation: ["refunded-order-keeps-stock"]
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, status, given_back_at)
         VALUES ('pi_x', gen_random_uuid(), 'khalti', 100, '[]', 'failed', now());
         INSERT INTO refunds (provider, provider_refund_id, payment_intent_id, amount_minor, currency, status, told_at, updated_at)
         VALUES ('khalti', 'rf', 'pi_x', 100, 'NPR', 'processed', now(), now() - interval '3 minutes');
         INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
         VALUES ('pi_x', md5('variant1')::uuid, 1, now() + interval '1 hour');
         UPDATE inventory SET quantity_reserved = 1 WHERE variant_id = md5('variant1')::uuid"
    ended_purchase_has_trainer: ["session-beyond-end", "ended-purchase-has-trainer"]
        "UPDATE student_course_purchases SET is_active = false, ended_at = now() - interval '3 minutes', end_reason = 'refunded'
         WHERE student_id = md5('student1')::uuid"
    refund_of_unknown_payment: ["refund-of-unknown-payment"]
        "INSERT INTO refunds (provider, provider_refund_id, provider_payment_id, amount_minor, currency, status, told_at, created_at)
         VALUES ('razorpay', 'rfnd_1', 'pay_x', 1, 'INR', 'processed', now(), now() - interval '2 hours')"
    dispute_open_and_nothing_planned: ["dispute-open"]
        "INSERT INTO disputes (provider, provider_dispute_id, payment_id, amount_minor, currency, status, told_at)
         VALUES ('razorpay', 'disp_1', md5('payment1')::uuid, 1, 'INR', 'open', now());
         DELETE FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid"
    dispute_open: ["dispute-open"]
        "INSERT INTO disputes (provider, provider_dispute_id, provider_payment_id, amount_minor, currency, status, told_at)
         VALUES ('razorpay', 'disp_1', 'pay_x', 1, 'INR', 'action_required', now())"
    statement_payment_unknown: ["statement-payment-unknown"]
        "INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, state, occurred_at, outcome, first_seen_at, seen_at)
         VALUES ('razorpay', 'payment', 'pay_x', 'pay_x', 1, 'INR', 'moved', now() - interval '2 hours', 'too_young', now(), now())"
    statement_differs: ["statement-differs"]
        "INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, state, occurred_at, outcome, first_seen_at, seen_at)
         VALUES ('razorpay', 'payment', 'pay_x', 'pay_x', 1, 'INR', 'moved', now(), 'amount_differs', now() - interval '2 hours', now())"
    statement_unread: ["statement-unread"]
        "INSERT INTO sweep_runs (sweep, started_at, millis, done)
         VALUES ('statement', now(), 1, jsonb_build_object('from', now(), 'through', now() - interval '3 days'))"
    statement_of_stripe_unread: ["statement-unread"]
        "INSERT INTO sweep_runs (sweep, started_at, millis, done)
         SELECT 'statement', now(), 1, jsonb_build_object('from', now(), 'through', now(), 'stripe',
                jsonb_build_object('from', now(), 'through', now() - interval '3 days'))"
    payment_without_purchase: ["payment-without-purchase"]
        "INSERT INTO payments (student_id, amount_cents, status, metadata, confirmed_at)
         VALUES (gen_random_uuid(), 1, 'succeeded', jsonb_build_object('courseId', gen_random_uuid()), now() - interval '3 minutes')"
    payment_course_unreadable: ["payment-course-unreadable"]
        "INSERT INTO payments (student_id, amount_cents, status, metadata, confirmed_at)
         VALUES (gen_random_uuid(), 1, 'succeeded', '{\"courseId\": \"maths\"}', now() - interval '3 minutes')"
    two_active_purchases: ["two-active-purchases", "index-missing"]
        "DROP INDEX unique_active_purchase;
         INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
         VALUES (md5('student1')::uuid, md5('course1')::uuid, 30)"
    purchase_unpaid: ["purchase-unpaid"]
        "UPDATE payments SET status = 'failed' WHERE id = md5('payment1')::uuid"
    webhook_notes_trusted: ["webhook-notes-trusted"]
        "INSERT INTO audit_log (at, actor, action, subject)
         SELECT now() - interval '6 days' * n, 'receive-payment', 'payment.trust_notes', 'payment:' || gen_random_uuid() FROM generate_series(1, 2) n"
    purchase_of_no_payment: ["purchase-payment-missing"]
        "DELETE FROM payments WHERE id = md5('payment1')::uuid"
    purchase_of_another_students_payment: ["purchase-student-differs"]
        "UPDATE payments SET student_id = gen_random_uuid() WHERE id = md5('payment1')::uuid"
    purchase_of_a_payment_for_another_course: ["purchase-course-differs"]
        "UPDATE payments SET metadata = metadata || jsonb_build_object('courseId', gen_random_uuid()) WHERE id = md5('payment1')::uuid"
    purchase_of_a_payment_for_another_course_in_json_text: ["purchase-course-differs"]
        "UPDATE payments SET metadata = to_jsonb('{\"courseId\": \"' || gen_random_uuid() || '\"}') WHERE id = md5('payment1')::uuid"
    purchase_of_another_amount: ["purchase-amount-differs"]
        "UPDATE processed_events SET payload = '{\"amountCents\": 1}' WHERE correlation_id = md5('payment1')::uuid"
    purchase_of_another_currency: ["purchase-currency-differs"]
        "UPDATE processed_events SET payload = '{\"currency\": \"NPR\"}' WHERE correlation_id = md5('payment1')::uuid"
    purchase_of_another_tier: ["purchase-tier-differs"]
        "UPDATE payments SET metadata = metadata || '{\"purchaseTier\": 10}' WHERE id = md5('payment1')::uuid"
    purchase_without_allocation: ["purchase-without-allocation"]
        "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, created_at)
         VALUES (gen_random_uuid(), gen_random_uuid(), 30, now() - interval '3 minutes')"
    two_allocations: ["two-allocations", "index-missing"]
        "DROP INDEX unique_active_allocation;
         INSERT INTO trainer_allocations (student_id, course_id, trainer_id, requested_by, status)
         VALUES (md5('student1')::uuid, md5('course1')::uuid, gen_random_uuid(), gen_random_uuid(), 'active')"
    allocation_pending: ["allocation-pending"]
        "UPDATE trainer_allocations SET status = 'pending', trainer_id = NULL WHERE id = md5('allocation1')::uuid"
    no_sessions_ahead: ["sessions-missing"]
        "DELETE FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid"
    two_sessions_ahead_for_longer_than_a_top_up: ["sessions-missing"]
        "DELETE FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid
           AND scheduled_date > (SELECT day FROM (SELECT DISTINCT scheduled_date AS day FROM tutoring_sessions ORDER BY 1 LIMIT 2) d
                                 ORDER BY day DESC LIMIT 1);
         UPDATE tutoring_sessions SET updated_at = now() - interval '7 hours'"
    five_sessions_ahead: ["sessions-below-seven"]
        "DELETE FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid
           AND scheduled_date IN (SELECT DISTINCT scheduled_date FROM tutoring_sessions ORDER BY 1 LIMIT 2)"
    sessions_beyond_bought: ["sessions-beyond-bought"]
        "UPDATE trainer_allocations SET metadata = metadata || '{\"sessionCount\": 5}' WHERE id = md5('allocation1')::uuid"
    session_on_a_weekend: ["session-on-closed-day"]
        "UPDATE tutoring_sessions SET scheduled_date = scheduled_date + 6 - extract(isodow FROM scheduled_date)::integer
         WHERE allocation_id = md5('allocation1')::uuid
           AND scheduled_date = (SELECT max(scheduled_date) FROM tutoring_sessions)"
    session_on_a_blackout_day: ["session-on-closed-day"]
        "INSERT INTO session_blackout_dates (day, reason) SELECT max(scheduled_date), 'holiday' FROM tutoring_sessions"
    session_after_the_day_on_which_the_purchase_ends: ["session-beyond-end"]
        "UPDATE student_course_purchases p SET expiry_date = (d.last - 1 + time '23:59:59') AT TIME ZONE 'Asia/Kolkata'
         FROM (SELECT max(scheduled_date) AS last FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid) d
         WHERE p.payment_id = md5('payment1')::uuid"
    session_of_a_purchase_that_was_ended: ["session-beyond-end"]
        "UPDATE student_course_purchases SET is_active = false WHERE payment_id = md5('payment1')::uuid"
    sessions_of_a_trainer_who_left: ["purchase-without-allocation", "session-of-left-trainer"]
        "UPDATE trainer_allocations SET status = 'cancelled' WHERE id = md5('allocation1')::uuid"
    outbox_stuck: ["outbox-stuck"]
        "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, created_at)
         VALUES ('e', 'PURCHASE_CONFIRMED', 'purchase-confirmed', '{}', gen_random_uuid(), now() - interval '6 minutes')"
    purchase_not_announced: ["purchase-not-announced"]
        "DELETE FROM outbox WHERE event_id = 'purchase-created-' || overlay(md5('purchase10') PLACING '7' FROM 13)::uuid"
    allocation_not_announced: ["allocation-not-announced"]
        "DELETE FROM outbox WHERE event_id = 'trainer-allocated-' || md5('allocation10')::uuid"
    order_not_announced: ["order-not-announced"]
        "DELETE FROM outbox WHERE event_id = 'order-confirmed-' || md5('pi_esewa_10')::uuid"
    published_purchase_missing: ["announced-but-missing"]
        "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, published_at)
         VALUES ('purchase-created-' || gen_random_uuid(), 'PURCHASE_CREATED', 'purchase-created', '{}', gen_random_uuid(), now())"
    published_allocation_and_order_missing: ["announced-but-missing"]
        "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, published_at)
         VALUES ('trainer-allocated-' || gen_random_uuid(), 'TRAINER_ALLOCATED', 'trainer-allocated', '{}', gen_random_uuid(), now()),
                ('order-confirmed-' || gen_random_uuid(), 'ORDER_CONFIRMED', 'order-confirmed', '{}', gen_random_uuid(), now())"
    order_missing: ["order-missing"]
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
         VALUES ('pi_x', gen_random_uuid(), 'esewa', 1, '[]');
         INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, verified_at)
         VALUES ('esewa', 'x', 'pi_x', 'success', now() - interval '3 minutes')"
    statistics_old: ["statistics-old"]
        "ALTER TABLE health_samples SET (autovacuum_enabled = false);
         INSERT INTO health_samples (name, at, value) SELECT 'planted', now() - n * interval '1 second', n FROM generate_series(1, 10001) n"
    two_orders: ["two-orders", "constraint-missing"]
        "ALTER TABLE orders DROP CONSTRAINT unique_order_intent;
         INSERT INTO orders (id, order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
         SELECT md5('again')::uuid, 'ORD-AGAIN', user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents
         FROM orders WHERE id = md5('pi_esewa_10')::uuid;
         INSERT INTO order_items (order_id, variant_id, product_id, vendor_id, sku, product_name, quantity, unit_price_cents,
                                  total_price_cents)
         SELECT md5('again')::uuid, variant_id, product_id, vendor_id, sku, product_name, quantity, unit_price_cents, total_price_cents
         FROM order_items WHERE order_id = md5('pi_esewa_10')::uuid;
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type, reference_id)
         SELECT variant_id, 'sale', -quantity, 998, 'order', order_id FROM order_items WHERE order_id = md5('again')::uuid;
         UPDATE inventory SET quantity_available = 998 WHERE variant_id = md5('variant10')::uuid"
    checkout_with_two_orders: ["checkout-with-two-orders"]
        "UPDATE payment_intents SET user_id = md5('buyer')::uuid, metadata = coalesce(metadata, '{}') || '{\"checkout\": \"pi_esewa_10\"}'
         WHERE payment_intent_id IN ('pi_esewa_10', 'pi_esewa_20')"
    two_open_intents: ["two-open-intents"]
        "INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, amount_cents, items, expires_at)
         SELECT 'pi_' || n, md5('buyer')::uuid, md5('cart')::uuid, 'khalti', 1, '[]', now() + interval '30 minutes'
         FROM generate_series(1, 2) n"
    order_without_items: ["order-without-items"]
        "DELETE FROM order_items WHERE order_id = md5('pi_esewa_10')::uuid;
         DELETE FROM inventory_movements WHERE reference_id = md5('pi_esewa_10')::uuid;
         UPDATE inventory SET quantity_available = 1002 WHERE variant_id = md5('variant10')::uuid"
    order_of_another_amount_than_paid: ["order-amount-differs"]
        "UPDATE payment_gateway_verifications SET amount_verified = 19999 WHERE payment_intent_id = 'pi_esewa_10'"
    order_of_another_amount_than_its_items: ["order-amount-differs"]
        "UPDATE order_items SET total_price_cents = 19999 WHERE order_id = md5('pi_esewa_10')::uuid"
    order_below_price: ["order-below-price"]
        "UPDATE payment_intents SET price_until = now() - interval '2 days',
           metadata = coalesce(metadata, '{}') || jsonb_build_object('gateway', jsonb_build_object('unpaid_at', now() - interval '1 day'))
         WHERE payment_intent_id = 'pi_esewa_10';
         UPDATE product_variants SET price_cents = price_cents + 1"
    order_unpaid: ["order-unpaid"]
        "UPDATE payment_gateway_verifications SET status = 'failed' WHERE payment_intent_id = 'pi_esewa_10'"
    intent_undecided: ["intent-undecided"]
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, expires_at)
         VALUES ('pi_x', gen_random_uuid(), 'khalti', 1, '[]', now() - interval '2 hours')"
    stock_negative: ["stock-negative", "constraint-missing"]
        "ALTER TABLE inventory DROP CONSTRAINT inventory_never_oversold;
         UPDATE inventory SET quantity_available = -1 WHERE variant_id = md5('variant1')::uuid;
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
         VALUES (md5('variant1')::uuid, 'adjustment', -1001, -1)"
    stock_oversold: ["stock-oversold"]
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, expires_at)
         VALUES ('pi_x', gen_random_uuid(), 'khalti', 1, '[]', now() + interval '1 hour');
         INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
         VALUES ('pi_x', md5('variant1')::uuid, 1001, now() + interval '1 hour');
         UPDATE inventory SET quantity_reserved = 1001 WHERE variant_id = md5('variant1')::uuid"
    reserved_differs: ["reserved-differs"]
        "UPDATE inventory SET quantity_reserved = 3 WHERE variant_id = md5('variant1')::uuid"
    stock_differs: ["stock-differs"]
        "UPDATE inventory SET quantity_available = 999 WHERE variant_id = md5('variant1')::uuid"
    sold_differs: ["sold-differs"]
        "DELETE FROM inventory_movements WHERE reference_id = md5('pi_esewa_10')::uuid;
         UPDATE inventory SET quantity_available = 1002 WHERE variant_id = md5('variant10')::uuid"
    reservation_overdue: ["reservation-overdue"]
        "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, expires_at)
         VALUES ('pi_x', gen_random_uuid(), 'khalti', 1, '[]', now() - interval '3 minutes');
         INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
         VALUES ('pi_x', md5('variant1')::uuid, 1, now() - interval '3 minutes');
         UPDATE inventory SET quantity_reserved = 1 WHERE variant_id = md5('variant1')::uuid"
    reservation_not_consumed: ["reservation-not-consumed"]
        "INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
         VALUES ('pi_esewa_10', md5('variant1')::uuid, 1, now() + interval '1 hour');
         UPDATE inventory SET quantity_reserved = 1 WHERE variant_id = md5('variant1')::uuid"
    job_stuck: ["job-stuck"]
        "INSERT INTO job_queue (job_type, payload, status, attempts, locked_by, locked_until)
         VALUES ('finalize_order', '{}', 'processing', 1, 'dead', now() - interval '6 minutes')"
    job_untaken: ["job-untaken"]
        "INSERT INTO job_queue (job_type, payload, scheduled_for) VALUES ('finalize_order', '{}', now() - interval '11 minutes')"
    job_lease_left: ["job-lease-left"]
        "UPDATE job_queue SET locked_by = 'ghost' WHERE payload ->> 'payment_intent_id' = 'pi_esewa_10'"
    job_failed: ["job-failed"]
        "INSERT INTO job_queue (job_type, payload, status, failed_at) VALUES ('finalize_order', '{}', 'failed', now())"
    dead_letter_parked: ["letter-parked"]
        "INSERT INTO dead_letters (source, message_id, failure_reason) VALUES ('q', '1', 'x')"
    dead_letter_replay_unfinished: ["letter-replay-unfinished"]
        "INSERT INTO dead_letters (source, message_id, failure_reason, claimed_until)
         VALUES ('q', '1', 'x', now() - interval '6 minutes')"
    payment_made_several: ["payment-made-several"]
        "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, payment_id, is_active)
         VALUES (gen_random_uuid(), gen_random_uuid(), 30, md5('payment1')::uuid, false)"
    two_sessions_a_day: ["two-sessions-a-day"]
        "UPDATE tutoring_sessions SET scheduled_time = '5:00 PM', scheduled_date = (SELECT min(scheduled_date) FROM tutoring_sessions)
         WHERE allocation_id = md5('allocation1')::uuid
           AND scheduled_date = (SELECT max(scheduled_date) FROM tutoring_sessions)"
    index_missing: ["index-missing"]
        "DROP INDEX unique_provider_payment"
    constraint_missing: ["constraint-missing"]
        "ALTER TABLE job_queue DROP CONSTRAINT unique_job_idempotency"
}

#[tokio::test]
async fn an_order_whose_money_is_back_is_no_finding_while_it_is_asked_about_or_once_a_person_answered() {
    const REFUNDED: &str = "
        INSERT INTO refunds (provider, provider_refund_id, payment_intent_id, amount_minor, currency, status, told_at, updated_at)
        SELECT 'esewa', 'rf', payment_intent_id, amount_cents, currency, 'processed', now(), now() - interval '3 minutes'
        FROM payment_intents WHERE payment_intent_id = 'pi_esewa_10';
        UPDATE payment_intents SET given_back_at = now() WHERE payment_intent_id = 'pi_esewa_10';
        INSERT INTO payment_cases (kind, subject, payment_intent_id, details) VALUES ('given_back', 'pi_esewa_10', 'pi_esewa_10', '{}')";
    let scene = Scene::healthy(20).await;
    scene.database.run_sql(REFUNDED).await;
    for (answer, codes) in [
        ("SELECT 1", &[][..]),
        (
            "UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = 'asha'",
            &[],
        ),
        (
            "UPDATE payment_cases SET resolved_by = 'makegood'",
            &[("refunded-order-runs", 1)],
        ),
    ] {
        scene.database.run_sql(answer).await;
        assert_eq!(scene.found_later(TimeDelta::zero()).await, codes, "{answer}");
    }
    scene.drop().await;
}

#[tokio::test]
async fn a_missing_index_is_listed_with_the_rows_that_forbid_it() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "DROP INDEX unique_active_purchase;
             INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier)
             VALUES (md5('double')::uuid, md5('student1')::uuid, md5('course1')::uuid, 30)",
        )
        .await;
    let report = scene.check().await;
    let missing = report
        .findings
        .iter()
        .find(|finding| finding.code == "index-missing")
        .unwrap();
    let double = scene
        .database
        .count("SELECT count(*) FROM student_course_purchases WHERE id = md5('double')::uuid")
        .await;
    assert_eq!(double, 1);
    let line = &missing.examples[0];
    for part in ["unique_active_purchase", "absent", "1 keys", "student_id="] {
        assert!(line.contains(part), "{line}");
    }
    scene.drop().await;
}

#[tokio::test]
async fn an_invalid_index_is_missing() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'unique_session_slot'::regclass")
        .await;
    let report = scene.check().await;
    let lines: Vec<&str> = report
        .findings
        .iter()
        .flat_map(|finding| finding.examples.iter().map(String::as_str))
        .collect();
    assert_eq!(lines, ["unique_session_slot (invalid; no duplicates)"]);
    scene.drop().await;
}
