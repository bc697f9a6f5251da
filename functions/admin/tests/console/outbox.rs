//! What waits to be published, without a word of what it says.

use crate::stage::Stage;

const PAYMENT: &str = "00000000-0000-4000-8000-0000000000a7";

#[tokio::test]
async fn what_waits_is_shown_by_topic_and_in_order_without_its_payload() {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, attempts, last_error, created_at, published_at, claimed_until)
             VALUES ('event-1', 'PURCHASE_CREATED', 'purchase-created', '{{\"name\": \"Asha Private\"}}', '{PAYMENT}', 2, 'the queue is full',
                     now() - interval '7 minutes', NULL, NULL),
                    ('event-2', 'ORDER_CONFIRMED', 'order-confirmed', '{{\"name\": \"Asha Private\"}}', '{PAYMENT}', 0, NULL,
                     now() - interval '2 minutes', NULL, NULL),
                    ('event-3', 'PURCHASE_CREATED', 'purchase-created', '{{\"name\": \"Asha Private\"}}', '{PAYMENT}', 0, NULL, now(), NULL,
                     now() + interval '30 seconds'),
                    ('event-4', 'PURCHASE_CREATED', 'purchase-created', '{{}}', '{PAYMENT}', 1, NULL, now(), now(), NULL)"
        ))
        .await;
    let page = stage.page("/admin/outbox").await.body;
    for part in [
        "<strong>3</strong> events wait",
        "the oldest for <strong>7 min</strong>",
        "the queue is full",
        "failed, due again",
        "waits for the sweep",
        "being published",
        &format!("/admin/search?q={PAYMENT}"),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let places = ["event-1", "event-2", "event-3"].map(|event| page.find(event).expect(event));
    assert!(places.is_sorted(), "{page}");
    assert!(!page.contains("event-4"), "it is published: {page}");
    assert!(!page.contains("Private"), "a payload is shown: {page}");
    stage.close().await;
}

#[tokio::test]
async fn a_long_outbox_is_paged_and_an_empty_one_says_that_nothing_waits() {
    let stage = Stage::open().await;
    let page = stage.page("/admin/outbox").await.body;
    assert!(page.contains("Nothing waits"), "{page}");
    stage
        .database
        .run_sql(
            "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
             SELECT 'event-' || n, 'PURCHASE_CREATED', 'purchase-created', '{}', gen_random_uuid() FROM generate_series(1, 10050) n",
        )
        .await;
    let page = stage.page("/admin/outbox").await.body;
    assert!(
        page.contains("At least <strong>10,000</strong> events wait"),
        "{page}"
    );
    assert!(
        page.contains(">event-50<") && !page.contains(">event-51<"),
        "{page}"
    );
    let (_, next) = page.split_once("/admin/outbox?after=").expect("a next page");
    let next = next.split('"').next().expect("a value");
    let page = stage.page(&format!("/admin/outbox?after={next}")).await.body;
    assert!(
        page.contains(">event-51<") && !page.contains(">event-50<"),
        "{page}"
    );
    stage.close().await;
}
