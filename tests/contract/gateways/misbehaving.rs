//! A provider that takes the link and says nothing, trickles, or answers 200 with nothing in it: each is left in time, and none of it
//! is taken for an answer. An empty answer that counted as the end of a list would hide every payment of that day.

use super::{AMOUNT, RETURN_URL, asked, now, open, request};
use aws_config::SdkConfig;
use makegood::config::Environment;
use makegood::gateway::{GatewaysConfig, Provider, Razorpay, RazorpayConfig, RazorpayList, Span};
use makegood_local::gateway::spawn;
use makegood_tests::misbehaving::{Manner, Misbehaving};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than the patience of a client, and much less than a body that never ends.
const LEFT_WITHIN: Duration = GatewaysConfig::PATIENCE.saturating_add(Duration::from_secs(10));

async fn razorpay(address: &str) -> Razorpay {
    let variables = [
        ("RAZORPAY_API_SECRET", "rzp_live_1:hush"),
        ("RAZORPAY_BASE_URL", address),
    ];
    let config = RazorpayConfig::read_if_any(&mut Environment::of(&variables)).expect("a key");
    config
        .open(&SdkConfig::builder().build())
        .await
        .expect("a client")
}

#[tokio::test]
async fn a_gateway_that_answers_with_nothing_says_nothing() {
    let stub = spawn().await.expect("a free port");
    for manner in Manner::ALL {
        let service = Misbehaving::start(manner).await;
        let owned = stub.variables(RETURN_URL);
        let mut variables: Vec<(&str, &str)> = owned
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        variables.extend([
            ("ESEWA_BASE_URL", service.url()),
            ("KHALTI_BASE_URL", service.url()),
        ]);
        let gateways = open(&variables, Duration::from_millis(300))
            .await
            .expect("gateways");
        for provider in [Provider::Esewa, Provider::Khalti] {
            let left = timeout(LEFT_WITHIN, gateways.ask(provider, &asked("txn-1"))).await;
            assert!(left.expect("left in time").is_err(), "{provider}, {manner:?}");
        }
        let payment = request(AMOUNT);
        let opening = gateways.open_payment(Provider::Khalti, &payment, now());
        let left = timeout(LEFT_WITHIN, opening).await;
        assert!(left.expect("left in time").is_err(), "{manner:?}");
    }
}

/// Whether each question was answered.
async fn answered_by(manner: Manner) -> [bool; 4] {
    let service = Misbehaving::start(manner).await;
    let razorpay = razorpay(service.url()).await;
    let span = Span {
        from: now(),
        to: now(),
    };
    let asked = futures::future::join4(
        razorpay.page(RazorpayList::Payments, span, 0),
        razorpay.settled_on(now().date_naive(), 0),
        razorpay.order("order_FS8TWyPrCsa0OB"),
        razorpay.payment("pay_FS8TWyPrCsa0OB"),
    );
    let (page, settled, order, payment) = timeout(LEFT_WITHIN, asked).await.expect("left in time");
    [page.is_ok(), settled.is_ok(), order.is_ok(), payment.is_ok()]
}

#[tokio::test]
async fn razorpays_lists_do_not_end_with_an_answer_that_says_nothing() {
    let all = futures::future::join_all(Manner::ALL.map(answered_by)).await;
    for (manner, answered) in Manner::ALL.into_iter().zip(all) {
        assert_eq!(answered, [false; 4], "{manner:?}");
    }
}
