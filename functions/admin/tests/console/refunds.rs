//! The page of refunds: the newest first, of one state, by any id that a person may have; each leads to what it is of.

use crate::stage::Stage;

const INTENT: &str = "pi_khalti_1767817344753_1f0c9a3e";
const OF_ORDER: &str = "00000000-0000-4000-8000-0000000000a1";
const OF_COURSE: &str = "00000000-0000-4000-8000-0000000000a2";
const PAYMENT: &str = "00000000-0000-4000-8000-0000000000a3";

async fn with_refunds() -> Stage {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, status, given_back_at)
             VALUES ('{INTENT}', md5('buyer')::uuid, 'khalti', 'pidx-1', 249900, '[]', 'failed', now());
             INSERT INTO refunds (id, provider, provider_refund_id, provider_payment_id, payment_id, payment_intent_id, amount_minor, currency, status, reason, told_at, created_at)
             VALUES ('{OF_ORDER}', 'khalti', 'kh-4711', 'pidx-1', NULL, '{INTENT}', 249900, 'NPR', 'processed', 'damaged on the way', now(), now()),
                    ('{OF_COURSE}', 'razorpay', 'rfnd-2', 'pay_2', '{PAYMENT}', NULL, 499900, 'INR', 'failed', NULL, now(), now() - interval '1 day');
             INSERT INTO audit_log (actor, action, subject, reason) VALUES ('asha', 'refund.record', 'refund:khalti:kh-4711', 'damaged on the way')"
        ))
        .await;
    stage
}

#[tokio::test]
async fn refunds_are_listed_the_newest_first_and_found_by_state_and_by_every_id() {
    let stage = with_refunds().await;
    let all = stage.page("/admin/refunds").await.body;
    let (first, second) = (all.find("kh-4711").unwrap(), all.find("rfnd-2").unwrap());
    assert!(first < second, "{all}");
    assert!(
        all.contains("NPR 2,499.00") && all.contains("INR 4,999.00"),
        "{all}"
    );
    for (query, shows, hides) in [
        ("status=failed", "rfnd-2", "kh-4711"),
        ("status=processed", "kh-4711", "rfnd-2"),
        ("of=kh-4711", "NPR 2,499.00", "rfnd-2"),
        ("of=pidx-1", "NPR 2,499.00", "rfnd-2"),
        (&format!("of={INTENT}"), "kh-4711", "rfnd-2"),
        (&format!("of={PAYMENT}"), "rfnd-2", "kh-4711"),
        (
            "of=kh-4711&status=failed",
            "No refund is like that",
            "NPR 2,499.00",
        ),
        ("of=unknown", "No refund is like that", "kh-4711"),
    ] {
        let shown = stage.page(&format!("/admin/refunds?{query}")).await.body;
        assert!(
            shown.contains(shows) && !shown.contains(hides),
            "{query}: {shown}"
        );
    }
    stage.close().await;
}

#[tokio::test]
async fn a_refund_tells_what_is_known_and_leads_to_what_it_is_of_and_the_timeline_tells_of_it() {
    let stage = with_refunds().await;
    let one = stage.page(&format!("/admin/refunds/{OF_ORDER}")).await;
    assert_eq!(one.status, 200);
    for part in [
        "NPR 2,499.00",
        "kh-4711",
        "pidx-1",
        "damaged on the way",
        "/admin/audit?subject=refund%3Akhalti%3Akh-4711",
        &format!("/admin/search?q={INTENT}"),
    ] {
        assert!(one.body.contains(part), "{part}: {}", one.body);
    }
    let audit = stage
        .page("/admin/audit?subject=refund:khalti:kh-4711")
        .await
        .body;
    assert!(audit.contains("asha"), "{audit}");
    let timeline = stage.page(&format!("/admin/timeline/intent/{INTENT}")).await.body;
    for part in [
        "</span> processed: NPR 2,499.00",
        "kh-4711",
        "all of the money is back",
        "nothing is owed: refunded",
    ] {
        assert!(timeline.contains(part), "{part}: {timeline}");
    }
    let unknown = "/admin/refunds/00000000-0000-4000-8000-0000000000a9";
    assert_eq!(stage.page(unknown).await.status, 404);
    stage.close().await;
}
