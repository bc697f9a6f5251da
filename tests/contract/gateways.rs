//! The gateways' protocols: the real clients against the stub over HTTP, and against answers as they are documented.

mod answers;
mod buyer;
mod callback;
mod misbehaving;
mod recorded;
mod rotation;

use aws_config::SdkConfig;
use chrono::{DateTime, Utc};
use makegood::config::Environment;
use makegood::gateway::amount::{paisa_of_paisa, paisa_of_rupees, rupees_of_paisa};
use makegood::gateway::{AskedPayment, Gateways, GatewaysConfig, OpenError, PaymentRequest};
use makegood_local::gateway::{GatewayStub, spawn};
use proptest::prelude::*;
use std::time::Duration;

const RETURN_URL: &str = "https://shop.test/checkout/return";
/// Rs. 1,000: enough for a separator.
const AMOUNT: i64 = 100_000;

/// The clients as a function has them, but for these variables.
async fn open(variables: &[(&str, &str)], patience: Duration) -> Result<Gateways, OpenError> {
    let mut environment = Environment::of(variables);
    let mut config = GatewaysConfig::read(&mut environment);
    environment.finish().expect("a complete environment");
    config.patience = patience;
    config.open(&SdkConfig::builder().build()).await
}

async fn clients(stub: &GatewayStub, changes: &[(&str, &str)]) -> Gateways {
    let owned = stub.variables(RETURN_URL);
    let mut variables: Vec<(&str, &str)> = owned
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    variables.extend_from_slice(changes);
    open(&variables, GatewaysConfig::PATIENCE)
        .await
        .expect("gateways")
}

/// The stub, and the real clients of it.
pub(crate) async fn scene() -> (GatewayStub, Gateways) {
    let stub = spawn().await.expect("a free port");
    let gateways = clients(&stub, &[]).await;
    (stub, gateways)
}

fn asked(external_transaction_id: &str) -> AskedPayment<'_> {
    AskedPayment {
        external_transaction_id,
        amount_minor: AMOUNT,
    }
}

fn request(amount_minor: i64) -> PaymentRequest<'static> {
    PaymentRequest {
        payment_intent_id: "pi_esewa_1767817344753_0a1b2c3d",
        amount_minor,
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_817_344, 0).expect("an instant")
}

#[tokio::test]
async fn an_empty_secret_does_not_start() {
    let stub = spawn().await.expect("a free port");
    for name in ["ESEWA_SECRET", "KHALTI_SECRET"] {
        let owned = stub.variables(RETURN_URL);
        let mut variables: Vec<(&str, &str)> = owned
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        variables.push((name, " \n"));
        let refused = open(&variables, GatewaysConfig::PATIENCE).await.expect_err(name);
        assert!(refused.to_string().contains(name), "{refused}");
    }
}

/// Groups from the right: three digits, then twos (as in Nepal) or threes.
fn group(digits: &str, size: usize) -> String {
    let (head, last) = digits.split_at(digits.len().saturating_sub(3));
    let groups: Vec<&str> = head
        .as_bytes()
        .rchunks(size)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.into_iter().chain([last]).collect::<Vec<_>>().join(",")
}

proptest! {
    #[test]
    fn an_amount_is_the_same_paisa_however_a_gateway_writes_it(rupees in 0..=92_233_720_368_547_757_i64, paisa in 0..100_i64) {
        let minor = rupees * 100 + paisa;
        let digits = rupees.to_string();
        for whole in [digits.clone(), group(&digits, 3), group(&digits, 2)] {
            prop_assert_eq!(paisa_of_rupees(&format!("{whole}.{paisa:02}")), Ok(minor));
            if paisa % 10 == 0 {
                prop_assert_eq!(paisa_of_rupees(&format!("{whole}.{}", paisa / 10)), Ok(minor));
            }
            prop_assert!(paisa_of_rupees(&format!("{whole}.{paisa:02}0")).is_err(), "three decimals");
            prop_assert!(paisa_of_rupees(&format!("-{whole}")).is_err(), "a sign");
        }
        prop_assert_eq!(paisa_of_rupees(&rupees_of_paisa(minor)), Ok(minor));
        prop_assert_eq!(paisa_of_paisa(&minor.to_string()), Ok(minor));
    }

    #[test]
    fn whatever_is_read_as_an_amount_is_exactly_that_amount(text in "[0-9]{1,18}(,[0-9]{1,3}){0,3}(\\.[0-9]{0,3})?") {
        if let Ok(minor) = paisa_of_rupees(&text) {
            let plain = text.replace(',', "");
            let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
            let expected = format!("{whole}{decimals:0<2}");
            prop_assert_eq!(format!("{minor:0>width$}", width = expected.len()), expected);
        }
    }
}
