//! What is open of a person: named, ended where that is said, or waited for.

use super::{BUYER, Person, ROWS, STUDENT, assert_gone, findings, scene};

/// Makes something open of the persons, and what is named for it.
const OPEN: [(Person, &str, &str); 12] = [
    (
        STUDENT,
        "UPDATE student_course_purchases SET is_active = true, ended_at = NULL, end_reason = NULL
         WHERE payment_id = md5('payment10')::uuid",
        "purchase-running",
    ),
    (
        STUDENT,
        "DELETE FROM student_course_purchases WHERE payment_id = md5('payment10')::uuid;
         UPDATE payment_cases SET kind = 'given_back' WHERE payment_id = md5('payment10')::uuid",
        "payment-unfulfilled",
    ),
    (
        STUDENT,
        "INSERT INTO payments (student_id, amount_cents, status) VALUES (md5('student10')::uuid, 1, 'initiated')",
        "payment-begun",
    ),
    (
        STUDENT,
        "UPDATE trainer_allocations SET status = 'approved' WHERE id = md5('allocation10')::uuid",
        "allocation-running",
    ),
    (
        STUDENT,
        "UPDATE payment_cases SET status = 'open', resolved_at = NULL WHERE payment_id = md5('payment10')::uuid",
        "case-open",
    ),
    (
        STUDENT,
        "UPDATE dead_letters SET status = 'parked' WHERE message_id = 'student-10'",
        "dead-letter-parked",
    ),
    (
        STUDENT,
        "UPDATE disputes SET status = 'open' WHERE payment_id = md5('payment10')::uuid",
        "dispute-open",
    ),
    (
        STUDENT,
        "UPDATE refunds SET status = 'created' WHERE payment_id = md5('payment10')::uuid",
        "refund-under-way",
    ),
    (
        BUYER,
        "UPDATE payment_cases SET kind = 'given_back' WHERE payment_intent_id = 'pi_esewa_10';
         DELETE FROM order_items WHERE order_id = md5('pi_esewa_10')::uuid;
         DELETE FROM outbox WHERE correlation_id = md5('pi_esewa_10')::uuid;
         DELETE FROM processed_events WHERE correlation_id = md5('pi_esewa_10')::uuid;
         DELETE FROM proposed_edits e USING dead_letters d WHERE d.correlation_id = md5('pi_esewa_10')::uuid AND e.subject = 'dead_letter:' || d.id;
         DELETE FROM dead_letters WHERE correlation_id = md5('pi_esewa_10')::uuid;
         DELETE FROM orders WHERE payment_intent_id = 'pi_esewa_10'",
        "intent-unfulfilled",
    ),
    (
        BUYER,
        "UPDATE orders SET status = 'confirmed' WHERE payment_intent_id = 'pi_esewa_10'",
        "order-not-shipped",
    ),
    (
        BUYER,
        "UPDATE orders SET status = 'refund_pending' WHERE payment_intent_id = 'pi_esewa_10'",
        "refund-due",
    ),
    (
        BUYER,
        "UPDATE job_queue SET status = 'failed', failed_at = now() WHERE payload ->> 'payment_intent_id' = 'pi_esewa_10'",
        "job-failed",
    ),
];

#[tokio::test]
async fn what_is_open_is_named_and_erased_only_when_that_is_said() {
    for (person, sql, code) in OPEN {
        let operator = scene().await;
        person.plant(&operator).await;
        operator.sql(sql).await;
        let before = operator.row(ROWS).await;
        let refused = person.erase(&operator).await;
        assert!(
            refused.code == 1 && refused.errors.contains(code),
            "{code}: {refused:?}"
        );
        assert_eq!(operator.row(ROWS).await, before, "{code}");
        assert_eq!(operator.count("SELECT count(*) FROM erased_people").await, 0);

        let erase = ["erase", "--also-open", "--reason", "r"];
        let mut erased = person.privacy(&operator, &erase).await;
        // The end of a course is published by the sweep, which the next run waits for.
        if erased.code == 1 {
            assert!(
                erased.output.contains("event-unpublished") && code == "purchase-running",
                "{code}: {erased:?}"
            );
            operator
                .sql("UPDATE outbox SET published_at = now() WHERE published_at IS NULL")
                .await;
            erased = person.privacy(&operator, &erase).await;
        }
        erased.succeeded();
        assert_gone(&operator, person).await;
        operator.close().await;
    }
}

#[tokio::test]
async fn what_was_paid_and_not_delivered_becomes_a_case_that_answers_for_it() {
    for (person, code) in [(STUDENT, "payment-unfulfilled"), (BUYER, "intent-unfulfilled")] {
        let operator = scene().await;
        let (_, sql, _) = OPEN.into_iter().find(|(_, _, found)| *found == code).unwrap();
        operator.sql(sql).await;
        person
            .privacy(&operator, &["erase", "--also-open", "--reason", "r"])
            .await
            .succeeded();
        let case = operator
            .row("SELECT kind, status, amount_cents FROM payment_cases WHERE details ->> 'code' = 'person_erased'")
            .await;
        assert_eq!(
            (case["kind"].as_str(), case["status"].as_str()),
            (Some("refund_due"), Some("open")),
            "{case}"
        );
        assert!(case["amount_cents"].as_i64() > Some(0), "{case}");
        let found: Vec<&str> = findings(&operator)
            .await
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert!(
            !found.contains(&"payment-without-purchase") && !found.contains(&"order-missing"),
            "{found:?}"
        );
        operator.close().await;
    }
}

#[tokio::test]
async fn a_checkout_that_may_be_paid_and_an_event_that_waits_are_never_overridden() {
    for (person, sql, code) in [
        (
            BUYER,
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
             VALUES ('pi_x', md5('buyer10')::uuid, 'khalti', 1, '[]')",
            "intent-open",
        ),
        (
            STUDENT,
            "UPDATE outbox SET published_at = NULL WHERE correlation_id = md5('payment10')::uuid",
            "event-unpublished",
        ),
        (
            STUDENT,
            "UPDATE dead_letters SET status = 'parked', claimed_until = now() + interval '1 minute'
             WHERE message_id = 'student-10'",
            "dead-letter-replayed",
        ),
        (
            BUYER,
            "UPDATE job_queue SET status = 'pending' WHERE payload ->> 'payment_intent_id' = 'pi_esewa_10'",
            "job-open",
        ),
    ] {
        let operator = scene().await;
        operator.sql(sql).await;
        let before = operator.row(ROWS).await;
        let refused = person
            .privacy(&operator, &["erase", "--also-open", "--reason", "r"])
            .await;
        assert!(
            refused.code == 1 && refused.errors.contains(code),
            "{code}: {refused:?}"
        );
        assert_eq!(operator.row(ROWS).await, before, "{code}");
        operator.close().await;
    }
}
