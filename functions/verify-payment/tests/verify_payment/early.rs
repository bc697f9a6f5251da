//! What is said too early, wrongly or not at all never blocks the order that is owed in the end.

use crate::till::Till;
use makegood::gateway::Provider;
use makegood_local::gateway::{Behaviour, PaymentState};
use serde_json::json;
use std::time::Duration;

/// Everything that is no final word.
const EARLY: [Behaviour; 9] = [
    Behaviour::Answer(PaymentState::Pending),
    Behaviour::Answer(PaymentState::Ambiguous),
    Behaviour::Hang,
    Behaviour::ServerError,
    Behaviour::Garbage,
    Behaviour::DropConnection,
    Behaviour::Unavailable,
    Behaviour::RateLimited,
    Behaviour::Refuse,
];

#[tokio::test]
async fn nothing_that_was_said_early_blocks_the_order() {
    for provider in Provider::ALL {
        let till = Till::with_patience(Duration::from_millis(400)).await;
        for (number, early) in (1_u32..).zip(EARLY) {
            // GIVEN a buyer who has paid, and a gateway that does not say so yet
            let checkout = till.buyer(number, provider, &[(1 + number % 4, 1)]).await;
            till.gateway.pay(&checkout.external).unwrap();
            till.gateway.script_for(&checkout.external, [early]);
            // WHEN verified THEN nothing is decided, and nothing final is recorded
            let (status, answer) = till.verify(&checkout).await;
            assert_eq!(
                (status, &answer["status"], &answer["retry_after_ms"]),
                (202, &json!("pending"), &json!(2_000)),
                "{early:?}"
            );
            assert_eq!(till.verification(&checkout).await, "", "{early:?}");
            assert_eq!(
                till.rows("job_queue WHERE status = 'pending'").await,
                0,
                "{early:?}"
            );
            // WHEN the gateway says what is so THEN the order is made
            till.time_passes("3 seconds").await;
            let (status, answer) = till.verify(&checkout).await;
            assert_eq!((status, &answer["status"]), (200, &json!("success")), "{early:?}");
            till.work().await;
            assert_eq!(till.rows("orders").await, i64::from(number), "{early:?}");
            assert_eq!(till.status(&checkout).await, "succeeded", "{early:?}");
        }
        till.assert_sound().await;
        till.close().await;
    }
}

#[tokio::test]
async fn an_ambiguous_payment_keeps_its_goods_beyond_the_reservation_and_a_pending_one_does_not() {
    let till = Till::open().await;
    let ambiguous = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    let pending = till.buyer(2, Provider::Esewa, &[(1, 1)]).await;
    till.gateway
        .set(&ambiguous.external, PaymentState::Ambiguous)
        .unwrap();
    for checkout in [&ambiguous, &pending] {
        assert_eq!(till.verify(checkout).await.0, 202);
    }
    till.time_passes("36 minutes").await;
    assert_eq!(till.sweep("reservations").await["intents"], 1);
    assert_eq!(till.status(&ambiguous).await, "processing");
    assert_eq!(till.status(&pending).await, "expired");
    assert_eq!(till.reserved().await, 1);
    till.assert_sound().await;
    till.close().await;
}
