//! Strangers and buyers on the public routes that are not the console's: operators still read their pages.

use super::{PAGES, Pools, Silent, behind};
use crate::stage::{SESSION, get, with_cookie};
use futures::StreamExt as _;
use futures::stream::iter;
use makegood_local::identity::CONSOLE_CLIENT_ID;
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::Variables;
use makegood_tests::public;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

/// Each public route that is not the console's, and a request that its function has to think about.
const PUBLIC: [(&str, &str); 6] = [
    (
        "POST /payments/webhooks/razorpay",
        include_str!("../../../../../events/receive-payment.razorpay.http.json"),
    ),
    (
        "POST /payments/confirmations",
        include_str!("../../../../../events/receive-payment.confirmation.http.json"),
    ),
    (
        "POST /order-intents",
        include_str!("../../../../../events/create-order-intent.http.json"),
    ),
    (
        "POST /payments/verify",
        include_str!("../../../../../events/verify-payment.khalti.http.json"),
    ),
    (
        "POST /payments/verify",
        include_str!("../../../../../events/verify-payment.esewa.http.json"),
    ),
    (
        "GET /orders/status",
        include_str!("../../../../../events/order-status.http.json"),
    ),
];

/// Those of every function; the console believes this issuer.
fn variables(database: &TestDatabase, issuer: &Silent) -> Variables {
    let mut variables = public::variables(&database.pooler_url());
    variables.insert("OIDC_ISSUER".to_owned(), issuer.url.clone());
    variables.insert("OIDC_CLIENT_ID".to_owned(), CONSOLE_CLIENT_ID.to_owned());
    variables
}

/// The request of a client of its own, so that each is let through to the database.
fn of_client(sample: &str, client: usize) -> Value {
    let mut event: Value = serde_json::from_str(sample).expect("a sample");
    event["requestContext"]["http"]["sourceIp"] =
        json!(format!("198.51.{}.{}", 100 + client / 250 % 100, client % 250));
    let claims = &mut event["requestContext"]["authorizer"]["jwt"]["claims"];
    if !claims.is_null() {
        claims["sub"] = json!(uuid::Uuid::from_u128(client as u128));
    }
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_floods_a_public_route_keeps_no_operator_from_the_pages() {
    // GIVEN every function that the public reaches, in as many environments as are reserved
    let database = TestDatabase::create().await;
    let issuer = Silent::start().await;
    let routes = PUBLIC.map(|(route, _)| route);
    let pools = Pools::start(&[&routes[..], &[PAGES]].concat(), &variables(&database, &issuer)).await;
    let page = with_cookie(get("/admin/jobs"), &format!("{SESSION}={}", issuer.operator()));
    assert_eq!(pools.page(&page).await, Some(200));
    for (route, sample) in PUBLIC {
        // WHEN twice as many ask one of them as it has environments, again and again, until the operator has read the pages
        let read = AtomicBool::new(false);
        let refused = AtomicBool::new(false);
        let clients = 2 * behind(route).1;
        let flood = iter(0..)
            .take_while(|_| std::future::ready(!read.load(Ordering::Relaxed)))
            .map(|client| {
                let (pools, refused) = (&pools, &refused);
                async move {
                    match pools.ask(route, of_client(sample, client)).await {
                        Some(answer) => {
                            assert!(answer["statusCode"].as_u64() < Some(500), "{route}: {answer}")
                        }
                        None => {
                            refused.store(true, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                        }
                    }
                }
            })
            .buffer_unordered(clients)
            .for_each(|()| std::future::ready(()));
        let operator = async {
            let mut shown = Vec::new();
            for _ in 0..10 {
                shown.push(pools.page(&page).await);
            }
            read.store(true, Ordering::Relaxed);
            shown
        };
        let ((), shown) = futures::join!(flood, operator);
        // THEN the function has no environment left, and each page is shown
        assert!(
            refused.load(Ordering::Relaxed),
            "{route}: everybody found an environment"
        );
        assert_eq!(shown, [Some(200); 10], "{route}");
    }
    database.drop().await;
}
