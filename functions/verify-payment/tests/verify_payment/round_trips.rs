//! What a verification costs in round trips to the database, besides the gateway's.

use crate::till::Till;
use makegood::gateway::Provider;
use makegood::verification::{Outcome, Payment};
use makegood_tests::link::Link;
use std::time::Duration;

#[tokio::test]
async fn a_verification_costs_two_round_trips_and_one_that_is_known_costs_one() {
    let till = Till::open().await;
    let link = Link::to_url(&till.database.pooler_url()).await;
    let mut verifier = till.function.verifier.clone();
    verifier.database = till.database.through_link(&link, 1);
    let mut costs = Vec::new();
    for (number, is_paid) in [(1, true), (2, false), (3, true), (4, false)] {
        let checkout = till.buyer(number, Provider::Esewa, &[(1, 1)]).await;
        if is_paid {
            till.gateway.pay(&checkout.external).unwrap();
        }
        let payment = Payment {
            provider: checkout.provider,
            external_transaction_id: checkout.external.clone(),
        };
        for _ in 0..2 {
            let before = link.round_trips();
            let outcome = verifier.verify(&payment, Duration::ZERO).await.unwrap();
            assert_eq!(matches!(outcome, Outcome::Final { .. }), is_paid, "{outcome:?}");
            costs.push(link.round_trips() - before);
        }
    }
    // The first of each kind pays for the connection and for preparing the statements. Then: to look and claim the question, and
    // to write what follows or that nothing does; and to look once more.
    assert_eq!(costs[4..], [2, 1, 2, 1]);
    till.work().await;
    assert_eq!(till.rows("orders").await, 2);
    till.assert_sound().await;
    verifier.database.close();
    till.close().await;
}
