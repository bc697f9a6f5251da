//! The line of time says whether what is not there comes by itself, should be there, or waits for the reader, and leads to where
//! it is fixed.

use crate::stage::Stage;

const UNDER_WAY: &str = "00000000-0000-0000-0000-000000000001";
const MISSING: &str = "00000000-0000-0000-0000-000000000002";
const PARKED: &str = "00000000-0000-0000-0000-000000000003";
const UNDECIDED: &str = "00000000-0000-0000-0000-000000000004";
const DEAD_LETTER: &str = "00000000-0000-0000-0000-00000000000d";
const CASE: &str = "00000000-0000-0000-0000-00000000000c";

async fn with_payments() -> Stage {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO payments (id, student_id, amount_cents, currency, status, provider, provider_payment_id, metadata, confirmed_at, created_at)
             SELECT id::uuid, id::uuid, 499900, 'INR', 'succeeded', 'razorpay', 'pay_' || id, jsonb_build_object('courseId', id),
                    now() - old::interval, now() - old::interval
             FROM (VALUES ('{UNDER_WAY}', '20 seconds'), ('{MISSING}', '10 minutes'), ('{PARKED}', '10 minutes'), ('{UNDECIDED}', '10 minutes')) p (id, old);
             INSERT INTO dead_letters (id, source, message_id, event_type, event_id, correlation_id, failure_reason, raw)
             VALUES ('{DEAD_LETTER}', 'purchase-confirmed', 'm', 'PURCHASE_CONFIRMED', 'payment:{PARKED}:PURCHASE_CONFIRMED', '{PARKED}', 'no course', '{{}}');
             INSERT INTO payment_cases (id, kind, subject, payment_id, details) VALUES ('{CASE}', 'unfulfillable', 'payment:{UNDECIDED}', '{UNDECIDED}', '{{}}')"
        ))
        .await;
    stage
}

#[tokio::test]
async fn each_step_says_how_long_after_the_step_before_it_was() {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO payments (id, student_id, amount_cents, currency, status, provider, provider_payment_id, metadata, confirmed_at, created_at)
             VALUES ('{PARKED}', '{PARKED}', 499900, 'INR', 'succeeded', 'razorpay', 'pay_1', jsonb_build_object('courseId', '{PARKED}'),
                     '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z');
             INSERT INTO dead_letters (id, source, message_id, event_type, event_id, correlation_id, failure_reason, raw, parked_at)
             VALUES ('{DEAD_LETTER}', 'purchase-confirmed', 'm', 'PURCHASE_CONFIRMED', 'payment:{PARKED}:PURCHASE_CONFIRMED', '{PARKED}', 'no course', '{{}}',
                     '2026-01-01T00:00:01.25Z');
             INSERT INTO payment_cases (id, kind, subject, payment_id, details, opened_at)
             VALUES ('{CASE}', 'unfulfillable', 'payment:{PARKED}', '{PARKED}', '{{}}', '2026-01-01T00:03:21.75Z')"
        ))
        .await;
    let shown = stage
        .page(&format!("/admin/timeline/payment/{PARKED}"))
        .await
        .body;
    let since: Vec<&str> = shown
        .split("title=\"since the step before\">")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    assert_eq!(since, ["+1.2 s", "+3 min 20 s"], "{shown}");
    stage.close().await;
}

#[tokio::test]
async fn what_is_under_way_is_not_called_missing_and_what_waits_for_an_operator_leads_there() {
    let stage = with_payments().await;
    let words = ["under way", "needs you", "missing"];
    for (payment, word, place) in [
        (UNDER_WAY, "under way", "/admin/sweeps#reconcile".to_owned()),
        (MISSING, "missing", "/admin/sweeps#reconcile".to_owned()),
        (PARKED, "needs you", format!("/admin/dead-letters/{DEAD_LETTER}")),
        (UNDECIDED, "needs you", format!("/admin/cases/{CASE}")),
    ] {
        let shown = stage
            .page(&format!("/admin/timeline/payment/{payment}"))
            .await
            .body;
        let said = words.map(|word| shown.contains(&format!("</span> {word}</span>")));
        assert_eq!(said, words.map(|other| other == word), "{shown}");
        assert!(
            shown.contains(&format!("<a class=\"button\" href=\"{place}\">")),
            "{place}: {shown}"
        );
        assert!(shown.contains("received: INR 4,999.00 by razorpay"), "{shown}");
        let names_its_dead_letter = shown.contains(">deadLetterId<") || shown.contains("deadLetterId ");
        assert_eq!(names_its_dead_letter, payment == PARKED, "{shown}");
    }
    stage.close().await;
}
